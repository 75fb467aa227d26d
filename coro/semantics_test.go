package coro_test

import (
	"errors"
	"runtime"
	"slices"
	"sync"
	"testing"
	"weak"

	"github.com/google/go-cmp/cmp"

	"github.com/gohandoff/coroutine/coro"
)

// One test for each sentence of the contract of the core. What concerns panics,
// killing and closing is in files of its own.

func TestNewNeverRunsTheEntry(t *testing.T) {
	eachHandoff(t, func(t *testing.T, newThread func(...coro.Option) *coro.Thread) {
		thread := newThread()
		ran := false
		co := thread.New(func(*coro.Self) { ran = true })
		wantStatus(t, co, coro.Ready)
		thread.Enter(thread.New(nop))
		if ran {
			t.Error("New ran the entry")
		}
		thread.Enter(co)
		if !ran {
			t.Error("Enter did not run the entry")
		}
	})
}

func TestNewCostsNoGoroutineUntilTheFirstEnter(t *testing.T) {
	eachHandoff(t, func(t *testing.T, newThread func(...coro.Option) *coro.Thread) {
		thread := newThread()
		base := goroutinesAtRest(t)
		co := thread.New(yielder)
		if got := runtime.NumGoroutine(); got != base {
			t.Errorf("goroutines after New: got %d, want %d", got, base)
		}
		thread.Enter(co)
		if got := runtime.NumGoroutine(); got != base+1 {
			t.Errorf("goroutines after Enter: got %d, want %d", got, base+1)
		}
	})
}

func TestNewMayBeCalledByAnyGoroutine(t *testing.T) {
	eachHandoff(t, func(t *testing.T, newThread func(...coro.Option) *coro.Thread) {
		const each = 100
		thread := newThread()
		made := make(chan *coro.Coroutine, 4*each)
		var makers sync.WaitGroup
		for range 4 {
			makers.Go(func() {
				for range each {
					made <- thread.New(nop)
				}
			})
		}
		makers.Wait()
		close(made)
		ids := map[uint64]bool{}
		for co := range made {
			ids[co.ID()] = true
			thread.Enter(co)
			wantStatus(t, co, coro.Dead)
		}
		if len(ids) != 4*each {
			t.Errorf("different ids: got %d, want %d", len(ids), 4*each)
		}
	})
}

func TestNeverEnteredCoroutineIsCollected(t *testing.T) {
	eachHandoff(t, func(t *testing.T, newThread func(...coro.Option) *coro.Thread) {
		thread := newThread()
		handle := weak.Make(thread.New(nop))
		for range 100 {
			if handle.Value() == nil {
				break
			}
			runtime.GC()
		}
		if handle.Value() != nil {
			t.Error("the thread keeps a coroutine that was dropped without being entered")
		}
		runtime.KeepAlive(thread)
	})
}

func TestEnterReturnsWhenTheCoroutineYieldsOrTerminates(t *testing.T) {
	eachHandoff(t, func(t *testing.T, newThread func(...coro.Option) *coro.Thread) {
		var j journal
		thread := newThread()
		co := thread.New(func(self *coro.Self) {
			j.add("first")
			self.Yield()
			j.add("second")
		})
		thread.Enter(co)
		j.add("yielded")
		thread.Enter(co)
		j.add("terminated")
		j.want(t, "first", "yielded", "second", "terminated")
		wantStatus(t, co, coro.Dead)
	})
}

func TestEnterReturnsAfterEveryWokenCoroutineHadItsTurn(t *testing.T) {
	eachHandoff(t, func(t *testing.T, newThread func(...coro.Option) *coro.Thread) {
		var j journal
		thread := newThread()
		b := thread.New(func(self *coro.Self) { j.add("b"); self.Yield(); j.add("b again") })
		c := thread.New(func(*coro.Self) { j.add("c") })
		a := thread.New(func(self *coro.Self) {
			self.Wake(b)
			self.Wake(c)
			j.add("a woke two")
			self.Yield()
			self.Wake(b)
			j.add("a ends")
		})
		thread.Enter(a)
		j.add("leader")
		thread.Enter(a)
		j.add("leader")
		j.want(t, "a woke two", "b", "c", "leader", "a ends", "b again", "leader")
	})
}

