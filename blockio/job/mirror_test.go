package job_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/blockio/job"
	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/aio"
)

// small has many chunks in a small device.
var small = job.MirrorOptions{Coroutines: 2, Chunk: 4096, Granularity: 1024}

func startMirror(t *testing.T, self *coro.Self, p *pair, mode job.Mode) *job.Mirror {
	t.Helper()
	o := small
	o.Mode = mode
	m, err := job.StartMirror(self, p.src, p.dst, o)
	must(t, err)
	return m
}

// wantUntouched wants the source on its driver, and usable.
func wantUntouched(t *testing.T, self *coro.Self, p *pair) {
	t.Helper()
	wantEqual(t, "source is on its driver", true, p.src.Driver() == blockio.Driver(p.from))
	wantEqual(t, "target is on its driver", true, p.dst.Driver() == blockio.Driver(p.to))
	must(t, p.src.WriteAt(self, fill(1, 'z'), 7))
	must(t, p.src.Flush(self))
}

func TestActiveWriteIsOnBothWhenItReturns(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		p := newPair(t, self, 64<<10)
		m := startMirror(t, self, p, job.ModeActive)
		must(t, m.WaitReady(self))
		p.to.lag = 10 * ms
		took := elapsed(self, func() { must(t, p.src.WriteAt(self, fill(1024, 'b'), 0)) })
		wantEqual(t, "time it took", 10*ms, took)
		must(t, p.src.WriteVAt(self, [][]byte{fill(512, 'c'), fill(512, 'd')}, 1024, 0))
		must(t, p.src.WriteZeroes(self, 2048, 1024, blockio.FUA))
		m.Cancel(self) // it has no time left to copy
		wantEqual(t, "target", "1024xb 512xc 512xd 1024x. 62464xa", contents(t, self, p.dst))
		wantEqual(t, "on both", 3*1024, m.Status().Both)
	})
}

func TestPassiveWriteDoesNotWaitForTheTarget(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		p := newPair(t, self, 64<<10)
		p.to.lag = 10 * ms
		m := startMirror(t, self, p, job.ModePassive)
		took := elapsed(self, func() {
			for i := range int64(64) {
				must(t, p.src.WriteAt(self, fill(1024, 'b'), i*1024))
			}
		})
		wantEqual(t, "time it took", 0, took)
		must(t, m.Stop(self))
		wantEqual(t, "target", "65536xb", contents(t, self, p.dst))
	})
}

// hammer writes all over the source, a granule each millisecond, until it is
// cancelled.
func hammer(self *coro.Self, p *pair) *aio.Task {
	return aio.Go(self, func(self *coro.Self) error {
		for i := int64(0); ; i++ {
			aio.Sleep(self, ms)
			if err := p.src.WriteAt(self, fill(512, byte(i)), i*1024%p.src.Size()); err != nil {
				return err
			}
		}
	})
}

// TestAutoCatchesUpWithAnyWriter has somebody write faster than is copied: a
// passive mirror never catches up, an active one does.
func TestAutoCatchesUpWithAnyWriter(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		p := newPair(t, self, 64<<10)
		p.to.lag = 20 * ms
		writer := hammer(self, p)
		m := startMirror(t, self, p, job.ModePassive)
		err := aio.Timeout(self, 10*time.Second, func(self *coro.Self) error { return m.WaitReady(self) })
		if !errors.Is(err, aio.ErrTimeout) {
			t.Errorf("passive: got %v, want that it does not catch up", err)
		}
		m.Activate()
		must(t, aio.Timeout(self, 10*time.Second, func(self *coro.Self) error { return m.WaitReady(self) }))
		m.Cancel(self)

		m = startMirror(t, self, p, job.ModeAuto)
		must(t, aio.Timeout(self, 10*time.Second, func(self *coro.Self) error { return m.WaitReady(self) }))
		wantEqual(t, "active", true, m.Status().Active)
		must(t, m.Pivot(self))
		writer.Cancel(nil)
		_ = writer.Wait(self)
		p.src, p.dst = p.dst, p.src
		wantUntouched(t, self, p)
	})
}

// TestCopyWaitsForAnActiveWrite has a range be copied that is being written to
// both sides: what was read before the write must not come to the target after it.
func TestCopyWaitsForAnActiveWrite(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		p := newPair(t, self, 64<<10)
		m := startMirror(t, self, p, job.ModeActive)
		must(t, m.WaitReady(self))
		p.from.lag, p.from.slow = 2*ms, blockio.OpWrite
		p.to.lag, p.to.slow = 20*ms, blockio.OpZeroes
		w := at(self, 0, func(self *coro.Self) error { return p.src.WriteAt(self, fill(512, 'b'), 0) })
		aio.Sleep(self, ms)
		must(t, p.src.Discard(self, 0, 4096)) // has it copied, as zeroes
		must(t, w.Wait(self))
		must(t, m.Stop(self))
		wantEqual(t, "source", "512xb 3584x. 61440xa", contents(t, self, p.src))
		wantEqual(t, "target", "512xb 3584x. 61440xa", contents(t, self, p.dst))
	})
}

func TestPivotExchangesTheDrivers(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		p := newPair(t, self, 64<<10)
		m := startMirror(t, self, p, job.ModeAuto)
		flushed := false
		p.to.fail = func(op blockio.Op) error { flushed = flushed || op == blockio.OpFlush; return nil }
		must(t, m.Pivot(self))
		must(t, m.Wait(self))
		wantEqual(t, "the target was flushed", true, flushed)
		must(t, p.src.WriteAt(self, fill(512, 'b'), 0))
		wantEqual(t, "source", "512xb 65024xa", contents(t, self, p.src))
		wantEqual(t, "what it was", "65536xa", contents(t, self, p.dst))
		p.src, p.dst = p.dst, p.src
		wantUntouched(t, self, p)
		if err := m.Pivot(self); !errors.Is(err, job.ErrEnded) {
			t.Errorf("a second pivot: got %v, want %v", err, job.ErrEnded)
		}
	})
}

