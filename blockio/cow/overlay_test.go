package cow_test

import (
	"errors"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/blockio/cow"
	"github.com/gohandoff/coroutine/blockio/mem"
	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/aio"
)

// A stub is a driver in memory that is slow, and fails, as a test likes it.
type stub struct {
	lasting
	lag   time.Duration
	fail  func(op blockio.Op, off, n int64) error
	calls []blockio.Op
}

func (s *stub) do(self *coro.Self, op blockio.Op, off, n int64) error {
	s.calls = append(s.calls, op)
	if s.lag > 0 {
		aio.Sleep(self, s.lag)
	}
	if s.fail != nil {
		return s.fail(op, off, n)
	}
	return nil
}

func (s *stub) ReadAt(self *coro.Self, p []byte, off int64) error {
	if err := s.do(self, blockio.OpRead, off, int64(len(p))); err != nil {
		return err
	}
	return s.lasting.ReadAt(self, p, off)
}

func (s *stub) WriteAt(self *coro.Self, p []byte, off int64, flags blockio.Flags) error {
	if err := s.do(self, blockio.OpWrite, off, int64(len(p))); err != nil {
		return err
	}
	return s.lasting.WriteAt(self, p, off, flags)
}

func (s *stub) Flush(self *coro.Self) error { return s.do(self, blockio.OpFlush, 0, 0) }

func newStub(size int64) *stub { return &stub{lasting: newLasting(size, mem.WithAlignment(512))} }

func TestBackingShowsThroughWhereNothingWasWritten(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		for _, size := range []int64{100 * kib, 300*kib + 17, mib} {
			storage := newStorage()
			below := base(t, self, 300*kib+17, 1)
			d := overlay(t, self, storage, below, cow.CreateOptions{Size: size, ClusterSize: 16 << 10})
			want := make([]byte, size)
			copy(want, pattern(300*kib+17, 1))
			wantBytes(t, "at first", want, contents(t, self, d))
			for _, w := range []struct{ off, n int64 }{{70000, 5}, {16 << 10, 32 << 10}, {40000, 30000}, {size - 3, 3}} {
				must(t, d.WriteAt(self, fill(w.n, 'w'), w.off))
				copy(want[w.off:], fill(w.n, 'w'))
				wantBytes(t, "after a write", want, contents(t, self, d))
			}
			wantBytes(t, "the backing", pattern(300*kib+17, 1), contents(t, self, below))
			d = reopen(t, self, d, storage, below)
			wantBytes(t, "opened again", want, contents(t, self, d))
			must(t, d.Close(self))
			check(t, self, storage)
		}
	})
}

func TestWriteFailsIfTheBackingCannotBeReadAndChangesNothing(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		storage, below := newStorage(), newStub(256*kib)
		backing := device(t, self, below)
		must(t, backing.WriteAt(self, pattern(256*kib, 1), 0))
		d := overlay(t, self, storage, backing, cow.CreateOptions{})
		below.fail = func(blockio.Op, int64, int64) error { return syscall.EIO }
		if err := d.WriteAt(self, fill(100, 'w'), 1000); !errors.Is(err, syscall.EIO) {
			t.Errorf("got error %v, want %v", err, syscall.EIO)
		}
		if err := d.WriteZeroes(self, 1000, 100, 0); !errors.Is(err, syscall.EIO) {
			t.Errorf("got error %v, want %v", err, syscall.EIO)
		}
		// What covers whole clusters needs nothing of the backing.
		must(t, d.WriteAt(self, fill(64*kib, 'x'), 64*kib))
		below.fail = nil
		want := pattern(256*kib, 1)
		copy(want[64*kib:], fill(64*kib, 'x'))
		wantBytes(t, "afterwards", want, contents(t, self, d))
		must(t, d.Close(self))
		r := check(t, self, storage)
		wantEqual(t, "clusters with data", 1, r.Data)
		wantEqual(t, "leaked bytes", 0, r.Leaked)
	})
}