// The wakes of whoever yielded last come first:
//
//	a           b           c           d
//	wake b, c
//	ends        runs
//	            wake d
//	            ends                    runs
//	                        runs
func TestWakesRunDepthFirst(t *testing.T) {
	eachHandoff(t, func(t *testing.T, newThread func(...coro.Option) *coro.Thread) {
		var j journal
		thread := newThread()
		d := thread.New(func(*coro.Self) { j.add("d") })
		c := thread.New(func(*coro.Self) { j.add("c") })
		b := thread.New(func(self *coro.Self) { j.add("b"); self.Wake(d) })
		a := thread.New(func(self *coro.Self) { j.add("a"); self.Wake(b); self.Wake(c) })
		thread.Enter(a)
		j.want(t, "a", "b", "d", "c")
	})
}

func TestWakesOfAnEnteredCoroutineRunBeforeThoseThatWerePending(t *testing.T) {
	eachHandoff(t, func(t *testing.T, newThread func(...coro.Option) *coro.Thread) {
		var j journal
		thread := newThread()
		early := thread.New(func(*coro.Self) { j.add("early") })
		late := thread.New(func(*coro.Self) { j.add("late") })
		inner := thread.New(func(self *coro.Self) { self.Wake(late); j.add("inner") })
		thread.Enter(thread.New(func(self *coro.Self) {
			self.Wake(early)
			self.Enter(inner)
			j.add("outer")
		}))
		j.want(t, "inner", "late", "outer", "early")
	})
}

func TestWakeChainOf25000UsesConstantStack(t *testing.T) {
	const length = 25_000
	eachHandoff(t, func(t *testing.T, newThread func(...coro.Option) *coro.Thread) {
		stack := func() uint64 {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			return m.StackInuse
		}
		thread := newThread()
		var before, after uint64
		ran := 0
		next := thread.New(func(*coro.Self) { ran++; after = stack() })
		for i := range length - 1 {
			successor := next
			next = thread.New(func(self *coro.Self) {
				if i == length-2 { // the one that is entered first
					before = stack()
				}
				ran++
				self.Wake(successor)
			})
		}
		thread.Enter(next)
		if ran != length {
			t.Errorf("coroutines that ran: got %d, want %d", ran, length)
		}
		// A frame a wake would be 100 bytes at least: 2.5 MB.
		if after > before+1<<20 {
			t.Errorf("stack in use: got %d bytes at the end of the chain, %d at its start; want about the same", after, before)
		}
	})
}

func TestEnterIfInactiveEntersUnlessEntered(t *testing.T) {
	eachHandoff(t, func(t *testing.T, newThread func(...coro.Option) *coro.Thread) {
		thread := newThread()
		entered := 0
		co := thread.New(func(self *coro.Self) {
			entered++
			self.EnterIfInactive(self.Coroutine())
			self.Enter(self.New(func(inner *coro.Self) {
				inner.EnterIfInactive(self.Coroutine())
			}))
			self.Yield()
			entered++
		})
		thread.Leader().EnterIfInactive(co)
		if entered != 1 {
			t.Errorf("times entered: got %d, want 1", entered)
		}
		thread.Leader().EnterIfInactive(co)
		if entered != 2 {
			t.Errorf("times entered: got %d, want 2", entered)
		}
		wantMisuse(t, coro.ErrTerminated, func() { thread.Leader().EnterIfInactive(co) })
	})
}

