package aio_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/aio"
	"github.com/gohandoff/coroutine/coro/cosync"
)

// One test a sentence of what the package promises.

func TestScheduleAndPostAreFIFO(t *testing.T) {
	eachHandoff(t, func(t *testing.T, loop newLoop) {
		var j journal
		l := loop()
		for i := range 3 {
			l.Schedule(l.Thread().New(func(self *coro.Self) { j.add("co%d", i) }))
			l.Post(func() { j.add("fn%d", i) })
		}
		run(t, l)
		j.want(t, "co0", "fn0", "co1", "fn1", "co2", "fn2")
	})
}

func TestYieldIsInOrderWithPost(t *testing.T) {
	eachHandoff(t, func(t *testing.T, loop newLoop) {
		var j journal
		l := loop()
		l.Go(func(self *coro.Self) error {
			aio.LoopOf(self).Post(func() { j.add("fn1") })
			aio.Go(self, func(self *coro.Self) error { j.add("child"); return nil })
			aio.LoopOf(self).Post(func() { j.add("fn2") })
			aio.Yield(self)
			j.add("back")
			return nil
		})
		run(t, l)
		j.want(t, "fn1", "child", "fn2", "back")
	})
}

func TestScheduleTwiceIsDiagnosed(t *testing.T) {
	eachHandoff(t, func(t *testing.T, loop newLoop) {
		l := loop()
		co := l.Thread().New(func(*coro.Self) {})
		l.Schedule(co)
		wantMisuse(t, coro.ErrScheduled, func() { l.Schedule(co) })
		run(t, l)
		wantMisuse(t, coro.ErrTerminated, func() { l.Schedule(co) })
		wantMisuse(t, coro.ErrNil, func() { l.Schedule(nil) })
	})
}

func TestScheduleByAnyGoroutine(t *testing.T) {
	eachHandoff(t, func(t *testing.T, loop newLoop) {
		l := loop()
		release := l.Hold()
		ran := 0
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				for range 100 {
					l.Schedule(l.Thread().New(func(self *coro.Self) {
						ran++
						aio.Yield(self)
						ran++
					}))
					l.Post(func() { ran++ })
					l.Go(func(self *coro.Self) error { ran++; return nil })
				}
			})
		}
		go func() { all.Wait(); release() }()
		run(t, l)
		if ran != 1600 {
			t.Errorf("steps: got %d, want 1600", ran)
		}
	})
}

func TestPostRunsOutsideCoroutines(t *testing.T) {
	eachHandoff(t, func(t *testing.T, loop newLoop) {
		l := loop()
		l.Go(func(self *coro.Self) error {
			l.Post(func() {
				if co := l.Thread().Current(); co != nil {
					t.Errorf("bottom half runs in %v", co)
				}
			})
			aio.Yield(self)
			return nil
		})
		run(t, l)
	})
}

func TestWakeFromTheSameLoopIsDeferredUntilTheWakerYields(t *testing.T) {
	eachHandoff(t, func(t *testing.T, loop newLoop) {
		var j journal
		l := loop()
		sleeper := l.Go(func(self *coro.Self) error {
			self.Yield()
			j.add("woken")
			return nil
		})
		l.Go(func(self *coro.Self) error {
			self.Wake(sleeper.Coroutine())
			j.add("goes on")
			aio.Yield(self)
			return nil
		})
		run(t, l)
		j.want(t, "goes on", "woken")
	})
}

func TestWakeFromElsewhereIsScheduledAtHome(t *testing.T) {
	eachHandoff(t, func(t *testing.T, loop newLoop) {
		home, away := loop(aio.WithName("home")), loop(aio.WithName("away"))
		parked := make(chan *coro.Coroutine, 1)
		home.Go(func(self *coro.Self) error {
			parked <- self.Coroutine()
			self.Yield()
			if l := aio.LoopOf(self); l != home {
				t.Errorf("went on on %s", l.Name())
			}
			return nil
		})
		away.Go(func(self *coro.Self) error {
			self.Wake(<-parked)
			return nil
		})
		both(t, home, away)
	})
}

// both runs loops in parallel until they have nothing left.
func both(t *testing.T, loops ...*aio.Loop) {
	t.Helper()
	var all sync.WaitGroup
	for _, l := range loops {
		all.Go(func() {
			if err := l.Run(context.Background()); err != nil {
				t.Errorf("Run of %s: %v", l.Name(), err)
			}
		})
	}
	all.Wait()
}

