package cosync

import (
	"sync"
	"sync/atomic"

	"github.com/gohandoff/coroutine/coro"
)

// The mutex.
//
// Invariants:
//   - state is nil (free), a Self (held by it, nobody waits) or contended (held
//     by owner, and waiters is not empty). It leaves nil only for the Self that
//     takes it, by compare-and-swap.
//   - Under guard, state changes from contended to something else and back;
//     without it, only between nil and a Self. So whoever has the guard and
//     sees contended, sees it until it lets go.
//   - A mutex that somebody waits for is never free: it goes from its holder to
//     the first waiter, and nobody can come between.

// A Mutex is a lock for coroutines: one holds it, the others wait by yielding,
// so that the rest of their threads goes on. It is first come, first served:
// [Mutex.Unlock] hands it to the one who has waited longest, and nobody can take
// it meanwhile. It is not recursive. The zero value is free.
//
// A coroutine that needs the lock for a stretch in which it does not yield, on
// data of its own thread only, needs no lock at all.
//
// What a holder did before it unlocked happens before the next holder's Lock
// returns.
type Mutex struct {
	_ noCopy
	tag
	state   atomic.Pointer[coro.Self]
	guard   sync.Mutex
	owner   *coro.Self // while contended; under guard
	waiters list       // under guard
}

// contended is what state points to when the truth is in owner and waiters.
var contended coro.Self

// Lock takes the mutex. If it is held, self yields until it has been handed over;
// it takes one atomic operation otherwise. A coroutine of any thread may call it.
// A leader may lock a mutex that is free.
//
// A coroutine that is killed while it waits leaves the queue; one that is killed
// when the mutex has been handed to it but before it could run hands it on.
//
// Lock panics with a [*coro.UsageError], the mutex unchanged, if self holds it
// ([ErrRecursive]); if its holder waits, directly or by way of others, for
// something that self holds, or is dead ([ErrDeadlock]); if it would have to
// wait and is a leader ([coro.ErrNoCaller]), or waits for a coroutine of another
// thread and its own has no scheduler ([coro.ErrNoScheduler]); or if self does
// not run ([coro.ErrOutside]).
func (m *Mutex) Lock(self *coro.Self) {
	// The look before costs 1 ns, a compare-and-swap in vain 7.
	if m.state.Load() != nil || !self.Quiet() || !m.state.CompareAndSwap(nil, self) {
		m.lockSlow(self)
		return
	}
	self.HoldLocks(1)
}

// TryLock takes the mutex if it is free, and reports whether it did. It does not
// yield. It panics with a [*coro.UsageError] for [coro.ErrOutside] if self does
// not run.
func (m *Mutex) TryLock(self *coro.Self) bool {
	self.MustRun("lock a mutex")
	if !m.state.CompareAndSwap(nil, self) {
		return false
	}
	m.book(self)
	return true
}

// Unlock lets go of the mutex. If others wait for it, the first of them has it
// from then on, and runs when self yields. Unlock does not yield itself.
//
// Called by a leader, which never yields, it enters the first waiter at once.
//
// Unlock panics with a [*coro.UsageError], the mutex unchanged, if self does not
// hold it ([ErrNotHeld]), or if the first waiter is a coroutine of another
// thread that has no scheduler ([coro.ErrNoScheduler]).
func (m *Mutex) Unlock(self *coro.Self) {
	if m.state.Load() != self || !self.Quiet() || !m.state.CompareAndSwap(self, nil) {
		m.unlockSlow(self)
		return
	}
	self.HoldLocks(-1)
}

// String names the mutex and who holds it. It may be called by anyone.
func (m *Mutex) String() string {
	if h := m.holder(); h != nil {
		held := m.label() + ", held by " + h.String()
		if pc := m.site.Load(); pc != 0 {
			held += ", taken at " + coro.PlaceOf(pc)
		}
		return held
	}
	return m.label()
}

// Holders returns the coroutine that holds the mutex, if one does: a leader is
// none. It may be called by anyone; the answer may be stale.
func (m *Mutex) Holders() []*coro.Coroutine { return handles(m.holder()) }

func handles(holders ...*coro.Self) []*coro.Coroutine {
	var all []*coro.Coroutine
	for _, h := range holders {
		if h != nil && h.InCoroutine() {
			all = append(all, h.Coroutine())
		}
	}
	return all
}

func (m *Mutex) label() string { return m.labelAs("mutex") }

func (m *Mutex) holder() *coro.Self {
	s := m.state.Load()
	if s != &contended {
		return s
	}
	m.guard.Lock()
	defer m.guard.Unlock()
	return m.holderLocked()
}

func (m *Mutex) holderLocked() *coro.Self {
	if s := m.state.Load(); s != &contended {
		return s
	}
	return m.owner
}

func (m *Mutex) blockers(_ *waiter, to []*coro.Self) []*coro.Self {
	if h := m.holder(); h != nil {
		to = append(to, h)
	}
	return to
}