func TestEnterIfInactiveOfAWokenOneIsDiagnosed(t *testing.T) {
	eachHandoff(t, func(t *testing.T, newThread func(...coro.Option) *coro.Thread) {
		thread := newThread()
		runs := 0
		woken := thread.New(func(*coro.Self) { runs++ })
		thread.Enter(thread.New(func(self *coro.Self) {
			self.Wake(woken)
			wantMisuse(t, coro.ErrScheduled, func() { self.EnterIfInactive(woken) })
		}))
		if runs != 1 {
			t.Errorf("turns: got %d, want 1", runs)
		}
	})
}

func TestYieldResumesTheCallerWhereItEntered(t *testing.T) {
	eachHandoff(t, func(t *testing.T, newThread func(...coro.Option) *coro.Thread) {
		var j journal
		thread := newThread()
		inner := thread.New(func(self *coro.Self) {
			j.add("inner 1")
			self.Yield()
			j.add("inner 2")
			self.Yield()
		})
		outer := thread.New(func(self *coro.Self) {
			self.Enter(inner)
			j.add("outer")
			self.Yield()
		})
		thread.Enter(outer)
		j.add("leader")
		thread.Enter(inner) // another caller this time
		j.add("leader")
		j.want(t, "inner 1", "outer", "leader", "inner 2", "leader")
	})
}

func TestYieldClearsTheCaller(t *testing.T) {
	eachHandoff(t, func(t *testing.T, newThread func(...coro.Option) *coro.Thread) {
		thread := newThread()
		inner := thread.New(yielder)
		var during, after *coro.Coroutine
		outer := thread.New(func(self *coro.Self) {
			self.Enter(self.New(func(between *coro.Self) {
				between.Enter(inner)
				after = inner.Caller()
				during = between.Coroutine().Caller()
			}))
		})
		thread.Enter(outer)
		if during != outer {
			t.Errorf("caller of an entered coroutine: got %v, want %v", during, outer)
		}
		if after != nil || inner.Entered() {
			t.Errorf("after Yield: got caller %v, entered %v; want nil, false", after, inner.Entered())
		}
		if got := outer.Caller(); got != nil {
			t.Errorf("caller of a dead coroutine: got %v, want nil", got)
		}
	})
}

func TestCoroutineThatYieldedCanBeEnteredByTheOneItWoke(t *testing.T) {
	eachHandoff(t, func(t *testing.T, newThread func(...coro.Option) *coro.Thread) {
		var j journal
		thread := newThread()
		var a *coro.Coroutine
		b := thread.New(func(self *coro.Self) {
			j.add("b finds a %v, entered %v", a.Status(), a.Entered())
			self.Enter(a)
			j.add("b")
		})
		a = thread.New(func(self *coro.Self) {
			self.Wake(b)
			self.Yield()
			j.add("a")
		})
		thread.Enter(a)
		j.want(t, "b finds a suspended, entered false", "a", "b")
	})
}

func TestEnteredIsTrueDownTheChain(t *testing.T) {
	eachHandoff(t, func(t *testing.T, newThread func(...coro.Option) *coro.Thread) {
		thread := newThread()
		const depth = 4
		var all []*coro.Coroutine
		entered := func() (got []bool) {
			for _, co := range all {
				got = append(got, co.Entered())
			}
			return got
		}
		var innermost []bool
		body := func(level int) coro.Entry {
			return func(self *coro.Self) {
				if level == depth-2 { // one stays outside the chain
					innermost = entered()
					return
				}
				self.Enter(all[level+1])
			}
		}
		for level := range depth {
			all = append(all, thread.New(body(level)))
		}
		before := entered()
		thread.Enter(all[0])
		got := [][]bool{before, innermost, entered()}
		want := [][]bool{{false, false, false, false}, {true, true, true, false}, {false, false, false, false}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("Entered before, in the innermost, after (-want +got):\n%s", diff)
		}
	})
}

