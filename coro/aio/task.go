package aio

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/gohandoff/coroutine/coro"
)

// ErrGoexit is the error of a task that called runtime.Goexit, which ends the
// goroutine that runs the loop, too.
var ErrGoexit = errors.New("aio: the task called runtime.Goexit")

// A Task is a coroutine on a loop that has a result. Its methods may be called
// by any goroutine unless they say otherwise.
type Task struct {
	co    *coro.Coroutine
	entry func(self *coro.Self) error
	loop  atomic.Pointer[Loop]

	// Fields of the line of control of its loop.
	cause    error // why it is being cancelled
	returned bool

	mu       sync.Mutex
	done     bool
	err      error
	panicked *coro.PanicError
	observed bool   // somebody asks for the result
	group    *Group // that is told when it is done, nil if none
	waiters  []*waiter
	doneC    chan struct{}
	ctx      context.Context
	cancel   context.CancelCauseFunc

	// Under family.
	parent     *Task
	children   family
	in         *family // the list it is in
	prev, next *Task
}

// A waiter is one coroutine that waits for one task or for any of several.
type waiter struct {
	co    *coro.Coroutine
	woken atomic.Bool
}

// Go starts a task that runs entry on the loop, when its turn comes. It may be
// called by any goroutine, before Run and while it runs. entry's error is the
// task's.
//
// It panics if entry is nil or the loop is closed.
func (l *Loop) Go(entry func(self *coro.Self) error) *Task {
	t := l.newTask(nil, entry)
	l.Schedule(t.co)
	return t
}

// GoContext is [Loop.Go] for a task that is cancelled when ctx is done, with
// ctx's cause.
func (l *Loop) GoContext(ctx context.Context, entry func(self *coro.Self) error) *Task {
	t := l.newTask(nil, entry)
	stop := context.AfterFunc(ctx, func() { t.Cancel(context.Cause(ctx)) })
	inner := t.entry
	t.entry = func(self *coro.Self) error {
		defer stop()
		return inner(self)
	}
	l.Schedule(t.co)
	return t
}

// Go starts a task on self's loop that is a child of self's task: it is
// cancelled with it. A child that outlives its parent passes to the parent's
// parent. Go does not yield; the child runs when its turn comes.
func Go(self *coro.Self, entry func(self *coro.Self) error) *Task {
	l := LoopOf(self)
	t := l.newTask(TaskOf(self), entry)
	l.Schedule(t.co)
	return t
}

// TaskOf returns the task that self belongs to: its own or, for a coroutine that
// a task entered, that of the nearest caller that is one. It is nil for a
// coroutine outside any task.
func TaskOf(self *coro.Self) *Task {
	t, _ := self.Tag().(*Task)
	return t
}

func (l *Loop) newTask(parent *Task, entry func(self *coro.Self) error) *Task {
	if entry == nil {
		panic("aio: Go(nil): want a function")
	}
	enlist(l)
	t := &Task{entry: entry}
	t.loop.Store(l)
	t.co = l.thread.NewFor(entry, t.run)
	families.Lock()
	t.join(parent)
	families.Unlock()
	return t
}

// Detach makes the task a child of nobody: it is not cancelled with its parent.
// It returns t.
func (t *Task) Detach() *Task {
	families.Lock()
	defer families.Unlock()
	if t.in != nil {
		t.leave()
		t.join(nil)
	}
	return t
}

// move makes the task one of another loop.
func (t *Task) move(to *Loop) {
	families.Lock()
	defer families.Unlock()
	if t.parent != nil || t.in == nil {
		t.loop.Store(to)
		return
	}
	t.leave()
	t.loop.Store(to)
	t.join(nil)
}

// run is the entry of the task's coroutine.
func (t *Task) run(self *coro.Self) {
	self.SetTag(t)
	defer t.ended(self)
	t.err = t.entry(self)
	t.returned = true
}

// ended is deferred by run.
func (t *Task) ended(self *coro.Self) {
	err := t.err
	if !t.returned {
		switch v := recover(); v {
		case nil:
			err = ErrGoexit
		case any(coro.ErrKilled):
			err = t.cancelled()
		default:
			t.panicked = coro.CaughtPanic(t.co.Name(), v)
			err = t.panicked
		}
	}
	t.finish(self, err)
}

// cancelled gives the error of a task that was cancelled.
func (t *Task) cancelled() error {
	if t.cause != nil {
		return t.cause
	}
	return context.Canceled
}

// finish records the result and wakes who waits for it. self is the task's own,
// or nil if the task never ran.
func (t *Task) finish(self *coro.Self, err error) {
	root := t.disown()
	t.mu.Lock()
	t.done = true
	t.err = err
	t.entry = nil
	waiters := t.waiters
	t.waiters = nil
	observed := t.observed
	if t.doneC != nil {
		close(t.doneC)
	}
	cancel := t.cancel
	t.mu.Unlock()

	l := t.loop.Load()
	if cancel != nil {
		cancel(context.Canceled)
	}
	for _, w := range waiters {
		w.wake(self)
	}
	if t.group != nil {
		t.group.finished(self, t)
	}
	switch {
	case observed:
	case t.panicked != nil && l.fatal == nil:
		l.fatal = t.panicked
	case err != nil && t.cause == nil && root && l.failed == nil:
		l.failed = err
	}
}

