package blockio

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gohandoff/coroutine/blockio/internal/pace"
	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/aio"
)

const (
	// DefaultCoroutines is how many chunks a [Copy] has in flight.
	DefaultCoroutines = 16
	// DefaultChunk is how many bytes one request of a [Copy] moves. Of 64 KiB
	// to 2 MiB it was the fastest in memory, twice as fast as 256 KiB with
	// the default number of coroutines: a request for a worker costs some
	// 10 µs, a MiB some 100.
	DefaultChunk = 1 << 20
	// DefaultSaveEvery is the time between two calls of Save: what is lost at
	// most, and long against the time that a flush takes.
	DefaultSaveEvery = 5 * time.Second
)

// CopyOptions say how [Copy] goes about it. The zero value copies all of a source
// to a destination of the same size.
type CopyOptions struct {
	// Coroutines is how many chunks are in flight, each in a coroutine of its
	// own; 0 is [DefaultCoroutines], and more than 65536 are refused. Of more
	// than the default there are no more than chunks.
	Coroutines int
	// Chunk is how many bytes one request moves, rounded up to what both
	// devices want; 0 is [DefaultChunk], and more than 1 GiB is refused. Copy
	// needs Coroutines times Chunk bytes of memory, twice that to verify.
	Chunk int
	// Rate is how many bytes of data are read a second at most, by the loop's
	// clock; 0 is no limit. Holes are free.
	Rate int64
	// DetectZeroes has data that is all zeroes, in blocks of so many bytes,
	// become holes, too. 0 leaves data as data.
	DetectZeroes int
	// Resize gives the destination the size of the source; with Larger it makes
	// it larger only.
	Resize bool
	// Larger allows a destination that is larger than the source; what lies
	// behind the source's end stays as it is.
	Larger bool
	// Verify reads both devices when all is copied and flushed, and compares.
	// What the destination's driver has cached it reads from there.
	Verify bool
	// Context, unless nil, stops the copy when it is done. Copy returns when
	// the requests in flight have come back, with the context's cause.
	Context context.Context
	// Resume is where to go on: what it says is done is not copied again. Copy
	// adds to it what it has done, chunk by chunk, so that it is right also
	// after a cancelled task, from which Copy does not return. A new one is
	// the beginning; nil is, too.
	//
	// What is done is written, but before Copy returns without an error it is
	// not flushed: flush the destination before the checkpoint is stored, if
	// it is to survive a power cut, or let Save store it.
	Resume *Checkpoint
	// Save, unless nil, is called now and then to store a checkpoint, so that
	// a copy can be resumed also after its process was killed. Copy flushes
	// the destination before the call, so that all of the checkpoint, which
	// is Save's own, is durable. Save may yield; chunks are copied meanwhile.
	// It is called again when the last call has returned, never twice at a
	// time, and not once all is copied. An error ends the copy.
	Save func(self *coro.Self, cp *Checkpoint) error
	// SaveEvery is the time between two calls of Save, by the loop's clock;
	// the default is [DefaultSaveEvery].
	SaveEvery time.Duration
	// Progress, unless nil, is told how far the copy is: at the beginning, at
	// the end, and each time that so many bytes have been added as
	// ProgressEvery says. It is called on the loop and must not block.
	Progress func(CopyProgress)
	// ProgressEvery is in bytes; the default is a hundredth of the whole, but
	// at least 1 MiB.
	ProgressEvery int64
}

// A Checkpoint tells which parts of a copy are done. It can be stored as JSON.
type Checkpoint struct {
	// Size is that of the source.
	Size int64 `json:"size"`
	// Done are the parts of the destination that are as they shall be.
	Done Ranges `json:"done"`
}

// A Stage is a part of [Copy].
type Stage string

// The stages, in their order.
const (
	StageCopy   Stage = "copy"
	StageVerify Stage = "verify"
)

// CopyProgress tells how far a [Copy] is.
type CopyProgress struct {
	// Stage is what it does.
	Stage Stage
	// Done and Total are bytes of the stage, holes among them.
	Done, Total int64
}

// A CopyResult tells what [Copy] did.
type CopyResult struct {
	// Size is that of the source.
	Size int64
	// Resumed is how many bytes were done before.
	Resumed int64
	// Data is how many bytes were read and written.
	Data int64
	// Zeroes is how many bytes were made to read as zeroes, or did so
	// already; Detected is how many of these the source holds as data.
	Zeroes, Detected int64
	// Requests is how many reads, writes and zero writes were made, without
	// those that verify.
	Requests int64
	// Coroutines is how many were at work.
	Coroutines int
	// Elapsed is the time from begin to end, by the loop's clock; Verifying
	// is the part of it that went into that.
	Elapsed, Verifying time.Duration
	// Checkpoint is what is done, complete if there was no error.
	Checkpoint *Checkpoint
}

