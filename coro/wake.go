package coro

import "github.com/gohandoff/coroutine/internal/handoff"

// A queue is a list of woken coroutines, in the order of the wakes, linked
// through Self.next. A coroutine is in one queue at most: woken says so.
type queue struct{ head, tail *Self }

func (q *queue) push(s *Self) {
	if q.tail == nil {
		q.head = s
	} else {
		q.tail.next = s
	}
	q.tail = s
}

func (q *queue) pop() *Self {
	s := q.head
	q.head = s.next
	if q.head == nil {
		q.tail = nil
	}
	s.next = nil
	return s
}

func (q *queue) append(r queue) {
	switch {
	case r.head == nil:
	case q.tail == nil:
		*q = r
	default:
		q.tail.next = r.head
		q.tail = r.tail
	}
}

// Wake has co run soon.
//
// Woken by a coroutine of the same thread, co runs when that coroutine yields
// or terminates, in the order of the wakes. A leader never yields, so its Wake
// is Enter. A coroutine of another thread is handed to that thread's
// [Scheduler], which enters it there.
//
// The tempting alternative, to enter co at once, is wrong in a coroutine that
// wakes another while it is in the middle of something: co would find it so.
//
// Wake panics with a [*UsageError] if co was woken already and has not run since
// ([ErrScheduled]), is dead ([ErrTerminated]), is self or one of its callers
// ([ErrReentered]), if self does not run ([ErrOutside]), or if co's thread has
// no scheduler ([ErrNoScheduler]). It does not yield.
func (self *Self) Wake(co *Coroutine) {
	t := self.thread()
	if co == nil || co.self == nil || t == nil {
		self.misuseNil(co, "wake")
	}
	to := co.self
	if home := to.thread(); home != t {
		self.wakeElsewhere(home, co)
		return
	}
	if t.current != self {
		self.misuseOutside(t, to, "wake")
	}
	if self.w == nil {
		self.Enter(co)
		return
	}
	if s := to.state.Load(); s >= entered {
		if s >= dead {
			self.misuseDead(to, "wake")
		}
		self.misuseEntered(to, "wake")
	}
	if !to.woken.CompareAndSwap(0, 1) {
		self.misuseScheduled(to, "wake")
	}
	if to.waker.Load() != self {
		to.waker.Store(self)
	}
	self.w.wakes.push(to)
	if t.in(modeAny) {
		t.wakeModes(self, to, co)
	}
}

func (t *Thread) wakeModes(self, to *Self, co *Coroutine) {
	pc := t.here()
	if t.in(modeAbandon) {
		to.co = co // the queue keeps the handle
	}
	if pc != 0 {
		to.more().woken.Store(pc)
	}
	if t.in(modeTrace) {
		t.trace(EventWake, self.co, co, "", pc)
	}
}

func (self *Self) wakeElsewhere(home *Thread, co *Coroutine) {
	if home.scheduler == nil {
		self.misuseNoScheduler(home, co.self)
	}
	home.scheduler.Schedule(co)
}

// takeWakes empties the queue of what was woken on w. It is for whoever has
// claimed the coroutine on w, before giving the claim back: then another thread
// may enter it at once, and it may wake more there.
func (w *worker) takeWakes() queue {
	q := w.wakes
	w.wakes = queue{}
	return q
}

// drainAfter runs q, what was woken during an Enter, and what an earlier Enter of
// a leader left behind.
func (self *Self) drainAfter(t *Thread, q queue) {
	if self.w == nil {
		q.append(t.leftover)
		t.leftover = queue{}
	}
	self.drain(t, q)
}

// drain gives every coroutine in q its turn, depth first: those that one of
// them wakes come before the rest. It is a loop, not a recursion, so a chain of
// any length runs in constant stack.
func (self *Self) drain(t *Thread, q queue) {
	for q.head != nil {
		to := q.pop()
		to.woken.Store(0)
		if to.state.Load() >= dead {
			continue // killed while it waited for its turn
		}
		if !self.tryClaim(to) {
			self.keepQueue(t, q)
			self.misuseEntered(to, "enter")
		}
		if r := self.step(t, to, handoff.Enter, q); r.head != nil {
			r.append(q)
			q = r
		}
	}
}

// MarkScheduled records that co waits for its turn in a queue outside this
// package, an event loop's: until [Self.EnterScheduled], another wake or Enter
// is diagnosed. by is who scheduled it, nil for a plain goroutine. It may be
// called by any goroutine.
//
// It returns a [*UsageError] for [ErrScheduled] if co waits for its turn
// already, for [ErrTerminated] if it is dead.
func MarkScheduled(by *Self, co *Coroutine) error {
	to := co.self
	if to.state.Load() >= dead {
		return by.usageDead(to, "schedule")
	}
	if !to.woken.CompareAndSwap(0, 1) {
		return by.usageScheduled(to, "schedule")
	}
	if to.waker.Load() != by {
		to.waker.Store(by)
	}
	return nil
}

// Scheduled reports whether co waits for its turn in a queue: woken, and not
// run since.
func (co *Coroutine) Scheduled() bool { return co.self.woken.Load() != 0 }

// EnterScheduled enters a coroutine whose turn has come after [MarkScheduled],
// and reports whether it did: one that was killed meanwhile is left alone.
func (self *Self) EnterScheduled(co *Coroutine) bool {
	if !TakeTurn(co) {
		return false
	}
	self.Enter(co)
	return true
}

// TakeTurn ends what [MarkScheduled] began, and reports whether co is now to be
// entered: one that was killed meanwhile is not. It is EnterScheduled for an
// event loop that saves the call frame between itself and the switch.
func TakeTurn(co *Coroutine) bool {
	return co.self.woken.Swap(0) != 0 && co.self.state.Load() < dead
}
