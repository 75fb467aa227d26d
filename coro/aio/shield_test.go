package aio_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/aio"
	"github.com/gohandoff/coroutine/coro/cosync"
)

var errGoodbye = errors.New("goodbye failed")

// goodbye takes a second, two functions of workers and a child, and then fails
// with err.
func goodbye(j *journal, err error) func(self *coro.Self) error {
	return func(self *coro.Self) error {
		j.add("goodbye begins")
		aio.Sleep(self, time.Second)
		for range 2 {
			if _, err := aio.Offload(self, func() (int, error) { return 0, nil }); err != nil {
				return err
			}
		}
		if err := aio.Go(self, func(self *coro.Self) error {
			aio.Yield(self)
			return nil
		}).Wait(self); err != nil {
			return err
		}
		j.add("goodbye ends")
		return err
	}
}

func TestAShieldedTaskRunsToItsEnd(t *testing.T) {
	ends := map[string]func(self *coro.Self, cancel func()){
		"context": func(self *coro.Self, cancel func()) {
			cancel()
			aio.Sleep(self, time.Hour)
		},
		"deadlock": func(self *coro.Self, _ func()) {
			var q cosync.Queue
			q.Wait(self, nil)
		},
		"return": func(*coro.Self, func()) {},
		"timeout": func(self *coro.Self, _ func()) {
			aio.Timeout(self, time.Second, func(self *coro.Self) error { //nolint:errcheck // it is the timeout
				aio.Sleep(self, time.Hour)
				return nil
			})
		},
		"kill": func(self *coro.Self, _ func()) { self.Unwind() },
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			eachHandoff(t, func(t *testing.T, loop newLoop) {
				l := loop(virtual(), aio.WithIsolated())
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				var j journal
				l.Go(func(self *coro.Self) error {
					defer aio.GoShielded(self, goodbye(&j, nil))
					end(self, cancel)
					return nil
				})
				err := l.Run(ctx)
				j.add("Run returned")
				j.want(t, "goodbye begins", "goodbye ends", "Run returned")
				if bad := err != nil; bad != (name == "context" || name == "deadlock") {
					t.Errorf("Run: %v", err)
				}
			})
		})
	}
}

// With a real clock the loop sleeps while the task does.
func TestAShieldedTaskOnARealClock(t *testing.T) {
	eachHandoff(t, func(t *testing.T, loop newLoop) {
		l := loop()
		ctx, cancel := context.WithCancel(t.Context())
		ended := false
		l.Go(func(self *coro.Self) error {
			defer aio.GoShielded(self, func(self *coro.Self) error {
				aio.Sleep(self, time.Millisecond)
				_, err := aio.Offload(self, func() (int, error) { return 0, nil })
				ended = true
				return err
			})
			cancel()
			aio.Sleep(self, time.Hour)
			return nil
		})
		if err := l.Run(ctx); err != context.Canceled || !ended { //nolint:errorlint // nothing is joined to it
			t.Errorf("Run: %v, ended %t", err, ended)
		}
	})
}

func TestTheErrorOfAShieldedTaskIsJoined(t *testing.T) {
	eachHandoff(t, func(t *testing.T, loop newLoop) {
		l := loop(virtual())
		ctx, cancel := context.WithCancel(t.Context())
		var j journal
		l.Go(func(self *coro.Self) error {
			defer aio.GoShielded(self, goodbye(&j, errGoodbye))
			cancel()
			aio.Sleep(self, time.Hour)
			return nil
		})
		if err := l.Run(ctx); !errors.Is(err, context.Canceled) || !errors.Is(err, errGoodbye) {
			t.Errorf("Run: got %v, want both errors", err)
		}

		// A panic goes on in Run, as that of any task.
		l.Go(func(self *coro.Self) error {
			defer aio.GoShielded(self, func(*coro.Self) error { panic("no goodbye") })
			self.Unwind()
			return nil
		})
		defer func() {
			if e, ok := recover().(*coro.PanicError); !ok || !strings.Contains(e.Error(), "no goodbye") {
				t.Errorf("Run panicked with %v", e)
			}
		}()
		l.Run(t.Context()) //nolint:errcheck // it panics
	})
}

func TestCloseRunsShieldedTasks(t *testing.T) {
	eachHandoff(t, func(t *testing.T, loop newLoop) {
		l := loop(virtual())
		var j journal
		bare := l.Thread().New(func(self *coro.Self) {
			defer j.add("unwound")
			defer aio.GoShielded(self, goodbye(&j, errGoodbye))
			self.Yield()
		})
		l.Thread().Enter(bare)
		l.Go(func(*coro.Self) error {
			j.add("never runs")
			return nil
		})
		if err := l.Close(); !errors.Is(err, errGoodbye) {
			t.Errorf("Close: got %v, want %v", err, errGoodbye)
		}
		j.want(t, "unwound", "goodbye begins", "goodbye ends")
	})
}

