package coro_test

import (
	"errors"
	"fmt"
	"runtime"
	"testing"

	"github.com/gohandoff/coroutine/coro"
)

func TestKillUnwindsASuspendedCoroutine(t *testing.T) {
	eachHandoff(t, func(t *testing.T, newThread func(...coro.Option) *coro.Thread) {
		var j journal
		thread := newThread()
		co := thread.New(func(self *coro.Self) {
			defer j.add("deferred first")
			defer func() {
				v := recover()
				j.add("unwound by %v", v)
				panic(v)
			}()
			self.Yield()
			j.add("not reached")
		})
		thread.Enter(co)
		thread.Kill(co)
		j.add("killed")
		j.want(t, "unwound by coro: coroutine killed", "deferred first", "killed")
		wantStatus(t, co, coro.Dead)
	})
}

// Whoever is unwound can tell, and nobody else is taken for it: not one that panics,
// nor one that gets the goroutine of a killed one.
func TestUnwindingTellsWhoIsBeingKilled(t *testing.T) {
	eachHandoff(t, func(t *testing.T, newThread func(...coro.Option) *coro.Thread) {
		var j journal
		thread := newThread(coro.WithPool(1))
		run := func(name string, end func(self *coro.Self)) *coro.Coroutine {
			co := thread.New(func(self *coro.Self) {
				defer func() { j.add("%s: %t", name, self.Unwinding()) }()
				if self.Unwinding() {
					t.Errorf("%s is being unwound before it is", name)
				}
				end(self)
			})
			_ = caught(func() { thread.Enter(co) })
			return co
		}
		thread.Kill(run("killed", func(self *coro.Self) { self.Yield() }))
		run("unwound", func(self *coro.Self) { self.Unwind() })
		run("returned", func(*coro.Self) {})
		run("panicked", func(*coro.Self) { panic("no") })
		j.want(t, "killed: true", "unwound: true", "returned: false", "panicked: false")
		if thread.Leader().Unwinding() {
			t.Error("a leader is being unwound")
		}
	})
}

func TestKillOfAReadyCoroutineNeverRunsIt(t *testing.T) {
	eachHandoff(t, func(t *testing.T, newThread func(...coro.Option) *coro.Thread) {
		thread := newThread()
		ran := false
		base := goroutinesAtRest(t)
		co := thread.New(func(*coro.Self) { ran = true })
		thread.Kill(co)
		wantStatus(t, co, coro.Dead)
		wantMisuse(t, coro.ErrTerminated, func() { thread.Enter(co) })
		if got := runtime.NumGoroutine(); ran || got != base {
			t.Errorf("got ran %v, %d goroutines more; want false, 0", ran, got-base)
		}
	})
}

func TestKillOfADeadCoroutineDoesNothing(t *testing.T) {
	eachHandoff(t, func(t *testing.T, newThread func(...coro.Option) *coro.Thread) {
		thread := newThread()
		co := thread.New(nop)
		thread.Enter(co)
		thread.Kill(co)
		thread.Kill(co)
		wantStatus(t, co, coro.Dead)
	})
}

func TestKillOfAnEnteredCoroutineIsDiagnosed(t *testing.T) {
	eachHandoff(t, func(t *testing.T, newThread func(...coro.Option) *coro.Thread) {
		thread := newThread()
		co := thread.New(func(self *coro.Self) {
			wantMisuse(t, coro.ErrReentered, func() { self.Kill(self.Coroutine()) })
			self.Enter(self.New(func(inner *coro.Self) {
				wantMisuse(t, coro.ErrReentered, func() { inner.Kill(self.Coroutine()) })
			}))
			self.Yield()
		})
		thread.Enter(co)
		wantStatus(t, co, coro.Suspended)
	})
}

