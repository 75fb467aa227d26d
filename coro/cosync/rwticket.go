package cosync

import (
	"fmt"
	"strings"

	"github.com/gohandoff/coroutine/coro"
)

// What RWMutex does inside: who gets the lock, who waits, who is next.

// String names the lock and who holds it. It may be called by anyone.
func (rw *RWMutex) String() string {
	rw.guard.Lock()
	defer rw.guard.Unlock()
	text := rw.label()
	switch {
	case rw.writer != nil:
		text += ", held for writing by " + rw.writer.String()
	case len(rw.readers.all) > 0:
		names := make([]string, 0, maxNames+1)
		for i, r := range rw.readers.all {
			if i == maxNames {
				names = append(names, fmt.Sprintf("%d more", len(rw.readers.all)-i))
				break
			}
			names = append(names, r.String())
		}
		text += ", held for reading by " + strings.Join(names, ", ")
	}
	return text
}

// maxNames bounds the readers in a message: a line of some 100 characters.
const maxNames = 5

// Holders returns the coroutines that hold the lock; a leader is none. It may be
// called by anyone; the answer may be stale.
func (rw *RWMutex) Holders() []*coro.Coroutine {
	rw.guard.Lock()
	defer rw.guard.Unlock()
	return append(handles(rw.writer), handles(rw.readers.all...)...)
}

func (rw *RWMutex) label() string { return rw.labelAs("rwmutex") }

// grab takes the lock if it can be had. Under guard.
func (rw *RWMutex) grab(self *coro.Self, write, upgrade bool) bool {
	switch {
	case rw.writer != nil || rw.waiters.head != nil:
		return false
	case !write:
		rw.readers.add(self)
		return true
	case upgrade && len(rw.readers.all) == 1: // self, as the caller knows
		rw.readers.remove(self)
	case len(rw.readers.all) > 0:
		return false
	}
	rw.writer = self
	return true
}

// holds reports whether self holds the lock, in either way. Under guard.
func (rw *RWMutex) holds(self *coro.Self) bool {
	return rw.writer == self || rw.readers.find(self) >= 0
}

func (rw *RWMutex) try(self *coro.Self, write bool) bool {
	self.MustRun("lock a lock")
	rw.guard.Lock()
	ok := !rw.holds(self) && rw.grab(self, write, false)
	rw.guard.Unlock()
	if ok {
		rw.book(self, 1, EventLock, write)
	}
	return ok
}

func (rw *RWMutex) lock(self *coro.Self, write bool) {
	self.MustRun("lock a lock")
	rw.guard.Lock()
	recursive := rw.holds(self)
	ok := !recursive && rw.grab(self, write, false)
	rw.guard.Unlock()
	if !ok {
		verb := "locked for " + mode(write)
		if recursive {
			misuseCycle(self, []step{{self, rw}}, errRWRecursive, verb)
		}
		w := rw.asker(self, write, false, verb)
		if joined, _ := rw.join(w, verb); joined {
			rw.wait(w)
		}
	}
	rw.book(self, 1, EventLock, write)
}

func (rw *RWMutex) upgradeSlow(self *coro.Self, verb string) {
	w := rw.asker(self, true, true, verb)
	joined, g := rw.join(w, verb)
	rw.book(self, -1, EventUnlock, false)
	if joined {
		done := false
		defer func() {
			if !done {
				w.owe(rw)
			}
		}()
		g.send(self)
		rw.wait(w)
		done = true
	}
	rw.book(self, 1, EventLock, true)
}

func mode(write bool) string {
	if write {
		return "writing"
	}
	return "reading"
}

// asker prepares self's waiter.
func (rw *RWMutex) asker(self *coro.Self, write, upgrade bool, verb string) *waiter {
	if !self.InCoroutine() {
		misuseLeader(self, rw.label(), rw.String(), verb)
	}
	w := waiterOf(self)
	w.write, w.upgrade = write, upgrade
	return w
}

// join puts w in the queue, or takes the lock if it can be had after all. A
// reader that upgrades lets go of the lock by joining; g is for who is next. It
// panics, with nothing changed, if w must not wait.
func (rw *RWMutex) join(w *waiter, verb string) (joined bool, g grant) {
	self := w.self
	graph.Lock()
	if steps := cycle(w, rw); steps != nil {
		graph.Unlock()
		misuseCycle(self, steps, errRWRecursive, verb)
	}
	rw.guard.Lock()
	if rw.grab(self, w.write, w.upgrade) {
		rw.guard.Unlock()
		graph.Unlock()
		w.co = nil
		return false, g
	}
	if bad := rw.barrier(self); bad != nil {
		rw.guard.Unlock()
		graph.Unlock()
		if bad.Ended() {
			misuseDeadHolder(self, rw, bad, verb)
		}
		misuseNoScheduler(self, rw.label(), bad, verb)
	}
	w.on = rw
	w.state.Store(forLock)
	rw.waiters.push(w)
	if w.upgrade {
		rw.readers.remove(self)
		g = rw.serve(self)
	}
	rw.guard.Unlock()
	graph.Unlock()
	return true, g
}

