package coro_test

import (
	"errors"
	"runtime"
	"testing"

	"github.com/gohandoff/coroutine/coro"
)

// A way to have body run in a coroutine: every verb that hands control over.
// do is called by the leader or by another coroutine, as self. It makes known the
// coroutine, through made, before body runs, and returns the error that the verb
// returned, for those that do.
type verb struct {
	name string
	do   func(self *coro.Self, body func(), made func(*coro.Coroutine)) error
	// leaderOnly tells that a coroutine cannot do it.
	leaderOnly bool
}

var errBoom = errors.New("boom")

// suspendBefore makes a suspended coroutine that runs body when it is next
// entered, and when it is killed if deferred is set.
func suspendBefore(self *coro.Self, body func(), deferred bool) *coro.Coroutine {
	co := self.New(func(self *coro.Self) {
		if deferred {
			defer body()
		}
		self.Yield()
		body()
	})
	self.Enter(co)
	return co
}

var verbs = []verb{
	{name: "first Enter", do: func(self *coro.Self, body func(), made func(*coro.Coroutine)) error {
		co := self.New(func(*coro.Self) { body() })
		made(co)
		self.Enter(co)
		return nil
	}},
	{name: "Enter", do: func(self *coro.Self, body func(), made func(*coro.Coroutine)) error {
		co := suspendBefore(self, body, false)
		made(co)
		self.Enter(co)
		return nil
	}},
	{name: "EnterIfInactive", do: func(self *coro.Self, body func(), made func(*coro.Coroutine)) error {
		co := suspendBefore(self, body, false)
		made(co)
		self.EnterIfInactive(co)
		return nil
	}},
	{name: "Wake and drain", do: func(self *coro.Self, body func(), made func(*coro.Coroutine)) error {
		co := suspendBefore(self, body, false)
		made(co)
		self.Enter(self.New(func(waker *coro.Self) { waker.Wake(co) }))
		return nil
	}},
	{name: "Wake and drain of a ready one", do: func(self *coro.Self, body func(), made func(*coro.Coroutine)) error {
		co := self.New(func(*coro.Self) { body() })
		made(co)
		self.Enter(self.New(func(waker *coro.Self) {
			waker.Wake(co)
			waker.Yield()
		}))
		return nil
	}},
	{name: "Wake by the leader", leaderOnly: true, do: func(self *coro.Self, body func(), made func(*coro.Coroutine)) error {
		co := suspendBefore(self, body, false)
		made(co)
		self.Wake(co)
		return nil
	}},
	{name: "Kill", do: func(self *coro.Self, body func(), made func(*coro.Coroutine)) error {
		co := suspendBefore(self, body, true)
		made(co)
		self.Kill(co)
		return nil
	}},
	{name: "Close", leaderOnly: true, do: func(self *coro.Self, body func(), made func(*coro.Coroutine)) error {
		made(suspendBefore(self, body, true))
		return self.Thread().Close()
	}},
	{name: "typed Enter", do: func(self *coro.Self, body func(), made func(*coro.Coroutine)) error {
		c := coro.NewTyped(self, func(self *coro.Self, c *coro.Typed[int, int], in int) int {
			c.Yield(self, in)
			body()
			return in
		})
		made(c.Coroutine())
		c.Enter(self, 1)
		c.Enter(self, 2)
		return nil
	}},
	{name: "range", do: func(self *coro.Self, body func(), made func(*coro.Coroutine)) error {
		c := coro.FromSeq(self, func(yield func(int) bool) {
			if yield(1) {
				body()
			}
		})
		made(c.Coroutine())
		for range c.All(self) {
		}
		return nil
	}},
	{name: "range with break", do: func(self *coro.Self, body func(), made func(*coro.Coroutine)) error {
		c := coro.FromSeq(self, func(yield func(int) bool) {
			defer body()
			yield(1)
		})
		made(c.Coroutine())
		for range c.All(self) {
			break
		}
		return nil
	}},
}

// An ending is a way for body to end, and what whoever used the verb sees.
type ending struct {
	name string
	body func()
	// exits: the goroutine of the enterer ends; panics: it panics.
	exits, panics bool
}

var endings = []ending{
	{name: "return", body: func() {}},
	{name: "panic", body: func() { panic(errBoom) }, panics: true},
	{name: "Goexit", body: runtime.Goexit, exits: true},
}

func TestMatrixOfVerbsAndEndings(t *testing.T) {
	eachHandoff(t, func(t *testing.T, newThread func(...coro.Option) *coro.Thread) {
		for _, v := range verbs {
			for _, e := range endings {
				t.Run(v.name+"/"+e.name+"/by the leader", func(t *testing.T) {
					testVerbByLeader(t, newThread, v, e)
				})
				if !v.leaderOnly {
					t.Run(v.name+"/"+e.name+"/by a coroutine", func(t *testing.T) {
						testVerbByCoroutine(t, newThread, v, e)
					})
				}
			}
		}
	})
}

func testVerbByLeader(t *testing.T, newThread func(...coro.Option) *coro.Thread, v verb, e ending) {
	base := goroutinesAtRest(t)
	thread := newThread()
	var co *coro.Coroutine
	ran := 0
	body := func() { ran++; e.body() }
	var got any
	exited := exits(t, func() {
		got = caught(func() {
			if err := v.do(thread.Leader(), body, func(made *coro.Coroutine) { co = made }); err != nil {
				panic(err)
			}
		})
	})
	wantEnding(t, e, got, exited)
	if ran != 1 {
		t.Errorf("times that the body ran: got %d, want 1", ran)
	}
	wantUsable(t, thread, co, v.name == "Close")
	if err := thread.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	goroutinesBackTo(t, base)
}

