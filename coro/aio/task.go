package aio

import (
	"context"
	"errors"
	"slices"
	"sync"

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
	// shielded is as said at GoShielded. It does not change.
	shielded bool
	// after is the task whose deferred call started this one, nil if none: that
	// is finished when this one is.
	after *Task

	// Fields of the line of control of its loop.
	returned bool

	mu       sync.Mutex
	done     bool
	err      error
	panicked *coro.PanicError
	observed bool // somebody asks for the result
	told     bool // and has been given it
	waiters  []*waiter
	doneC    chan struct{}
	ctx      context.Context
	cancel   context.CancelCauseFunc
	stop     func() bool // of GoContext
	group    *Group      // that is told when it is done, nil if none
	aftermath

	// Under families. cause, why it is being cancelled, is also read without
	// it by the line of control of its loop, which alone changes it.
	cause    error
	parent   *Task
	children family
	sibling  link // in the parent's children
	mate     link // in the tasks on its loop
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
	if l := t.home(); t.cause == nil && l != nil && l.draining.Load() && !t.shielded {
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
	if !t.lingers(err, failed) {
		t.conclude(self, err, failed)
	}
}

// conclude finishes a task that has run, and tells the loop if it has failed and
// nobody asks for it.
func (t *Task) conclude(self *coro.Self, err error, failed bool) {
	l := t.home()
	asked := t.finish(self, err)
	switch {
	case l == nil:
	case failed && t.shielded && t.panicked == nil:
		l.keepLate(t) // somebody may ask, and be unwound before he is told
	case asked:
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
	if t.after != nil {
		t.after.cleanedUp(self, t, err)
	}
	return asked
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
