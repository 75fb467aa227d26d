package job_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/blockio/job"
	"github.com/gohandoff/coroutine/blockio/mem"
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

func TestDrainedSectionFindsTheMirrorQuiet(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		p := newPair(t, self, 64<<10)
		p.to.lag = 10 * ms
		m := startMirror(t, self, p, job.ModeAuto)
		aio.Sleep(self, ms)
		wantEqual(t, "calls of the target", 2, p.to.going)
		p.src.DrainedBegin(self)
		left := m.Status().Remaining
		wantEqual(t, "calls of the target", 0, p.to.going)
		aio.Sleep(self, 100*ms)
		wantEqual(t, "calls of the target", 0, p.to.going)
		wantEqual(t, "remaining", left, m.Status().Remaining)
		p.src.DrainedEnd(self)
		must(t, m.Stop(self))
	})
}

func TestCancelInADrainedSection(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		p := newPair(t, self, 64<<10)
		p.to.lag = 10 * ms
		m := startMirror(t, self, p, job.ModeAuto)
		aio.Sleep(self, ms)
		p.src.DrainedBegin(self)
		m.Cancel(self)
		p.src.DrainedEnd(self)
		wantUntouched(t, self, p)
	})
}

func TestAtMostCoroutinesChunksAreInFlight(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		p := newPair(t, self, 256<<10)
		p.to.lag = ms
		m, err := job.StartMirror(self, p.src, p.dst, job.MirrorOptions{Coroutines: 5, Chunk: 4096, Granularity: 4096})
		must(t, err)
		must(t, m.Stop(self))
		wantEqual(t, "most calls of the target", 5, p.to.most)
	})
}

func TestZeroesStayZeroes(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		const size = 8 << 30
		p := &pair{from: newDisk(size), to: newDisk(size)}
		p.src, p.dst = open(t, self, p.from, "src"), open(t, self, p.to, "dst")
		must(t, p.src.WriteAt(self, fill(4096, 'a'), 7<<30))
		must(t, p.dst.WriteAt(self, fill(4096, 'x'), 5<<30)) // is to become a hole
		m, err := job.StartMirror(self, p.src, p.dst, job.MirrorOptions{})
		must(t, err)
		must(t, m.WaitReady(self))
		must(t, p.src.WriteAt(self, fill(4096, 'b'), 1<<30))
		must(t, p.src.WriteZeroes(self, 7<<30, 4096, blockio.MayUnmap))
		must(t, p.src.Discard(self, 1<<30, 4096))
		must(t, m.Stop(self))
		wantEqual(t, "pages of the source", 0, p.from.pages())
		wantEqual(t, "pages of the target", 0, p.to.pages())
	})
}

func TestRateLimitsTheCrew(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		p := newPair(t, self, 64<<10)
		o := small
		o.Rate = 64 << 10
		m, err := job.StartMirror(self, p.src, p.dst, o)
		must(t, err)
		took := elapsed(self, func() { must(t, m.WaitReady(self)) })
		if took < 700*ms || took > time.Second {
			t.Errorf("64 KiB at 64 KiB a second took %v", took)
		}
		took = elapsed(self, func() { must(t, m.Stop(self)) })
		wantEqual(t, "time that Stop took", 0, took) // nobody sleeps to the end
	})
}

func TestMirrorRefuses(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		p := newPair(t, self, 64<<10)
		larger := open(t, self, mem.New(128<<10), "larger")
		fixed := open(t, self, mem.New(64<<10, mem.WithLimits(blockio.Limits{ReadOnly: true})), "fixed")
		shut := open(t, self, mem.New(64<<10), "shut")
		must(t, shut.Close(self))
		over, cancel := context.WithCancelCause(context.Background())
		mine := errors.New("mine")
		cancel(mine)
		for _, x := range []struct {
			src, dst *blockio.Device
			o        job.MirrorOptions
			want     string
		}{
			{p.src, p.src, job.MirrorOptions{}, "job: mirror of src to src: source and destination are the same device"},
			{p.src, larger, job.MirrorOptions{}, "job: mirror of src to larger: the sizes differ: the source has 65536 bytes, the target has 131072"},
			{p.src, fixed, job.MirrorOptions{}, "job: mirror of src to fixed: target: the device is read-only"},
			{p.src, p.dst, job.MirrorOptions{Rate: -1}, "job: mirror of src to dst: rate -1: want 0 or more"},
			{p.src, p.dst, job.MirrorOptions{Granularity: 3}, "job: mirror of src to dst: granularity 3: want a power of two"},
			{p.src, p.dst, job.MirrorOptions{Mode: 7}, "job: mirror of src to dst: mode 7: want ModeAuto, ModePassive or ModeActive"},
			{shut, p.dst, job.MirrorOptions{}, "job: mirror of shut to dst: replace on shut: the device is closed"},
			{p.src, p.dst, job.MirrorOptions{Context: over}, "mine"},
		} {
			m, err := job.StartMirror(self, x.src, x.dst, x.o)
			if m != nil {
				err = m.Wait(self)
			}
			if err == nil || !strings.Contains(err.Error(), x.want) {
				t.Errorf("got error %v, want %s", err, x.want)
			}
			wantUntouched(t, self, p)
		}
	})
}