func testVerbByCoroutine(t *testing.T, newThread func(...coro.Option) *coro.Thread, v verb, e ending) {
	base := goroutinesAtRest(t)
	thread := newThread()
	var co *coro.Coroutine
	var got any
	goesOn := false
	outer := thread.New(func(self *coro.Self) {
		got = caught(func() {
			v.do(self, e.body, func(made *coro.Coroutine) { co = made })
		})
		self.Yield()
		goesOn = true
	})
	exited := exits(t, func() { thread.Enter(outer) })
	wantEnding(t, e, got, exited)
	if e.exits {
		wantStatus(t, outer, coro.Dead)
	} else {
		thread.Enter(outer)
	}
	if goesOn == e.exits {
		t.Errorf("the enterer goes on: got %v, want %v", goesOn, !e.exits)
	}
	wantUsable(t, thread, co, false)
	if err := thread.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	goroutinesBackTo(t, base)
}

func wantEnding(t *testing.T, e ending, got any, exited bool) {
	t.Helper()
	err, _ := got.(error)
	var failure *coro.PanicError
	if panicked := errors.As(err, &failure) && errors.Is(err, errBoom); panicked != e.panics || (got != nil) != e.panics {
		t.Errorf("panic: got %v, want one: %v", got, e.panics)
	}
	if exited != e.exits {
		t.Errorf("end of the goroutine: got %v, want %v", exited, e.exits)
	}
}

// wantUsable wants co to be dead, also for those who try to use it, and its
// thread to be fit for more, unless it is closed.
func wantUsable(t *testing.T, thread *coro.Thread, co *coro.Coroutine, closed bool) {
	t.Helper()
	wantStatus(t, co, coro.Dead)
	wantMisuse(t, coro.ErrTerminated, func() { thread.Enter(co) })
	wantMisuse(t, coro.ErrTerminated, func() { thread.Wake(co) })
	thread.Kill(co)
	if closed {
		wantMisuse(t, coro.ErrClosed, func() { thread.New(nop) })
		return
	}
	turns := 0
	next := thread.New(func(self *coro.Self) {
		turns++
		self.Yield()
		turns++
	})
	thread.Enter(next)
	thread.Enter(next)
	if turns != 2 {
		t.Errorf("turns of the next coroutine: got %d, want 2", turns)
	}
}

func TestDoubleEnterIsDiagnosedAndHarmless(t *testing.T) {
	eachHandoff(t, func(t *testing.T, newThread func(...coro.Option) *coro.Thread) {
		thread := newThread()
		turns := 0
		co := thread.New(func(self *coro.Self) {
			wantMisuse(t, coro.ErrReentered, func() { self.Enter(self.Coroutine()) })
			self.Enter(self.New(func(inner *coro.Self) {
				wantMisuse(t, coro.ErrReentered, func() { inner.Enter(self.Coroutine()) })
				wantMisuse(t, coro.ErrReentered, func() { inner.Enter(inner.Coroutine()) })
				inner.Yield()
			}))
			turns++
			self.Yield()
			turns++
		})
		thread.Enter(co)
		thread.Enter(co)
		if turns != 2 {
			t.Errorf("turns: got %d, want 2", turns)
		}
	})
}

func TestDoubleYieldIsDiagnosedAndHarmless(t *testing.T) {
	eachHandoff(t, func(t *testing.T, newThread func(...coro.Option) *coro.Thread) {
		thread := newThread()
		var kept *coro.Self
		co := thread.New(func(self *coro.Self) {
			kept = self
			self.Yield()
		})
		thread.Enter(co)
		wantMisuse(t, coro.ErrNoCaller, kept.Yield) // it has yielded already
		wantStatus(t, co, coro.Suspended)
		thread.Enter(thread.New(func(self *coro.Self) {
			v := caught(kept.Yield) // for another one
			if !isUsage(v, coro.ErrNoCaller) && !isUsage(v, coro.ErrOutside) {
				t.Errorf("got %v, want a misuse", v)
			}
			wantMisuse(t, coro.ErrNoCaller, thread.Leader().Yield)
		}))
		thread.Enter(co)
		wantStatus(t, co, coro.Dead)
		wantMisuse(t, coro.ErrNoCaller, kept.Yield) // it has ended
		wantMisuse(t, coro.ErrNoCaller, thread.Leader().Yield)
	})
}

func TestSelfOfADeadCoroutineIsOfNoUse(t *testing.T) {
	eachHandoff(t, func(t *testing.T, newThread func(...coro.Option) *coro.Thread) {
		thread := newThread()
		var kept *coro.Self
		co := thread.New(func(self *coro.Self) { kept = self })
		thread.Enter(co)
		other := thread.New(yielder)
		wantMisuse(t, coro.ErrOutside, func() { kept.Enter(other) })
		wantMisuse(t, coro.ErrOutside, func() { kept.Wake(other) })
		wantMisuse(t, coro.ErrOutside, func() { kept.Kill(other) })
		wantStatus(t, other, coro.Ready)
		if kept.Coroutine() != co || kept.Thread() != thread {
			t.Errorf("got coroutine %v, want %v", kept.Coroutine(), co)
		}
	})
}
