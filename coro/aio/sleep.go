package aio

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/gohandoff/coroutine/coro"
)

// Sleep suspends the running coroutine for at least d of the loop's clock. It
// yields, also for d <= 0, then as [Yield] does.
func Sleep(self *coro.Self, d time.Duration) {
	if d <= 0 {
		Yield(self)
		return
	}
	l := parkable(self)
	co := self.Coroutine()
	t := l.arm(d, co, nil)
	defer l.disarm(t)
	// Somebody may enter the coroutine by hand; then it sleeps on. If the timer
	// fires just then, the turn that it brought is still to come, and must not
	// be left for another Park to find.
	for !t.fired || co.Scheduled() {
		self.Park(nap)
	}
}

// A Sleeper is a sleep that can be ended by a wake. The zero value is ready for
// use, by one coroutine at a time. A Sleeper must not be copied.
type Sleeper struct {
	mu    sync.Mutex
	co    *coro.Coroutine // who sleeps
	loop  *Loop
	woken bool // and no Sleep has returned because of it
}

// Sleep suspends the running coroutine for d, or until [Sleeper.Wake]. A wake
// since the last Sleep counts: then Sleep returns at once. It reports whether it
// was woken, rather than slept for the whole time. It yields unless a wake is
// pending, also for d <= 0.
//
// Sleep panics with a [*coro.UsageError] if another coroutine sleeps on s
// ([ErrSleeping]), and where [Yield] does.
func (s *Sleeper) Sleep(self *coro.Self, d time.Duration) (woken bool) {
	l := parkable(self)
	co := self.Coroutine()
	s.mu.Lock()
	if s.co != nil {
		other := s.co
		s.mu.Unlock()
		panic(coro.NewUsageError(self, ErrSleeping, self.String(), other.Name()+" sleeps on it", "asked to sleep", "use a Sleeper for each coroutine"))
	}
	if s.woken {
		s.woken = false
		s.mu.Unlock()
		return true
	}
	s.co, s.loop = co, l
	s.mu.Unlock()

	t := l.arm(d, co, nil)
	defer func() {
		s.mu.Lock()
		s.co = nil
		s.mu.Unlock()
		l.disarm(t)
	}()
	for {
		self.Park(nap)
		s.mu.Lock()
		woken, over := s.woken, s.woken || t.fired
		if over && !co.Scheduled() {
			s.woken = false
			s.co = nil // a wake from now on is for the next Sleep
			s.mu.Unlock()
			return woken
		}
		s.mu.Unlock()
	}
}

// Wake ends the sleep that is going on, or else the next one, at once. Several
// wakes before the sleeper has run count as one. It may be called by any
// goroutine, and does not yield. What happened before Wake happens before the
// Sleep that it ends returns.
func (s *Sleeper) Wake() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.woken {
		return
	}
	s.woken = true
	if s.co != nil {
		s.loop.awake(s.co)
	}
}

// ErrSleeping: a second coroutine went to sleep on a Sleeper.
var ErrSleeping = errors.New("Sleeper is used by another coroutine")

// ErrTimeout is what the error of a [Timeout] that ran out is, for errors.Is; it
// is context.DeadlineExceeded, too.
var ErrTimeout = errors.New("aio: timed out")

type timeoutError struct{ d time.Duration }

func (e *timeoutError) Error() string   { return fmt.Sprintf("%v after %v", ErrTimeout, e.d) }
func (e *timeoutError) Timeout() bool   { return true }
func (e *timeoutError) Unwrap() []error { return []error{ErrTimeout, context.DeadlineExceeded} }

// Timeout runs body for at most d. If body has not returned by then, it is
// cancelled: unwound where it is parked, and its deferred calls have run when
// Timeout returns, with an error that is [ErrTimeout]. Otherwise Timeout returns
// what body returns, and panics if it panics. With d <= 0, body runs until it
// yields for the first time.
//
// body runs as a child task with a self of its own, at once; it must not use the
// caller's. Timeout yields if body does. Where body is parked on work that must
// not be disturbed ([Offload]), Timeout waits for that, and so does who cancels
// the caller.
//
// Timeout panics with a [*coro.UsageError] if body is nil ([coro.ErrNilEntry]),
// and where [Yield] does.
func Timeout(self *coro.Self, d time.Duration, body func(self *coro.Self) error) error {
	l := parkable(self)
	t := l.newTask(self, TaskOf(self), body)
	t.observed = true // a panic is the caller's business, not Run's
	timer := l.arm(max(d, 0), t.co, func() { t.cancelHere(l, &timeoutError{d}) })
	defer l.disarm(timer)
	defer t.abandon(self)
	self.Enter(t.co)
	wait(self, bodyOf{t}, t)
	return t.result()
}

// bodyOf is what the caller of Timeout waits for.
type bodyOf struct{ *Task }

// undisturbed holds as long as body could not be unwound: its deferred calls
// must have run before Timeout is left.
func (b bodyOf) undisturbed() bool { return !b.isDone() }

// abandon is called when the caller of Timeout leaves it. Mostly t has ended;
// but if the caller is being killed, t goes with it.
func (t *Task) abandon(self *coro.Self) {
	switch {
	case t.isDone():
	case t.co.Thread() == self.Thread():
		self.Kill(t.co)
	default:
		t.Cancel(context.Canceled) // on another loop, which must do it
	}
}