func TestReschedule(t *testing.T) {
	eachHandoff(t, func(t *testing.T, loop newLoop) {
		a, b := loop(aio.WithName("a")), loop(aio.WithName("b"))
		release := b.Hold()
		task := a.Go(func(self *coro.Self) error {
			defer release()
			for range 50 {
				aio.Reschedule(self, b)
				if l := aio.LoopOf(self); l != b {
					t.Errorf("runs on %s, want b", l.Name())
				}
				aio.Sleep(self, time.Microsecond)
				aio.Reschedule(self, a)
				if l := aio.LoopOf(self); l != a {
					t.Errorf("runs on %s, want a", l.Name())
				}
			}
			aio.Reschedule(self, a)
			aio.Reschedule(self, b)
			return nil
		})
		hold := a.Hold()
		go func() { <-task.Done(); hold() }()
		both(t, a, b)
		wantIs(t, task.Err(), nil)
	})
}

func TestRescheduleToAClosedLoopIsDiagnosed(t *testing.T) {
	eachHandoff(t, func(t *testing.T, loop newLoop) {
		l, closed := loop(), loop()
		if err := closed.Close(); err != nil {
			t.Error(err)
		}
		l.Go(func(self *coro.Self) error {
			wantMisuse(t, aio.ErrClosed, func() { aio.Reschedule(self, closed) })
			wantMisuse(t, aio.ErrNoLoop, func() { aio.Reschedule(self, nil) })
			aio.Yield(self)
			return nil
		})
		run(t, l)
	})
}

func TestATaskThatMovesToALoopThatEndsIsUnwoundThere(t *testing.T) {
	eachHandoff(t, func(t *testing.T, loop newLoop) {
		a, b := loop(aio.WithName("a")), loop(aio.WithName("b"))
		ctx, cancel := context.WithCancel(context.Background())
		task := a.Go(func(self *coro.Self) error {
			for {
				aio.Reschedule(self, b)
				aio.Reschedule(self, a)
			}
		})
		hold, holdA := b.Hold(), a.Hold()
		defer hold()
		defer holdA()
		var all sync.WaitGroup
		for _, l := range []*aio.Loop{a, b} {
			all.Go(func() { wantIs(t, l.Run(ctx), context.Canceled) })
		}
		cancel()
		all.Wait()
		// It may have been on its way to a loop that had ended, in whose queue
		// it is now: then Close unwinds it.
		for _, l := range []*aio.Loop{a, b} {
			if err := l.Close(); err != nil {
				t.Error(err)
			}
		}
		if err := task.Err(); !errors.Is(err, context.Canceled) && !errors.Is(err, aio.ErrClosed) {
			t.Errorf("got error %v, want cancelled or closed", err)
		}
	})
}

// Chaos found this one: b, which drains and has a hold, waits for a coroutine on
// its way from a, which is killed there.
func TestACoroutineThatIsKilledOnItsWayToALoopThatEnds(t *testing.T) {
	eachHandoff(t, func(t *testing.T, loop newLoop) {
		a, b := loop(aio.WithName("a")), loop(aio.WithName("b"))
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		hold := b.Hold()
		defer hold()
		ended := make(chan error)
		a.Go(func(self *coro.Self) error {
			me := self.Coroutine()
			a.Post(func() { // before a hands it over
				go func() { ended <- b.Run(ctx) }()
				cancel()
				for asleep := false; !asleep; {
					var dump strings.Builder
					if err := b.Dump(&dump); err != nil {
						t.Error(err)
					}
					asleep = strings.HasPrefix(dump.String(), "loop b: sleeps")
					runtime.Gosched()
				}
				a.Thread().Kill(me)
			})
			aio.Reschedule(self, b)
			return nil
		})
		run(t, a)
		wantIs(t, <-ended, context.Canceled)
	})
}

func TestOffload(t *testing.T) {
	eachHandoff(t, func(t *testing.T, loop newLoop) {
		for _, l := range []*aio.Loop{loop(), loop(virtual())} {
			boom := errors.New("boom")
			l.Go(func(self *coro.Self) error {
				v, err := aio.Offload(self, func() (int, error) { return 42, boom })
				if v != 42 || err != boom {
					t.Errorf("Offload: got %v, %v", v, err)
				}
				p, ok := caught(func() {
					aio.Offload(self, func() (int, error) { panic(boom) })
				}).(*coro.PanicError)
				if !ok || !errors.Is(p, boom) {
					t.Errorf("panic of offloaded work: got %v", p)
				}
				return nil
			})
			run(t, l)
		}
	})
}