func TestFailingTargetLeavesTheSource(t *testing.T) {
	bad := errors.New("bad")
	for _, x := range []struct {
		name string
		op   blockio.Op
		do   func(t *testing.T, self *coro.Self, p *pair, m *job.Mirror) error
	}{
		{"while it copies", blockio.OpWrite, func(_ *testing.T, self *coro.Self, _ *pair, m *job.Mirror) error { return m.Wait(self) }},
		{"in an active write", blockio.OpWrite, func(t *testing.T, self *coro.Self, p *pair, m *job.Mirror) error {
			p.to.fail = nil
			must(t, m.WaitReady(self))
			p.to.fail = failOn(blockio.OpWrite, bad)
			must(t, p.src.WriteAt(self, fill(512, 'b'), 0)) // does not learn of it
			wantEqual(t, "first byte", "512xb", contents(t, self, p.src)[:5])
			return m.Wait(self)
		}},
		{"in a pivot", blockio.OpFlush, func(_ *testing.T, self *coro.Self, _ *pair, m *job.Mirror) error { return m.Pivot(self) }},
		{"in a stop", blockio.OpFlush, func(_ *testing.T, self *coro.Self, _ *pair, m *job.Mirror) error { return m.Stop(self) }},
	} {
		t.Run(x.name, func(t *testing.T) {
			each(t, func(t *testing.T, self *coro.Self) {
				p := newPair(t, self, 64<<10)
				p.to.fail = failOn(x.op, bad)
				writer := hammer(self, p)
				m := startMirror(t, self, p, job.ModeActive)
				err := x.do(t, self, p, m)
				if e := (*job.Error)(nil); !errors.Is(err, bad) || !errors.As(err, &e) || e.Src != "src" || e.Dst != "dst" {
					t.Errorf("got error %v, want %v", err, bad)
				}
				if err := m.WaitReady(self); !errors.Is(err, bad) {
					t.Errorf("WaitReady: got error %v, want %v", err, bad)
				}
				wantUntouched(t, self, p)
				writer.Cancel(nil)
				if err := writer.Wait(self); !errors.Is(err, context.Canceled) {
					t.Errorf("the writer: %v", err)
				}
			})
		})
	}
}

func TestFailingSourceFailsTheMirror(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		bad := errors.New("bad")
		p := newPair(t, self, 64<<10)
		p.from.fail = failOn(blockio.OpRead, bad)
		m := startMirror(t, self, p, job.ModeAuto)
		if err := m.Stop(self); !errors.Is(err, bad) {
			t.Errorf("got error %v, want %v", err, bad)
		}
		p.from.fail = nil
		wantUntouched(t, self, p)
	})
}

// TestOwnerThatIsKilledLeavesTheSource cancels the task that started a mirror, at
// any time.
func TestOwnerThatIsKilledLeavesTheSource(t *testing.T) {
	for kill := time.Duration(0); kill < 60*ms; kill += 4 * ms {
		t.Run(kill.String(), func(t *testing.T) {
			each(t, func(t *testing.T, self *coro.Self) {
				p := newPair(t, self, 64<<10)
				p.from.lag, p.to.lag = ms, 3*ms
				busy := at(self, 0, func(self *coro.Self) error { return p.src.WriteAt(self, fill(512, 'b'), 0) })
				var m *job.Mirror
				owner := aio.Go(self, func(self *coro.Self) error {
					m = startMirror(t, self, p, job.ModeAuto)
					return m.Pivot(self)
				})
				aio.Sleep(self, kill)
				owner.Cancel(nil)
				must(t, busy.Wait(self))
				if err := owner.Wait(self); err == nil {
					return // it was done before
				}
				p.src.DrainedBegin(self) // it comes after the one that takes the filter off
				p.src.DrainedEnd(self)
				aio.Sleep(self, ms)
				wantUntouched(t, self, p)
				if m != nil {
					if err := m.Wait(self); err == nil {
						t.Error("the mirror came to a good end")
					}
				}
				must(t, p.src.Close(self))
			})
		})
	}
}

// TestPivotThatIsKilledLeavesTheMirror kills it at any time, and pivots again.
func TestPivotThatIsKilledLeavesTheMirror(t *testing.T) {
	for kill := time.Duration(0); kill < 40*ms; kill += 2 * ms {
		t.Run(kill.String(), func(t *testing.T) {
			each(t, func(t *testing.T, self *coro.Self) {
				p := newPair(t, self, 16<<10)
				o := small
				o.Mode, o.Rate = job.ModePassive, 1<<10 // the crew sleeps, and leaves it to Pivot
				m, err := job.StartMirror(self, p.src, p.dst, o)
				must(t, err)
				must(t, m.WaitReady(self))
				p.from.lag, p.to.lag = 2*ms, 3*ms
				must(t, p.src.WriteAt(self, fill(8<<10, 'b'), 0))
				victim := aio.Go(self, m.Pivot)
				aio.Sleep(self, kill)
				victim.Cancel(nil)
				if err := victim.Wait(self); err != nil && !m.Ended() {
					must(t, m.Pivot(self))
				}
				wantEqual(t, "source", "8192xb 8192xa", contents(t, self, p.src))
				wantEqual(t, "source is on the target's driver", true, p.src.Driver() == blockio.Driver(p.to))
			})
		})
	}
}
