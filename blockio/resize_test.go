package blockio_test

import (
	"errors"
	"testing"
	"time"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/blockio/mem"
	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/aio"
)

func TestResizeWaitsForRequestsBehindTheNewEnd(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		s := newStub(8192, blockio.Limits{})
		s.lag = 10 * ms
		d := open(t, self, s)
		behind := at(self, 0, func(self *coro.Self) error { return d.WriteAt(self, fill(512, 'a'), 6000) })
		resize := at(self, 5*ms, func(self *coro.Self) error { return d.Resize(self, 4096) })
		before := at(self, 6*ms, func(self *coro.Self) error { return d.WriteAt(self, fill(512, 'b'), 0) })
		took := elapsed(self, func() { wait(t, self, before) })
		wantEqual(t, "time of one that is not concerned", 16*ms, took)
		wait(t, self, behind, resize)
		s.wantCalls(t, "write 6000+512", "write 0+512", "resize 0+4096")
	})
}

func TestRequestThatWaitedForAResizeIsCheckedAgain(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		s := newStub(8192, blockio.Limits{})
		s.lag = 10 * ms
		d := open(t, self, s)
		resize := at(self, 0, func(self *coro.Self) error { return d.Resize(self, 4096) })
		late := at(self, 5*ms, func(self *coro.Self) error { return d.WriteAt(self, fill(512, 'a'), 6000) })
		if err := late.Wait(self); !errors.Is(err, blockio.ErrOutOfRange) {
			t.Errorf("got error %v, want %v", err, blockio.ErrOutOfRange)
		}
		wait(t, self, resize)
		s.wantCalls(t, "resize 0+4096")
	})
}

func TestResizesAreDoneInOrder(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		s := newStub(8192, blockio.Limits{Alignment: 512})
		s.lag = 10 * ms
		d := open(t, self, blockChecked(t, s))
		must(t, d.WriteAt(self, fill(8192, 'a'), 0))
		var tasks []*aio.Task
		for i, n := range []int64{3000, 9000, 1000, 10_000} {
			tasks = append(tasks, at(self, ms*time.Duration(i), func(self *coro.Self) error { return d.Resize(self, n) }))
		}
		wait(t, self, tasks...)
		wantEqual(t, "contents", "1000xa 9000x.", runs(contents(t, self, d)))
	})
}

func TestFailedResizeLeavesTheSize(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		s := newStub(8192, blockio.Limits{})
		d := open(t, self, s)
		s.fail = func(blockio.Op, int64, int64) error { return errors.New("no") }
		if err := d.Resize(self, 100); err == nil {
			t.Error("got no error")
		}
		wantEqual(t, "size", 8192, d.Size())
		if err := open(t, self, basic{s}).Resize(self, 100); !errors.Is(err, blockio.ErrNotSupported) || !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("got error %v, want %v", err, blockio.ErrNotSupported)
		}
	})
}

func TestDiscardReachesTheEnd(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		for _, alignment := range []int{1, 512} {
			m := mem.New(10_000, mem.WithAlignment(alignment))
			d := open(t, self, blockChecked(t, m))
			must(t, d.WriteAt(self, fill(10_000, 'a'), 0))
			must(t, d.Discard(self, 1, 9999))
			wantEqual(t, "contents", "4096xa 5904x.", runs(contents(t, self, d)))
		}
	})
}

func TestWriteZeroesFallsBackToWriting(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		s := newStub(1<<20, blockio.Limits{Alignment: 512})
		d := open(t, self, s)
		slow := open(t, self, basic{s}, blockio.WithName("slow"))
		for _, d := range []*blockio.Device{d, slow} {
			must(t, d.WriteAt(self, fill(1<<20, 'a'), 0))
			s.fail = func(op blockio.Op, _, _ int64) error {
				if op == blockio.OpZeroes {
					return blockio.ErrNotSupported
				}
				return nil
			}
			if err := d.WriteZeroes(self, 10, 1<<20-20, blockio.NoFallback); !errors.Is(err, blockio.ErrNotSupported) {
				t.Errorf("got error %v, want %v", err, blockio.ErrNotSupported)
			}
			wantEqual(t, "contents", "1048576xa", runs(contents(t, self, d)))
			must(t, d.WriteZeroes(self, 10, 1<<20-20, 0))
			wantEqual(t, "contents", "10xa 1048556x. 10xa", runs(contents(t, self, d)))
		}
	})
}

// Somebody who does not know what a coroutine waits for may wake it.
func TestRequestThatIsWokenInVainGoesOnWaiting(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		s := newStub(8192, blockio.Limits{Alignment: 512})
		s.lag = 10 * ms
		d := open(t, self, s, blockio.WithMaxInFlight(2))
		var tasks []*aio.Task
		for i := range int64(4) {
			tasks = append(tasks, at(self, 0, func(self *coro.Self) error { return d.WriteAt(self, fill(1, 'a'), i) }))
		}
		loop := aio.LoopOf(self)
		for range 80 {
			aio.Sleep(self, ms)
			for _, task := range tasks {
				co := task.Coroutine()
				// Not those in the driver's sleep: that is not ours to test.
				if co.Status() == coro.Suspended && !co.Scheduled() && blockio.Waits(co.WaitsFor()) {
					loop.Schedule(co)
				}
			}
		}
		wait(t, self, tasks...)
		wantEqual(t, "contents", "4xa 8188x.", runs(contents(t, self, d)))
	})
}