func TestOffloadRunsOnABoundedSetOfWorkers(t *testing.T) {
	eachHandoff(t, func(t *testing.T, loop newLoop) {
		l := loop(aio.WithWorkers(3))
		var now, most atomic.Int32
		three := make(chan struct{})
		for range 20 {
			l.Go(func(self *coro.Self) error {
				_, err := aio.Offload(self, func() (int, error) {
					n := now.Add(1)
					if n == 3 {
						select {
						case <-three:
						default:
							close(three)
						}
					}
					<-three // until all three work at a time
					for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
					}
					now.Add(-1)
					return 0, nil
				})
				return err
			})
		}
		run(t, l)
		if most.Load() != 3 {
			t.Errorf("most at a time: got %d, want 3", most.Load())
		}
	})
}

func TestOffloadIsCancellableWhileQueued(t *testing.T) {
	eachHandoff(t, func(t *testing.T, loop newLoop) {
		l := loop(aio.WithWorkers(1))
		begun, end := make(chan struct{}), make(chan struct{})
		l.Go(func(self *coro.Self) error {
			_, err := aio.Offload(self, func() (int, error) { close(begun); <-end; return 0, nil })
			return err
		})
		ran := false
		queued := l.Go(func(self *coro.Self) error {
			_, err := aio.Offload(self, func() (int, error) { ran = true; return 0, nil })
			return err
		})
		go func() {
			<-begun
			queued.Cancel(nil)
			<-queued.Done()
			close(end)
		}()
		run(t, l)
		wantIs(t, queued.Err(), context.Canceled)
		if ran {
			t.Error("the cancelled work was done")
		}
	})
}

func TestOffloadThatRunsIsNotDisturbed(t *testing.T) {
	eachHandoff(t, func(t *testing.T, loop newLoop) {
		l := loop()
		begun, end := make(chan struct{}), make(chan struct{})
		var j journal
		task := l.Go(func(self *coro.Self) error {
			defer j.add("unwound")
			aio.Offload(self, func() (int, error) { close(begun); <-end; return 0, nil })
			j.add("must not go on")
			return nil
		})
		go func() {
			<-begun
			task.Cancel(nil)
			l.Post(func() { j.add("the loop goes on"); close(end) })
		}()
		run(t, l)
		wantIs(t, task.Err(), context.Canceled)
		j.want(t, "the loop goes on", "unwound")
	})
}

func TestKillWaitsForOffloadThatRuns(t *testing.T) {
	eachHandoff(t, func(t *testing.T, loop newLoop) {
		l := loop()
		begun, end := make(chan struct{}), make(chan struct{})
		var ended atomic.Bool
		task := l.Go(func(self *coro.Self) error {
			defer func() {
				if !ended.Load() {
					t.Error("unwound while the work was being done")
				}
			}()
			aio.Offload(self, func() (int, error) { close(begun); <-end; ended.Store(true); return 0, nil })
			return nil
		})
		l.Go(func(self *coro.Self) error {
			<-begun
			go close(end)
			self.Kill(task.Coroutine())
			return nil
		})
		run(t, l)
		wantIs(t, task.Err(), context.Canceled)
	})
}

func TestGoexitInOffloadedWorkComesBack(t *testing.T) {
	eachHandoff(t, func(t *testing.T, loop newLoop) {
		for _, l := range []*aio.Loop{loop(), loop(virtual())} {
			task := l.Go(func(self *coro.Self) error {
				aio.Offload(self, func() (int, error) { goexit(); return 0, nil })
				return nil
			})
			if exited, v := exits(func() { _ = l.Run(context.Background()) }); !exited {
				t.Errorf("Run returned or panicked with %v, want Goexit", v)
			}
			wantIs(t, task.Err(), aio.ErrGoexit)
			// The workers and the loop are in order.
			l.Go(func(self *coro.Self) error {
				_, err := aio.Offload(self, func() (int, error) { return 0, nil })
				return err
			})
			run(t, l)
		}
	})
}

