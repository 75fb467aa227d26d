package coro

import "github.com/gohandoff/coroutine/internal/handoff"

// The switch.
//
// Invariants:
//   - Thread.current is the Self that runs; it is set by the enterer, just
//     before control goes down and just after it has come back up. Whoever
//     finds another Self there than its own does not run.
//   - A coroutine's state leaves ready or suspended for entered by one
//     compare-and-swap, and comes back to suspended (or dead) only when its
//     enterer has control again. So nobody can enter a coroutine that is still
//     on its way out, which QEMU's order (the caller is cleared before the
//     switch) would allow to another thread, and nothing else can tell the two
//     orders apart.
//   - Every call frame between the user's code and the switch costs 8 ns (a
//     mispredicted return), which is why Enter and Yield call Line.Next and
//     Line.Back themselves, and have their long ways elsewhere.

// Enter gives control to co. It returns when co yields or terminates and every
// coroutine woken meanwhile on this thread has had its turn: those woken more
// recently first, in the order of the wakes. May be called by a leader; it does
// not yield, but the caller waits.
//
// Enter panics with a [*UsageError] if co is entered already
// ([ErrReentered]), waits for its turn in a queue ([ErrScheduled]), is dead
// ([ErrTerminated]), never ran and the thread is closed ([ErrClosed]), or if self
// does not run ([ErrOutside]). It panics with a
// [*PanicError] if co panics, and ends the calling goroutine, as
// runtime.Goexit does, if co calls runtime.Goexit. Coroutines that were woken
// but had not had their turn by then get it when self yields or terminates; for
// a leader, in its next Enter.
//
// What happened before Enter happens before co runs on; what co did before it
// yielded or terminated happens before Enter returns.
func (self *Self) Enter(co *Coroutine) {
	t := self.thread()
	if co == nil || co.self == nil || t == nil {
		self.misuseNil(co, "enter")
	}
	to := co.self
	was := to.state.Load()
	if was > suspended || to.woken.Load() != 0 || !to.state.CompareAndSwap(was, entered) {
		self.claim(to, "enter")
	}
	if t.current != self || to.w == nil || !to.enteredBefore(self) || to.thread() != t || t.in(modeAny) {
		self.prepare(t, to, co, handoff.Enter)
	}

	w := to.w
	t.current = to
	var up handoff.Signal
	var ok bool
	if w.Direct && handoff.OSThreadLocked() {
		up, ok = w.EnterLocked()
	} else {
		w.Down = handoff.Enter
		up, ok = w.Next()
	}
	if up != handoff.Yield || !ok || w.wakes.head != nil || t.leftover.head != nil || t.in(modeAny) {
		self.afterEnter(t, to, w, up, ok)
		return
	}
	t.current = self
	to.state.Store(suspended) // from here on it may be another thread's
}

// afterEnter is what comes after the switch in Enter when that is not a plain
// yield.
func (self *Self) afterEnter(t *Thread, to *Self, w *worker, up handoff.Signal, ok bool) {
	if up != handoff.Yield || !ok {
		up = w.Settle(up, ok) // who asks is still the one that runs
	}
	t.current = self
	if up != handoff.Yield {
		self.finish(t, to, up, queue{})
	}
	woken := w.takeWakes()
	if up == handoff.Yield {
		if t.in(modeAny) {
			t.unpin(to)
		}
		to.state.Store(suspended) // from here on it may be another thread's
	}
	if woken.head != nil || t.leftover.head != nil {
		self.drainAfter(t, woken)
	}
}

// EnterIfInactive is Enter, unless co is entered already: then it does nothing.
// The look and the step are one, which asking Entered before Enter is not: of two
// goroutines that come at once, one enters and the other goes on.
func (self *Self) EnterIfInactive(co *Coroutine) {
	t := self.thread()
	if co == nil || co.self == nil || t == nil {
		self.misuseNil(co, "enter")
	}
	to := co.self
	switch s := to.state.Load(); {
	case s == entered:
		return
	case s < dead && to.woken.Load() != 0:
		self.misuseScheduled(to, "enter")
	case !self.tryClaim(to):
		if to.state.Load() >= dead {
			self.misuseDead(to, "enter")
		}
		return
	}
	woken := self.step(t, to, handoff.Enter, queue{})
	if woken.head != nil || t.leftover.head != nil {
		self.drainAfter(t, woken)
	}
}