// wake wakes the waiter, once.
func (w *waiter) wake(self *coro.Self) {
	if !w.woken.CompareAndSwap(false, true) {
		return
	}
	if self != nil {
		self.Wake(w.co)
		return
	}
	w.co.Thread().Scheduler().Schedule(w.co)
}

// String names the task, for dumps: it is what those wait for who wait for it.
func (t *Task) String() string { return "task " + t.co.Name() }

// Holders returns the task's coroutine; see [coro.Waiting].
func (t *Task) Holders() []*coro.Coroutine { return []*coro.Coroutine{t.co} }

// Coroutine returns the task's coroutine, to name it or look at it.
func (t *Task) Coroutine() *coro.Coroutine { return t.co }

// SetName names the task's coroutine and returns t.
func (t *Task) SetName(name string) *Task {
	t.co.SetName(name)
	return t
}

// Wait waits until the task is finished and returns its error: what entry
// returned, or why it was cancelled. If the task panicked, Wait panics with the
// [*coro.PanicError]. It yields unless the task is finished already.
func (t *Task) Wait(self *coro.Self) error {
	WaitAny(self, t)
	return t.result()
}

func (t *Task) result() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.panicked != nil {
		panic(t.panicked)
	}
	return t.err
}

// WaitAny waits until one of tasks is finished, and returns the place of the
// first one that is; -1 if there are none. It yields unless one is finished
// already.
func WaitAny(self *coro.Self, tasks ...*Task) int {
	w := &waiter{co: self.Coroutine()}
	for i, t := range tasks {
		if t.isDone(w) {
			forget(w, tasks[:i])
			return i
		}
	}
	if len(tasks) == 0 {
		return -1
	}
	defer func() {
		w.woken.Store(true) // also when unwound: no wake may come any more
		forget(w, tasks)
	}()
	if len(tasks) == 1 {
		self.Park(tasks[0])
	} else {
		self.Park(anyOf(tasks))
	}
	for i, t := range tasks {
		if t.isDone(nil) {
			return i
		}
	}
	return -1 // entered by somebody else
}

// isDone reports whether the task is finished; if it is not, w, unless nil, will
// be woken when it is.
func (t *Task) isDone(w *waiter) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.observed = true
	if !t.done && t.co.Status() == coro.Dead {
		// Killed by hand before it ever ran.
		t.done, t.err = true, t.cancelled()
	}
	if !t.done && w != nil {
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
	t.mu.Lock()
	defer t.mu.Unlock()
	t.observed = true
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
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.done {
		return nil
	}
	return t.err
}

// Cancel has the task cancelled, soon, with its children, the youngest first:
// each is unwound where it is parked, its deferred calls run, and its error is
// cause, or [context.Canceled] if cause is nil. A task that is parked where it
// must not be disturbed, as in [Offload] while the work is being done, is
// unwound when it would go on. Cancelling a finished task does nothing.
func (t *Task) Cancel(cause error) {
	if cause == nil {
		cause = context.Canceled
	}
	l := t.loop.Load()
	l.Post(func() {
		if now := t.loop.Load(); now != l {
			t.Cancel(cause) // it has moved
			return
		}
		t.cancelHere(cause)
	})
}

// An undisturbed is what a coroutine is parked on that must not be unwound just
// now.
type undisturbed interface{ undisturbed() bool }

// cancelHere cancels the task. It is called by the leader of its loop, when no
// coroutine is entered.
func (t *Task) cancelHere(cause error) {
	t.mu.Lock()
	if t.done || t.cause != nil {
		t.mu.Unlock()
		return
	}
	t.cause = cause
	cancel := t.cancel
	t.mu.Unlock()

	l := t.loop.Load()
	for _, c := range slices.Backward(t.children.list()) {
		if c.loop.Load() == l {
			c.cancelHere(cause)
		} else {
			c.Cancel(cause)
		}
	}
	if cancel != nil {
		cancel(cause)
	}
	switch t.co.Status() {
	case coro.Ready:
		l.thread.Kill(t.co)
		t.finish(nil, cause)
	case coro.Suspended:
		if u, ok := t.co.WaitsFor().(undisturbed); !ok || !u.undisturbed() {
			l.thread.Kill(t.co)
		}
	}
}

// unwindIfCancelled ends self's task if it was cancelled while it was not to be
// disturbed.
func unwindIfCancelled(self *coro.Self) {
	if t := TaskOf(self); t != nil && t.cause != nil {
		self.Unwind()
	}
}

// Context returns a context that is done when self's task is cancelled, with
// the cause, or finished. It is derived from the context of the loop's Run. For
// a coroutine outside any task it is that context itself.
func Context(self *coro.Self) context.Context {
	l := LoopOf(self)
	l.mu.Lock()
	base := l.runCtx
	l.mu.Unlock()
	if base == nil {
		base = context.Background()
	}
	t := TaskOf(self)
	if t == nil {
		return base
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ctx == nil {
		t.ctx, t.cancel = context.WithCancelCause(base)
		if t.cause != nil {
			t.cancel(t.cause)
		}
	}
	return t.ctx
}

// asError gives what was recovered as an error.
func asError(v any) error {
	if err, ok := v.(error); ok {
		return err
	}
	return fmt.Errorf("aio: panic: %v", v)
}