func TestOrderOfEqualDeadlinesIsOrderOfArming(t *testing.T) {
	eachHandoff(t, func(t *testing.T, loop newLoop) {
		var j journal
		l := loop(virtual())
		for i, d := range []time.Duration{3, 1, 2, 1, 3, 1, 2} {
			l.Go(func(self *coro.Self) error {
				aio.Sleep(self, d*time.Second)
				j.add("%v: %d", l.Now().Sub(epoch), i)
				return nil
			})
		}
		run(t, l)
		j.want(t, "1s: 1", "1s: 3", "1s: 5", "2s: 2", "2s: 6", "3s: 0", "3s: 4")
	})
}

func TestTheClockMayBeASynctestBubblesClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := aio.NewLoop()
		defer l.Close()
		start := time.Now()
		l.Go(sleepFor(time.Hour))
		run(t, l)
		if d := time.Since(start); d != time.Hour {
			t.Errorf("slept %v, want 1h", d)
		}
	})
}

func TestRunReturnsWhenNothingIsLeft(t *testing.T) {
	eachHandoff(t, func(t *testing.T, loop newLoop) {
		l := loop()
		run(t, l)
		l.Go(sleepFor(0))
		run(t, l)
		l.Go(sleepFor(time.Microsecond))
		run(t, l)
	})
}

func TestRunReturnsWhenCtxIsDoneAndDrains(t *testing.T) {
	eachHandoff(t, func(t *testing.T, loop newLoop) {
		l := loop()
		why := errors.New("enough")
		ctx, cancel := context.WithCancelCause(context.Background())
		defer cancel(nil)
		var j journal
		for i := range 3 {
			l.Go(func(self *coro.Self) error {
				defer j.add("unwound %d", i)
				if i == 2 {
					cancel(why)
				}
				aio.Sleep(self, time.Hour)
				return nil
			})
		}
		// A bare coroutine must not hold up the drain either.
		l.Schedule(l.Thread().New(func(self *coro.Self) {
			defer j.add("unwound bare")
			aio.Sleep(self, time.Hour)
		}))
		wantIs(t, l.Run(ctx), why)
		j.want(t, "unwound 2", "unwound 1", "unwound 0", "unwound bare")
		if n := l.Thread().Live(); n != 0 {
			t.Errorf("live coroutines: got %d, want 0", n)
		}
	})
}

func TestRunWithCtxDoneBeforeStartsNothing(t *testing.T) {
	eachHandoff(t, func(t *testing.T, loop newLoop) {
		l := loop()
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		task := l.Go(func(self *coro.Self) error { t.Error("ran"); return nil })
		wantIs(t, l.Run(ctx), context.Canceled)
		wantIs(t, task.Err(), context.Canceled)
	})
}

func TestRunReturnsTheFirstErrorThatNobodyAskedAbout(t *testing.T) {
	eachHandoff(t, func(t *testing.T, loop newLoop) {
		l := loop()
		one, two := errors.New("one"), errors.New("two")
		first := l.Go(func(*coro.Self) error { return one })
		l.Go(func(*coro.Self) error { return two })
		l.Go(func(self *coro.Self) error {
			wantIs(t, first.Wait(self), one)
			return nil
		})
		wantIs(t, l.Run(context.Background()), two)
		run(t, l) // only its own
	})
}

func TestRunFindsADeadlock(t *testing.T) {
	eachHandoff(t, func(t *testing.T, loop newLoop) {
		l := loop(aio.WithIsolated())
		unwound := false
		l.Go(func(self *coro.Self) error {
			defer func() { unwound = true }()
			return stuck(self)
		})
		wantIs(t, l.Run(context.Background()), aio.ErrDeadlock)
		if !unwound {
			t.Error("not unwound")
		}
		l.Go(sleepFor(0))
		run(t, l)
	})
}

func TestADrainDoesNotWaitForBottomHalvesThatPostThemselves(t *testing.T) {
	eachHandoff(t, func(t *testing.T, loop newLoop) {
		l := loop()
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		n := 0
		var again func()
		again = func() {
			if n++; n == 10 {
				cancel()
			}
			l.Post(again)
		}
		again()
		l.Schedule(l.Thread().New(func(self *coro.Self) {
			for {
				aio.Yield(self)
			}
		}))
		wantIs(t, l.Run(ctx), context.Canceled)
	})
}

