package blockio_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/blockio/mem"
	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/aio"
)

func TestDrainedBeginReturnsWhenNothingIsInFlight(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		s := newStub(8192, blockio.Limits{})
		s.lag = 10 * ms
		d := open(t, self, s)
		d.DrainedBegin(self) // nothing is: at once
		d.DrainedEnd(self)
		w := at(self, 0, func(self *coro.Self) error { return d.WriteAt(self, fill(512, 'a'), 0) })
		aio.Sleep(self, ms)
		took := elapsed(self, func() { d.DrainedBegin(self) })
		wantEqual(t, "time until drained", 9*ms, took)
		wantEqual(t, "requests in flight", 0, d.Stats().InFlight)
		d.DrainedEnd(self)
		wait(t, self, w)
	})
}

func TestDrainedSectionHoldsNewRequestsUntilItsEnd(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		s := newStub(1<<20, blockio.Limits{Alignment: 512})
		s.lag = ms
		d := open(t, self, s)
		d.DrainedBegin(self)
		var tasks []*aio.Task
		for i := range int64(50) {
			tasks = append(tasks, aio.Go(self, func(self *coro.Self) error { return d.WriteAt(self, fill(700, 'a'), i*300) }))
		}
		tasks = append(tasks, aio.Go(self, d.Flush),
			aio.Go(self, func(self *coro.Self) error { return d.Resize(self, 2<<20) }),
			aio.Go(self, func(self *coro.Self) error { return d.Discard(self, 0, 8192) }))
		aio.Sleep(self, 100*ms)
		s.wantCalls(t)
		wantEqual(t, "requests held", 53, d.Stats().Held)
		d.DrainedEnd(self)
		wait(t, self, tasks...) // no request is lost
	})
}

func TestDrainedSectionsNest(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		s := newStub(8192, blockio.Limits{})
		d := open(t, self, s)
		d.DrainedBegin(self)
		d.DrainedBegin(self)
		r := aio.Go(self, func(self *coro.Self) error { return d.ReadAt(self, make([]byte, 1), 0) })
		d.DrainedEnd(self)
		aio.Sleep(self, ms)
		s.wantCalls(t)
		d.DrainedEnd(self)
		wait(t, self, r)
		s.wantCalls(t, "read 0+1")
	})
}

func TestTheOneWhoDrainedMayUseTheDevice(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		s := newStub(8192, blockio.Limits{Alignment: 512})
		s.lag = ms
		d := open(t, self, s, blockio.WithMaxInFlight(1))
		d.DrainedBegin(self)
		other := aio.Go(self, func(self *coro.Self) error { return d.WriteAt(self, fill(1, 'b'), 1) })
		aio.Sleep(self, ms)
		must(t, d.WriteAt(self, fill(1, 'a'), 0))
		must(t, d.Flush(self))
		must(t, d.Resize(self, 512))
		s.wantCalls(t, "read 0+512", "write 0+512", "flush 0+0", "resize 0+512")
		d.DrainedEnd(self)
		wait(t, self, other)
		wantEqual(t, "contents", "1xa 1xb 510x.", runs(contents(t, self, d)))
	})
}

func TestSeveralMayHaveTheDeviceDrained(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		s := newStub(8192, blockio.Limits{})
		s.lag = ms
		d := open(t, self, s)
		other := at(self, 0, func(self *coro.Self) error {
			d.DrainedBegin(self)
			defer d.DrainedEnd(self)
			for range 10 {
				wantEqual(t, "calls of the driver", 0, s.going)
				aio.Sleep(self, ms)
			}
			return nil
		})
		aio.Yield(self)
		aio.Sleep(self, ms)
		d.DrainedBegin(self)
		defer d.DrainedEnd(self)
		// The other one must not see this in its section.
		took := elapsed(self, func() { must(t, d.ReadAt(self, make([]byte, 1), 0)) })
		if took < 9*ms {
			t.Errorf("got a request done after %v, while another had the device drained", took)
		}
		wait(t, self, other)
	})
}

func TestDrainedEndWithoutBeginIsDiagnosed(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		d := open(t, self, mem.New(8192))
		defer func() {
			var e *coro.UsageError
			if err, _ := recover().(error); !errors.As(err, &e) || !errors.Is(err, blockio.ErrNotDrained) {
				t.Errorf("got panic %v, want %v", err, blockio.ErrNotDrained)
			}
		}()
		d.DrainedEnd(self)
	})
}

func TestEndingInADrainedSectionIsDiagnosed(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		d := open(t, self, mem.New(8192))
		co := self.New(func(self *coro.Self) { d.DrainedBegin(self) })
		defer func() {
			if err, _ := recover().(error); !errors.Is(err, coro.ErrLocksHeld) {
				t.Errorf("got panic %v, want %v", err, coro.ErrLocksHeld)
			}
		}()
		self.Enter(co)
	})
}