func TestKillByACoroutine(t *testing.T) {
	eachHandoff(t, func(t *testing.T, newThread func(...coro.Option) *coro.Thread) {
		var j journal
		thread := newThread()
		victim := thread.New(func(self *coro.Self) {
			defer func() { j.add("unwound, caller %v", self.Coroutine().Caller()) }()
			self.Yield()
		})
		thread.Enter(victim)
		thread.Enter(thread.New(func(self *coro.Self) {
			self.Kill(victim)
			j.add("killed")
		}).SetName("killer"))
		j.want(t, "unwound, caller killer", "killed")
	})
}

func TestKillOfAWokenCoroutineTakesItsTurnAway(t *testing.T) {
	eachHandoff(t, func(t *testing.T, newThread func(...coro.Option) *coro.Thread) {
		for _, started := range []bool{false, true} {
			var j journal
			thread := newThread()
			victim := thread.New(func(self *coro.Self) {
				defer j.add("unwound")
				self.Yield()
				j.add("not reached")
			})
			last := thread.New(func(*coro.Self) { j.add("last") })
			want := []string{"killed", "last"}
			if started {
				thread.Enter(victim)
				want = []string{"unwound", "killed", "last"}
			}
			thread.Enter(thread.New(func(self *coro.Self) {
				self.Wake(victim)
				self.Wake(last)
				self.Kill(victim)
				j.add("killed")
			}))
			j.want(t, want...)
			wantStatus(t, victim, coro.Dead)
			if victim.Scheduled() {
				t.Error("a dead coroutine is still scheduled")
			}
		}
	})
}

func TestKillReturnsAfterWhatTheDeferredCallsWoke(t *testing.T) {
	eachHandoff(t, func(t *testing.T, newThread func(...coro.Option) *coro.Thread) {
		var j journal
		thread := newThread()
		woken := thread.New(func(*coro.Self) { j.add("woken") })
		victim := thread.New(func(self *coro.Self) {
			defer func() {
				self.Wake(woken)
				j.add("unwound")
			}()
			self.Yield()
		})
		thread.Enter(victim)
		thread.Kill(victim)
		j.add("killed")
		j.want(t, "unwound", "woken", "killed")
	})
}

func TestDeferMayEnterOthersWhileBeingKilled(t *testing.T) {
	eachHandoff(t, func(t *testing.T, newThread func(...coro.Option) *coro.Thread) {
		var j journal
		thread := newThread()
		helper := thread.New(func(self *coro.Self) {
			j.add("helper, victim is %v", self.Coroutine().Caller().Status())
			self.Yield()
			j.add("helper again")
		})
		bystander := thread.New(func(self *coro.Self) {
			defer j.add("bystander unwound")
			self.Yield()
		})
		thread.Enter(bystander)
		victim := thread.New(func(self *coro.Self) {
			defer func() {
				self.Enter(helper)
				self.Enter(helper)
				self.Enter(self.New(func(fresh *coro.Self) { j.add("fresh") }))
				self.Kill(bystander)
				j.add("unwound")
			}()
			self.Yield()
		})
		thread.Enter(victim)
		thread.Kill(victim)
		j.want(t, "helper, victim is normal", "helper again", "fresh", "bystander unwound", "unwound")
	})
}

func TestDeferThatYieldsWhileBeingKilledIsDiagnosed(t *testing.T) {
	eachHandoff(t, func(t *testing.T, newThread func(...coro.Option) *coro.Thread) {
		var j journal
		thread := newThread()
		co := thread.New(func(self *coro.Self) {
			defer j.add("outer defer")
			defer func() {
				self.Yield()
				j.add("not reached")
			}()
			self.Yield()
		}).SetName("stubborn")
		thread.Enter(co)
		v := caught(func() { thread.Kill(co) })
		var failure *coro.PanicError
		var misuse *coro.UsageError
		err, _ := v.(error)
		if !errors.As(err, &failure) || !errors.As(err, &misuse) || !errors.Is(err, coro.ErrKilledYield) {
			t.Fatalf("got %v, want a *PanicError with a *UsageError for %v", v, coro.ErrKilledYield)
		}
		if failure.Coroutine != "stubborn" {
			t.Errorf("coroutine: got %q, want stubborn", failure.Coroutine)
		}
		j.want(t, "outer defer")
		wantStatus(t, co, coro.Dead)
		thread.Enter(thread.New(nop))
	})
}