func TestLeaderIsNotInCoroutine(t *testing.T) {
	eachHandoff(t, func(t *testing.T, newThread func(...coro.Option) *coro.Thread) {
		thread := newThread(coro.WithName("main line"))
		leader := thread.Leader()
		if leader.InCoroutine() || leader.Coroutine() != nil || leader.Thread() != thread {
			t.Errorf("leader: got in coroutine %v, coroutine %v, thread %v; want false, nil, its own",
				leader.InCoroutine(), leader.Coroutine(), leader.Thread().Name())
		}
		if got, want := leader.String(), "leader of main line"; got != want {
			t.Errorf("String of the leader: got %q, want %q", got, want)
		}
		if got := thread.Current(); got != nil {
			t.Errorf("Current in the leader: got %v, want nil", got)
		}
	})
}

func TestSelfKnowsItsCoroutine(t *testing.T) {
	eachHandoff(t, func(t *testing.T, newThread func(...coro.Option) *coro.Thread) {
		thread := newThread()
		var co *coro.Coroutine
		ran := false
		co = thread.New(func(self *coro.Self) {
			ran = true
			if !self.InCoroutine() || self.Coroutine() != co || self.Thread() != thread || thread.Current() != co {
				t.Errorf("got in coroutine %v, coroutine %v, current %v; want true, %v, %v",
					self.InCoroutine(), self.Coroutine(), thread.Current(), co, co)
			}
		})
		thread.Enter(co)
		if !ran {
			t.Error("the coroutine did not run")
		}
	})
}

func TestStatusOfAllFive(t *testing.T) {
	eachHandoff(t, func(t *testing.T, newThread func(...coro.Option) *coro.Thread) {
		thread := newThread()
		var outer, inner *coro.Coroutine
		var during []coro.Status
		inner = thread.New(func(self *coro.Self) {
			during = []coro.Status{outer.Status(), inner.Status()}
			self.Yield()
		})
		outer = thread.New(func(self *coro.Self) {
			self.Enter(inner)
			during = append(during, outer.Status(), inner.Status())
		})
		wantStatus(t, outer, coro.Ready)
		thread.Enter(outer)
		want := []coro.Status{coro.Normal, coro.Running, coro.Running, coro.Suspended}
		if diff := cmp.Diff(want, during); diff != "" {
			t.Errorf("statuses of outer and inner, in inner, then in outer (-want +got):\n%s", diff)
		}
		wantStatus(t, outer, coro.Dead)
		wantStatus(t, inner, coro.Suspended)
		var words []string
		for s := coro.Ready; s <= coro.Dead+1; s++ {
			words = append(words, s.String())
		}
		if diff := cmp.Diff([]string{"ready", "running", "normal", "suspended", "dead", "Status(5)"}, words); diff != "" {
			t.Errorf("words for statuses (-want +got):\n%s", diff)
		}
	})
}

func TestWakeRunsWhenTheWakerYieldsInTheOrderOfTheWakes(t *testing.T) {
	eachHandoff(t, func(t *testing.T, newThread func(...coro.Option) *coro.Thread) {
		var j journal
		thread := newThread()
		var sleepers []*coro.Coroutine
		for i := range 4 {
			co := thread.New(func(self *coro.Self) {
				for {
					self.Yield()
					j.add("%d", i)
				}
			})
			thread.Enter(co)
			sleepers = append(sleepers, co)
		}
		waker := thread.New(func(self *coro.Self) {
			for _, i := range []int{2, 0, 3} {
				self.Wake(sleepers[i])
				if !sleepers[i].Scheduled() {
					t.Errorf("sleeper %d was woken and is not scheduled", i)
				}
			}
			j.add("yields")
			self.Yield()
			self.Wake(sleepers[1])
			j.add("ends")
		})
		thread.Enter(waker)
		thread.Enter(waker)
		j.want(t, "yields", "2", "0", "3", "ends", "1")
	})
}

func TestWakeByALeaderIsEnter(t *testing.T) {
	eachHandoff(t, func(t *testing.T, newThread func(...coro.Option) *coro.Thread) {
		var j journal
		thread := newThread()
		thread.Wake(thread.New(func(*coro.Self) { j.add("woken") }))
		j.add("leader")
		j.want(t, "woken", "leader")
	})
}