// A deadlock is reported with who waits for what, and the cycle.
func TestDrainThatWaitsForItselfIsReported(t *testing.T) {
	loop := aio.NewLoop(aio.WithClock(aio.NewVirtualClock(time.Unix(0, 0))))
	defer loop.Close()
	loop.Go(func(self *coro.Self) error {
		d := open(t, self, mem.New(8192), blockio.WithName("disk"))
		for _, name := range []string{"ann", "bob"} {
			aio.Go(self, func(self *coro.Self) error {
				d.DrainedBegin(self)
				defer d.DrainedEnd(self)
				aio.Yield(self)
				return d.ReadAt(self, make([]byte, 512), 0)
			}).SetName(name)
		}
		return nil
	})
	err := loop.Run(context.Background())
	var e *aio.DeadlockError
	if !errors.As(err, &e) {
		t.Fatalf("got error %v, want a *aio.DeadlockError", err)
	}
	wantEqual(t, "cycle", []string{"ann", "bob"}, e.Cycle)
	if want := "read of 512 bytes at 0 on disk, which waits for a drained section to end"; !strings.Contains(err.Error(), want) {
		t.Errorf("got %v\nwant %q in it", err, want)
	}
}

// A copy in a drained section is of one moment: its coroutines are let in, and
// nobody else is.
func TestCopyInADrainedSectionIsOfOneMoment(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		s := newStub(64<<10, blockio.Limits{Alignment: 512})
		s.lag = ms
		src, dst := open(t, self, s, blockio.WithMaxInFlight(2)), open(t, self, mem.New(64<<10))
		must(t, src.WriteAt(self, fill(64<<10, 'a'), 0))
		src.DrainedBegin(self)
		writer := aio.Go(self, func(self *coro.Self) error { return src.WriteAt(self, fill(64<<10, 'b'), 0) })
		visitor := at(self, 2*ms, func(self *coro.Self) error { // the copy waits for its section
			src.DrainedBegin(self)
			defer src.DrainedEnd(self)
			for range 5 {
				wantEqual(t, "calls of the driver", 0, s.going)
				aio.Sleep(self, ms)
			}
			return nil
		})
		_, err := blockio.Copy(self, dst, src, blockio.CopyOptions{Chunk: 4096, Verify: true})
		must(t, err)
		must(t, blockio.Compare(self, src, dst, blockio.CompareOptions{Chunk: 4096}))
		wantEqual(t, "copy", "65536xa", runs(contents(t, self, dst)))
		task := aio.Go(self, func(self *coro.Self) error { return blockio.Compare(self, src, dst, blockio.CompareOptions{}) })
		aio.Sleep(self, 10*ms)
		select {
		case <-task.Done():
			t.Error("a comparison by somebody else was let in")
		default:
		}
		src.DrainedEnd(self)
		wait(t, self, writer, visitor)
		if err := task.Wait(self); !errors.Is(err, blockio.ErrDifferent) {
			t.Errorf("got error %v, want %v", err, blockio.ErrDifferent)
		}
	})
}

func TestKilledCopyInADrainedSectionLeavesNothingBehind(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		s := newStub(64<<10, blockio.Limits{})
		s.lag = ms
		src, dst := open(t, self, s), open(t, self, mem.New(64<<10))
		must(t, src.WriteAt(self, fill(64<<10, 'a'), 0))
		task := aio.Go(self, func(self *coro.Self) error {
			src.DrainedBegin(self)
			defer src.DrainedEnd(self)
			_, err := blockio.Copy(self, dst, src, blockio.CopyOptions{Chunk: 4096})
			return err
		})
		aio.Sleep(self, 3*ms)
		task.Cancel(nil)
		must(t, src.WriteAt(self, fill(512, 'b'), 0))
		src.DrainedBegin(self)
		wantEqual(t, "requests in flight", 0, src.Stats().InFlight)
		src.DrainedEnd(self)
		_ = task.Wait(self)
	})
}

// Who ends no section when he is unwound does not hide why he was, and the report
// tells who keeps whom out.
func TestDeadlockInADrainedSectionIsTold(t *testing.T) {
	for _, h := range []coro.Handoff{coro.Channel, coro.Direct} {
		loop := aio.NewLoop(aio.WithThread(coro.WithHandoff(h)), aio.WithClock(aio.NewVirtualClock(time.Unix(0, 0))), aio.WithIsolated())
		loop.Go(func(self *coro.Self) error {
			d := open(t, self, mem.New(8192), blockio.WithName("disk"))
			d.DrainedBegin(self)
			task := aio.Go(self, func(self *coro.Self) error { return d.ReadAt(self, make([]byte, 512), 0) })
			err := task.Wait(self)
			d.DrainedEnd(self)
			return err
		}).SetName("ann")
		err := loop.Run(t.Context())
		says(t, err, aio.ErrDeadlock, "read of 512 bytes at 0 on disk, which waits for a drained section to end (drained by ann)")
		says(t, err, coro.ErrLocksHeld, "unlock in a deferred call")
		must(t, loop.Close())
	}
}
