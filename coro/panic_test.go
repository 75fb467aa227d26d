package coro_test

import (
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gohandoff/coroutine/coro"
)

func explode(value any) { panic(value) }

func TestPanicKillsTheCoroutineAfterItsDeferredCalls(t *testing.T) {
	eachHandoff(t, func(t *testing.T, newThread func(...coro.Option) *coro.Thread) {
		var j journal
		thread := newThread()
		co := thread.New(func(self *coro.Self) {
			defer j.add("deferred")
			explode("boom")
		}).SetName("bomb")
		e := wantPanic(t, "boom", func() { thread.Enter(co) })
		j.want(t, "deferred")
		wantStatus(t, co, coro.Dead)
		if e.Coroutine != "bomb" || len(e.Through) != 0 {
			t.Errorf("got coroutine %q, through %v; want bomb, none", e.Coroutine, e.Through)
		}
		first, _, _ := strings.Cut(string(e.Stack), "(")
		if want := "github.com/gohandoff/coroutine/coro_test.explode"; first != want {
			t.Errorf("top of the stack: got %q, want %q", first, want)
		}
		if !strings.HasPrefix(e.Error(), "coro: panic in bomb: boom\n") {
			t.Errorf("Error: got %q", e.Error())
		}
	})
}

func TestPanicErrorReachesAWrappedError(t *testing.T) {
	eachHandoff(t, func(t *testing.T, newThread func(...coro.Option) *coro.Thread) {
		thread := newThread()
		v := caught(func() {
			thread.Enter(thread.New(func(self *coro.Self) {
				panic(fmt.Errorf("open disk: %w", &fs.PathError{Op: "open", Path: "disk", Err: fs.ErrNotExist}))
			}))
		})
		err, _ := v.(error)
		var pathError *fs.PathError
		if !errors.Is(err, fs.ErrNotExist) || !errors.As(err, &pathError) || pathError.Path != "disk" {
			t.Errorf("got %v, want an error that wraps fs.ErrNotExist and a *fs.PathError", v)
		}
	})
}

func TestPanicWithNilIsAPanic(t *testing.T) {
	eachHandoff(t, func(t *testing.T, newThread func(...coro.Option) *coro.Thread) {
		thread := newThread()
		v := caught(func() { thread.Enter(thread.New(func(*coro.Self) { explode(nil) })) })
		var nilError *runtime.PanicNilError
		if err, _ := v.(error); !errors.As(err, &nilError) {
			t.Errorf("got %v, want a *runtime.PanicNilError", v)
		}
	})
}

func TestPanicUnwindsEachLevel(t *testing.T) {
	eachHandoff(t, func(t *testing.T, newThread func(...coro.Option) *coro.Thread) {
		var j journal
		thread := newThread()
		var all []*coro.Coroutine
		var body func(level int) coro.Entry
		body = func(level int) coro.Entry {
			return func(self *coro.Self) {
				defer j.add("level %d", level)
				if level == 3 {
					explode("boom")
				}
				next := self.New(body(level + 1)).SetName(fmt.Sprintf("level %d", level+1))
				all = append(all, next)
				self.Enter(next)
			}
		}
		all = append(all, thread.New(body(0)).SetName("level 0"))
		e := wantPanic(t, "boom", func() { thread.Enter(all[0]) })
		j.want(t, "level 3", "level 2", "level 1", "level 0")
		if diff := cmp.Diff([]string{"level 2", "level 1", "level 0"}, e.Through); diff != "" || e.Coroutine != "level 3" {
			t.Errorf("panic in %q, want level 3, through (-want +got):\n%s", e.Coroutine, diff)
		}
		for _, co := range all {
			wantStatus(t, co, coro.Dead)
		}
	})
}

func TestRecoveredPanicLeavesTheEntererRunning(t *testing.T) {
	eachHandoff(t, func(t *testing.T, newThread func(...coro.Option) *coro.Thread) {
		var j journal
		thread := newThread()
		outer := thread.New(func(self *coro.Self) {
			wantPanic(t, "boom", func() { self.Enter(self.New(func(*coro.Self) { explode("boom") })) })
			j.add("outer recovered")
			self.Yield()
			j.add("outer goes on")
		})
		thread.Enter(outer)
		wantStatus(t, outer, coro.Suspended)
		thread.Enter(outer)
		j.want(t, "outer recovered", "outer goes on")
	})
}

