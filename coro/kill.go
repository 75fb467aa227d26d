package coro

import (
	"cmp"
	"errors"
	"runtime"
	"slices"

	"github.com/gohandoff/coroutine/internal/handoff"
)

// ErrKilled is what unwinds a coroutine that is being killed: the value that
// recover returns in its deferred calls. Code that recovers from everything
// should panic with it again; code that does not is unwound again by its next
// Yield.
var ErrKilled = handoff.ErrKilled

// maxUnwinds is how often a killed coroutine may recover and yield again before
// it is ended in a way that cannot be recovered from. A body that recovers in
// an endless loop would hang Kill otherwise.
const maxUnwinds = 100

// Kill ends co. A suspended coroutine is entered only to unwind it: its Yield
// does not return, its deferred calls run, then Kill returns, after everything
// that was woken meanwhile has had its turn. A coroutine that was never entered
// is simply dead. Killing a dead one does nothing. A coroutine that was woken
// and has not run yet loses its turn.
//
// Kill panics with a [*UsageError] if co is entered ([ErrReentered]) or self
// does not run ([ErrOutside]), with a [*PanicError] if a deferred call of co
// panics or yields ([ErrKilledYield]).
func (self *Self) Kill(co *Coroutine) {
	t := self.thread()
	if co == nil || co.self == nil || t == nil {
		self.misuseNil(co, "kill")
	}
	self.kill(t, co.self)
}

func (self *Self) kill(t *Thread, to *Self) {
	if !self.tryClaim(to) {
		if to.state.Load() >= dead {
			return
		}
		self.misuseEntered(to, "kill")
	}
	if t.current != self {
		to.unclaim()
		self.misuseOutside(t, to, "kill")
	}
	if x := to.extra.Load(); x != nil {
		x.killed.Store(t.here())
	}
	if to.w == nil { // never entered
		to.entry = nil
		to.caller.Store(self)
		to.state.Store(killed)
		if t.in(modeTrace) {
			t.trace(EventKill, self.co, to.coroutine(), "", t.here())
			t.trace(EventTerminate, to.coroutine(), self.co, "killed", 0)
		}
		return
	}
	to.w.killing = true
	woken := self.step(t, to, handoff.Kill, queue{})
	if woken.head != nil || t.leftover.head != nil {
		self.drainAfter(t, woken)
	}
}

// yieldKilled is a Yield of a coroutine that is being killed. It does not
// return.
func (self *Self) yieldKilled() {
	if handoff.Deferred("runtime.gopanic", "runtime.Goexit") {
		self.misuseKilledYield()
	}
	self.w.unwinds++
	if self.w.unwinds == maxUnwinds {
		runtime.Goexit()
	}
	panic(ErrKilled)
}

// Close ends the thread: it kills what is still suspended, newest first, and
// ends the idle goroutines. Afterwards no goroutine of the thread exists. What
// deferred calls panic with meanwhile is returned, joined; if one of them calls
// runtime.Goexit, Close does so too, at its end. What a [Tracer] panics with
// goes on from there, too. Closing twice does nothing.
//
// Close is the leader's: it panics with a [*UsageError] for [ErrEntered] if a
// coroutine of the thread is entered.
func (t *Thread) Close() error {
	if t.closed.Load() {
		return nil
	}
	if t.current != &t.leader {
		t.misuseClose()
	}
	t.closed.Store(true) // no new coroutines, and no pooling
	t.closing = true
	defer func() { t.closing = false }()
	var errs []error
	var failure any
	for {
		// A deferred call may wake or enter others, even of this list.
		live := t.suspended()
		if len(live) == 0 {
			break
		}
		slices.SortFunc(live, func(a, b *Self) int { return cmp.Compare(b.id, a.id) })
		for _, s := range live {
			switch v := t.killQuietly(s).(type) {
			case nil:
			case *PanicError:
				errs = append(errs, v)
			case *UsageError:
				errs = append(errs, v)
			default:
				if failure == nil {
					failure = v
				}
			}
		}
	}
	idle := t.idle
	t.idle = nil
	for _, w := range idle {
		w.Release()
		t.forget(w)
	}
	if failure != nil {
		panic(failure)
	}
	if t.exiting {
		runtime.Goexit()
	}
	return errors.Join(errs...)
}

// killQuietly kills s and returns what it panics with.
func (t *Thread) killQuietly(s *Self) (value any) {
	defer func() { value = recover() }()
	t.leader.kill(t, s)
	return nil
}