func (m *Mutex) lockSlow(self *coro.Self) {
	self.MustRun("lock a mutex")
	if m.state.Load() == nil && m.state.CompareAndSwap(nil, self) {
		m.book(self)
		return
	}
	if w := m.join(self); w != nil {
		if self.Thread().Traced() {
			note(self, EventPark, m.String())
		}
		done := false
		defer func() {
			if !done {
				m.giveUp(w)
			}
		}()
		for {
			self.Park(m)
			if w.settled() {
				break
			}
		}
		done = true
	}
	m.book(self)
}

// book does the books of a coroutine that has the mutex now.
func (m *Mutex) book(self *coro.Self) {
	self.HoldLocks(1)
	if !self.Quiet() {
		m.site.Store(self.Site())
		note(self, EventLock, m.label())
	}
}

// join puts self in the queue, or takes the mutex and returns nil if it turns
// out to be free. It panics, with nothing changed, if self must not wait.
func (m *Mutex) join(self *coro.Self) *waiter {
	const verb = "locked"
	if !self.InCoroutine() {
		if h := m.holder(); h == self {
			misuseCycle(self, []step{{self, m}}, ErrRecursive, verb)
		}
		misuseLeader(self, m.label(), m.String(), verb)
	}
	w := waiterOf(self)
	graph.Lock()
	steps := cycle(w, m)
	if steps != nil {
		graph.Unlock()
		misuseCycle(self, steps, ErrRecursive, verb)
	}
	m.guard.Lock()
	for !m.contend() {
		if m.state.CompareAndSwap(nil, self) {
			m.guard.Unlock()
			graph.Unlock()
			return nil
		}
	}
	if bad := m.barrier(self); bad != nil {
		m.calm()
		m.guard.Unlock()
		graph.Unlock()
		if bad.Ended() {
			misuseDeadHolder(self, m, bad, verb)
		}
		misuseNoScheduler(self, m.label(), bad, verb)
	}
	w.on = m
	w.state.Store(forLock)
	m.waiters.push(w)
	m.guard.Unlock()
	graph.Unlock()
	return w
}

// contend makes state contended, or reports that the mutex is free. Under
// guard; calm undoes it while nobody waits.
func (m *Mutex) contend() bool {
	for {
		s := m.state.Load()
		if s == nil {
			return false
		}
		if s == &contended {
			return true
		}
		if m.state.CompareAndSwap(s, &contended) {
			m.owner = s
			return true
		}
	}
}

func (m *Mutex) calm() {
	if m.waiters.head == nil {
		m.state.Store(m.owner)
		m.owner = nil
	}
}

// barrier returns the one because of whom self must not wait: a dead holder, or
// the next before it, if that is of another thread and so could not wake it. By
// induction, nobody before that one is of another thread either. Under guard.
func (m *Mutex) barrier(self *coro.Self) *coro.Self {
	if bad := barrier(self, m.owner); bad != nil {
		return bad
	}
	return behind(self, m.waiters.tail)
}

// giveUp takes back a waiter that is killed: it leaves the queue, or hands on
// what it was handed.
func (m *Mutex) giveUp(w *waiter) {
	var g grant
	m.guard.Lock()
	if w.state.Load() == forLock {
		w.state.Store(idle)
		m.waiters.remove(w)
		m.calm()
	} else {
		g = m.handOver(w.self)
	}
	m.guard.Unlock()
	w.granted() // waits until w is not looked at any more
	w.co = nil
	g.send(w.self)
}

// handOver gives the mutex to the first waiter, or frees it. Under guard.
func (m *Mutex) handOver(by *coro.Self) (g grant) {
	w := m.waiters.head
	if w == nil {
		m.state.Store(nil)
		return g
	}
	m.waiters.remove(w)
	m.owner = w.self
	m.calm()
	return w.grant(by)
}

func (m *Mutex) unlockSlow(self *coro.Self) {
	self.MustRun("unlock a mutex")
	m.guard.Lock()
	h := m.holderLocked()
	if h != self {
		m.guard.Unlock()
		m.misuseUnlock(self, h)
		return
	}
	if w := m.waiters.head; w != nil && !w.reachable(self) {
		co := w.co
		m.guard.Unlock()
		self.Wake(co) // panics, with the words for it
	}
	if !self.Quiet() {
		m.site.Store(0)
	}
	g := m.handOver(self)
	m.guard.Unlock()
	self.HoldLocks(-1)
	if !self.Quiet() {
		note(self, EventUnlock, m.label())
	}
	g.send(self)
}

// misuseUnlock diagnoses an unlock by one who is not the holder, unless it is
// the deferred unlock of a coroutine that was killed in Queue.Wait.
func (m *Mutex) misuseUnlock(self, holder *coro.Self) {
	if forgiven(self, m) {
		return
	}
	first := "nobody holds it"
	if holder != nil {
		first = "held by " + holder.String()
		if at := m.taken(); at != "" {
			first += ", locked at " + at
		}
	}
	misuse(self, ErrNotHeld, m.label(), first, "unlocked", "only the coroutine that has locked it may unlock it")
}

func name(s *coro.Self) string {
	if s == nil {
		return "nobody"
	}
	return s.String()
}