func TestPanicLosesNoWakeOfALeader(t *testing.T) {
	eachHandoff(t, func(t *testing.T, newThread func(...coro.Option) *coro.Thread) {
		var j journal
		thread := newThread()
		b := thread.New(func(*coro.Self) { j.add("b") })
		c := thread.New(func(*coro.Self) { j.add("c") })
		d := thread.New(func(*coro.Self) { j.add("d") })
		bomb := thread.New(func(self *coro.Self) {
			self.Wake(d)
			explode("boom")
		})
		wantPanic(t, "boom", func() {
			thread.Enter(thread.New(func(self *coro.Self) {
				self.Wake(b)
				self.Wake(bomb)
				self.Wake(c)
			}))
		})
		j.want(t, "b")
		thread.Enter(thread.New(func(*coro.Self) { j.add("next") }))
		j.want(t, "next", "d", "c")
	})
}

func TestPanicLosesNoWakeOfACoroutine(t *testing.T) {
	eachHandoff(t, func(t *testing.T, newThread func(...coro.Option) *coro.Thread) {
		var j journal
		thread := newThread()
		own := thread.New(func(*coro.Self) { j.add("own") })
		theirs := thread.New(func(*coro.Self) { j.add("theirs") })
		outer := thread.New(func(self *coro.Self) {
			self.Wake(own)
			wantPanic(t, "boom", func() {
				self.Enter(self.New(func(inner *coro.Self) {
					inner.Wake(theirs)
					explode("boom")
				}))
			})
			j.add("recovered")
			self.Yield()
			j.add("end")
		})
		thread.Enter(outer)
		j.add("leader")
		thread.Enter(outer)
		j.want(t, "recovered", "theirs", "own", "leader", "end")
	})
}

func TestPanicThroughACoroutineLosesNoWake(t *testing.T) {
	eachHandoff(t, func(t *testing.T, newThread func(...coro.Option) *coro.Thread) {
		var j journal
		thread := newThread()
		own := thread.New(func(*coro.Self) { j.add("own") })
		theirs := thread.New(func(*coro.Self) { j.add("theirs") })
		wantPanic(t, "boom", func() {
			thread.Enter(thread.New(func(self *coro.Self) {
				self.Wake(own)
				self.Enter(self.New(func(inner *coro.Self) {
					inner.Wake(theirs)
					explode("boom")
				}))
			}))
		})
		j.want(t)
		thread.Enter(thread.New(func(*coro.Self) { j.add("next") }))
		j.want(t, "next", "theirs", "own")
	})
}

func TestWokenCoroutinesPanicReachesWhoeverWaits(t *testing.T) {
	eachHandoff(t, func(t *testing.T, newThread func(...coro.Option) *coro.Thread) {
		thread := newThread()
		bomb := thread.New(func(*coro.Self) { explode("boom") })
		waker := thread.New(func(self *coro.Self) {
			self.Wake(bomb)
			self.Yield()
		})
		wantPanic(t, "boom", func() { thread.Enter(waker) })
		wantStatus(t, waker, coro.Suspended)
		thread.Enter(waker)
		wantStatus(t, waker, coro.Dead)
	})
}

func TestGoexitEndsTheEnterer(t *testing.T) {
	eachHandoff(t, func(t *testing.T, newThread func(...coro.Option) *coro.Thread) {
		var j journal
		thread := newThread()
		inner := thread.New(func(*coro.Self) {
			defer j.add("inner")
			runtime.Goexit()
		})
		outer := thread.New(func(self *coro.Self) {
			defer j.add("outer")
			self.Enter(inner)
			j.add("not reached")
		})
		exited := exits(t, func() {
			defer j.add("leader")
			thread.Enter(outer)
			j.add("not reached")
		})
		if !exited {
			t.Error("the leader's goroutine went on")
		}
		j.want(t, "inner", "outer", "leader")
		wantStatus(t, inner, coro.Dead)
		wantStatus(t, outer, coro.Dead)
		// The thread is fit for its next leader.
		thread.Enter(thread.New(func(*coro.Self) { j.add("next") }))
		j.want(t, "next")
	})
}

func TestGoexitLosesNoWake(t *testing.T) {
	eachHandoff(t, func(t *testing.T, newThread func(...coro.Option) *coro.Thread) {
		var j journal
		thread := newThread()
		woken := thread.New(func(*coro.Self) { j.add("woken") })
		if !exits(t, func() {
			thread.Enter(thread.New(func(self *coro.Self) {
				self.Wake(woken)
				runtime.Goexit()
			}))
		}) {
			t.Error("the leader's goroutine went on")
		}
		j.want(t)
		thread.Enter(thread.New(func(*coro.Self) { j.add("next") }))
		j.want(t, "next", "woken")
	})
}

