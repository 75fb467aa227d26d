package shapes

import (
	"github.com/gohandoff/coroutine/cmd/codemo/internal/bench"
	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/cosync"
)

// locks measures package cosync on one thread, which has no event loop.
func locks() []bench.Shape {
	var all []bench.Shape
	for _, h := range handoffs {
		with := coro.WithHandoff(h)
		for _, s := range []bench.Shape{
			{Name: "mutex, free", Goal: only(h, 0.4), Runner: bench.Runner{Setup: on(inside(mutexFree), with)}},
			{Name: "mutex, handed over", Goal: only(h, 3), Runner: bench.Runner{Setup: on(mutexHandoff, with)}},
			{Name: "mutex, held and yielded", Runner: bench.Runner{Setup: on(mutexHeld, with)}},
			{Name: "queue, wait and next", Runner: bench.Runner{Setup: on(queue, with)}},
			{Name: "rwmutex, read", Runner: bench.Runner{Setup: on(inside(rwRead), with)}},
			{Name: "rwmutex, write", Runner: bench.Runner{Setup: on(inside(rwWrite), with)}},
			{Name: "semaphore", Runner: bench.Runner{Setup: on(inside(semaphore), with)}},
		} {
			s.Area, s.Variant, s.Unit, s.Baseline = "locks", h.String(), "ns", rawSwitch(h)
			all = append(all, s)
		}
	}
	return all
}

// inside makes op run in a coroutine, for which a lock does more than for a
// leader: it counts what is held. The switch there and back is paid once for all
// n operations.
func inside(op func(self *coro.Self, n int)) func(t *coro.Thread) func(int) {
	return func(t *coro.Thread) func(int) {
		left := 0
		co := t.New(func(self *coro.Self) {
			for {
				op(self, left)
				self.Yield()
			}
		})
		leader := t.Leader()
		return func(n int) {
			left = n
			leader.Enter(co)
		}
	}
}

// mutexFree: Lock and Unlock of a mutex that nobody holds.
func mutexFree(self *coro.Self, n int) {
	var mu cosync.Mutex
	for range n {
		mu.Lock(self)
		mu.Unlock(self)
	}
}

// mutexHandoff: two coroutines lock and unlock by turns. Once one of them waits,
// each Unlock hands the mutex to it and each Lock has to wait: that, a wake and
// one switch are one operation.
func mutexHandoff(t *coro.Thread) func(int) {
	var mu cosync.Mutex
	var holder *coro.Coroutine // who has yielded with the mutex held
	left := 0
	body := func(self *coro.Self) {
		defer func() { // killed at the end of the measure
			if holder == self.Coroutine() {
				mu.Unlock(self)
			}
		}()
		for {
			mu.Lock(self)
			if left--; left <= 0 {
				holder = self.Coroutine()
				self.Yield()
				holder = nil
			}
			mu.Unlock(self)
		}
	}
	leader := t.Leader()
	leader.Enter(t.New(body)) // holds
	leader.Enter(t.New(body)) // waits
	return func(n int) {
		left = n
		leader.Enter(holder)
	}
}

// mutexHeld: each Enter has the holder unlock and queue up again, and the other
// one take over and yield with the mutex held: a handoff and a switch more.
func mutexHeld(t *coro.Thread) func(int) {
	var mu cosync.Mutex
	body := func(self *coro.Self) {
		hold := func() {
			mu.Lock(self)
			defer mu.Unlock(self) // for the kill at the end, too
			self.Yield()
		}
		for {
			hold()
		}
	}
	pair := [2]*coro.Coroutine{t.New(body), t.New(body)}
	leader := t.Leader()
	for _, co := range pair {
		leader.Enter(co) // the first one holds, the second one waits
	}
	holder := 0
	return func(n int) {
		for range n {
			leader.Enter(pair[holder])
			holder ^= 1
		}
	}
}

// queue: a coroutine waits in a queue, of which the leader enters the next.
func queue(t *coro.Thread) func(int) {
	var q cosync.Queue
	leader := t.Leader()
	leader.Enter(t.New(func(self *coro.Self) {
		for {
			q.Wait(self, nil)
		}
	}))
	return func(n int) {
		for range n {
			q.Next(leader)
		}
	}
}

// rwRead: RLock and RUnlock of a lock that nobody holds.
func rwRead(self *coro.Self, n int) {
	var rw cosync.RWMutex
	for range n {
		rw.RLock(self)
		rw.RUnlock(self)
	}
}

// rwWrite: Lock and Unlock of a lock that nobody holds.
func rwWrite(self *coro.Self, n int) {
	var rw cosync.RWMutex
	for range n {
		rw.Lock(self)
		rw.Unlock(self)
	}
}

// semaphore: Acquire and Release of units that are free.
func semaphore(self *coro.Self, n int) {
	s := cosync.NewSemaphore(4)
	for range n {
		s.Acquire(self, 3)
		s.Release(self, 3)
	}
}
