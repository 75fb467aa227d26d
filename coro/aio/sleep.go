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
	l := LoopOf(self)
	t := l.timers.arm(l.clock.Now().Add(d), item{co: self.Coroutine()})
	defer l.disarm(t)
	self.Park(nap)
}

// disarm stops a timer, if it has not fired, and reuses it.
func (l *Loop) disarm(t *timer) {
	l.timers.stop(t)
	l.timers.release(t)
}

// A Sleeper is a sleep that can be ended by a wake. The zero value is ready for
// use, by one coroutine at a time. A Sleeper must not be copied.
type Sleeper struct {
	mu    sync.Mutex
	co    *coro.Coroutine // who sleeps
	loop  *Loop
	woken bool // by a wake or by the timer; sticky for a wake
}

// Sleep suspends the running coroutine for d, or until [Sleeper.Wake]. A wake
// since the last Sleep counts: then Sleep returns at once. It reports whether it
// was woken, rather than slept for the whole time. It yields unless a wake is
// pending. It panics with a [*coro.UsageError] for [ErrSleeping] if another
// coroutine sleeps on s.
func (s *Sleeper) Sleep(self *coro.Self, d time.Duration) (woken bool) {
	l := LoopOf(self)
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
	s.co, s.loop = self.Coroutine(), l
	s.mu.Unlock()

	expired := false
	t := l.timers.arm(l.clock.Now().Add(d), item{fn: func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.co != nil && !s.woken {
			expired, s.woken = true, true
			l.Schedule(s.co)
		}
	}})
	defer func() {
		s.mu.Lock()
		s.co, s.woken = nil, false
		s.mu.Unlock()
		l.disarm(t)
	}()
	self.Park(nap)
	return !expired
}

// Wake ends the sleep that is going on, or else the next one, at once. Several
// wakes before the sleeper has run count as one. It may be called by any
// goroutine, and does not yield.
func (s *Sleeper) Wake() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.woken {
		return
	}
	s.woken = true
	if s.co != nil {
		s.loop.Schedule(s.co)
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
// what body returns, and panics if it panics.
//
// body runs as a child task with a self of its own, at once; it must not use the
// caller's. Timeout yields if body does. Where body is parked on work that must
// not be disturbed ([Offload]), Timeout waits for that.
func Timeout(self *coro.Self, d time.Duration, body func(self *coro.Self) error) error {
	l := LoopOf(self)
	t := l.newTask(TaskOf(self), body)
	timer := l.timers.arm(l.clock.Now().Add(max(d, 0)), item{fn: func() { t.cancelHere(&timeoutError{d}) }})
	defer l.disarm(timer)
	defer self.Kill(t.co) // in case self is unwound; does nothing if t has ended
	self.Enter(t.co)
	return t.Wait(self)
}