func TestPanicInADeferWhileBeingKilledReachesTheKiller(t *testing.T) {
	eachHandoff(t, func(t *testing.T, newThread func(...coro.Option) *coro.Thread) {
		thread := newThread()
		co := thread.New(func(self *coro.Self) {
			defer explode("boom")
			self.Yield()
		})
		thread.Enter(co)
		wantPanic(t, "boom", func() { thread.Kill(co) })
		wantStatus(t, co, coro.Dead)
	})
}

func TestRecoveredKillUnwindsAgainAtTheNextYield(t *testing.T) {
	eachHandoff(t, func(t *testing.T, newThread func(...coro.Option) *coro.Thread) {
		var j journal
		thread := newThread()
		co := thread.New(func(self *coro.Self) {
			defer j.add("unwound")
			for i := range 3 {
				func() {
					if i < 2 {
						defer func() { j.add("recovered: %v", recover()) }()
					}
					self.Yield()
				}()
			}
			j.add("not reached")
		})
		thread.Enter(co)
		thread.Kill(co)
		j.want(t, "recovered: coro: coroutine killed", "recovered: coro: coroutine killed", "unwound")
		wantStatus(t, co, coro.Dead)
	})
}

func TestBodyThatRecoversFromKillAndReturnsIsDead(t *testing.T) {
	eachHandoff(t, func(t *testing.T, newThread func(...coro.Option) *coro.Thread) {
		var j journal
		thread := newThread()
		co := thread.New(func(self *coro.Self) {
			caught(self.Yield)
			j.add("goes on")
		})
		thread.Enter(co)
		thread.Kill(co)
		j.want(t, "goes on")
		wantStatus(t, co, coro.Dead)
		thread.Enter(thread.New(nop)) // on the same goroutine
	})
}

func TestBodyThatRecoversForEverStillEnds(t *testing.T) {
	eachHandoff(t, func(t *testing.T, newThread func(...coro.Option) *coro.Thread) {
		base := goroutinesAtRest(t)
		thread := newThread()
		unwound := false
		co := thread.New(func(self *coro.Self) {
			defer func() { unwound = true }()
			for {
				caught(self.Yield)
			}
		})
		thread.Enter(co)
		thread.Kill(co)
		wantStatus(t, co, coro.Dead)
		if !unwound {
			t.Error("the outermost deferred call did not run")
		}
		thread.Enter(thread.New(nop))
		if err := thread.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
		goroutinesBackTo(t, base)
	})
}

func TestKilledGoroutineIsAsGoodAsNew(t *testing.T) {
	eachHandoff(t, func(t *testing.T, newThread func(...coro.Option) *coro.Thread) {
		thread := newThread()
		for range 3 {
			victim := thread.New(func(self *coro.Self) {
				caught(self.Yield) // recovers and returns, so the goroutine stays
			})
			thread.Enter(victim)
			thread.Kill(victim)
			co := thread.New(func(self *coro.Self) { self.Yield() })
			thread.Enter(co)
			wantStatus(t, co, coro.Suspended)
			thread.Enter(co)
			wantStatus(t, co, coro.Dead)
		}
	})
}

func TestKillNewestFirstOnClose(t *testing.T) {
	eachHandoff(t, func(t *testing.T, newThread func(...coro.Option) *coro.Thread) {
		var j journal
		base := goroutinesAtRest(t)
		thread := newThread()
		var all []*coro.Coroutine
		for i := range 4 {
			all = append(all, thread.New(func(self *coro.Self) {
				defer j.add("%d", i)
				self.Yield()
			}))
		}
		for _, i := range []int{2, 0, 3, 1} { // the order of the first Enter is another
			thread.Enter(all[i])
		}
		if err := thread.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
		j.want(t, "3", "2", "1", "0")
		for _, co := range all {
			wantStatus(t, co, coro.Dead)
		}
		goroutinesBackTo(t, base)
	})
}