// Run does not hang for one that nothing can wake, and says so.
func TestAShieldedTaskThatNothingCanWake(t *testing.T) {
	eachHandoff(t, func(t *testing.T, loop newLoop) {
		for name, opts := range map[string][]aio.Option{"isolated": {aio.WithIsolated()}, "one of all loops": nil} {
			t.Run(name, func(t *testing.T) {
				l := loop(append(opts, virtual())...)
				ctx, cancel := context.WithCancel(t.Context())
				var j journal
				l.Go(func(self *coro.Self) error {
					defer aio.GoShielded(self, func(self *coro.Self) error {
						defer aio.GoShielded(self, goodbye(&j, nil))
						var q cosync.Queue
						q.Wait(self, nil)
						return nil
					})
					cancel()
					aio.Sleep(self, time.Hour)
					return nil
				})
				err := l.Run(ctx)
				if !errors.Is(err, context.Canceled) || !errors.Is(err, aio.ErrDeadlock) {
					t.Errorf("Run: got %v, want a deadlock, too", err)
				}
				j.want(t, "goodbye begins", "goodbye ends")
			})
		}
	})
}

func TestCancelOfAShieldedTask(t *testing.T) {
	eachHandoff(t, func(t *testing.T, loop newLoop) {
		l := loop(virtual())
		l.Go(func(self *coro.Self) error {
			sleeps := aio.GoShielded(self, func(self *coro.Self) error {
				aio.Sleep(self, time.Hour)
				return nil
			})
			never := aio.GoShielded(self, func(self *coro.Self) error { return nil })
			self.Kill(never.Coroutine())
			aio.Sleep(self, time.Second)
			sleeps.Cancel(errGoodbye)
			if err := sleeps.Wait(self); err != errGoodbye { //nolint:errorlint // it is the cause itself
				t.Errorf("Wait: got %v, want the cause", err)
			}
			return nil
		})
		run(t, l)
		if got := l.Clock().Now().Sub(epoch); got != time.Second {
			t.Errorf("it took %v", got)
		}
	})
}

// Who waits for a task finds done what its deferred calls have left to shielded
// ones, and has their errors.
func TestATaskIsFinishedWhenItsShieldedTasksAre(t *testing.T) {
	for name, wait := range map[string]func(self *coro.Self, entry func(self *coro.Self) error) error{
		"timeout": func(self *coro.Self, entry func(self *coro.Self) error) error {
			return aio.Timeout(self, time.Second, entry)
		},
		"cancel": func(self *coro.Self, entry func(self *coro.Self) error) error {
			t := aio.Go(self, entry)
			aio.Sleep(self, time.Second)
			t.Cancel(aio.ErrTimeout)
			return t.Wait(self)
		},
		"group": func(self *coro.Self, entry func(self *coro.Self) error) error {
			g := aio.Group{FailFast: true}
			g.Go(self, entry)
			g.Go(self, func(self *coro.Self) error {
				aio.Sleep(self, time.Second)
				return aio.ErrTimeout
			})
			return g.Wait(self)
		},
		"part of a task": func(self *coro.Self, entry func(self *coro.Self) error) error {
			part := self.New(func(self *coro.Self) { entry(self) }) //nolint:errcheck // it is killed
			t := aio.Go(self, func(self *coro.Self) error {
				self.Enter(part)
				self.Kill(part)
				return aio.ErrTimeout
			})
			return t.Wait(self)
		},
	} {
		t.Run(name, func(t *testing.T) {
			eachHandoff(t, func(t *testing.T, loop newLoop) {
				l := loop(virtual())
				var j journal
				l.Go(func(self *coro.Self) error {
					err := wait(self, func(self *coro.Self) error {
						defer j.add("unwound")
						defer aio.GoShielded(self, goodbye(&j, nil))
						defer aio.GoShielded(self, goodbye(&j, errGoodbye))
						if name == "part of a task" {
							self.Yield()
						}
						aio.Sleep(self, time.Hour)
						return nil
					})
					j.add("waited")
					if !errors.Is(err, aio.ErrTimeout) || errors.Is(err, errGoodbye) == (name == "group") {
						t.Errorf("got %v, want both errors, or the first of a group", err)
					}
					return nil
				})
				// What nobody was told is told by Run.
				if err := l.Run(t.Context()); errors.Is(err, errGoodbye) != (name == "group") {
					t.Errorf("Run: %v", err)
				}
				j.want(t, "unwound", "goodbye begins", "goodbye ends", "goodbye begins", "goodbye ends", "waited")
			})
		})
	}
}