func TestTasksStartedWhileTheLoopDrainsAreCancelled(t *testing.T) {
	eachHandoff(t, func(t *testing.T, loop newLoop) {
		l := loop()
		ctx, cancel := context.WithCancel(context.Background())
		var late *aio.Task
		l.Go(func(self *coro.Self) error {
			defer func() {
				aio.Go(self, func(self *coro.Self) error { t.Error("child ran"); return nil })
				late = l.Go(func(self *coro.Self) error { t.Error("late ran"); return nil })
			}()
			cancel()
			aio.Sleep(self, time.Hour)
			return nil
		})
		wantIs(t, l.Run(ctx), context.Canceled)
		wantIs(t, late.Err(), context.Canceled)
	})
}

func TestACoroutineThatReschedulesItselfStarvesNobody(t *testing.T) {
	eachHandoff(t, func(t *testing.T, loop newLoop) {
		l := loop()
		left := 4
		done := func() { left-- }
		l.Go(func(self *coro.Self) error {
			for left > 0 {
				aio.Yield(self)
			}
			return nil
		})
		l.Go(func(self *coro.Self) error {
			aio.Sleep(self, time.Microsecond)
			done()
			l.Post(done)
			_, err := aio.Offload(self, func() (int, error) { return 0, nil })
			done()
			return err
		})
		release := l.Hold()
		go func() { l.Post(func() { done(); release() }) }()
		run(t, l)
	})
}

func TestCoroutinesOfDifferentLoopsRunInParallel(t *testing.T) {
	eachHandoff(t, func(t *testing.T, loop newLoop) {
		a, b := loop(), loop()
		ping, pong := make(chan int), make(chan int)
		a.Go(func(*coro.Self) error { ping <- 1; <-pong; return nil })
		b.Go(func(*coro.Self) error { <-ping; pong <- 1; return nil })
		both(t, a, b)
	})
}

func TestLoopsShareLocks(t *testing.T) {
	eachHandoff(t, func(t *testing.T, loop newLoop) {
		var m cosync.Mutex
		n := 0
		var loops []*aio.Loop
		for range 3 {
			l := loop()
			loops = append(loops, l)
			for range 10 {
				l.Go(func(self *coro.Self) error {
					for range 100 {
						m.Lock(self)
						n++
						m.Unlock(self)
						aio.Yield(self)
					}
					return nil
				})
			}
		}
		both(t, loops...)
		if n != 3000 {
			t.Errorf("got %d, want 3000", n)
		}
	})
}

// Sleep.

func TestAWakeBeforeTheSleepIsSticky(t *testing.T) {
	eachHandoff(t, func(t *testing.T, loop newLoop) {
		l := loop(virtual())
		var s aio.Sleeper
		s.Wake()
		s.Wake() // wakes coalesce
		l.Go(func(self *coro.Self) error {
			if !s.Sleep(self, time.Hour) || !l.Now().Equal(epoch) {
				t.Error("the first sleep did not return at once")
			}
			if s.Sleep(self, time.Hour) || !l.Now().Equal(epoch.Add(time.Hour)) {
				t.Error("the second sleep was cut short")
			}
			return nil
		})
		run(t, l)
	})
}

func TestASleepCanBeWoken(t *testing.T) {
	eachHandoff(t, func(t *testing.T, loop newLoop) {
		l := loop(virtual())
		var s aio.Sleeper
		l.Go(func(self *coro.Self) error {
			if !s.Sleep(self, time.Hour) {
				t.Error("Sleep: got false, want true")
			}
			if got := l.Now().Sub(epoch); got != time.Second {
				t.Errorf("slept %v, want 1s", got)
			}
			if s.Sleep(self, -time.Second) {
				t.Error("Sleep of less than nothing: got true, want false")
			}
			return nil
		})
		l.Go(func(self *coro.Self) error {
			aio.Sleep(self, time.Second)
			s.Wake()
			s.Wake()
			return nil
		})
		run(t, l)
	})
}