// Copy copies all of src to dst and flushes dst. Many chunks are in flight at a
// time. What src knows to be zeroes is not read, and becomes holes in dst where
// dst can have them; where dst has holes already it is not even written.
//
// Neither device may be changed by others meanwhile: a coroutine that has the source
// drained ([Device.DrainedBegin]) may copy it, so that the copy is of one moment.
// Chunks are copied in no particular order. It yields.
//
// The error is a [*CopyError]; the result tells what is done in any case. If the
// task is cancelled, Copy is unwound like anything else; what was done is in the
// checkpoint that it was given. It panics if a device is nil.
func Copy(self *coro.Self, dst, src *Device, opts CopyOptions) (CopyResult, error) {
	mustBe(dst, "Copy: the destination")
	mustBe(src, "Copy: the source")
	c, err := newCopier(self, dst, src, opts)
	if err == nil {
		err = c.all(self)
	}
	c.result.Elapsed = aio.LoopOf(self).Now().Sub(c.start)
	if err != nil {
		done := c.result.Checkpoint.Done.Bytes()
		if errors.Is(err, ErrCheckpoint) {
			done = 0 // of this copy
		}
		err = &CopyError{Src: src.Name(), Dst: dst.Name(), Done: done, Size: src.Size(), Err: err}
	}
	return c.result, err
}

// newCopier checks what can be checked before the first request, and prepares
// the rest. The copier is there also if there is an error, for its result.
func newCopier(self *coro.Self, dst, src *Device, opts CopyOptions) (*copier, error) {
	size := src.Size()
	step, err := plan(&opts.Coroutines, opts.Chunk, size, dst, src)
	c := &copier{
		opts: opts, src: extents{dev: src, size: size}, dst: extents{dev: dst, size: size}, size: size,
		step: step, align: int64(max(alignmentOf(src), alignmentOf(dst))),
		pace: pace.Pacer{Rate: opts.Rate}, start: aio.LoopOf(self).Now(),
		crew:   newCrew(opts.Context, opts.Coroutines, dst, src),
		tell:   teller{stage: StageCopy, total: size, every: opts.ProgressEvery, call: opts.Progress},
		result: CopyResult{Size: size, Coroutines: opts.Coroutines, Checkpoint: opts.Resume},
	}
	c.plan.SetName("the plan of a copy")
	if c.result.Checkpoint == nil {
		c.result.Checkpoint = new(Checkpoint)
	}
	cp := c.result.Checkpoint
	c.result.Resumed = cp.Done.Bytes()
	switch {
	case src == dst:
		return c, ErrSameDevice
	case err != nil:
		return c, err
	case opts.Rate < 0:
		return c, fmt.Errorf("rate %d: want 0 or more", opts.Rate)
	case opts.DetectZeroes < 0:
		return c, fmt.Errorf("detect zeroes %d: want 0 or more", opts.DetectZeroes)
	case c.result.Resumed > 0 && cp.Size != size:
		return c, fmt.Errorf("%w: it is of a copy of %d bytes, the source has %d", ErrCheckpoint, cp.Size, size)
	case cp.Done.beyond(size):
		return c, fmt.Errorf("%w: it reaches beyond the source's end at %d", ErrCheckpoint, size)
	}
	cp.Size = size
	c.saver.begin(opts, c.start)
	return c, nil
}

const (
	// maxCoroutines and maxChunk are more than any medium has use for. More is
	// a mistake, which would take all memory.
	maxCoroutines = 1 << 16
	maxChunk      = 1 << 30
)

// plan checks how many coroutines and chunks of what size were asked for, and
// fits them to a piece of work of size bytes on a and b. It returns the size of a
// chunk, rounded up to what both devices want.
func plan(coroutines *int, chunk int, size int64, a, b *Device) (step int64, err error) {
	if *coroutines < 0 {
		return 0, fmt.Errorf("coroutines %d: want 0 or more", *coroutines)
	}
	if chunk < 0 {
		return 0, fmt.Errorf("chunk %d: want 0 or more", chunk)
	}
	if *coroutines == 0 {
		*coroutines = DefaultCoroutines
	}
	if chunk == 0 {
		chunk = DefaultChunk
	}
	align := int64(max(alignmentOf(a), alignmentOf(b))) // powers of two
	step = (max(min(int64(chunk), size), 1) + align - 1) &^ (align - 1)
	if most := max(maxChunk, align); step > most {
		return 0, fmt.Errorf("chunk %d: want up to %d", chunk, most)
	}
	// Where there are holes, chunks are smaller, and there are more of them.
	most := max(size/step+1, DefaultCoroutines)
	if most = min(int64(*coroutines), most); most > maxCoroutines {
		return 0, fmt.Errorf("coroutines %d: want up to %d", *coroutines, maxCoroutines)
	}
	*coroutines = int(most)
	return step, nil
}

func alignmentOf(d *Device) int { return max(d.Limits().Alignment, 1) }

// mustBe panics if a device that was given is nil.
func mustBe(d *Device, what string) {
	if d == nil {
		panic("blockio: " + what + " is nil")
	}
}