func TestWritesToOneClusterCopyItOnceAndOthersDoNotWait(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		storage, below := newStorage(), newStub(mib)
		d := overlay(t, self, storage, device(t, self, below), cow.CreateOptions{})
		must(t, d.WriteAt(self, fill(64*kib, 'o'), 512*kib)) // so that it has data
		must(t, d.Flush(self))
		below.lag = time.Second
		below.calls = nil
		begin := aio.LoopOf(self).Now()
		var tasks []*aio.Task
		for i := range int64(16) {
			tasks = append(tasks, aio.Go(self, func(self *coro.Self) error { return d.WriteAt(self, fill(512, 'a'+byte(i)), i*1024) }))
		}
		aio.Yield(self)
		must(t, d.WriteAt(self, fill(512, 'o'), 512*kib))
		must(t, d.ReadAt(self, make([]byte, 512), 513*kib))
		must(t, d.WriteZeroes(self, 128*kib, 64*kib, 0))
		must(t, d.Flush(self))
		wantEqual(t, "what the others took", 0, aio.LoopOf(self).Now().Sub(begin))
		for _, task := range tasks {
			must(t, task.Wait(self))
		}
		reads := len(slices.DeleteFunc(below.calls, func(op blockio.Op) bool { return op != blockio.OpRead }))
		wantEqual(t, "reads of the backing", 1, reads)
		wantEqual(t, "time", time.Second, aio.LoopOf(self).Now().Sub(begin))
		for i := range int64(16) {
			p := make([]byte, 1024)
			must(t, d.ReadAt(self, p, i*1024))
			wantBytes(t, "a write", append(fill(512, 'a'+byte(i)), make([]byte, 512)...), p)
		}
		must(t, d.Close(self))
	})
}

func TestKilledWriteChangesNothing(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		killed := errors.New("killed")
		storage, below := newStorage(), newStub(256*kib)
		s := &stub{lasting: storage}
		backing := device(t, self, below)
		must(t, backing.WriteAt(self, pattern(256*kib, 1), 0))
		create(t, self, storage, cow.CreateOptions{Backing: backing})
		d := device(t, self, openDriver(t, self, s, backing, cow.Options{}))
		s.lag, below.lag = time.Second, time.Second
		for _, at := range []time.Duration{1, time.Second + 1} { // in the read, in the write
			first := aio.Go(self, func(self *coro.Self) error { return d.WriteAt(self, fill(100, 'w'), 1000) })
			second := aio.Go(self, func(self *coro.Self) error { return d.WriteAt(self, fill(100, 'x'), 60000) })
			aio.Sleep(self, at)
			first.Cancel(killed)
			if err := first.Wait(self); !errors.Is(err, killed) {
				t.Errorf("got error %v, want %v", err, killed)
			}
			must(t, second.Wait(self)) // it waited for the first
			want := pattern(256*kib, 1)
			copy(want[60000:], fill(100, 'x'))
			wantBytes(t, "afterwards", want, contents(t, self, d))
			must(t, d.Discard(self, 0, 64*kib))
			must(t, d.WriteAt(self, pattern(64*kib, 1), 0)) // as it was
		}
		s.lag, below.lag = 0, 0
		must(t, d.Close(self))
		r := check(t, self, storage)
		wantEqual(t, "clusters with data", 1, r.Data)
		wantEqual(t, "leaked bytes", 0, r.Leaked)
	})
}

func TestZeroesHideTheBacking(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		for _, flags := range []blockio.Flags{0, blockio.MayUnmap, blockio.FUA, blockio.FUA | blockio.MayUnmap} {
			storage := newStorage()
			below := base(t, self, 512*kib, 1)
			d := overlay(t, self, storage, below, cow.CreateOptions{})
			want := pattern(512*kib, 1)
			must(t, d.WriteAt(self, fill(128*kib, 'w'), 64*kib))
			copy(want[64*kib:], fill(128*kib, 'w'))
			for _, r := range []struct{ off, n int64 }{{100 * kib, 64 * kib}, {256 * kib, 64 * kib}, {330 * kib, 1000}, {500 * kib, 12 * kib}} {
				must(t, d.WriteZeroes(self, r.off, r.n, flags))
				clear(want[r.off:][:r.n])
				wantBytes(t, "after zeroes", want, contents(t, self, d))
			}
			d = reopen(t, self, d, storage, below)
			wantBytes(t, "opened again", want, contents(t, self, d))
			must(t, d.Close(self))
			check(t, self, storage)
		}
	})
}