// The timer and a wake in one iteration, in both orders: neither the wake nor
// the next sleep must be lost.
func TestAWakeAndTheTimerAtTheSameTime(t *testing.T) {
	eachHandoff(t, func(t *testing.T, loop newLoop) {
		for _, sleeperFirst := range []bool{false, true} {
			l := loop(virtual())
			var s aio.Sleeper
			sleeper := func(self *coro.Self) error {
				if !s.Sleep(self, time.Second) {
					// The wake came after Sleep had returned.
					if !s.Sleep(self, time.Hour) {
						t.Error("lost the wake")
					}
				}
				at := l.Now()
				if s.Sleep(self, time.Hour) || l.Now().Sub(at) != time.Hour {
					t.Error("the next sleep was cut short")
				}
				return nil
			}
			waker := func(self *coro.Self) error {
				aio.Sleep(self, time.Second)
				s.Wake()
				return nil
			}
			if sleeperFirst {
				l.Go(sleeper)
				l.Go(waker)
			} else {
				l.Go(waker)
				l.Go(sleeper)
			}
			run(t, l)
		}
	})
}

func TestAnEntryByHandDoesNotEndASleep(t *testing.T) {
	eachHandoff(t, func(t *testing.T, loop newLoop) {
		l := loop(virtual())
		var s aio.Sleeper
		tasks := []*aio.Task{
			l.Go(sleepFor(time.Second)),
			l.Go(func(self *coro.Self) error { s.Sleep(self, time.Second); return nil }),
			l.Go(func(self *coro.Self) error { return aio.Timeout(self, time.Hour, sleepFor(time.Second)) }),
			l.Go(func(self *coro.Self) error { return aio.Go(self, sleepFor(time.Second)).Wait(self) }),
		}
		l.Go(func(self *coro.Self) error {
			aio.Yield(self)
			for _, task := range tasks {
				self.Enter(task.Coroutine())
				if st := task.Coroutine().Status(); st != coro.Suspended {
					t.Errorf("%v: got %v, want suspended", task, st)
				}
			}
			return nil
		})
		run(t, l)
		if got := l.Now().Sub(epoch); got != time.Second {
			t.Errorf("took %v, want 1s", got)
		}
	})
}

func TestASleeperOfTwoIsDiagnosed(t *testing.T) {
	eachHandoff(t, func(t *testing.T, loop newLoop) {
		l := loop(virtual())
		var s aio.Sleeper
		l.Go(func(self *coro.Self) error { s.Sleep(self, time.Second); return nil })
		l.Go(func(self *coro.Self) error {
			wantMisuse(t, aio.ErrSleeping, func() { s.Sleep(self, time.Second) })
			return nil
		})
		run(t, l)
	})
}

// Timeout.

func TestTheBodyIsUnwoundAtItsParkPointBeforeTimeoutReturns(t *testing.T) {
	eachHandoff(t, func(t *testing.T, loop newLoop) {
		l := loop(virtual())
		var j journal
		l.Go(func(self *coro.Self) error {
			err := aio.Timeout(self, time.Second, func(self *coro.Self) error {
				defer j.add("deferred")
				aio.Sleep(self, time.Hour)
				j.add("must not go on")
				return nil
			})
			j.add("%v", err)
			wantIs(t, err, aio.ErrTimeout)
			wantIs(t, err, context.DeadlineExceeded)
			return nil
		})
		run(t, l)
		j.want(t, "deferred", "aio: timed out after 1s")
		if got := l.Now().Sub(epoch); got != time.Second {
			t.Errorf("took %v, want 1s", got)
		}
	})
}

func TestTimeoutReturnsWhatBodyDoes(t *testing.T) {
	eachHandoff(t, func(t *testing.T, loop newLoop) {
		l := loop(virtual())
		boom := errors.New("boom")
		l.Go(func(self *coro.Self) error {
			wantIs(t, aio.Timeout(self, time.Second, func(*coro.Self) error { return boom }), boom)
			wantIs(t, aio.Timeout(self, time.Second, sleepFor(time.Millisecond)), nil)
			wantIs(t, aio.Timeout(self, 0, func(*coro.Self) error { return nil }), nil)
			wantIs(t, aio.Timeout(self, -1, sleepFor(time.Millisecond)), aio.ErrTimeout)
			for _, when := range []time.Duration{0, time.Millisecond} {
				v := caught(func() {
					_ = aio.Timeout(self, time.Second, func(self *coro.Self) error {
						aio.Sleep(self, when)
						panic(boom)
					})
				})
				if p, ok := v.(*coro.PanicError); !ok || !errors.Is(p, boom) {
					t.Errorf("panic in the body: got %v", v)
				}
			}
			wantMisuse(t, coro.ErrNilEntry, func() { _ = aio.Timeout(self, time.Second, nil) })
			return nil
		})
		run(t, l)
	})
}

