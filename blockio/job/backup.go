package job

import (
	"context"
	"fmt"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/cosync"
)

// OnError says what fails if what a write is to overwrite cannot be copied.
type OnError int

// The policies.
const (
	// FailBackup ends the backup; the write goes on.
	FailBackup OnError = iota
	// FailWrite fails the write, which changes nothing; the backup goes on.
	FailWrite
)

// BackupOptions say how a [Backup] goes about it. The zero value is fine.
type BackupOptions struct {
	// OnError is what fails if a write cannot copy what it will overwrite. What
	// the crew cannot copy fails the backup in any case.
	OnError OnError
	// Coroutines is how many chunks the crew has in flight, and how many writes
	// copy at a time; 0 is [blockio.DefaultCoroutines]. Of more than that there
	// are no more than chunks, and more than 65536 are refused.
	Coroutines int
	// Chunk is how many bytes one request moves, in whole granules; 0 is
	// [blockio.DefaultChunk], and more than 1 GiB is refused.
	Chunk int
	// Granularity is how many bytes are copied before one of them is
	// overwritten, a power of two, up to 1 TiB; 0 is [DefaultGranularity], at
	// most a chunk, or what keeps the [Bitmap] below 8 MiB.
	Granularity int
	// Rate is how many bytes a second the crew copies at most, holes among
	// them, by the loop's clock; 0 is no limit. What is copied for a write is
	// not limited.
	Rate int64
	// Context, unless nil, cancels the backup when it is done, with its cause.
	Context context.Context
	// Progress, unless nil, is told how far it is after each chunk. It is called
	// on the loop and must not block.
	Progress func(BackupStatus)
}

// A BackupStatus tells how far a [Backup] is.
type BackupStatus struct {
	// Size is that of the devices, Remaining how many bytes are not copied
	// yet.
	Size, Remaining int64
	// Moved is what was copied.
	Moved
	// Before is how many bytes of these were copied for a write that waited.
	Before int64
	// Done says that all was copied and flushed.
	Done bool
}

// A Backup copies a device as it is at one moment, while it goes on changing.
// Make one with [StartBackup]. Its methods belong to the loop of its devices;
// those that take a self may yield, and any coroutine may call them.
type Backup struct {
	job
	onError OnError
	slots   *cosync.Semaphore // of those who copy for a write
	before  int64
}

// StartBackup begins to copy src to dst, which has the same size, as src is when
// StartBackup returns: it waits for a moment in which nothing is in flight on
// src. To back up several devices as they are at the same moment, drain all of
// them before, and end the drained sections when all backups have started.
//
// Nobody else may use dst until the backup has ended. It ends when all is copied
// and flushed, with [Backup.Cancel], when src is closed, or if something fails.
// It runs in tasks that are children of the caller's, and is cancelled with it.
//
// The error is an [*Error]; src is as it was then. It is [ErrBusy] if another job
// copies to dst, or dst to src, and [blockio.ErrSameDevice] also if one of them
// stands on the other.
func StartBackup(self *coro.Self, src, dst *blockio.Device, o BackupOptions) (*Backup, error) {
	b := &Backup{onError: o.OnError}
	b.kind, b.src, b.dst = "backup", src, dst
	err := b.prepare(self, options{o.Coroutines, o.Chunk, o.Granularity, o.Rate, o.Context})
	if err == nil && o.OnError != FailBackup && o.OnError != FailWrite {
		err = fmt.Errorf("OnError %d: want FailBackup or FailWrite", int(o.OnError))
	}
	if o.Progress != nil {
		b.tell = func() { o.Progress(b.Status()) }
	}
	if err == nil {
		b.last = b.flush
		b.slots = cosync.NewSemaphore(int64(b.coroutines))
		b.slots.SetName("writes that copy")
		err = b.begin(self, o.Context, func(under blockio.Driver) layer {
			return &backupFilter{Filter: blockio.Filter{Driver: under}, b: b}
		}, b.work)
	}
	if err != nil {
		return nil, b.failure(err)
	}
	return b, nil
}

// Status tells how far the backup is. It does not yield.
func (b *Backup) Status() BackupStatus {
	return BackupStatus{
		Size: b.size, Remaining: b.bits.Bytes(), Moved: b.moved, Before: b.before, Done: b.finished && b.err == nil,
	}
}

// Wait waits for the end of the backup. It returns nil if dst holds what src did
// at the start, and is flushed; else an [*Error].
func (b *Backup) Wait(self *coro.Self) error { return b.wait(self) }

// Cancel ends the backup, if it has not ended yet, and waits until its filter is
// off the source. The target is no copy then, and Wait's error is [ErrCancelled].
func (b *Backup) Cancel(self *coro.Self) { b.cancel(self) }

// work is one member of the crew: it copies what is not copied yet.
func (b *Backup) work(self *coro.Self) error {
	for !b.ended {
		ok, err := b.do(self, b.pick, b.copy)
		switch {
		case err != nil:
			return err
		case ok:
		case b.bits.Bytes() == 0:
			return nil
		default: // others are copying the rest
			b.changed.Wait(self, nil)
		}
	}
	return nil
}

// copy copies a range that nobody else copies. It counts as not copied until it
// is: writes to it wait that long.
func (b *Backup) copy(self *coro.Self, r blockio.Range) error {
	c := b.claims.take(r.Start, r.End(), true)
	defer func() {
		b.claims.release(self, c)
		b.changed.RestartAll(self)
		if b.tell != nil && !b.ended {
			b.tell()
		}
	}()
	if clearEarly {
		b.bits.Clear(r.Start, r.Length)
	}
	if err := b.move(self, r); err != nil {
		return err
	}
	b.bits.Clear(r.Start, r.Length)
	return nil
}

// clearEarly is a bug that tests plant, to see that they find it.
var clearEarly bool

// save copies what n bytes from off hold, as far as it is not copied yet. When it
// returns nil, they may be overwritten.
func (b *Backup) save(self *coro.Self, off, n int64) error {
	g := b.bits.Granularity()
	lo, hi := off&^(g-1), min(off+b.clip(off, n)+g-1, b.size+g-1)&^(g-1)
	for !b.ended {
		r, c := b.unsaved(lo, hi)
		if r.Length == 0 {
			return nil
		}
		if c != nil {
			c.waiting.Wait(self, nil)
			continue
		}
		b.slots.Acquire(self, 1)
		err := b.saveNext(self, lo, hi)
		if err != nil && b.onError == FailWrite && !b.ended {
			return fmt.Errorf("copying what was there before: %w", err)
		}
		if err != nil {
			b.end(self, err)
		}
	}
	return nil
}

// unsaved returns the first part of a range, at most a chunk, that is not copied
// yet, and the claim of one who is copying some of that.
func (b *Backup) unsaved(lo, hi int64) (blockio.Range, *claim) {
	r, ok := b.bits.Next(lo, min(b.chunk, hi-lo))
	if !ok || r.Start >= hi {
		return blockio.Range{}, nil
	}
	return r, b.claims.first(r.Start, r.End(), nil)
}

// saveNext copies what unsaved returns, in the slot that the caller has taken. By
// now somebody may have copied it, or be doing so.
func (b *Backup) saveNext(self *coro.Self, lo, hi int64) error {
	defer b.slots.Release(self, 1)
	r, c := b.unsaved(lo, hi)
	if b.ended || r.Length == 0 || c != nil {
		return nil
	}
	b.before += r.Length
	return b.copy(self, r)
}