// Yield gives control back to the caller, whose Enter returns, and returns when
// the coroutine is entered again. If it is killed instead, Yield does not
// return: it unwinds the coroutine, running its deferred calls.
//
// Yield panics with a [*UsageError] if self is a leader or has no caller
// ([ErrNoCaller]), does not run ([ErrOutside]), is being killed and yields in a
// deferred call ([ErrKilled]), or, on a [Direct] thread, if the goroutine is
// locked to its OS thread ([ErrLocked]).
func (self *Self) Yield() {
	t, w := self.thread(), self.w
	if w == nil || t.current != self || w.killing || t.in(modeAny) {
		self.beforeYield(t)
	}
	if w.Direct && handoff.OSThreadLocked() {
		self.misuseLocked()
	}
	w.Back(handoff.Yield)
	if w.Down != handoff.Enter {
		self.afterYield(w)
	}
}

// beforeYield is Yield's long way.
func (self *Self) beforeYield(t *Thread) {
	if t == nil || t.current != self || self.w == nil {
		self.misuseYield(t)
	}
	if self.w.killing {
		self.yieldKilled()
	}
	if t.in(modeTrace) {
		t.trace(EventYield, self.co, self.by().coroutine(), parkedOn(self.w.park), t.here())
	}
}

// offer is Yield for the function that an iterator is handed, which says that
// there shall be no more by returning false: where Yield would unwind, it returns
// false.
func (self *Self) offer() (more bool) {
	t, w := self.thread(), self.w
	if w == nil || t.current != self || w.killing || t.in(modeAny) {
		self.beforeYield(t)
	}
	if w.Direct && handoff.OSThreadLocked() {
		self.misuseLocked()
	}
	w.Back(handoff.Yield)
	return w.Woken() == handoff.Enter
}

// afterYield goes on where something else came down than Enter.
func (self *Self) afterYield(w *worker) {
	if w.Woken() == handoff.Kill {
		panic(ErrKilled)
	}
}

// claim is the long way to claim to for self: it returns with to's state
// entered, or panics.
func (self *Self) claim(to *Self, verb string) {
	for {
		switch s := to.state.Load(); {
		case s >= dead:
			self.misuseDead(to, verb)
		case to.woken.Load() != 0:
			self.misuseScheduled(to, verb)
		case s == entered:
			self.misuseEntered(to, verb)
		case self.tryClaim(to):
			return
		}
	}
}

// tryClaim claims to if it is not entered and not dead.
func (self *Self) tryClaim(to *Self) bool {
	for {
		switch s := to.state.Load(); s {
		case ready, suspended:
			if to.state.CompareAndSwap(s, entered) {
				return true
			}
		case asked:
			// A dump looks at it just now, and will be gone in a moment.
			t := to.thread()
			t.asking.Lock()
			t.asking.Unlock() //nolint:staticcheck // waiting is all it is for
		default:
			return false
		}
	}
}

// prepare does what a claimed coroutine needs before control goes down that is
// not needed every time.
func (self *Self) prepare(t *Thread, to *Self, co *Coroutine, down handoff.Signal) {
	if t.current != self {
		to.unclaim()
		self.misuseOutside(t, to, down.String())
	}
	from := to.thread()
	if (to.w == nil || from != t) && t.closed.Load() && !t.closing {
		to.unclaim()
		self.misuseClosed(t, to, down.String())
	}
	if !to.enteredBefore(self) {
		to.caller.Store(self)
	}
	if from != t {
		to.moved.Store(t)
		if to.w != nil {
			to.w.move(from, t)
		}
	}
	if to.w == nil {
		t.start(to)
	}
	if !t.in(modeAny) {
		return
	}
	t.prepareModes(self, to, co, down)
}

// unclaim takes a claim back.
func (s *Self) unclaim() {
	if s.w == nil {
		s.state.Store(ready)
	} else {
		s.state.Store(suspended)
	}
}

