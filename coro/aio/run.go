package aio

import (
	"context"
	"slices"
	"time"

	"github.com/gohandoff/coroutine/coro"
)

// Run makes the calling goroutine the loop's leader and runs the loop until
// nothing is left to do, ctx is done, or a deadlock is found. Whatever the
// reason, nothing is left on return: tasks that are not finished are cancelled,
// which unwinds them, offloaded work is waited for, and no goroutine of the loop
// remains but those the thread's pool keeps for the next Run, until [Loop.Close].
//
// It returns the cause of ctx if that is done, a [*DeadlockError], or else the
// first error of a task that nobody waited for. It panics with the
// [*coro.PanicError] of a task that panicked if nobody waited for it.
//
// A loop may be run again, but by one goroutine at a time: otherwise Run returns
// [ErrRunning], and [ErrClosed] after Close.
func (l *Loop) Run(ctx context.Context) error {
	l.mu.Lock()
	switch {
	case l.closed:
		l.mu.Unlock()
		return ErrClosed
	case l.running:
		l.mu.Unlock()
		return ErrRunning
	}
	l.running = true
	l.runCtx = ctx
	l.mu.Unlock()
	l.ending, l.failed, l.fatal = nil, nil, nil
	l.draining.Store(false)
	enlist(l)

	stop := context.AfterFunc(ctx, func() {
		l.Post(func() {
			if l.runCtx == ctx {
				l.end(context.Cause(ctx))
			}
		})
	})
	peaceful := false
	defer func() {
		stop()
		if !peaceful {
			// A bottom half or a bare coroutine panicked, or something
			// called runtime.Goexit, and we are on our way out.
			l.end(context.Canceled)
			l.killRest()
			l.settle()
		}
		l.pool.stop(l)
		l.helpers.stop(l)
		l.mu.Lock()
		l.running = false
		l.runCtx = nil
		l.mu.Unlock()
		delist(l)
	}()
	l.settle()
	peaceful = true

	switch {
	case l.fatal != nil:
		panic(l.fatal)
	case l.ending != nil:
		return l.ending
	}
	return l.failed
}

// settle runs the loop until nothing is left.
func (l *Loop) settle() {
	for {
		l.collect()
		for n := l.ready.n; n > 0; n-- {
			l.step()
		}
		if l.fatal != nil && l.ending == nil {
			l.end(context.Canceled)
		}
		if !l.rest() {
			return
		}
	}
}

// collect makes ready what has been brought and what the clock says is due.
func (l *Loop) collect() {
	l.mu.Lock()
	if l.ready.n == 0 {
		l.ready, l.inbox = l.inbox, l.ready
	} else {
		for l.inbox.n > 0 {
			l.ready.push(l.inbox.pop())
		}
	}
	l.mu.Unlock()
	if len(l.timers.heap) == 0 {
		return
	}
	for now := l.clock.Now(); len(l.timers.heap) > 0; {
		t := l.timers.heap[0]
		if t.at.After(now) {
			return
		}
		l.timers.stop(t)
		if t.do.co != nil && coro.MarkScheduled(nil, t.do.co) != nil {
			continue // somebody else woke it first
		}
		l.ready.push(t.do)
	}
}

// step does one thing that is ready. Which one is the only decision that a loop
// takes.
func (l *Loop) step() {
	var x item
	if l.policy == nil || l.ready.n == 1 {
		x = l.ready.pop()
	} else {
		x = l.ready.take(l.policy.Next(l.ready.n))
	}
	if x.fn != nil {
		x.fn()
		return
	}
	l.thread.Leader().EnterScheduled(x.co)
}

// rest waits until there is something to do, and reports false when there never
// will be.
func (l *Loop) rest() bool {
	next := l.timers.next()
	l.mu.Lock()
	if l.inbox.n > 0 {
		l.mu.Unlock()
		return true
	}
	outside := l.outside
	if l.draining.Load() {
		outside -= l.holds // they will not be waited for
	}
	if outside == 0 && next.IsZero() {
		l.mu.Unlock()
		return l.hopeless()
	}
	l.asleep = true
	l.mu.Unlock()
	l.sleep(next)
	return true
}

// sleep waits for the time next or for something brought. The caller has set
// asleep.
func (l *Loop) sleep(next time.Time) {
	if l.clock.Wait(next, l.wakeup) {
		return
	}
	l.mu.Lock()
	late := !l.asleep // somebody is about to wake us, or has
	l.asleep = false
	l.mu.Unlock()
	if late {
		<-l.wakeup
	}
}

// hopeless deals with a loop that has nothing to do, no timer and nothing
// outside. It reports whether the loop should go on.
func (l *Loop) hopeless() bool {
	switch {
	case l.thread.Live() == 0:
		return false
	case l.draining.Load():
		// What cancelling could not end: bare coroutines.
		l.killRest()
		return true
	case l.alone || l.awaitVerdict():
		l.end(l.deadlock())
	}
	return true
}

// end has the loop come to its end because of err: it cancels every task. The
// first reason counts.
func (l *Loop) end(err error) {
	if l.ending != nil || !l.running {
		return
	}
	l.ending = err
	l.draining.Store(true)
	for _, t := range slices.Backward(l.roots.list()) {
		t.cancelHere(err)
	}
}

// killRest kills every suspended coroutine of the loop, newest first. A panic
// of a deferred call is kept for Run.
func (l *Loop) killRest() {
	for _, i := range slices.Backward(l.thread.Snapshot()) {
		if i.Coroutine == nil {
			continue
		}
		func() {
			defer func() {
				if v := recover(); v != nil && l.fatal == nil {
					l.fatal = asError(v)
				}
			}()
			l.thread.Kill(i.Coroutine)
		}()
	}
}

// Close ends the loop: it closes the loop's thread, see [coro.Thread.Close], and
// cancels tasks that were never run. It must not be called while Run runs; that
// returns [ErrRunning]. Closing twice does nothing.
func (l *Loop) Close() error {
	l.mu.Lock()
	if l.running {
		l.mu.Unlock()
		return ErrRunning
	}
	l.closed = true
	l.mu.Unlock()
	for _, t := range slices.Backward(l.roots.list()) {
		t.cancelHere(ErrClosed)
	}
	delist(l)
	return l.thread.Close()
}