func TestWakeTwiceBeforeItRanIsDiagnosed(t *testing.T) {
	eachHandoff(t, func(t *testing.T, newThread func(...coro.Option) *coro.Thread) {
		thread := newThread()
		runs := 0
		b := thread.New(func(self *coro.Self) {
			for {
				runs++
				self.Yield()
			}
		})
		a := thread.New(func(self *coro.Self) {
			self.Wake(b)
			wantMisuse(t, coro.ErrScheduled, func() { self.Wake(b) })
			wantMisuse(t, coro.ErrScheduled, func() { self.Enter(b) })
			self.Yield()
			self.Wake(b) // it ran, so this is fine
		})
		thread.Enter(a)
		thread.Enter(a)
		if runs != 2 {
			t.Errorf("turns of the woken coroutine: got %d, want 2", runs)
		}
	})
}

func TestWakeOfOneselfOrACallerIsDiagnosed(t *testing.T) {
	eachHandoff(t, func(t *testing.T, newThread func(...coro.Option) *coro.Thread) {
		thread := newThread()
		outer := thread.New(func(self *coro.Self) {
			wantMisuse(t, coro.ErrReentered, func() { self.Wake(self.Coroutine()) })
			self.Enter(self.New(func(inner *coro.Self) {
				wantMisuse(t, coro.ErrReentered, func() { inner.Wake(self.Coroutine()) })
			}))
		})
		thread.Enter(outer)
		wantStatus(t, outer, coro.Dead)
	})
}

// homeLoop is the smallest scheduler: it keeps what is to run at home.
type homeLoop struct {
	mu   sync.Mutex
	list []*coro.Coroutine
}

