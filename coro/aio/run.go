package aio

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/gohandoff/coroutine/coro"
)

// Run makes the calling goroutine the loop's leader and runs the loop until
// nothing is left to do, ctx is done, or a deadlock is found. Whatever the
// reason, nothing is left on return: tasks that are not finished are cancelled,
// which unwinds them, offloaded work is waited for, and no goroutine of the loop
// remains but those the thread's pool keeps for the next Run, until [Loop.Close].
// Only a task of [GoShielded] is not cancelled, but waited for.
//
// It returns the cause of ctx if that is done, a [*DeadlockError], each joined
// with the errors of shielded tasks, or else the first error of a task that
// nobody has asked about ([Task.Wait], [Task.Done]).
// It panics with the [*coro.PanicError] of a task that panicked if nobody was
// waiting for it. That a coroutine of a deadlock ends with locks held
// ([coro.ErrLocksHeld]) is joined to the DeadlockError instead.
//
// If ctx is done already, nothing but shielded tasks is started: the others are
// cancelled before they ever run. A bottom half that posts itself for ever does not
// keep Run from ending; what is in the queue then waits for the next Run.
//
// A loop may be run again, but by one goroutine at a time: otherwise Run returns
// [ErrRunning], and [ErrClosed] after Close.
func (l *Loop) Run(ctx context.Context) error {
	if ctx == nil {
		panic("aio: Run(nil): want a context")
	}
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
	l.ending, l.failures, l.late, l.fatal, l.further, l.plain, l.swept = nil, nil, nil, nil, nil, false, false
	l.draining.Store(false)
	l.runs++
	register(l)

	run := l.runs
	stop := context.AfterFunc(ctx, func() {
		l.Post(func() {
			if l.runs == run { // and not a later one
				l.end(context.Cause(ctx))
			}
		})
	})
	defer l.leave(stop)
	if ctx.Err() != nil {
		// Not by way of Post: how far the tasks came would be a matter of luck.
		l.doomed = context.Cause(ctx)
	}
	l.wind()

	switch {
	case l.fatal != nil && errors.Is(l.ending, ErrDeadlock) && errors.Is(l.fatal, coro.ErrLocksHeld):
		// It held them while it waited for ever: that comes first.
		return l.shieldedFailures(errors.Join(l.ending, l.fatal))
	case l.fatal != nil:
		panic(l.fatal)
	case l.ending != nil:
		return l.shieldedFailures(l.ending)
	}
	var err error
	for _, t := range l.failures {
		if err == nil && !t.asked() {
			err = t.Err()
		}
	}
	return l.shieldedFailures(err)
}

// leave is the end of Run, however it ends.
func (l *Loop) leave(stop func() bool) {
	stop()
	l.pool.stop(l)
	l.helpers.stop(l)
	retire(l)
}

// wind runs the loop until nothing is left, also if a bottom half or a bare
// coroutine panics, or something calls runtime.Goexit: then what is left is
// wound up while that goes on its way.
func (l *Loop) wind() {
	peaceful := false
	defer func() {
		if !peaceful {
			l.plain = true // it may be the policy that panics
			l.end(context.Canceled)
			l.wind()
		}
	}()
	if err := l.doomed; err != nil {
		l.doomed = nil
		l.end(err)
	}
	l.settle()
	peaceful = true
}

// settle runs the loop until nothing is left. The steps are told in
// docs/event-loop.md.
func (l *Loop) settle() {
	leader := l.thread.Leader()
	traced := l.thread.Traced()
	for {
		l.mu.Lock()
		for again := true; again; again = l.inbox.n > 0 && l.fatal == nil && !l.draining.Load() {
			if len(l.timers.heap) > 0 {
				l.fire()
			}
			for l.left = l.inbox.n; l.left > 0; l.left-- {
				x := l.take()
				l.mu.Unlock()
				if traced {
					l.tell(x)
				}
				// This is written out because each call frame between here and
				// the coroutine costs 8 ns.
				if x.fn != nil {
					x.fn()
				} else if coro.TakeTurn(x.co) {
					leader.Enter(x.co)
				}
				l.mu.Lock()
			}
			if l.poller != nil && l.inbox.n > 0 { // else rest does it
				l.mu.Unlock()
				l.poller.Poll()
				l.mu.Lock()
			}
		}
		l.mu.Unlock()
		if l.fatal != nil {
			l.end(context.Canceled)
		}
		if !l.rest() {
			return
		}
	}
}