func TestABodyThatEndsWhenTheTimeIsOver(t *testing.T) {
	eachHandoff(t, func(t *testing.T, loop newLoop) {
		l := loop(virtual())
		l.Go(func(self *coro.Self) error {
			// The timeout is armed first, so it comes first.
			wantIs(t, aio.Timeout(self, time.Second, sleepFor(time.Second)), aio.ErrTimeout)
			// Here the body's wake is in the queue before the timer runs out.
			var s aio.Sleeper
			aio.Go(self, func(self *coro.Self) error {
				aio.Sleep(self, time.Second)
				s.Wake()
				return nil
			})
			aio.Yield(self)
			wantIs(t, aio.Timeout(self, time.Second, func(self *coro.Self) error {
				s.Sleep(self, time.Hour)
				return nil
			}), aio.ErrTimeout)
			return nil
		})
		run(t, l)
	})
}

func TestTheOuterOfTwoTimeoutsEndsBoth(t *testing.T) {
	eachHandoff(t, func(t *testing.T, loop newLoop) {
		for _, inner := range []time.Duration{time.Second, time.Hour} {
			l := loop(virtual())
			var j journal
			l.Go(func(self *coro.Self) error {
				err := aio.Timeout(self, time.Second, func(self *coro.Self) error {
					defer j.add("outer")
					err := aio.Timeout(self, inner, func(self *coro.Self) error {
						defer j.add("inner")
						aio.Sleep(self, 2*time.Hour)
						return nil
					})
					j.add("must not go on: %v", err)
					return err
				})
				wantIs(t, err, aio.ErrTimeout)
				j.add("%v", err)
				return nil
			})
			run(t, l)
			j.want(t, "inner", "outer", "aio: timed out after 1s")
		}
	})
}

func TestTheInnerOfTwoTimeouts(t *testing.T) {
	eachHandoff(t, func(t *testing.T, loop newLoop) {
		l := loop(virtual())
		l.Go(func(self *coro.Self) error {
			wantIs(t, aio.Timeout(self, time.Hour, func(self *coro.Self) error {
				wantIs(t, aio.Timeout(self, time.Second, sleepFor(time.Minute)), aio.ErrTimeout)
				aio.Sleep(self, time.Minute)
				return nil
			}), nil)
			return nil
		})
		run(t, l)
		if got := l.Now().Sub(epoch); got != 61*time.Second {
			t.Errorf("took %v, want 1m1s", got)
		}
	})
}

func TestTimeoutWaitsForOffloadedWorkAndSoDoesWhoCancelsIt(t *testing.T) {
	eachHandoff(t, func(t *testing.T, loop newLoop) {
		l := loop()
		begun, end := make(chan struct{}), make(chan struct{})
		var j journal
		task := l.Go(func(self *coro.Self) error {
			defer j.add("caller unwound")
			err := aio.Timeout(self, time.Hour, func(self *coro.Self) error {
				defer j.add("body unwound")
				_, err := aio.Offload(self, func() (int, error) { close(begun); <-end; return 0, nil })
				return err
			})
			j.add("must not go on: %v", err)
			return err
		})
		go func() {
			<-begun
			task.Cancel(nil)
			l.Post(func() { j.add("the loop goes on"); close(end) })
		}()
		run(t, l)
		wantIs(t, task.Err(), context.Canceled)
		j.want(t, "the loop goes on", "body unwound", "caller unwound")
	})
}

func TestTimeoutOfABodyThatHasMovedToAnotherLoop(t *testing.T) {
	eachHandoff(t, func(t *testing.T, loop newLoop) {
		a, b := loop(aio.WithName("a")), loop(aio.WithName("b"))
		release, releaseA := b.Hold(), a.Hold()
		a.Go(func(self *coro.Self) error {
			defer release()
			defer releaseA()
			unwound := false
			err := aio.Timeout(self, time.Millisecond, func(self *coro.Self) error {
				defer func() { unwound = true }()
				aio.Reschedule(self, b)
				aio.Sleep(self, time.Hour)
				return nil
			})
			wantIs(t, err, aio.ErrTimeout)
			if !unwound {
				t.Error("not unwound")
			}
			return nil
		})
		both(t, a, b)
	})
}
