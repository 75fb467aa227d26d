package aio

import (
	"context"
	"slices"

	"github.com/gohandoff/coroutine/coro"
)

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