// As in a plain goroutine, a panic in a deferred call is what the outside gets to
// know of, not the Goexit.
func TestPanicDuringGoexitIsAPanic(t *testing.T) {
	deep := func() { // deeper than any one look at the stack
		var down func(n int)
		down = func(n int) {
			if n == 0 {
				runtime.Goexit()
			}
			down(n - 1)
		}
		down(300)
	}
	eachHandoff(t, func(t *testing.T, newThread func(...coro.Option) *coro.Thread) {
		base := goroutinesAtRest(t)
		thread := newThread()
		for name, exit := range map[string]func(){"shallow": runtime.Goexit, "deep": deep} {
			co := thread.New(func(*coro.Self) {
				defer explode("late")
				exit()
			}).SetName(name)
			returned := !exits(t, func() { wantPanic(t, "late", func() { thread.Enter(co) }) })
			if !returned {
				t.Errorf("%s: the enterer exited instead", name)
			}
			wantStatus(t, co, coro.Dead)
		}
		thread.Enter(thread.New(nop))
		if err := thread.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
		goroutinesBackTo(t, base)
	})
}

func TestKillOfACoroutineThatYieldedWhileExitingReturns(t *testing.T) {
	eachHandoff(t, func(t *testing.T, newThread func(...coro.Option) *coro.Thread) {
		thread := newThread()
		co := thread.New(func(self *coro.Self) {
			defer self.Yield()
			runtime.Goexit()
		})
		thread.Enter(co)
		wantStatus(t, co, coro.Suspended)
		if exits(t, func() { thread.Kill(co) }) {
			t.Error("the Goexit took who killed it along")
		}
		wantStatus(t, co, coro.Dead)
	})
}

// A recovered panic in a deferred call leaves a Goexit as it was.
func TestRecoveredPanicDuringGoexitIsAGoexit(t *testing.T) {
	eachHandoff(t, func(t *testing.T, newThread func(...coro.Option) *coro.Thread) {
		thread := newThread()
		co := thread.New(func(*coro.Self) {
			defer func() {
				defer func() { recover() }()
				explode("recovered")
			}()
			runtime.Goexit()
		})
		if !exits(t, func() { thread.Enter(co) }) {
			t.Error("a recovered panic stopped Goexit")
		}
		wantStatus(t, co, coro.Dead)
	})
}

func TestFailNowInACoroutineEndsTheTestThatEnteredIt(t *testing.T) {
	eachHandoff(t, func(t *testing.T, newThread func(...coro.Option) *coro.Thread) {
		thread := newThread()
		var fake testing.T
		if !exits(t, func() { thread.Enter(thread.New(func(*coro.Self) { fake.FailNow() })) }) {
			t.Error("the test went on")
		}
		if !fake.Failed() {
			t.Error("the test did not fail")
		}
		// For real, as far as that can be done in a test that is to pass.
		after := false
		t.Run("skip", func(t *testing.T) {
			thread.Enter(thread.New(func(*coro.Self) { t.SkipNow() }))
			after = true
		})
		if after {
			t.Error("the skipped test went on")
		}
	})
}

// A goroutine that the entry started yields in its place. Nobody can tell until
// the entry returns; then the next Enter does.
func TestASelfUsedByAnotherGoroutineIsToldByTheNextEnter(t *testing.T) {
	if raceEnabled {
		t.Skip("the program that is diagnosed has a data race")
	}
	eachHandoff(t, func(t *testing.T, newThread func(...coro.Option) *coro.Thread) {
		thread := newThread()
		suspended, returned, gone := make(chan struct{}), make(chan struct{}), make(chan struct{})
		co := thread.New(func(self *coro.Self) {
			go func() {
				defer close(gone)
				self.Yield()
			}()
			<-suspended
			close(returned)
		})
		thread.Enter(co)
		wantStatus(t, co, coro.Suspended)
		close(suspended)
		<-returned
		e, ok := caught(func() {
			for co.Status() != coro.Dead { // until the entry has returned
				thread.Enter(co)
			}
		}).(error)
		if !ok || !errors.Is(e, coro.ErrOutside) {
			t.Errorf("got %v, want a panic that is %v", e, coro.ErrOutside)
		}
		<-gone
	})
}