// barrier returns the one because of whom self must not wait; see
// Mutex.barrier. Under guard.
func (rw *RWMutex) barrier(self *coro.Self) *coro.Self {
	if bad := barrier(self, rw.writer); bad != nil {
		return bad
	}
	for _, r := range rw.readers.all {
		if bad := barrier(self, r); bad != nil {
			return bad
		}
	}
	return behind(self, rw.waiters.tail)
}

// blockers implements lock. A writer waits for all who hold the lock. So does a
// reader if a writer is before it; else only a writer keeps it waiting, for
// other readers let it come in.
func (rw *RWMutex) blockers(w *waiter, to []*coro.Self) []*coro.Self {
	rw.guard.Lock()
	defer rw.guard.Unlock()
	if rw.writer != nil {
		return append(to, rw.writer)
	}
	all, before := w.write, w.prev
	if w.state.Load() != forLock {
		before = rw.waiters.tail // it is about to join
	}
	for ; before != nil && !all; before = before.prev {
		all = before.write
	}
	if !all {
		return to
	}
	for _, r := range rw.readers.all {
		if r != w.self || !w.upgrade {
			to = append(to, r)
		}
	}
	return to
}

// wait yields until w has the lock, and then wakes the reader after a reader.
func (rw *RWMutex) wait(w *waiter) {
	if w.self.Thread().Traced() {
		note(w.self, EventPark, rw.String()+", for "+mode(w.write))
	}
	done := false
	defer func() {
		if !done {
			rw.giveUp(w)
		}
	}()
	for {
		w.self.Park(rw)
		if w.settled() {
			break
		}
	}
	done = true
	if !w.write {
		rw.guard.Lock()
		g := rw.serve(w.self)
		rw.guard.Unlock()
		g.send(w.self)
	}
}

// giveUp takes back a waiter that is killed: it leaves the queue, or lets go of
// what it was granted. In both cases the first waiter may now have the lock.
func (rw *RWMutex) giveUp(w *waiter) {
	rw.guard.Lock()
	switch {
	case w.state.Load() == forLock:
		w.state.Store(idle)
		rw.waiters.remove(w)
	case w.write:
		rw.writer = nil
	default:
		rw.readers.remove(w.self)
	}
	g := rw.serve(w.self)
	rw.guard.Unlock()
	w.granted() // waits until w is not looked at any more
	w.co = nil
	g.send(w.self)
}

// serve grants the first waiter if it can have the lock. Under guard.
func (rw *RWMutex) serve(by *coro.Self) (g grant) {
	w := rw.waiters.head
	if w == nil || rw.writer != nil || w.write && len(rw.readers.all) > 0 {
		return g
	}
	rw.waiters.remove(w)
	if w.write {
		rw.writer = w.self
	} else {
		rw.readers.add(w.self)
	}
	return w.grant(by)
}

func (rw *RWMutex) unlock(self *coro.Self, write bool) {
	self.MustRun("unlock a lock")
	rw.guard.Lock()
	if held := write && rw.writer == self || !write && rw.readers.find(self) >= 0; !held {
		rw.guard.Unlock()
		if !forgiven(self, rw) {
			rw.misuseHeld(self, errRWNotHeld, "unlocked for "+mode(write))
		}
		return
	}
	if w := rw.waiters.head; w != nil && len(rw.readers.all) <= 1 {
		rw.mustReach(self, w)
	}
	if write {
		rw.writer = nil
	} else {
		rw.readers.remove(self)
	}
	if !self.Quiet() {
		rw.site.Store(0)
	}
	g := rw.serve(self)
	rw.guard.Unlock()
	rw.book(self, -1, EventUnlock, write)
	g.send(self)
}

// mustReach panics, after letting go of guard, if self cannot wake w.
func (rw *RWMutex) mustReach(self *coro.Self, w *waiter) {
	if !w.reachable(self) {
		co := w.co
		rw.guard.Unlock()
		self.Wake(co) // panics, with the words for it
	}
}

// book does the books of a coroutine that has taken the lock or let go of it.
func (rw *RWMutex) book(self *coro.Self, n int, kind coro.EventKind, write bool) {
	self.HoldLocks(n)
	if self.Quiet() {
		return
	}
	if n > 0 {
		rw.noteSite(self, write)
	}
	if self.Thread().Traced() {
		note(self, kind, rw.label()+" for "+mode(write))
	}
}

// noteSite keeps where the lock was taken, which is known of a sole holder only.
func (rw *RWMutex) noteSite(self *coro.Self, write bool) {
	pc := self.Site()
	rw.guard.Lock()
	defer rw.guard.Unlock()
	if !write && len(rw.readers.all) > 1 {
		pc = 0
	}
	rw.site.Store(pc)
}

// misuseHeld diagnoses that self does not hold the lock, or not in that way.
func (rw *RWMutex) misuseHeld(self *coro.Self, err error, verb string) {
	first := rw.String()
	if first == rw.label() {
		first = "nobody holds it"
	}
	misuse(self, err, rw.label(), first, verb,
		"RUnlock and Upgrade go with RLock, Unlock and Downgrade with Lock, in the same coroutine")
}