func TestResizeOfTheSourceIsRefused(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		p := newPair(t, self, 64<<10)
		m := startMirror(t, self, p, job.ModeAuto)
		if err := p.src.Resize(self, 4096); !errors.Is(err, job.ErrBusy) {
			t.Errorf("got error %v, want %v", err, job.ErrBusy)
		}
		must(t, m.Stop(self))
		must(t, p.src.Resize(self, 4096))
	})
}

func TestCloseOfTheSourceEndsTheMirror(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		p := newPair(t, self, 64<<10)
		p.to.lag = 10 * ms
		m := startMirror(t, self, p, job.ModeAuto)
		aio.Sleep(self, ms)
		must(t, p.src.Close(self))
		if err := m.Wait(self); !errors.Is(err, blockio.ErrClosed) {
			t.Errorf("got error %v, want %v", err, blockio.ErrClosed)
		}
		must(t, p.dst.Close(self))
	})
}

func TestContextCancelsTheMirror(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		p := newPair(t, self, 64<<10)
		p.to.lag = 10 * ms
		ctx, cancel := context.WithCancelCause(context.Background())
		o := small
		o.Context = ctx
		m, err := job.StartMirror(self, p.src, p.dst, o)
		must(t, err)
		aio.Sleep(self, ms)
		mine := errors.New("mine")
		defer aio.LoopOf(self).Hold()() // the context tells the loop from another goroutine
		cancel(mine)
		if err := m.Wait(self); !errors.Is(err, mine) {
			t.Errorf("got error %v, want %v", err, mine)
		}
		aio.Sleep(self, ms)
		wantUntouched(t, self, p)
	})
}

// TestStackedJobs has a backup stand on a mirror: the mirror can stop, but not
// pivot.
func TestStackedJobs(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		p := newPair(t, self, 64<<10)
		third := open(t, self, newDisk(64<<10), "third")
		m := startMirror(t, self, p, job.ModeAuto)
		b, err := job.StartBackup(self, p.src, third, job.BackupOptions{Rate: 1 << 20})
		must(t, err)
		wantEqual(t, "drivers", "src: backup to third", strings.SplitN(blockio.Describe(p.src), ": 65536", 2)[0])
		if err := m.Pivot(self); !errors.Is(err, job.ErrBusy) {
			t.Errorf("got error %v, want %v", err, job.ErrBusy)
		}
		must(t, p.src.WriteAt(self, fill(512, 'b'), 0))
		must(t, m.Stop(self))
		must(t, p.src.WriteAt(self, fill(512, 'c'), 0))
		must(t, b.Wait(self))
		wantUntouched(t, self, p)
		wantEqual(t, "mirror", "512xb 65024xa", contents(t, self, p.dst))
		wantEqual(t, "backup", "65536xa", contents(t, self, third))
	})
}

func TestProgressIsTold(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		p := newPair(t, self, 64<<10)
		var last job.MirrorStatus
		calls := 0
		o := small
		o.Progress = func(s job.MirrorStatus) { last, calls = s, calls+1 }
		m, err := job.StartMirror(self, p.src, p.dst, o)
		must(t, err)
		must(t, m.WaitReady(self))
		wantEqual(t, "calls", 16, calls)
		wantEqual(t, "last", job.MirrorStatus{Size: 64 << 10, Moved: job.Moved{Data: 64 << 10}, Active: true, Ready: true}, last)
		must(t, m.Stop(self))
	})
}

func TestModeAsText(t *testing.T) {
	for _, m := range []job.Mode{job.ModeAuto, job.ModePassive, job.ModeActive} {
		text, err := m.MarshalText()
		must(t, err)
		var got job.Mode
		must(t, got.UnmarshalText(text))
		wantEqual(t, "mode", m, got)
	}
	err := new(job.Mode).UnmarshalText([]byte("lazy"))
	wantEqual(t, "error", `job: mode "lazy": want auto, passive or active`, fmt.Sprint(err))
}
