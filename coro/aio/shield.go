package aio

import (
	"errors"
	"slices"

	"github.com/gohandoff/coroutine/coro"
)

// GoShielded starts a task that runs to its end whatever ends the others: it is
// nobody's child, and a loop that comes to its end does not cancel it, but lets it
// run, with its timers, and waits for it. So do its children. It is for what has
// to be done all the same and takes its time, such as to flush and close a file:
// a deferred call must not yield when its coroutine is being unwound, but it may
// start a task that does.
//
//	defer aio.GoShielded(self, conn.SayGoodbye)
//
// If self is being unwound, the shielded tasks that are started so run one after the
// other, as deferred calls do, and self's task is finished when they are: who waits
// for it, as [Timeout] does, finds all done, and has the errors of all.
//
// [Task.Cancel] cancels it. So does the loop if it is draining and nothing can wake
// any of its shielded tasks, with a [*DeadlockError] as the cause. An error that
// nobody has been told is joined to that of [Loop.Run] or [Loop.Close]; of many, the
// first 16.
//
// GoShielded does not yield, and may be called by a coroutine that is being
// unwound. It panics as [Go] does.
func GoShielded(self *coro.Self, entry func(self *coro.Self) error) *Task {
	l := LoopOf(self)
	self.MustRun("start a task")
	t := l.newTask(self, nil, entry)
	t.shielded = true
	if after := TaskOf(self); after != nil && self.Unwinding() {
		t.after = after
		after.mu.Lock()
		after.cleanups++
		waits := after.cleanups > 1
		if waits {
			after.queue = append(after.queue, t)
		}
		after.mu.Unlock()
		if waits {
			return t
		}
	}
	l.schedule(self, t.co)
	return t
}

// An aftermath is what is left to do when a task has been unwound: the shielded
// tasks that its deferred calls have started.
type aftermath struct {
	cleanups int     // how many of them are not finished
	queue    []*Task // those of them that have not begun
	over     bool    // the task itself has come to its end
	ending   error   // its error, and theirs
	failed   bool    // its error is not that it was cancelled
}

// lingers notes how t has ended, and reports whether it is not to be finished yet.
func (t *Task) lingers(err error, failed bool) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.cleanups == 0 {
		return false
	}
	t.over, t.ending, t.failed = true, err, failed
	return true
}

// lingering reports whether t has ended and is not finished.
func (t *Task) lingering() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.cleanups > 0
}

// cleanedUp is called when done, a shielded task that t has started on its way out,
// is finished with err. The next one begins, and the last one finishes t.
func (t *Task) cleanedUp(self *coro.Self, done *Task, err error) {
	t.mu.Lock()
	switch {
	case t.ending == nil:
		t.ending = err
	case err != nil:
		t.ending = errors.Join(t.ending, err)
	}
	t.cleanups--
	var next *Task
	if i := slices.Index(t.queue, done); i >= 0 { // cancelled before its turn
		t.queue = slices.Delete(t.queue, i, i+1)
	} else if len(t.queue) > 0 {
		next, t.queue = t.queue[0], t.queue[1:]
	}
	last := t.cleanups == 0 && t.over
	err, failed := t.ending, t.failed
	t.mu.Unlock()
	if next != nil {
		next.home().start(next)
	}
	if !last {
		return
	}
	if l := t.home(); self != nil && l != nil && self.Thread() != l.thread {
		// It has gone to another loop, whose business its end is.
		l.Post(func() { t.conclude(nil, err, failed) })
		return
	}
	t.conclude(self, err, failed)
}

// shielded returns the shielded tasks that are not finished.
func (l *Loop) shielded() (ts []*Task) {
	for _, t := range l.tasks.list(onLoop) {
		if t.shielded && !t.isDone() {
			ts = append(ts, t)
		}
	}
	return ts
}

// restShielded is drain while there are shielded tasks. What else is on the loop
// waits: of a coroutine that is no task nobody knows whether a shielded one needs
// it.
func (l *Loop) restShielded(shielded []*Task) bool {
	next, p := l.timers.next(), l.busy()
	l.mu.Lock()
	switch {
	case l.inbox.n > 0:
		l.mu.Unlock()
	case l.outside > 0 || p != nil || !next.IsZero():
		l.asleep, l.resting = true, p
		l.mu.Unlock()
		l.sleep(p, next)
	default:
		l.mu.Unlock()
		l.giveUp(shielded)
	}
	return true
}

// giveUp cancels shielded tasks that nothing can wake, unless another loop still
// does.
func (l *Loop) giveUp(shielded []*Task) {
	var report *DeadlockError
	if l.alone {
		report = l.deadlock()
		report.settle()
	} else if report = l.awaitVerdict(); report == nil {
		return
	}
	for _, t := range shielded {
		if t.co.Status() != coro.Ready && t.doom(l, report) { // else its turn is still to come
			t.unwind(l)
			l.keepLate(t) // others that are cancelled have not failed
		}
	}
}

// keepLate remembers that t, which is shielded, has failed, as far as maxFailures
// allows: of those that somebody has been told of, nothing has to be said.
func (l *Loop) keepLate(t *Task) {
	if len(l.late) >= maxFailures {
		l.late = slices.DeleteFunc(l.late, told)
	}
	if len(l.late) < maxFailures {
		l.late = append(l.late, t)
	}
}

// told reports whether somebody knows of the error of a shielded task: from it, or
// from the task that it belongs to.
func told(t *Task) bool { return t.wasTold() || t.after != nil && t.after.wasTold() }

// shieldedFailures joins to err what shielded tasks failed with and nobody has been
// told.
func (l *Loop) shieldedFailures(err error) error {
	var untold []error
	for _, t := range slices.Backward(l.late) { // what belongs to another one ends before that
		if !told(t) {
			untold = append(untold, t.Err())
		}
	}
	if len(untold) == 0 {
		return err
	}
	slices.Reverse(untold)
	return errors.Join(append([]error{err}, untold...)...)
}
