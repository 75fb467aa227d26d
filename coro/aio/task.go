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

	// Fields of the line of control of its loop.
	returned bool

	mu       sync.Mutex
	done     bool
	err      error
	panicked *coro.PanicError
	observed bool // somebody asks for the result
	waiters  []*waiter
	doneC    chan struct{}
	ctx      context.Context
	cancel   context.CancelCauseFunc
	stop     func() bool // of GoContext
	group    *Group      // that is told when it is done, nil if none

	// Under families. cause, why it is being cancelled, is also read without
	// it by the line of control of its loop, which alone changes it.
	cause    error
	parent   *Task
	children family
	sibling  link // in the parent's children
	mate     link // in the tasks on its loop
}

// A waiter is one coroutine that waits for one task or for any of several.
type waiter struct {
	co    *coro.Coroutine
	woken atomic.Bool
}

// Go starts a task that runs entry on the loop, when its turn comes. It may be
// called by any goroutine, before Run, while it runs, and after it, for the next
// Run. entry's error is the task's. On a loop that comes to its end, the task is
// cancelled before it runs.
//
// What happened before Go happens before entry. Go panics with a
// [*coro.UsageError] if entry is nil ([coro.ErrNilEntry]) or the loop is closed
// ([coro.ErrClosed]).
func (l *Loop) Go(entry func(self *coro.Self) error) *Task {
	t := l.newTask(l.thread, nil, entry)
	l.start(t)
	return t
}

// GoContext is [Loop.Go] for a task that is cancelled when ctx is done, with
// ctx's cause; before it runs, if ctx is done already.
func (l *Loop) GoContext(ctx context.Context, entry func(self *coro.Self) error) *Task {
	t := l.newTask(l.thread, nil, entry)
	if ctx.Err() != nil {
		families.Lock()
		t.cause = context.Cause(ctx)
		families.Unlock()
	} else {
		stop := context.AfterFunc(ctx, func() { t.Cancel(context.Cause(ctx)) })
		t.mu.Lock()
		t.stop = stop
		t.mu.Unlock()
	}
	l.start(t)
	return t
}

// Go starts a task on self's loop that is a child of self's task: it is
// cancelled with it, and if that is being cancelled already, before it runs. A
// child that outlives its parent passes to the parent's parent. Go does not
// yield; the child runs when its turn comes.
//
// Go panics with a [*coro.UsageError] as [Loop.Go] does, and if self's thread
// has no loop ([ErrNoLoop]).
func Go(self *coro.Self, entry func(self *coro.Self) error) *Task {
	l := LoopOf(self)
	self.MustRun("start a task")
	t := l.newTask(self, TaskOf(self), entry)
	l.schedule(self, t.co)
	return t
}

// TaskOf returns the task that self belongs to: its own or, for a coroutine that
// a task entered, that of the nearest caller that is one. It is nil for a
// coroutine outside any task.
func TaskOf(self *coro.Self) *Task {
	t, _ := self.Tag().(*Task)
	return t
}

// newTask makes a task of l; by is who does it, the thread for anybody.
func (l *Loop) newTask(by coro.Creator, parent *Task, entry func(self *coro.Self) error) *Task {
	if entry == nil {
		by.New(nil) // panics, with the words for it
	}
	t := &Task{entry: entry}
	t.co = by.NewFor(entry, t.run)
	t.enroll(l, parent)
	return t
}

// start schedules a new task. If the loop has been closed meanwhile, by another
// goroutine, the task is cancelled.
func (l *Loop) start(t *Task) {
	if err := coro.MarkScheduled(nil, t.co); err != nil || !l.bring(item{co: t.co}) {
		t.finish(nil, ErrClosed)
	}
}

// home returns the loop on which the task runs.
func (t *Task) home() *Loop {
	l, _ := t.co.Thread().Scheduler().(*Loop)
	return l // nil if somebody entered it on a thread without one
}

// run is the entry of the task's coroutine.
func (t *Task) run(self *coro.Self) {
	self.SetTag(t)
	defer t.ended(self)
	if l := t.home(); t.cause == nil && l != nil && l.draining.Load() {
		t.setCause(l.ending)
	}
	if t.cause != nil {
		self.Unwind() // cancelled before it ran
	}
	t.err = t.entry(self)
	t.returned = true
}

// ended is deferred by run.
func (t *Task) ended(self *coro.Self) {
	err, failed := t.err, t.err != nil
	if !t.returned {
		switch v := recover(); v {
		case nil:
			err, failed = ErrGoexit, true
		case any(coro.ErrKilled):
			err = t.cancelled()
		default:
			t.panicked = coro.CaughtPanic(t.co.Name(), v)
			err = t.panicked
		}
	}
	l := t.home()
	asked := t.finish(self, err)
	switch {
	case asked || l == nil:
	case t.panicked != nil && l.fatal == nil:
		l.fatal = t.panicked
	case failed && len(l.failures) < maxFailures:
		l.failures = append(l.failures, t)
	}
}