func (t *Thread) prepareModes(self, to *Self, co *Coroutine, down handoff.Signal) {
	ready := false
	defer func() {
		// A tracer, a report of abandoned coroutines, or the deferred calls of
		// one of those may panic or exit; to has nothing to do with it.
		if !ready {
			to.unclaim()
		}
	}()
	pc := t.here()
	if t.in(modeAbandon) {
		to.co = co // keep the handle while it is entered
	}
	if pc != 0 {
		to.more().entered.Store(pc)
	}
	if t.in(modeTrace) {
		kind := EventEnter
		if down == handoff.Kill {
			kind = EventKill
		}
		t.trace(kind, self.co, to.co, "", pc)
	}
	if t.in(modeAbandon) && t.abandoned.some.Load() {
		t.reap(self)
	}
	ready = true
}

// unpin lets go of the handle of a coroutine that has yielded.
func (t *Thread) unpin(to *Self) {
	if t.in(modeAbandon) && to.woken.Load() == 0 {
		to.co = nil
	}
}

// step enters a claimed coroutine from the queue, in the long way. It returns
// after to has yielded or terminated, with what it woke; if it terminated badly,
// step panics with rest kept.
func (self *Self) step(t *Thread, to *Self, down handoff.Signal, rest queue) queue {
	self.prepare(t, to, to.coroutine(), down)
	w := to.w
	t.current = to
	var up handoff.Signal
	if w.Direct && handoff.OSThreadLocked() {
		up = w.Enter(down)
	} else {
		w.Down = down
		var ok bool
		if up, ok = w.Next(); up != handoff.Yield || !ok {
			up = w.Settle(up, ok)
		}
	}
	t.current = self
	if up != handoff.Yield {
		self.finish(t, to, up, rest)
		return w.takeWakes()
	}
	woken := w.takeWakes()
	if t.in(modeAny) {
		t.unpin(to)
	}
	to.state.Store(suspended) // from here on it may be another thread's
	return woken
}

// finish deals with a coroutine that has come to its end. It panics or exits
// if the end was not a peaceful one; rest are the wakes that must not be lost
// then.
func (self *Self) finish(t *Thread, to *Self, up handoff.Signal, rest queue) {
	w := to.w
	to.w = nil
	to.entry = nil
	if up == handoff.Terminate && w.locks == 0 && !w.killing {
		to.state.Store(returned)
		t.retire(w)
		if t.in(modeTrace) {
			t.trace(EventTerminate, to.co, self.co, "", 0)
		}
		return
	}
	self.finishBadly(t, to, w, up, rest)
}

func (self *Self) finishBadly(t *Thread, to *Self, w *worker, up handoff.Signal, rest queue) {
	switch {
	case up != handoff.Goexit:
	case w.killing && w.unwinds == maxUnwinds:
		// It was ours; see yieldKilled.
		w.Finish()
		up = handoff.Terminate
	case t.closing:
		// Close has more to do before the leader may exit.
		w.Finish()
		up = handoff.Terminate
		t.exiting = true
	}
	end := uint32(returned)
	switch {
	case up == handoff.Panic:
		end = panicked
	case up == handoff.Goexit:
		end = exited
	case w.killing:
		end = killed
	}
	locks := w.locks
	w.killing, w.unwinds = false, 0
	to.state.Store(end)
	var failure *PanicError
	if up == handoff.Panic {
		failure = newPanicError(to, w)
	}
	t.retire(w)
	if t.in(modeTrace) {
		switch up {
		case handoff.Panic:
			t.trace(EventPanic, to.co, self.co, failure.short(), 0)
		case handoff.Goexit:
			t.trace(EventTerminate, to.co, self.co, "goexit", 0)
		default:
			detail := ""
			if end == killed {
				detail = "killed"
			}
			t.trace(EventTerminate, to.co, self.co, detail, 0)
		}
	}
	if up == handoff.Terminate && locks == 0 {
		return
	}
	// Control leaves by unwinding: keep the wakes for later.
	self.keep(t, w, rest)
	switch up {
	case handoff.Panic:
		panic(failure)
	case handoff.Goexit:
		w.Exit()
	}
	self.misuseLocksHeld(to, locks)
}

// keep saves wakes whose turn has not come when an Enter by self ends by
// unwinding: they run when self yields or, if it is a leader, in its next Enter.
func (self *Self) keep(t *Thread, w *worker, rest queue) {
	q := w.takeWakes()
	q.append(rest)
	self.keepQueue(t, q)
}

func (self *Self) keepQueue(t *Thread, q queue) {
	mine := &t.leftover
	if self.w != nil {
		mine = &self.w.wakes
	}
	q.append(*mine)
	*mine = q
}