func TestDiscardDoesNotBringTheBackingBack(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		storage := newStorage()
		below := base(t, self, 512*kib, 1)
		d := overlay(t, self, storage, below, cow.CreateOptions{})
		want := pattern(512*kib, 1)
		must(t, d.WriteAt(self, fill(128*kib, 'w'), 64*kib))
		must(t, d.Discard(self, 0, 512*kib))
		clear(want[64*kib : 192*kib])
		wantBytes(t, "after a discard", want, contents(t, self, d))
		pages := storage.Pages()
		must(t, d.Flush(self))
		if storage.Pages() >= pages {
			t.Errorf("the storage has %d pages after the discard, %d before: want less", storage.Pages(), pages)
		}
		must(t, d.Close(self))
		r := check(t, self, storage)
		wantEqual(t, "data", 0, r.Data)
		wantEqual(t, "zero", 2, r.Zero)
	})
}

// statuses lists what BlockStatus says of all of a device.
func statuses(t *testing.T, self *coro.Self, d *blockio.Device) (list []string) {
	t.Helper()
	for off := int64(0); off < d.Size(); {
		s, n, err := d.BlockStatus(self, off, d.Size()-off)
		must(t, err)
		list = append(list, strings.Join([]string{s.String(), sizeOf(n)}, " "))
		off += n
	}
	return list
}

func sizeOf(n int64) string { return (time.Duration(n/kib) * time.Second).String() } // 64 KiB is 1m4s

func TestStatusIsTheOverlaysOrTheBackings(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		below := device(t, self, newLasting(512*kib))
		must(t, below.WriteAt(self, fill(8*kib, 'b'), 0))
		must(t, below.WriteAt(self, fill(8*kib, 'b'), 300*kib))
		d := overlay(t, self, newStorage(), below, cow.CreateOptions{Size: mib})
		must(t, d.WriteAt(self, fill(1, 'w'), 64*kib))
		must(t, d.WriteZeroes(self, 256*kib, 64*kib, 0))
		wantEqual(t, "status", []string{
			"data 8s", "hole,zero 56s", // the backing's
			"data 1m4s",      // written
			"hole,zero 2m8s", // the backing's
			"hole,zero 1m4s", // zeroed
			"hole,zero 3m12s", "hole,zero 8m32s",
		}, statuses(t, self, d))
		must(t, d.Close(self))
	})
}

func TestWhatWasCutOffDoesNotComeBack(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		storage := newStorage()
		below := base(t, self, 512*kib, 1)
		d := overlay(t, self, storage, below, cow.CreateOptions{ClusterSize: 4 << 10})
		want := pattern(512*kib, 1)
		must(t, d.WriteAt(self, fill(8*kib, 'w'), 98*kib))
		copy(want[98*kib:], fill(8*kib, 'w'))
		cut := 100*kib + 77
		for _, n := range []int64{cut, 200 * kib, 3 * mib, 3<<30 + 5, 150 * kib, mib} {
			must(t, d.Resize(self, n))
			if n == cut {
				want = want[:cut]
			}
			d = reopen(t, self, d, storage, below)
			wantEqual(t, "size", n, d.Size())
			p := make([]byte, min(n, mib))
			must(t, d.ReadAt(self, p, 0))
			wantBytes(t, "contents", append(slices.Clone(want), make([]byte, max(0, int64(len(p))-cut))...), p)
			if n > 2<<30 { // through the new root
				must(t, d.WriteAt(self, fill(3, 'e'), n-3))
				d = reopen(t, self, d, storage, below)
				p := make([]byte, 4)
				must(t, d.ReadAt(self, p, n-4))
				wantBytes(t, "the end", []byte("\x00eee"), p)
			}
		}
		if err := d.Resize(self, 1<<50); !errors.Is(err, cow.ErrTooLarge) {
			t.Errorf("got error %v, want %v", err, cow.ErrTooLarge)
		}
		must(t, d.Close(self))
		check(t, self, storage)
	})
}