// maxFailures is how many failed tasks a loop remembers, lest a server that
// ignores the errors of its tasks keeps all of them: somebody may still ask about
// the first ones, and then it is the next one's error that Run returns.
const maxFailures = 16

// cancelled gives the error of a task that was cancelled.
func (t *Task) cancelled() error {
	if t.cause != nil {
		return t.cause
	}
	return context.Canceled
}

// setCause is called on the task's line of control.
func (t *Task) setCause(err error) {
	families.Lock()
	defer families.Unlock()
	t.cause = err
}

// finish records the result, wakes who waits for it, and reports whether
// somebody has asked for it. self is the task's own, or nil if the task never
// ran. Only the first call counts.
func (t *Task) finish(self *coro.Self, err error) (asked bool) {
	t.mu.Lock()
	if t.done {
		t.mu.Unlock()
		return true
	}
	t.done = true
	t.err = err
	t.entry = nil
	waiters := t.waiters
	t.waiters = nil
	asked = t.observed
	if t.doneC != nil {
		close(t.doneC)
	}
	cancel, stop := t.cancel, t.stop
	t.mu.Unlock()

	orphans, cause := t.disown()
	for _, c := range slices.Backward(orphans) {
		c.Cancel(cause)
	}
	if stop != nil {
		stop()
	}
	if cancel != nil {
		cancel(context.Canceled)
	}
	for _, w := range waiters {
		w.wake(self)
	}
	if t.group != nil {
		t.group.finished(self, t)
	}
	return asked
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
	if t.panicked != nil {
		panic(t.panicked)
	}
	return t.err
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
	if t.co.Status() == coro.Dead {
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
	return t.err
}

// Cancel has the task cancelled, soon, with its children, the youngest first:
// each is unwound where it is parked, its deferred calls run, and its error is
// cause, or [context.Canceled] if cause is nil. A task that is parked where it
// must not be disturbed, as in [Offload] while the work is being done, is
// unwound when it would go on. Cancelling a finished task does nothing.
//
// The loop cancels it, in its turn among what is scheduled and posted. Cancel may
// be called by any goroutine, also by the task itself, which goes on until it
// yields. Where the cancelled task is woken by the end of one of its children, it
// is unwound rather than run on.
func (t *Task) Cancel(cause error) {
	if cause == nil {
		cause = context.Canceled
	}
	if l := t.home(); l != nil {
		l.Post(func() { t.cancelHere(l, cause) })
	}
}

// An undisturbed is what a coroutine is parked on that must not be unwound just
// now.
type undisturbed interface{ undisturbed() bool }

// cancelHere cancels the task, with its children. It is called by the leader of
// l, when no coroutine is entered; if the task has gone to another loop, it is
// passed on.
func (t *Task) cancelHere(l *Loop, cause error) {
	if t.doom(l, cause) {
		t.unwind(l)
	}
}

// doom notes, for the task and its children, why they are to be unwound. All of
// them know before the first one is: what one of them wakes on its way out must
// not run on as if nothing was. It reports whether the task is to be unwound by
// l and was not before.
func (t *Task) doom(l *Loop, cause error) bool {
	if home := t.home(); home != l {
		t.Cancel(cause)
		return false
	}
	t.mu.Lock()
	if t.done || t.cause != nil {
		t.mu.Unlock()
		return false
	}
	t.setCause(cause)
	cancel := t.cancel
	t.mu.Unlock()
	l.trace(EventCancel, t.co)

	if cancel != nil {
		cancel(cause)
	}
	for _, c := range slices.Backward(t.children.list(asChild)) {
		c.doom(l, cause)
	}
	return true
}

// unwind ends a doomed task, after its children, the youngest first.
func (t *Task) unwind(l *Loop) {
	for _, c := range slices.Backward(t.children.list(asChild)) {
		if c.home() == l && c.cause != nil {
			c.unwind(l)
		}
	}
	if t.home() != l {
		return
	}
	switch t.co.Status() {
	case coro.Ready:
		l.thread.Kill(t.co)
		t.finish(nil, t.cause)
	case coro.Suspended:
		if u, ok := t.co.WaitsFor().(undisturbed); !ok || !u.undisturbed() {
			l.thread.Kill(t.co)
		}
	}
}

// unwindIfCancelled ends self's task if it was cancelled while it was not to be
// disturbed, or while it was being woken.
func unwindIfCancelled(self *coro.Self) {
	if t := TaskOf(self); t != nil && t.cause != nil && t.co == self.Coroutine() {
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