func TestCloseEmptiesThePool(t *testing.T) {
	eachHandoff(t, func(t *testing.T, newThread func(...coro.Option) *coro.Thread) {
		base := goroutinesAtRest(t)
		thread := newThread()
		var all []*coro.Coroutine
		for range 10 {
			co := thread.New(func(self *coro.Self) { self.Yield() })
			thread.Enter(co)
			all = append(all, co)
		}
		for _, co := range all {
			thread.Enter(co)
		}
		if err := thread.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
		goroutinesBackTo(t, base)
	})
}

func TestCloseJoinsWhatDeferredCallsPanicWith(t *testing.T) {
	eachHandoff(t, func(t *testing.T, newThread func(...coro.Option) *coro.Thread) {
		base := goroutinesAtRest(t)
		thread := newThread()
		one, two := errors.New("one"), errors.New("two")
		for _, err := range []error{one, nil, two} {
			thread.Enter(thread.New(func(self *coro.Self) {
				defer func() {
					if err != nil {
						panic(fmt.Errorf("deferred: %w", err))
					}
				}()
				self.Yield()
			}))
		}
		err := thread.Close()
		if !errors.Is(err, one) || !errors.Is(err, two) {
			t.Errorf("Close: got %v, want both errors", err)
		}
		goroutinesBackTo(t, base)
		if err := thread.Close(); err != nil {
			t.Errorf("second Close: got %v, want nil", err)
		}
	})
}

func TestCloseIsIdempotent(t *testing.T) {
	eachHandoff(t, func(t *testing.T, newThread func(...coro.Option) *coro.Thread) {
		thread := newThread()
		for range 3 {
			if err := thread.Close(); err != nil {
				t.Errorf("Close: %v", err)
			}
		}
		wantMisuse(t, coro.ErrClosed, func() { thread.New(nop) })
	})
}

func TestCloseWithACoroutineEnteredIsDiagnosed(t *testing.T) {
	eachHandoff(t, func(t *testing.T, newThread func(...coro.Option) *coro.Thread) {
		thread := newThread()
		co := thread.New(func(self *coro.Self) {
			wantMisuse(t, coro.ErrEntered, func() { thread.Close() })
			self.Yield()
		})
		thread.Enter(co)
		wantStatus(t, co, coro.Suspended)
		thread.Enter(thread.New(nop)) // it is not closed
	})
}

func TestCloseGoesOnThroughGoexitAndExitsAtItsEnd(t *testing.T) {
	eachHandoff(t, func(t *testing.T, newThread func(...coro.Option) *coro.Thread) {
		var j journal
		base := goroutinesAtRest(t)
		thread := newThread()
		for i := range 3 {
			thread.Enter(thread.New(func(self *coro.Self) {
				defer func() {
					j.add("%d", i)
					if i == 1 {
						runtime.Goexit()
					}
				}()
				self.Yield()
			}))
		}
		if !exits(t, func() { thread.Close() }) {
			t.Error("Close returned, want the end of its goroutine")
		}
		j.want(t, "2", "1", "0")
		goroutinesBackTo(t, base)
	})
}

func TestCloseUnwindsWhatDeferredCallsStart(t *testing.T) {
	eachHandoff(t, func(t *testing.T, newThread func(...coro.Option) *coro.Thread) {
		var j journal
		base := goroutinesAtRest(t)
		thread := newThread()
		late := thread.New(func(self *coro.Self) {
			defer j.add("late unwound")
			j.add("late")
			self.Yield()
		})
		thread.Enter(thread.New(func(self *coro.Self) {
			defer func() { self.Enter(late) }()
			self.Yield()
		}))
		if err := thread.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
		j.want(t, "late", "late unwound")
		goroutinesBackTo(t, base)
	})
}

