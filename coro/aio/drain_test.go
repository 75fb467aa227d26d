package aio_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/aio"
	"github.com/gohandoff/coroutine/coro/cosync"
)

// A task that waits for another is woken when that is unwound; it must not run on
// then, and begin anew for ever.
func TestADrainLetsNobodyRunOn(t *testing.T) {
	eachHandoff(t, func(t *testing.T, loop newLoop) {
		l := loop(aio.WithClock(aio.NewVirtualClock(time.Time{})))
		ctx, cancel := context.WithCancel(t.Context())
		begun := 0
		l.Go(func(self *coro.Self) error {
			for {
				begun++
				aio.Timeout(self, time.Hour, func(self *coro.Self) error { //nolint:errcheck // it never returns one
					l.Post(cancel)
					aio.Sleep(self, 2*time.Hour)
					return nil
				})
			}
		})
		if err := l.Run(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("Run: got %v, want canceled", err)
		}
		if begun != 1 {
			t.Errorf("begun %d times, want once", begun)
		}
	})
}

// The report says who held what when it was found, not when it is read, after
// all has been unwound.
func TestADeadlockReportNamesTheHolder(t *testing.T) {
	eachHandoff(t, func(t *testing.T, loop newLoop) {
		l := loop(aio.WithIsolated())
		var mu cosync.Mutex
		mu.SetName("ledger")
		var q cosync.Queue
		l.Go(func(self *coro.Self) error {
			mu.Lock(self)
			defer mu.Unlock(self)
			q.Wait(self, nil)
			return nil
		}).SetName("clerk")
		l.Go(func(self *coro.Self) error {
			mu.Lock(self)
			mu.Unlock(self)
			return nil
		})
		err := l.Run(t.Context())
		if want := `waits for mutex "ledger", held by clerk`; err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want it to say %s", err, want)
		}
	})
}

// That somebody does not unlock when he is unwound must not hide why he was.
func TestADeadlockIsToldAlsoIfLocksAreHeld(t *testing.T) {
	eachHandoff(t, func(t *testing.T, loop newLoop) {
		l := loop(aio.WithIsolated())
		var mu cosync.Mutex
		for range 2 {
			l.Go(func(self *coro.Self) error {
				mu.Lock(self)
				var q cosync.Queue
				q.Wait(self, nil)
				mu.Unlock(self) // not deferred
				return nil
			})
		}
		err := l.Run(t.Context())
		var e *aio.DeadlockError
		if !errors.As(err, &e) || len(e.Waiting) != 2 || !errors.Is(err, coro.ErrLocksHeld) {
			t.Errorf("got %v, want a deadlock of two, and %v", err, coro.ErrLocksHeld)
		}
	})
}

// A cycle may go through any of several who hold a lock.
func TestADeadlockCycleThroughASecondReader(t *testing.T) {
	eachHandoff(t, func(t *testing.T, loop newLoop) {
		l := loop(aio.WithIsolated())
		var rw cosync.RWMutex
		var writer *aio.Task
		var q cosync.Queue
		reader := func(wait func(self *coro.Self)) *aio.Task {
			return l.Go(func(self *coro.Self) error {
				rw.RLock(self)
				defer rw.RUnlock(self)
				wait(self)
				return nil
			})
		}
		reader(func(self *coro.Self) { q.Wait(self, nil) }).SetName("idle")
		reader(func(self *coro.Self) { writer.Wait(self) }).SetName("reader") //nolint:errcheck // it never comes
		writer = l.Go(func(self *coro.Self) error {
			rw.Lock(self)
			rw.Unlock(self)
			return nil
		}).SetName("writer")
		var e *aio.DeadlockError
		if err := l.Run(t.Context()); !errors.As(err, &e) || len(e.Cycle) != 2 {
			t.Errorf("got %v, want a cycle of two", err)
		}
	})
}

func TestAVirtualClockHeedsACancelOfItsOwnProgram(t *testing.T) {
	eachHandoff(t, func(t *testing.T, loop newLoop) {
		for range 20 {
			l := loop(aio.WithClock(aio.NewVirtualClock(time.Time{})))
			ctx, cancel := context.WithCancel(t.Context())
			slept := 0
			l.Go(func(self *coro.Self) error {
				for range 10 {
					aio.Sleep(self, time.Second)
					if slept++; slept == 3 {
						cancel()
					}
				}
				return nil
			})
			if err := l.Run(ctx); !errors.Is(err, context.Canceled) || slept != 3 {
				t.Fatalf("slept %d times, Run: %v; want 3 and canceled", slept, err)
			}
		}
	})
}

func TestATaskThatLosesTheRaceWithCloseIsCancelled(t *testing.T) {
	eachHandoff(t, func(t *testing.T, loop newLoop) {
		for range 50 {
			l := loop()
			started := make(chan *aio.Task, 1)
			go func() {
				defer close(started)
				defer func() { recover() }() // ErrClosed, if Close was first by far
				started <- l.Go(func(*coro.Self) error { return nil })
			}()
			l.Close() //nolint:errcheck // of what it says there are other tests
			if task := <-started; task != nil {
				<-task.Done()
			}
		}
	})
}

// A killed task is told to the tracer; one that panics then must not have the loop kill it
// for ever.
type killTracer struct{}

func (killTracer) Trace(e coro.Event) {
	if e.Kind == coro.EventKill {
		panic(errors.New("tracer"))
	}
}

func TestADrainEndsThoughTheTracerPanics(t *testing.T) {
	eachHandoff(t, func(t *testing.T, loop newLoop) {
		l := loop(aio.WithThread(coro.WithTracer(killTracer{})))
		ctx, cancel := context.WithCancel(t.Context())
		unwound := false
		l.Go(func(self *coro.Self) error {
			defer func() { unwound = true }()
			l.Post(cancel)
			aio.Sleep(self, time.Hour)
			return nil
		})
		defer func() {
			if v := recover(); fmt.Sprint(v) != "tracer" || !unwound {
				t.Errorf("Run panicked with %v, unwound is %v", v, unwound)
			}
		}()
		t.Errorf("Run: got %v, want a panic", l.Run(ctx))
	})
}
