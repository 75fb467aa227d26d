package cosync

import (
	"sync"

	"github.com/gohandoff/coroutine/coro"
)

// The reader-writer lock.
//
// Invariants:
//   - writer is set, or readers is not empty, or neither; never both.
//   - Nobody takes the lock while somebody waits: who comes later waits behind.
//     So neither readers nor writers starve.
//   - Whoever lets go grants the first waiter, if it can have the lock. A reader
//     that is granted does so in its turn, when it runs: a chain of readers.
//     The first waiter therefore is a writer, or a reader whose turn comes with
//     the end of a writer or with the next link of the chain.

// An RWMutex is a lock that many coroutines hold for reading, or one for writing.
// It is fair: first come, first served, and a reader that comes while somebody
// waits queues behind, so that a stream of readers does not starve a writer.
// Readers that are next in the queue go together: each, when it runs, wakes the
// next one. It is not recursive, not for readers either. The zero value is free.
//
// What a writer did before it unlocked happens before any later holder's lock
// returns; what a reader did, before the next writer's.
type RWMutex struct {
	_ noCopy
	tag
	guard   sync.Mutex
	writer  *coro.Self // under guard, as are the rest
	readers holders
	waiters list
}

// RLock takes the lock for reading, and yields until it can. A coroutine of any
// thread may call it, and a leader if the lock can be had at once. A coroutine
// that is killed while it waits leaves the queue; one that has the lock but has
// not run yet lets go of it.
//
// RLock panics with a [*coro.UsageError], the lock unchanged, for the reasons of
// [Mutex.Lock]; holding the lock for reading is one ([ErrRecursive]), for a
// writer might wait in between.
func (rw *RWMutex) RLock(self *coro.Self) { rw.lock(self, false) }

// Lock takes the lock for writing; otherwise it is [RWMutex.RLock].
func (rw *RWMutex) Lock(self *coro.Self) { rw.lock(self, true) }

// TryRLock takes the lock for reading if nobody writes or waits, and reports
// whether it did; it does not if self holds it already. It does not yield. It
// panics with a [*coro.UsageError] for [coro.ErrOutside] if self does not run.
func (rw *RWMutex) TryRLock(self *coro.Self) bool { return rw.try(self, false) }

// TryLock takes the lock for writing if it is free, and reports whether it did.
// Otherwise it is [RWMutex.TryRLock].
func (rw *RWMutex) TryLock(self *coro.Self) bool { return rw.try(self, true) }

// RUnlock lets go of a lock held for reading. If self was the last reader, the
// first waiter has the lock from then on and runs when self yields, at once if
// self is a leader. RUnlock does not yield.
//
// RUnlock panics with a [*coro.UsageError], the lock unchanged, if self does not
// hold it for reading ([ErrNotHeld]), does not run ([coro.ErrOutside]), or if
// the first waiter is of another thread that has no scheduler
// ([coro.ErrNoScheduler]).
func (rw *RWMutex) RUnlock(self *coro.Self) { rw.unlock(self, false) }

// Unlock lets go of a lock held for writing; otherwise it is [RWMutex.RUnlock].
func (rw *RWMutex) Unlock(self *coro.Self) { rw.unlock(self, true) }

// Downgrade turns holding for writing into holding for reading. It never
// yields. Readers that are next in the queue wake in a chain, when self yields;
// if self is a leader, at once. The panics are those of [RWMutex.Unlock].
func (rw *RWMutex) Downgrade(self *coro.Self) {
	self.MustRun("downgrade a lock")
	rw.guard.Lock()
	if rw.writer != self {
		rw.guard.Unlock()
		rw.misuseHeld(self, errRWDowngrade, "downgraded")
	}
	if w := rw.waiters.head; w != nil && !w.write {
		rw.mustReach(self, w)
	}
	rw.writer = nil
	rw.readers.add(self)
	g := rw.serve(self)
	rw.guard.Unlock()
	rw.book(self, -1, EventUnlock, true)
	rw.book(self, 1, EventLock, false)
	g.send(self)
}

// Upgrade turns holding for reading into holding for writing. If self is the only
// reader and nobody waits, that is done at once. Otherwise Upgrade lets go of
// the lock and queues up as a writer: another writer may come first. So what
// was read before is to be read again:
//
//	rw.RLock(self)
//	if cache.missing(key) {
//		rw.Upgrade(self)
//		cache.fill(key) // wrong: another coroutine may have filled it
//		if cache.missing(key) { // right
//			cache.fill(key)
//		}
//	}
//
// Two readers that both waited for the other one to let go would wait for ever;
// that is why.
//
// A coroutine that is killed in Upgrade holds nothing, and its deferred RUnlock
// or Unlock does nothing, once.
//
// Upgrade panics with a [*coro.UsageError] as [RWMutex.RUnlock] and
// [RWMutex.Lock] do; self holds the lock for reading then.
func (rw *RWMutex) Upgrade(self *coro.Self) {
	const verb = "upgraded"
	self.MustRun("upgrade a lock")
	rw.guard.Lock()
	if rw.readers.find(self) < 0 {
		rw.guard.Unlock()
		rw.misuseHeld(self, errRWUpgrade, verb)
	}
	ok := rw.grab(self, true, true)
	rw.guard.Unlock()
	if !ok {
		rw.upgradeSlow(self, verb)
		return
	}
	rw.book(self, -1, EventUnlock, false)
	rw.book(self, 1, EventLock, true)
}