func TestForcedWriteIsDurableWithoutAFlush(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		s := newStub(0)
		d := overlay(t, self, s, nil, cow.CreateOptions{Size: mib})
		flushes := func(f func()) (n int) {
			s.calls = nil
			f()
			return len(slices.DeleteFunc(s.calls, func(op blockio.Op) bool { return op != blockio.OpFlush }))
		}
		wantEqual(t, "flushes for a new cluster", 2, flushes(func() { must(t, d.WriteAtFlags(self, fill(512, 'w'), 0, blockio.FUA)) }))
		wantEqual(t, "flushes in place", 0, flushes(func() { must(t, d.WriteAtFlags(self, fill(512, 'w'), 512, blockio.FUA)) }))
		must(t, d.WriteAt(self, fill(512, 'w'), 64*kib))
		wantEqual(t, "flushes in place, the entry not durable", 2, flushes(func() { must(t, d.WriteAtFlags(self, fill(512, 'w'), 64*kib, blockio.FUA)) }))
		wantEqual(t, "flushes for nothing", 0, flushes(func() { must(t, d.WriteZeroes(self, 512*kib, 64*kib, blockio.FUA)) }))
		wantEqual(t, "flushes for zeroes, where nothing else is new", 1, flushes(func() { must(t, d.WriteZeroes(self, 0, 64*kib, blockio.FUA|blockio.MayUnmap)) }))
		s.lag = time.Second
		var tasks []*aio.Task
		n := flushes(func() {
			for i := range int64(15) {
				tasks = append(tasks, aio.Go(self, func(self *coro.Self) error {
					return d.WriteAtFlags(self, fill(512, 'w'), (i+1)*64*kib, blockio.FUA)
				}))
			}
			for _, task := range tasks {
				must(t, task.Wait(self))
			}
		})
		if n > 4 {
			t.Errorf("got %d flushes for 15 writes at a time, want 4 at most", n)
		}
		s.lag = 0
		must(t, d.Close(self))
	})
}

func TestFullStorageFailsTheWriteOnly(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		storage := newLasting(64*kib*5, mem.WithAlignment(512))
		fixed := struct{ blockio.Filter }{blockio.Filter{Driver: fixedSize{storage}}}
		d := overlay(t, self, fixed, nil, cow.CreateOptions{Size: mib}) // header, root, table, and two clusters
		must(t, d.WriteAt(self, fill(128*kib, 'w'), 0))
		if err := d.WriteAt(self, fill(1, 'x'), 500*kib); !errors.Is(err, cow.ErrFull) {
			t.Errorf("got error %v, want %v", err, cow.ErrFull)
		}
		must(t, d.Discard(self, 0, 64*kib))
		must(t, d.Flush(self)) // not before then may it be used again
		must(t, d.WriteAt(self, fill(64*kib, 'x'), 512*kib))
		want := make([]byte, mib)
		copy(want[64*kib:], fill(64*kib, 'w'))
		copy(want[512*kib:], fill(64*kib, 'x'))
		d = reopen(t, self, d, fixed, nil)
		wantBytes(t, "contents", want, contents(t, self, d))
		must(t, d.Close(self))
	})
}

// fixedSize cannot be resized, and does nothing else but read and write.
type fixedSize struct{ l lasting }

func (f fixedSize) ReadAt(self *coro.Self, p []byte, off int64) error {
	return f.l.ReadAt(self, p, off)
}

func (f fixedSize) WriteAt(self *coro.Self, p []byte, off int64, flags blockio.Flags) error {
	return f.l.WriteAt(self, p, off, flags)
}
func (f fixedSize) Flush(self *coro.Self) error { return f.l.Flush(self) }
func (f fixedSize) Size() int64                 { return f.l.Size() }
func (f fixedSize) Limits() blockio.Limits      { return f.l.Limits() }
func (f fixedSize) Close(*coro.Self) error      { return nil }
func (f fixedSize) String() string              { return "fixed" }

func TestOverlaysStackAndAreDescribed(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		lower := overlay(t, self, newStorage(), base(t, self, 256*kib, 1, blockio.WithReadOnly()), cow.CreateOptions{})
		must(t, lower.WriteAt(self, fill(10, 'l'), 5))
		d := overlay(t, self, newStorage(), lower, cow.CreateOptions{})
		must(t, d.WriteAt(self, fill(3, 'u'), 0))
		p := make([]byte, 8)
		must(t, d.ReadAt(self, p, 2))
		wantBytes(t, "both", append([]byte{'u'}, append(pattern(5, 1)[3:5], "lllll"...)...), p)
		got := blockio.Describe(d)
		if !strings.Contains(got, "├── file = ") || !strings.Contains(got, "└── backing = overlay storage") {
			t.Errorf("got %s", got)
		}
		must(t, d.Close(self))
		must(t, lower.ReadAt(self, p, 0)) // it was to be kept
		must(t, lower.Close(self))
	})
}