// fire makes ready what the clock says is due. The caller holds mu.
func (l *Loop) fire() {
	l.mu.Unlock() // a clock and a tracer are somebody else's code
	now := l.clock.Now()
	l.mu.Lock()
	for len(l.timers.heap) > 0 && !l.timers.heap[0].at.After(now) {
		t := l.timers.heap[0]
		l.timers.stop(t)
		t.fired = true
		if t.do != nil {
			l.inbox.push(item{fn: t.do, told: true})
		} else if !t.who.Scheduled() && coro.MarkScheduled(nil, t.who) == nil {
			// Else somebody has woken it first.
			l.inbox.push(item{co: t.who, told: true})
		}
		if l.thread.Traced() {
			l.mu.Unlock()
			l.trace(EventTimer, t.who)
			l.mu.Lock()
		}
	}
}

// take takes out what is to be done next. Which one, among those of this
// iteration, is the only decision that a loop takes. The caller holds mu.
func (l *Loop) take() item {
	if l.policy == nil || l.left == 1 || l.plain {
		return l.inbox.pop()
	}
	// Not under the lock: a policy is somebody else's code, and may panic.
	n := l.left
	l.mu.Unlock()
	i := l.policy.Next(n)
	if i < 0 || i >= n {
		panic(fmt.Sprintf("aio: the policy chose %d of %d that are ready", i, n))
	}
	l.mu.Lock()
	return l.inbox.take(i)
}

// tell tells the tracer what is done next, where it does not know.
func (l *Loop) tell(x item) {
	switch {
	case x.told:
	case x.fn != nil:
		l.trace(EventPost, nil)
	default:
		l.trace(EventSchedule, x.co)
	}
}

// rest waits until there is something to do, and reports false when there never
// will be.
func (l *Loop) rest() bool {
	if l.draining.Load() {
		return l.drain()
	}
	next, p := l.timers.next(), l.busy()
	l.mu.Lock()
	if l.inbox.n > 0 {
		l.mu.Unlock()
		return true
	}
	if l.outside == 0 && next.IsZero() && p == nil {
		l.mu.Unlock()
		return l.hopeless()
	}
	if l.clock.Virtual() && l.runCtx.Err() != nil {
		// The program itself may have cancelled it: then how far the clock
		// comes before the news does would be a matter of luck.
		cause := context.Cause(l.runCtx)
		l.mu.Unlock()
		l.end(cause)
		return true
	}
	l.asleep, l.resting = true, p
	l.mu.Unlock()
	l.sleep(p, next)
	return true
}

// sleep waits for the time next or for something brought, in p if that is not
// nil. The caller has set asleep, and resting to p.
func (l *Loop) sleep(p Poller, next time.Time) {
	if p != nil {
		l.sleepIn(p, next)
		return
	}
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
	if l.thread.Live() == 0 {
		return false
	}
	if l.alone {
		report := l.deadlock()
		report.settle()
		l.end(report)
	} else if e := l.awaitVerdict(); e != nil {
		l.end(e)
	}
	return true
}

// end has the loop come to its end because of err: it cancels every task, the
// youngest first. The first reason counts.
func (l *Loop) end(err error) {
	if l.ending != nil {
		return
	}
	l.ending = err
	l.draining.Store(true)
	l.cancelAll()
}

// cancelAll cancels the tasks on this loop that are not being cancelled yet.
func (l *Loop) cancelAll() {
	var doomed []*Task
	for _, t := range slices.Backward(l.tasks.list(onLoop)) {
		if (!t.shielded || l.closed) && t.doom(l, l.ending) {
			doomed = append(doomed, t)
		}
	}
	for _, t := range doomed {
		l.unwind(t)
	}
}

