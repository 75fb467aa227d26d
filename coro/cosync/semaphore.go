package cosync

import (
	"fmt"
	"sync"

	"github.com/gohandoff/coroutine/coro"
)

// A Semaphore is a resource of n units that coroutines share, QEMU's
// SharedResource: each acquires as many as it needs, and waits while there are
// not enough. It is first come, first served: while somebody waits, nobody else
// gets units, so that a stream of small requests does not starve a large one.
// (QEMU wakes all, and whoever comes first takes what there is.)
//
// Make one with [NewSemaphore]; the zero value has no units, and can only be
// asked for none.
//
// What was done before a Release happens before the Acquire returns that it made
// possible.
type Semaphore struct {
	_ noCopy
	tag
	total   int64
	guard   sync.Mutex
	free    int64 // under guard; what a granted waiter is to have is not in it
	waiters list  // under guard; the first one wants more than is free
}

// NewSemaphore makes a semaphore of n units, all free. It panics if n is
// negative.
func NewSemaphore(n int64) *Semaphore {
	if n < 0 {
		panic(fmt.Sprintf("cosync: NewSemaphore(%d): want 0 or more", n))
	}
	return &Semaphore{total: n, free: n}
}

// Acquire takes n units, and yields until it has them. A leader may acquire what
// is free. Acquiring none does nothing.
//
// A coroutine that is killed while it waits leaves the queue; one that is killed
// when it has its units but has not run yet gives them back.
//
// Acquire panics with a [*coro.UsageError], the semaphore unchanged, if n is
// negative or more than the semaphore has in total ([ErrUnits]); if it would
// have to wait and is a leader ([coro.ErrNoCaller]); or if self does not run
// ([coro.ErrOutside]).
func (s *Semaphore) Acquire(self *coro.Self, n int64) {
	s.check(self, n, "acquired")
	if s.take(n) {
		s.trace(self, EventLock, n)
		return
	}
	if !self.InCoroutine() {
		misuseLeader(self, s.String(), "", fmt.Sprintf("%d acquired", n))
	}
	w := waiterOf(self)
	if s.join(w, n) {
		s.trace(self, EventPark, n)
		s.wait(w)
	}
	s.trace(self, EventLock, n)
}

// TryAcquire takes n units if they are free and nobody waits, and reports
// whether it did. It does not yield. The panics are those of
// [Semaphore.Acquire], except that a leader may try in vain.
func (s *Semaphore) TryAcquire(self *coro.Self, n int64) bool {
	s.check(self, n, "acquired")
	if !s.take(n) {
		return false
	}
	s.trace(self, EventLock, n)
	return true
}

// Release gives n units back, not necessarily those that self has acquired, and
// wakes in order all whose turn it is then. They run when self yields; if self
// is a leader, at once. Release does not yield.
//
// Release panics with a [*coro.UsageError], the semaphore unchanged, if n is
// negative or more than is acquired ([ErrUnits]), or if self does not run
// ([coro.ErrOutside]); and for [coro.ErrNoScheduler], with the units released,
// if the first to wake is of another thread that has no scheduler: it stays at
// the head of the queue.
func (s *Semaphore) Release(self *coro.Self, n int64) {
	self.MustRun("release units")
	s.guard.Lock()
	if used := s.total - s.free; n < 0 || n > used {
		s.guard.Unlock()
		misuse(self, ErrUnits, s.String(), fmt.Sprintf("%d of %d acquired", used, s.total),
			fmt.Sprintf("%d released", n), "release what was acquired, once")
	}
	s.free += n
	awaited := s.waiters.head != nil
	s.guard.Unlock()
	s.trace(self, EventUnlock, n)
	if awaited {
		s.serve(self)
	}
}

// String names the semaphore and its units. It may be called by anyone.
func (s *Semaphore) String() string {
	s.guard.Lock()
	defer s.guard.Unlock()
	return fmt.Sprintf("%s, %d of %d free", s.labelAs("semaphore"), s.free, s.total)
}

func (s *Semaphore) trace(self *coro.Self, kind coro.EventKind, n int64) {
	if self.Thread().Traced() {
		note(self, kind, fmt.Sprintf("%s: %d of %d", s.labelAs("semaphore"), n, s.total))
	}
}

func (s *Semaphore) check(self *coro.Self, n int64, verb string) {
	self.MustRun("acquire units")
	if n < 0 || n > s.total {
		misuse(self, ErrUnits, s.String(), fmt.Sprintf("%d units in total", s.total),
			fmt.Sprintf("%d %s", n, verb), "acquire between none and all of them")
	}
}

// take takes n units if nobody is to have them before.
func (s *Semaphore) take(n int64) bool {
	s.guard.Lock()
	defer s.guard.Unlock()
	return s.takeLocked(n)
}

func (s *Semaphore) takeLocked(n int64) bool {
	if n > 0 && (n > s.free || s.waiters.head != nil) {
		return false
	}
	s.free -= n
	return true
}

// join puts w in the queue, unless it can have its n units after all.
func (s *Semaphore) join(w *waiter, n int64) bool {
	s.guard.Lock()
	defer s.guard.Unlock()
	if s.takeLocked(n) {
		w.co = nil
		return false
	}
	w.units = n
	w.state.Store(forEvent)
	s.waiters.push(w)
	return true
}

func (s *Semaphore) wait(w *waiter) {
	done := false
	defer func() {
		if !done {
			s.giveUp(w)
		}
	}()
	for {
		w.self.Park(s)
		if w.settled() {
			break
		}
	}
	done = true
}

// giveUp takes back a waiter that is killed. If it was the first and large,
// others may have their turn now.
func (s *Semaphore) giveUp(w *waiter) {
	s.guard.Lock()
	if w.state.Load() == forEvent {
		w.state.Store(idle)
		s.waiters.remove(w)
	} else {
		s.free += w.units
	}
	s.guard.Unlock()
	w.granted() // waits until w is not looked at any more
	w.co = nil
	s.serve(w.self)
}

// serve grants every waiter whose turn it is. One at a time: a leader's wake
// runs the coroutine at once, which may change everything.
func (s *Semaphore) serve(by *coro.Self) {
	for {
		s.guard.Lock()
		w := s.waiters.head
		if w == nil || w.units > s.free {
			s.guard.Unlock()
			return
		}
		if !w.reachable(by) {
			co := w.co
			s.guard.Unlock()
			by.Wake(co) // panics, with the words for it
		}
		s.waiters.remove(w)
		s.free -= w.units
		g := w.grant(by)
		s.guard.Unlock()
		g.send(by)
	}
}