func (l *homeLoop) Schedule(co *coro.Coroutine) {
	if err := coro.MarkScheduled(nil, co); err != nil {
		panic(err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.list = append(l.list, co)
}

func (l *homeLoop) run(leader *coro.Self) (entered int) {
	for len(l.list) > 0 {
		co := l.list[0]
		l.list = l.list[1:]
		if leader.EnterScheduled(co) {
			entered++
		}
	}
	return entered
}

func TestWakeOfAnotherThreadsCoroutineIsScheduledAtHome(t *testing.T) {
	eachHandoff(t, func(t *testing.T, newThread func(...coro.Option) *coro.Thread) {
		loop := new(homeLoop)
		home, away := newThread(coro.WithScheduler(loop)), newThread()
		var ranOn *coro.Thread
		co := home.New(func(self *coro.Self) {
			self.Yield()
			ranOn = self.Thread()
		})
		home.Enter(co)
		away.Enter(away.New(func(self *coro.Self) {
			self.Wake(co)
			if v := caught(func() { self.Wake(co) }); !isUsage(v, coro.ErrScheduled) {
				t.Errorf("second wake: got %v, want a misuse for %v", v, coro.ErrScheduled)
			}
		}))
		if ranOn != nil {
			t.Error("the coroutine ran before its home let it")
		}
		wantMisuse(t, coro.ErrScheduled, func() { home.Enter(co) })
		if got := loop.run(home.Leader()); got != 1 || ranOn != home {
			t.Errorf("got %d turns, at home: %v; want 1, true", got, ranOn == home)
		}
	})
}

func isUsage(v any, sentinel error) bool {
	e, ok := v.(*coro.UsageError)
	return ok && errors.Is(e, sentinel)
}

func TestWakeOfAnotherThreadsCoroutineWithoutALoopIsDiagnosed(t *testing.T) {
	eachHandoff(t, func(t *testing.T, newThread func(...coro.Option) *coro.Thread) {
		home, away := newThread(), newThread()
		co := home.New(yielder)
		home.Enter(co)
		wantMisuse(t, coro.ErrNoScheduler, func() { away.Wake(co) })
		home.Enter(co)
	})
}

func TestScheduledCoroutineThatWasKilledIsLeftAlone(t *testing.T) {
	eachHandoff(t, func(t *testing.T, newThread func(...coro.Option) *coro.Thread) {
		loop := new(homeLoop)
		thread := newThread(coro.WithScheduler(loop))
		co := thread.New(yielder)
		thread.Enter(co)
		loop.Schedule(co)
		thread.Kill(co)
		if got := loop.run(thread.Leader()); got != 0 {
			t.Errorf("turns of a killed coroutine: got %d, want 0", got)
		}
		if err := coro.MarkScheduled(nil, co); !errors.Is(err, coro.ErrTerminated) {
			t.Errorf("MarkScheduled of a dead coroutine: got %v, want %v", err, coro.ErrTerminated)
		}
	})
}

// Two threads race to enter one coroutine. The coroutine stays inside until one
// of them has been told that it lost, so that they always overlap.
func TestRaceToEnterHasOneWinnerAndOneDiagnosedLoser(t *testing.T) {
	eachHandoff(t, func(t *testing.T, newThread func(...coro.Option) *coro.Thread) {
		one, two := newThread(), newThread()
		for range 200 {
			lost := make(chan any, 2)
			co := one.New(func(self *coro.Self) {
				<-lost
				self.Yield()
			})
			var results [2]any
			var both sync.WaitGroup
			for i, thread := range []*coro.Thread{one, two} {
				both.Go(func() {
					results[i] = caught(func() { thread.Enter(co) })
					if results[i] != nil {
						lost <- results[i]
					}
				})
			}
			both.Wait()
			won, loser := results[0], results[1]
			if won != nil {
				won, loser = loser, won
			}
			if won != nil || !isUsage(loser, coro.ErrReentered) {
				t.Fatalf("got %v and %v, want nil and a misuse for %v", won, loser, coro.ErrReentered)
			}
			wantStatus(t, co, coro.Suspended)
			one.Enter(co)
			wantStatus(t, co, coro.Dead)
		}
	})
}

func TestCoroutineMayBeEnteredByAnotherThread(t *testing.T) {
	eachHandoff(t, func(t *testing.T, newThread func(...coro.Option) *coro.Thread) {
		one, two := newThread(coro.WithName("one")), newThread(coro.WithName("two"))
		var on []string
		co := one.New(func(self *coro.Self) {
			on = append(on, self.Thread().Name())
			self.Yield()
			on = append(on, self.Thread().Name())
			self.Yield()
			on = append(on, self.Thread().Name())
		})
		one.Enter(co)
		two.Enter(co)
		if err := one.Close(); err != nil { // it is two's now
			t.Errorf("Close: %v", err)
		}
		two.Enter(co)
		wantStatus(t, co, coro.Dead)
		if diff := cmp.Diff([]string{"one", "two", "two"}, on); diff != "" {
			t.Errorf("threads that it ran on (-want +got):\n%s", diff)
		}
	})
}

func TestTerminateHoldingLocksIsDiagnosed(t *testing.T) {
	eachHandoff(t, func(t *testing.T, newThread func(...coro.Option) *coro.Thread) {
		thread := newThread()
		co := thread.New(func(self *coro.Self) {
			self.HoldLocks(2)
			self.HoldLocks(-1)
		})
		wantMisuse(t, coro.ErrLocksHeld, func() { thread.Enter(co) })
		wantStatus(t, co, coro.Dead)
		balanced := thread.New(func(self *coro.Self) {
			self.HoldLocks(1)
			self.Yield()
			self.HoldLocks(-1)
		})
		thread.Enter(balanced)
		thread.Enter(balanced)
		wantStatus(t, balanced, coro.Dead)
	})
}

func TestSelfUsedByAnotherGoroutineIsDiagnosed(t *testing.T) {
	eachHandoff(t, func(t *testing.T, newThread func(...coro.Option) *coro.Thread) {
		thread := newThread()
		var theirs *coro.Self
		co := thread.New(func(self *coro.Self) {
			theirs = self
			self.Yield()
		})
		other := thread.New(nop)
		thread.Enter(co)
		var foreign sync.WaitGroup
		foreign.Go(func() {
			for name, use := range map[string]func(){
				"yield": func() { theirs.Yield() },
				"enter": func() { theirs.Enter(other) },
				"wake":  func() { theirs.Wake(other) },
				"kill":  func() { theirs.Kill(other) },
			} {
				if v := caught(use); !isUsage(v, coro.ErrOutside) {
					t.Errorf("%s: got %v, want a misuse for %v", name, v, coro.ErrOutside)
				}
			}
		})
		foreign.Wait()
		wantStatus(t, co, coro.Suspended)
		wantStatus(t, other, coro.Ready)
		thread.Enter(other)
		thread.Enter(co)
	})
}

// Plain variables, read and written by both sides and by goroutines that take
// the leader's part in turn: the race detector is the judge.
func TestMemoryModel(t *testing.T) {
	eachHandoff(t, func(t *testing.T, newThread func(...coro.Option) *coro.Thread) {
		thread := newThread()
		var down, up int
		body := func(self *coro.Self) {
			for down >= 0 {
				up = down * 2
				self.Yield()
			}
			up = -1
		}
		for range 3 { // the second and third reuse a goroutine
			co := thread.New(body)
			for i := range 100 {
				down = i
				thread.Enter(co)
				if up != 2*i {
					t.Fatalf("answer: got %d, want %d", up, 2*i)
				}
			}
			down = -1
			thread.Enter(co)
			if up != -1 {
				t.Fatalf("answer of the end: got %d, want -1", up)
			}
		}
		// A killed coroutine's deferred calls happen before Kill returns.
		co := thread.New(func(self *coro.Self) {
			defer func() { up = down }()
			self.Yield()
		})
		thread.Enter(co)
		down = 7
		thread.Kill(co)
		if up != 7 {
			t.Errorf("written by a deferred call: got %d, want 7", up)
		}
	})
}

func TestLeadersMayTakeTurns(t *testing.T) {
	eachHandoff(t, func(t *testing.T, newThread func(...coro.Option) *coro.Thread) {
		thread := newThread()
		sum := 0
		co := thread.New(func(self *coro.Self) {
			for i := 1; ; i++ {
				sum += i
				self.Yield()
			}
		})
		for range 10 {
			done := make(chan struct{})
			go func() {
				defer close(done)
				thread.Enter(co)
			}()
			<-done
		}
		if sum != 55 {
			t.Errorf("sum: got %d, want 55", sum)
		}
	})
}

func TestCoroutinesAreNumberedInTheOrderOfCreation(t *testing.T) {
	eachHandoff(t, func(t *testing.T, newThread func(...coro.Option) *coro.Thread) {
		one, two := newThread(), newThread()
		var ids []uint64
		for _, thread := range []*coro.Thread{one, one, two, one} {
			ids = append(ids, thread.New(nop).ID())
		}
		one.Enter(one.New(func(self *coro.Self) {
			ids = append(ids, self.Coroutine().ID(), self.New(nop).ID())
		}))
		if diff := cmp.Diff([]uint64{1, 2, 1, 3, 4, 5}, ids); diff != "" {
			t.Errorf("ids (-want +got):\n%s", diff)
		}
	})
}

func TestHandleStaysValidAfterDeath(t *testing.T) {
	eachHandoff(t, func(t *testing.T, newThread func(...coro.Option) *coro.Thread) {
		thread := newThread()
		first := thread.New(nop)
		thread.Enter(first)
		second := thread.New(yielder) // runs on the same goroutine
		thread.Enter(second)
		wantStatus(t, first, coro.Dead)
		wantStatus(t, second, coro.Suspended)
		if first.ID() != 1 || first.Entered() || first.Caller() != nil || first.Thread() != thread {
			t.Errorf("dead handle: got id %d, entered %v, caller %v", first.ID(), first.Entered(), first.Caller())
		}
		wantMisuse(t, coro.ErrTerminated, func() { thread.Enter(first) })
		wantMisuse(t, coro.ErrTerminated, func() { thread.Wake(first) })
		thread.Kill(first)
	})
}

func TestCostNoAllocationOnEnterYieldAndWake(t *testing.T) {
	eachHandoff(t, func(t *testing.T, newThread func(...coro.Option) *coro.Thread) {
		thread := newThread()
		woken := thread.New(yielder)
		thread.Enter(woken)
		waker := thread.New(func(self *coro.Self) {
			for {
				self.Wake(woken)
				self.Yield()
			}
		})
		inner := thread.New(yielder)
		outer := thread.New(func(self *coro.Self) {
			for {
				self.Enter(inner)
				self.Yield()
			}
		})
		alone := thread.New(yielder)
		for _, what := range []struct {
			name string
			co   *coro.Coroutine
		}{{"enter and yield", alone}, {"enter in a coroutine", outer}, {"wake", waker}} {
			if got := testing.AllocsPerRun(200, func() { thread.Enter(what.co) }); got != 0 {
				t.Errorf("allocations of %s: got %v, want 0", what.name, got)
			}
		}
	})
}

func TestCostOneAllocationForAPooledNew(t *testing.T) {
	eachHandoff(t, func(t *testing.T, newThread func(...coro.Option) *coro.Thread) {
		thread := newThread()
		if got := testing.AllocsPerRun(200, func() { thread.Enter(thread.New(nop)) }); got != 1 {
			t.Errorf("allocations of New, Enter, terminate: got %v, want 1", got)
		}
	})
}

func TestPoolReusesGoroutines(t *testing.T) {
	eachHandoff(t, func(t *testing.T, newThread func(...coro.Option) *coro.Thread) {
		for _, tt := range []struct{ pool, want int }{{0, 0}, {1, 1}, {3, 3}, {64, 10}} {
			base := goroutinesAtRest(t)
			thread := newThread(coro.WithPool(tt.pool))
			for range 2 { // the second round starts no more than the pool lacks
				var all []*coro.Coroutine
				for range 10 {
					co := thread.New(func(self *coro.Self) { self.Yield() })
					thread.Enter(co)
					all = append(all, co)
				}
				if got := runtime.NumGoroutine() - base; got != 10 {
					t.Errorf("pool of %d: goroutines of 10 suspended coroutines: got %d, want 10", tt.pool, got)
				}
				for _, co := range all {
					thread.Enter(co)
				}
				goroutinesBackTo(t, base+tt.want)
				if got := runtime.NumGoroutine() - base; got != tt.want {
					t.Errorf("pool of %d: goroutines kept: got %d, want %d", tt.pool, got, tt.want)
				}
			}
			if err := thread.Close(); err != nil {
				t.Errorf("Close: %v", err)
			}
			goroutinesBackTo(t, base)
		}
	})
}

func TestOptionsRejectNonsense(t *testing.T) {
	if caught(func() { coro.WithPool(-1) }) == nil {
		t.Error("WithPool(-1) did not panic")
	}
	if caught(func() { coro.WithHandoff(7) }) == nil {
		t.Error("WithHandoff(7) did not panic")
	}
	var h coro.Handoff
	if err := h.UnmarshalText([]byte("direct")); err != nil || h != coro.Direct {
		t.Errorf("UnmarshalText(direct): got %v, %v", h, err)
	}
	if err := h.UnmarshalText([]byte("pigeon")); err == nil {
		t.Error("UnmarshalText(pigeon): got nil, want an error")
	}
	if text, _ := coro.Channel.MarshalText(); string(text) != "channel" {
		t.Errorf("MarshalText: got %q, want %q", text, "channel")
	}
	if got := coro.NewThread(coro.WithHandoff(coro.Direct)).Handoff(); !slices.Contains([]coro.Handoff{coro.Channel, coro.Direct}, got) {
		t.Errorf("Handoff: got %v", got)
	}
}