// unwind unwinds a task of a loop that ends. That it holds locks then must not
// hide the deadlock in which it did; what this leaves is killed by drain.
func (l *Loop) unwind(t *Task) {
	if errors.Is(l.ending, ErrDeadlock) {
		defer func() {
			v := recover()
			if err, _ := v.(error); errors.Is(err, coro.ErrLocksHeld) {
				l.keep(err)
			} else if v != nil {
				panic(v)
			}
		}()
	}
	t.unwind(l)
}

// drain is rest for a loop that comes to its end: nobody waits for timers any
// more, only for offloaded work, requests that must not be disturbed, and shielded
// tasks.
func (l *Loop) drain() bool {
	l.cancelAll() // those that came here, or were started, since
	if shielded := l.shielded(); len(shielded) > 0 {
		l.swept = false
		return l.restShielded(shielded)
	}
	p := l.busy()
	l.mu.Lock()
	busy := l.outside > l.holds || p != nil
	l.mu.Unlock()
	if l.killRest(busy) || busy {
		l.swept = false
	}
	p = l.busy()
	l.mu.Lock()
	if (l.outside > l.holds || p != nil) && l.inbox.n == 0 {
		l.asleep, l.resting = true, p
		l.mu.Unlock()
		l.sleep(p, time.Time{})
		return true
	}
	defer l.mu.Unlock()
	if l.swept && l.outside == l.holds && p == nil {
		return false
	}
	l.swept = true // once more, for what was posted meanwhile, but not for ever
	return true
}

// killRest kills the suspended coroutines of the loop, newest first, but for
// those that must not be disturbed, if some are busy. A panic of a deferred call
// is kept for Run. It reports whether there were any.
func (l *Loop) killRest(busy bool) (some bool) {
	for _, i := range slices.Backward(l.thread.Snapshot()) {
		co := i.Coroutine
		if co == nil || co.Thread() != l.thread {
			continue
		}
		if u, ok := i.WaitsFor.(undisturbed); ok && busy && u.undisturbed() {
			continue
		}
		l.killQuietly(co)
		some = true
	}
	return some
}

func (l *Loop) killQuietly(co *coro.Coroutine) {
	defer func() {
		if v := recover(); v != nil {
			l.keep(asError(v))
		}
	}()
	l.thread.Kill(co)
}

// keep keeps what Run is to panic with.
func (l *Loop) keep(err error) {
	if l.fatal == nil {
		l.fatal = err
	} else {
		l.further = append(l.further, err)
	}
}

// asError gives what was recovered as an error.
func asError(v any) error {
	if err, ok := v.(error); ok {
		return err
	}
	return fmt.Errorf("aio: panic: %v", v)
}

// Close ends the loop: it cancels tasks that were never run, kills what is
// suspended, runs the tasks of [GoShielded] that deferred calls start meanwhile,
// and closes the loop's thread, see [coro.Thread.Close]. It returns what deferred
// calls panic with and what shielded tasks fail with, joined. It must not be
// called while Run runs; that returns [ErrRunning]. Closing twice does nothing.
func (l *Loop) Close() (err error) {
	l.mu.Lock()
	if l.running {
		l.mu.Unlock()
		return ErrRunning
	}
	if l.closed {
		l.mu.Unlock()
		return nil
	}
	l.running = true
	l.mu.Unlock()
	l.fatal, l.ending, l.late = nil, ErrClosed, nil
	l.draining.Store(true)
	defer retire(l) // deferred: a deferred call may end us by runtime.Goexit
	defer l.helpers.stop(l)
	defer l.pool.stop(l)
	defer func() {
		l.mu.Lock()
		l.closed = true
		l.mu.Unlock()
		l.cancelAll() // what another goroutine has started meanwhile
		err = errors.Join(l.fatal, errors.Join(l.further...), l.shieldedFailures(nil), l.thread.Close())
		l.further = nil
	}()
	l.cancelAll()
	l.killRest(false)
	if len(l.shielded()) > 0 {
		l.wind()
	}
	return nil
}
