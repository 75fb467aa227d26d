package aio

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/gohandoff/coroutine/coro"
)

// A waiter is one coroutine that waits for one task or for any of several.
type waiter struct {
	co    *coro.Coroutine
	woken atomic.Bool
}

// wake wakes the waiter, once.
func (w *waiter) wake(self *coro.Self) {
	if !w.woken.CompareAndSwap(false, true) || w.co.Scheduled() {
		return
	}
	if self != nil && self.Thread() == w.co.Thread() {
		self.Wake(w.co)
		return
	}
	if l, ok := w.co.Thread().Scheduler().(*Loop); ok {
		l.awake(w.co) // it may be killed meanwhile
	}
}

// Wait waits until the task is finished and returns its error: what entry
// returned, or why it was cancelled. If the task panicked, Wait panics with the
// [*coro.PanicError]. It yields unless the task is finished already.
//
// What the task did happens before Wait returns. Wait panics with a
// [*coro.UsageError] where [Yield] does. A task that waits for itself waits for
// ever, which is a deadlock.
func (t *Task) Wait(self *coro.Self) error {
	wait(self, t, t)
	return t.result()
}

func (t *Task) result() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.told = true
	if t.panicked != nil {
		panic(t.panicked)
	}
	return t.err
}

// wasTold reports whether somebody has been given the result.
func (t *Task) wasTold() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.told
}

// WaitAny waits until one of tasks is finished, and returns the place of the
// first one that is; -1 if there are none. It yields unless one is finished
// already. All of them count as asked about.
func WaitAny(self *coro.Self, tasks ...*Task) int {
	switch len(tasks) {
	case 0:
		return -1
	case 1:
		return wait(self, tasks[0], tasks...)
	}
	return wait(self, anyOf(tasks), tasks...)
}

// wait waits until one of tasks is finished, parked on on, and returns its place.
func wait(self *coro.Self, on any, tasks ...*Task) int {
	for i, t := range tasks {
		if t.askedDone() {
			return i
		}
	}
	parkable(self)
	w := &waiter{co: self.Coroutine()}
	defer func() {
		w.woken.Store(true) // also when unwound: no wake may come any more
		forget(w, tasks)
	}()
	for i, t := range tasks {
		if t.register(w) {
			return i // on another loop, just now
		}
	}
	for {
		self.Park(on)
		unwindIfCancelled(self)
		if w.co.Scheduled() {
			continue // entered by hand just before its turn
		}
		for i, t := range tasks {
			if t.isDone() {
				return i
			}
		}
	}
}

// isDone reports whether the task is finished.
func (t *Task) isDone() bool {
	t.mu.Lock()
	done := t.done
	t.mu.Unlock()
	if done {
		return true
	}
	if t.co.Status() == coro.Dead && !t.lingering() {
		// Only now for one that was killed by hand before it ever ran.
		t.finish(nil, context.Canceled)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.done
}

// askedDone is isDone for somebody who wants the result.
func (t *Task) askedDone() bool {
	done := t.isDone()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.observed = true
	return done
}

// asked reports whether somebody wanted the result.
func (t *Task) asked() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.observed
}

// register has w woken when the task is finished, and reports whether it is
// already.
func (t *Task) register(w *waiter) (done bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.done {
		t.waiters = append(t.waiters, w)
	}
	return t.done
}

// forget takes w off the lists of tasks.
func forget(w *waiter, tasks []*Task) {
	for _, t := range tasks {
		t.mu.Lock()
		if i := slices.Index(t.waiters, w); i >= 0 {
			t.waiters = slices.Delete(t.waiters, i, i+1)
		}
		t.mu.Unlock()
	}
}

// anyOf is what a coroutine waits for that waits for any of several tasks.
type anyOf []*Task

func (a anyOf) String() string { return fmt.Sprintf("any of %d tasks", len(a)) }

// Done returns a channel that is closed when the task is finished, for a plain
// goroutine. A coroutine must not receive from it, but use [Task.Wait].
func (t *Task) Done() <-chan struct{} {
	t.askedDone()
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.doneC == nil {
		t.doneC = make(chan struct{})
		if t.done {
			close(t.doneC)
		}
	}
	return t.doneC
}

// Err returns the task's error once it is finished, nil before. For a task that
// panicked it is the [*coro.PanicError].
func (t *Task) Err() error {
	t.isDone()
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.done {
		return nil
	}
	t.told = true
	return t.err
}
