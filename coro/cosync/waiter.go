package cosync

import (
	"sync"
	"sync/atomic"

	"github.com/gohandoff/coroutine/coro"
)

// The waiters.
//
// Invariants:
//   - A coroutine waits for one thing at a time, so it needs one waiter, which
//     lives in the slot of its goroutine. Waiting therefore allocates once in
//     the life of a goroutine, not once a wait.
//   - A waiter is in a list if and only if its state is forLock or forEvent.
//     Whoever takes it out, under the guard of the lock, either grants it or is
//     the waiter itself, giving up because it is killed.
//   - A waiter that was put in a list has exactly one wake coming, after which it
//     leaves. It yields at least once, even if it was granted before it could:
//     else the wake would find it at some later, unrelated Yield.

// The states of a waiter.
const (
	idle        uint32 = iota
	forLock            // in the list of a lock: an edge in the graph of who waits for whom
	forEvent           // in the list of something that nobody holds
	grantedHere        // taken out by its own thread, and woken before anything else ran there
	grantedAway        // taken out by another thread, which holds sending while it wakes
)

// A waiter is a coroutine in the list of a lock, a queue or a semaphore.
type waiter struct {
	state atomic.Uint32

	// Written by the coroutine before it joins a list; read by others under
	// the guard of that list.
	co    *coro.Coroutine
	units int64 // a semaphore's
	self  *coro.Self

	write, upgrade bool // a reader-writer lock's

	// Guarded by the guard of the list.
	next, prev *waiter
	turn       uint64 // a queue's
	passes     bool   // a queue's: the wake was Next's, and goes to another if it cannot be used

	// Guarded by graph, as is the change of self, which see.
	on   lock
	seen uint64

	sending sync.Mutex

	// The coroutine's own.
	owed []any
}

// waiterOf returns self's waiter.
func waiterOf(self *coro.Self) *waiter {
	slot := self.Slot()
	w, _ := slot.Value.(*waiter)
	if w == nil || w.self != self {
		graph.Lock()
		defer graph.Unlock()
		if w == nil {
			w = new(waiter)
			slot.Value = w
		}
		w.self = self
		w.owed = nil // of the coroutine that ran here before
	}
	w.co = self.Coroutine()
	return w
}

// settled reports, after a Park, whether w is granted and its wake has come. If
// not, the coroutine parks again: whoever enters a coroutine that waits for a
// lock, knowing no better, gets control back at once. A coroutine that is
// killed is unwound out of Park; a deferred call then takes w back.
//
// The loops are written out where the waiting is, because each frame between
// the caller and the switch costs 8 ns.
func (w *waiter) settled() bool {
	if !w.granted() || w.co.Scheduled() {
		return false
	}
	w.co = nil
	return true
}

// granted reports whether w was granted. If so, its wake has been sent; it may
// still be on its way, if something else has entered the coroutine first.
func (w *waiter) granted() bool {
	switch w.state.Load() {
	case grantedHere:
		return true
	case grantedAway:
		// Whoever grants has not necessarily sent the wake yet.
		w.sending.Lock()
		w.sending.Unlock() //nolint:staticcheck // waiting is all it is for
		return true
	}
	return false
}

// reachable reports whether by can wake w. Under the guard.
func (w *waiter) reachable(by *coro.Self) bool {
	home := w.self.Thread()
	return home == by.Thread() || home.Scheduler() != nil
}

// A grant is a wake that is still to be sent.
type grant struct {
	co   *coro.Coroutine
	away *waiter // set if it is another thread's
}

// grant lets w go. Under the guard, after w was taken out of the list; the
// caller lets go of the guard and then sends the wake. It must not look at w
// any more.
func (w *waiter) grant(by *coro.Self) grant {
	g := grant{co: w.co}
	if w.self.Thread() == by.Thread() {
		w.state.Store(grantedHere)
		return g
	}
	w.sending.Lock()
	w.state.Store(grantedAway)
	g.away = w
	return g
}

// send wakes the coroutine that was granted, if one was. One that waits for its
// turn already, because somebody else has woken it, needs nothing more.
//
// The guards are free here: a leader's Wake runs the coroutine at once, and a
// scheduler is code that this package does not know.
func (g grant) send(by *coro.Self) {
	if g.co == nil {
		return
	}
	if g.away != nil {
		defer g.away.sending.Unlock()
	}
	if !g.co.Scheduled() {
		by.Wake(g.co)
	}
}

// owe notes that the coroutine unwinds out of something that had let go of l
// and did not take it again, so that a deferred unlock of l is in order.
func (w *waiter) owe(l any) { w.owed = append(w.owed, l) }

// forgiven reports whether an unlock of l by self, which does not hold it, is in
// order; see owe.
func forgiven(self *coro.Self, l any) bool {
	slot := self.Slotted()
	if slot == nil {
		return false
	}
	w, _ := slot.Value.(*waiter)
	if w == nil || w.self != self {
		return false
	}
	for i, o := range w.owed {
		if o == l {
			w.owed = append(w.owed[:i], w.owed[i+1:]...)
			return true
		}
	}
	return false
}

// A list is a line of waiters, first come first.
type list struct{ head, tail *waiter }

func (l *list) push(w *waiter) {
	w.prev, w.next = l.tail, nil
	if l.tail == nil {
		l.head = w
	} else {
		l.tail.next = w
	}
	l.tail = w
}

func (l *list) pushFront(w *waiter) {
	w.prev, w.next = nil, l.head
	if l.head == nil {
		l.tail = w
	} else {
		l.head.prev = w
	}
	l.head = w
}

func (l *list) remove(w *waiter) {
	if w.prev == nil {
		l.head = w.next
	} else {
		w.prev.next = w.next
	}
	if w.next == nil {
		l.tail = w.prev
	} else {
		w.next.prev = w.prev
	}
	w.prev, w.next = nil, nil
}