// A loop that comes to its end finds the same, whoever waits for whom.
func TestADrainFinishesTasksWithTheirShieldedTasks(t *testing.T) {
	eachHandoff(t, func(t *testing.T, loop newLoop) {
		l := loop(virtual())
		ctx, cancel := context.WithCancel(t.Context())
		var j journal
		var inner *aio.Task
		outer := l.Go(func(self *coro.Self) error {
			defer j.add("outer unwound")
			return aio.Timeout(self, time.Hour, func(self *coro.Self) error {
				inner = aio.TaskOf(self)
				defer aio.GoShielded(self, goodbye(&j, errGoodbye))
				cancel()
				aio.Sleep(self, time.Minute)
				return nil
			})
		})
		// Timeout has asked, but it was unwound before it was told.
		err := l.Run(ctx)
		if !errors.Is(err, context.Canceled) || strings.Count(err.Error(), errGoodbye.Error()) != 1 {
			t.Errorf("Run: got %v, want both errors", err)
		}
		if !errors.Is(inner.Err(), errGoodbye) || !errors.Is(outer.Err(), context.Canceled) {
			t.Errorf("inner: %v, outer: %v", inner.Err(), outer.Err())
		}
		j.want(t, "goodbye begins", "goodbye ends", "outer unwound")
	})
}

// Shielded tasks of one that is unwound run in the order in which its deferred calls
// start them, also if one of them never runs, or nothing can wake it.
func TestShieldedTasksOfOneRunOneAfterTheOther(t *testing.T) {
	eachHandoff(t, func(t *testing.T, loop newLoop) {
		l := loop(virtual(), aio.WithIsolated())
		ctx, cancel := context.WithCancel(t.Context())
		var j journal
		cleanup := func(name string, work func(self *coro.Self)) func(self *coro.Self) error {
			return func(self *coro.Self) error {
				defer j.add("%s ends", name)
				j.add("%s begins", name)
				work(self)
				return nil
			}
		}
		sleep := func(self *coro.Self) { aio.Sleep(self, time.Second) }
		l.Go(func(self *coro.Self) error {
			defer aio.GoShielded(self, cleanup("fourth", sleep))
			defer aio.GoShielded(self, cleanup("third", func(self *coro.Self) {
				var q cosync.Queue
				q.Wait(self, nil)
			}))
			defer func() {
				never := aio.GoShielded(self, cleanup("never", sleep))
				l.Post(func() { never.Cancel(nil) })
				self.Kill(aio.GoShielded(self, cleanup("killed", sleep)).Coroutine())
			}()
			defer aio.GoShielded(self, cleanup("second", sleep))
			defer aio.GoShielded(self, cleanup("first", sleep))
			cancel()
			aio.Sleep(self, time.Hour)
			return nil
		})
		if err := l.Run(ctx); !errors.Is(err, context.Canceled) || strings.Count(err.Error(), "Deadlock") != 1 {
			t.Errorf("Run: got %v, want one deadlock, too", err)
		}
		j.want(t, "first begins", "first ends", "second begins", "second ends", "third begins", "third ends", "fourth begins", "fourth ends")
	})
}

// A server that goes on for long does not gather what was told, and of what was not
// only so much.
func TestManyShieldedTasksThatFail(t *testing.T) {
	eachHandoff(t, func(t *testing.T, loop newLoop) {
		l := loop(virtual())
		l.Go(func(self *coro.Self) error {
			failing := func(self *coro.Self) *aio.Task {
				return aio.GoShielded(self, func(*coro.Self) error { return errGoodbye })
			}
			for range 100 {
				if err := failing(self).Wait(self); err != errGoodbye { //nolint:errorlint // it is that itself
					t.Errorf("Wait: %v", err)
				}
			}
			failing(self)
			aio.Sleep(self, time.Second)
			for range 100 {
				if err := failing(self).Wait(self); err == nil {
					t.Error("Wait: nil")
				}
			}
			return nil
		})
		if err := l.Run(t.Context()); err == nil || strings.Count(err.Error(), errGoodbye.Error()) != 1 {
			t.Errorf("Run: got %v, want the one that nobody was told", err)
		}
		l.Go(func(self *coro.Self) error {
			for range 100 {
				aio.GoShielded(self, func(*coro.Self) error { return errGoodbye })
			}
			return nil
		})
		if err := l.Run(t.Context()); err == nil || strings.Count(err.Error(), errGoodbye.Error()) != 16 {
			t.Errorf("Run: got %v, want the first 16", err)
		}
	})
}