func TestAbandonedCoroutinesAreUnwoundByClose(t *testing.T) {
	eachHandoff(t, func(t *testing.T, newThread func(...coro.Option) *coro.Thread) {
		thread := newThread()
		unwound := 0
		for range 10 { // nobody keeps the handles
			thread.Enter(thread.New(func(self *coro.Self) {
				defer func() { unwound++ }()
				self.Yield()
			}))
		}
		runtime.GC()
		if err := thread.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
		if unwound != 10 {
			t.Errorf("unwound: got %d, want 10", unwound)
		}
	})
}

func parkForGood(self *coro.Self) { self.Yield() }

func TestAbandonedCoroutineIsReportedAndUnwoundOnItsOwnThread(t *testing.T) {
	eachHandoff(t, func(t *testing.T, newThread func(...coro.Option) *coro.Thread) {
		var j journal
		var report coro.Abandoned
		thread := newThread(coro.WithAbandonReports(func(a coro.Abandoned) {
			report = a
			j.add("reported")
		}))
		unwound := false
		thread.Enter(thread.New(func(self *coro.Self) {
			defer func() {
				j.add("unwound")
				unwound = true
			}()
			parkForGood(self)
		}).SetName("lost"))
		kept := thread.New(yielder)
		thread.Enter(kept)
		// The collector finds it at some time; only a switch of the thread
		// itself may tell. (The plain variables say so under -race.)
		for range 1000 {
			runtime.GC()
			runtime.Gosched()
			if unwound {
				break
			}
			thread.Enter(kept)
		}
		j.want(t, "reported", "unwound")
		if report.Name != "lost" || report.ID != 1 || report.Created == "" {
			t.Errorf("report: got %+v", report)
		}
		if got, want := fileOf(report.Parked), "kill_test.go"; got != want {
			t.Errorf("parked: got %q, want a place in %s", report.Parked, want)
		}
		wantStatus(t, kept, coro.Suspended)
	})
}

func TestAbandonReportsLeaveReachableCoroutinesAlone(t *testing.T) {
	eachHandoff(t, func(t *testing.T, newThread func(...coro.Option) *coro.Thread) {
		thread := newThread(coro.WithAbandonReports(func(a coro.Abandoned) {
			t.Errorf("reported: %+v", a)
		}))
		turns := 0
		body := func(self *coro.Self) {
			for {
				turns++
				self.Yield()
			}
		}
		woken, held := thread.New(body), thread.New(body)
		for range 10 {
			runtime.GC()
			thread.Enter(thread.New(func(self *coro.Self) {
				self.Wake(woken)
				self.Enter(held)
				runtime.GC()
			}))
		}
		if turns != 20 {
			t.Errorf("turns: got %d, want 20", turns)
		}
	})
}

func TestNothingCanBeEnteredForTheFirstTimeAfterClose(t *testing.T) {
	eachHandoff(t, func(t *testing.T, newThread func(...coro.Option) *coro.Thread) {
		thread := newThread()
		co := thread.New(func(self *coro.Self) { t.Error("it ran") })
		if err := thread.Close(); err != nil {
			t.Fatal(err)
		}
		wantMisuse(t, coro.ErrClosed, func() { thread.Enter(co) })
		wantStatus(t, co, coro.Ready)
	})
}

// A suspended coroutine of another thread would stay for ever on a closed one.
func TestAClosedThreadTakesNobodyIn(t *testing.T) {
	eachHandoff(t, func(t *testing.T, newThread func(...coro.Option) *coro.Thread) {
		closed, home := newThread(), newThread()
		if err := closed.Close(); err != nil {
			t.Fatal(err)
		}
		suspended := home.New(func(self *coro.Self) { self.Yield() })
		home.Enter(suspended)
		for _, co := range []*coro.Coroutine{suspended, home.New(nop)} {
			wantMisuse(t, coro.ErrClosed, func() { closed.Enter(co) })
			if closed.Adopt(co) {
				t.Errorf("%v: adopted", co)
			}
			if got := co.Thread(); got != home {
				t.Errorf("%v: is on thread %v now", co, got.Name())
			}
			home.Enter(co)
			wantStatus(t, co, coro.Dead)
		}
	})
}
