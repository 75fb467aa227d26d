package cosync

import (
	"sync"

	"github.com/gohandoff/coroutine/coro"
)

// A Queue is a place to wait for something to happen, QEMU's CoQueue and the
// condition variable of other libraries: [Queue.Wait] joins it, [Queue.Next] and
// [Queue.RestartAll] wake who waits there, in the order in which they came. A
// wake that finds nobody is lost.
//
// The mutex, which guards what is waited for, may be nil when the queue is used
// by coroutines of one thread only: between two yields nobody else runs there
// anyway. The zero value is an empty queue.
//
// Wait for a condition in a loop, for by the time the woken coroutine runs,
// another one may have undone it:
//
//	mu.Lock(self)
//	defer mu.Unlock(self)
//	for len(items) == 0 {
//		items.arrived.Wait(self, &mu)
//	}
//
// What a coroutine did before Next or RestartAll happens before the Wait returns
// that it ended.
type Queue struct {
	_ noCopy
	tag
	guard   sync.Mutex
	waiters list   // under guard
	turns   uint64 // under guard; numbers the waiters
}

// Wait joins the tail of the queue, unlocks m, yields until it is woken, and
// locks m again. m is nil or held by self.
//
// A coroutine that is killed in Wait leaves the queue, and if it had been woken
// by Next already, the next one is woken in its place. It does not take m again,
// which it could not wait for; so its deferred calls run without m, and a
// deferred m.Unlock does nothing, once. A deferred call that touches what m
// guards has to try for it:
//
//	defer func() {
//		waiting-- // wrong: a killed coroutine does not hold mu here
//		mu.Unlock(self)
//	}()
//
// Wait panics with a [*coro.UsageError], the queue and m unchanged, if self does
// not hold m ([ErrNotHeld]), is a leader ([coro.ErrNoCaller]) or does not run
// ([coro.ErrOutside]). It panics as [Mutex.Lock] does if it must not wait for m;
// then a deferred m.Unlock does nothing, too.
func (q *Queue) Wait(self *coro.Self, m *Mutex) { q.wait(self, m, false) }

// WaitFront is [Queue.Wait] at the head of the queue: for one who was woken,
// finds that it cannot go on after all, and should keep its turn.
func (q *Queue) WaitFront(self *coro.Self, m *Mutex) { q.wait(self, m, true) }

// Next wakes the coroutine at the head of the queue and reports whether there
// was one. It runs when self yields; if self is a leader, Next enters it at
// once. Next does not yield.
//
// Next panics with a [*coro.UsageError], the queue unchanged, if the coroutine
// is of another thread that has no scheduler ([coro.ErrNoScheduler]), or if self
// does not run ([coro.ErrOutside]).
func (q *Queue) Next(self *coro.Self) bool {
	self.MustRun("wake the next in a queue")
	g, ok := q.pop(self, true, ^uint64(0))
	g.send(self)
	return ok
}

// RestartAll wakes every coroutine that is in the queue now, in order; those
// that join meanwhile stay. Otherwise it is [Queue.Next].
func (q *Queue) RestartAll(self *coro.Self) {
	self.MustRun("wake a queue")
	last := q.last()
	for {
		g, ok := q.pop(self, false, last)
		if !ok {
			return
		}
		g.send(self)
	}
}

// EnterNext is [Queue.Next] for a leader, which runs the woken coroutine at
// once: it unlocks m around that, so that the coroutine finds m free, and then
// locks m again. m is nil or held by self. A coroutine, for which Next does as
// well, may yield in EnterNext to get m back.
//
// EnterNext panics with a [*coro.UsageError] if self does not hold m
// ([ErrNotHeld]), or is a leader and the coroutine that it has entered keeps m
// ([coro.ErrNoCaller]), and as Next does. If the coroutine panics, m is held
// again if it is free.
func (q *Queue) EnterNext(self *coro.Self, m *Mutex) bool {
	q.mustHold(self, m, errWakeUnlocked, "entered")
	g, ok := q.pop(self, true, ^uint64(0))
	if ok {
		g.sendWithout(self, m)
	}
	return ok
}

// EnterAll is [Queue.RestartAll] for a leader, as [Queue.EnterNext] is Next: it
// unlocks m around each wake.
func (q *Queue) EnterAll(self *coro.Self, m *Mutex) {
	q.mustHold(self, m, errWakeUnlocked, "entered")
	last := q.last()
	for {
		g, ok := q.pop(self, false, last)
		if !ok {
			return
		}
		g.sendWithout(self, m)
	}
}

// Empty reports whether nobody waits in the queue. It may be called by anyone.
func (q *Queue) Empty() bool {
	q.guard.Lock()
	defer q.guard.Unlock()
	return q.waiters.head == nil
}

// String names the queue. It may be called by anyone.
func (q *Queue) String() string { return q.labelAs("queue") }

// mustHold panics unless m is nil or held by self, which must run.
func (q *Queue) mustHold(self *coro.Self, m *Mutex, err error, verb string) {
	self.MustRun("use a queue")
	if m == nil {
		return
	}
	if h := m.holder(); h != self {
		misuse(self, err, q.String(), m.label()+" is held by "+name(h), verb, "lock the mutex around the test and the wait")
	}
}

func (q *Queue) wait(self *coro.Self, m *Mutex, front bool) {
	q.mustHold(self, m, errWaitUnlocked, "waited in")
	if !self.InCoroutine() {
		misuseLeader(self, q.String(), "", "waited in")
	}
	if self.Thread().Traced() {
		note(self, EventPark, q.String())
	}
	w := waiterOf(self)
	q.join(w, front)

	unlocked, woken, done := false, false, false
	passes := false
	defer func() {
		if done {
			return
		}
		if unlocked {
			w.owe(m)
		}
		if !woken {
			passes = q.leave(w)
		}
		if passes {
			g, _ := q.pop(self, true, ^uint64(0))
			g.send(self)
		}
	}()
	if m != nil {
		m.Unlock(self)
		unlocked = true
	}
	for {
		self.Park(q)
		if w.settled() {
			break
		}
	}
	woken, passes = true, w.passes
	if m != nil {
		m.Lock(self)
	}
	done = true
}

func (q *Queue) join(w *waiter, front bool) {
	q.guard.Lock()
	defer q.guard.Unlock()
	q.turns++
	w.turn = q.turns
	w.passes = false
	w.state.Store(forEvent)
	if front {
		q.waiters.pushFront(w)
	} else {
		q.waiters.push(w)
	}
}

// leave takes back a waiter that is killed. It reports whether the waiter had
// been woken and the wake is to go to another.
func (q *Queue) leave(w *waiter) (pass bool) {
	q.guard.Lock()
	if w.state.Load() == forEvent {
		w.state.Store(idle)
		q.waiters.remove(w)
	} else {
		pass = w.passes
	}
	q.guard.Unlock()
	w.granted() // waits until w is not looked at any more
	w.co = nil
	return pass
}

// last returns the turn of the latest comer.
func (q *Queue) last() uint64 {
	q.guard.Lock()
	defer q.guard.Unlock()
	return q.turns
}

// pop takes out and grants the first waiter whose turn is last or before: one
// that joined at the front since may come before it in the list.
func (q *Queue) pop(by *coro.Self, passes bool, last uint64) (g grant, ok bool) {
	q.guard.Lock()
	w := q.waiters.head
	for w != nil && w.turn > last {
		w = w.next
	}
	if w == nil {
		q.guard.Unlock()
		return g, false
	}
	if !w.reachable(by) {
		co := w.co
		q.guard.Unlock()
		by.Wake(co) // panics, with the words for it
	}
	q.waiters.remove(w)
	w.passes = passes
	g = w.grant(by)
	q.guard.Unlock()
	return g, true
}

// sendWithout sends the wake with m unlocked meanwhile.
func (g grant) sendWithout(self *coro.Self, m *Mutex) {
	if m == nil {
		g.send(self)
		return
	}
	returned, held := false, false
	defer func() {
		if held || !returned && m.TryLock(self) {
			return
		}
		if self.InCoroutine() {
			waiterOf(self).owe(m)
		}
	}()
	m.Unlock(self)
	g.send(self)
	returned = true
	m.Lock(self)
	held = true
}
