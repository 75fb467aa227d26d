package cosync_test

import (
	"testing"

	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/cosync"
)

// TestQueueOrder: the head is woken first, and runs when the waker yields.
//
//	c1       | c2             | c3            | waker
//	---------+----------------+---------------+----------------
//	Wait     |                |               |
//	         | Wait           |               |
//	         |                | WaitFront     |
//	         |                |               | Next: c3
//	         |                |               | RestartAll: c1, c2
//	         |                |               | yield
//	         |                | Wait returns  |
//	returns  |                |               |
//	         | returns        |               |
func TestQueueOrder(t *testing.T) {
	both(t, func(t *testing.T, th *coro.Thread) {
		var q cosync.Queue
		var l log
		wait := func(name string, wait func(*cosync.Queue, *Self, *cosync.Mutex)) {
			th.Enter(th.New(func(self *Self) {
				wait(&q, self, nil)
				l.add("%s", name)
			}))
		}
		if !q.Empty() {
			t.Error("a zero Queue is not empty")
		}
		wait("c1", (*cosync.Queue).Wait)
		wait("c2", (*cosync.Queue).Wait)
		wait("c3", (*cosync.Queue).WaitFront)
		th.Enter(th.New(func(self *Self) {
			l.add("next=%v", q.Next(self))
			l.add("empty=%v", q.Empty())
			q.RestartAll(self)
			l.add("empty=%v", q.Empty())
			l.add("next=%v", q.Next(self))
		}))
		l.want(t, "next=true empty=false empty=true next=false c3 c1 c2")
	})
}

// TestQueueChaining: each waiter wakes the next, 25,000 of them, in constant
// stack.
func TestQueueChaining(t *testing.T) {
	const n = 25000
	both(t, func(t *testing.T, th *coro.Thread) {
		var q cosync.Queue
		var mu cosync.Mutex
		done := 0
		for range n {
			th.Enter(th.New(func(self *Self) {
				mu.Lock(self)
				defer mu.Unlock(self)
				q.Wait(self, &mu)
				done++
				q.Next(self)
			}))
		}
		q.Next(th.Leader())
		if done != n {
			t.Errorf("done = %d, want %d", done, n)
		}
	})
}

// TestQueueMutex: Wait gives up the mutex while it waits, and has it afterwards.
func TestQueueMutex(t *testing.T) {
	both(t, func(t *testing.T, th *coro.Thread) {
		var q cosync.Queue
		var mu cosync.Mutex
		var l log
		th.Enter(th.New(func(self *Self) {
			mu.Lock(self)
			q.Wait(self, &mu)
			l.add("held=%v", !mu.TryLock(self))
			mu.Unlock(self)
		}))
		th.Enter(th.New(func(self *Self) {
			mu.Lock(self)
			l.add("locked")
			q.Next(self)
			self.Yield()
			mu.Unlock(self)
		}).SetName("waker"))
		l.want(t, "locked")
		leader := th.Leader()
		if mu.TryLock(leader) {
			t.Error("the waker does not hold the mutex")
		}
		th.Enter(mu.Holders()[0])
		l.want(t, "held=true")
	})
}

// TestEnterNext: a leader has the mutex before and after, and the woken
// coroutine in between.
func TestEnterNext(t *testing.T) {
	both(t, func(t *testing.T, th *coro.Thread) {
		var q cosync.Queue
		var mu cosync.Mutex
		var l log
		leader := th.Leader()
		waiter := func(self *Self) {
			mu.Lock(self)
			defer mu.Unlock(self)
			for range 2 {
				q.Wait(self, &mu)
				l.add("%v", self.Coroutine())
			}
		}
		for _, name := range []string{"c1", "c2", "c3"} {
			th.Enter(th.New(waiter).SetName(name))
		}
		mu.Lock(leader)
		l.add("%v", q.EnterNext(leader, &mu)) // c1, which waits again
		q.EnterAll(leader, &mu)               // c2, c3, c1; c2 and c3 wait again
		l.add("all")
		q.EnterAll(leader, &mu)
		l.add("%v", q.EnterNext(leader, &mu))
		l.want(t, "c1 true c2 c3 c1 all c2 c3 false")
		mu.Unlock(leader)
		mu.Lock(leader)
		mu.Unlock(leader)
	})
}

// TestQueueKill: a killed waiter leaves the queue; a wake that it cannot use any
// more goes to the next one; and its deferred unlock does nothing, once.
func TestQueueKill(t *testing.T) {
	both(t, func(t *testing.T, th *coro.Thread) {
		var q cosync.Queue
		var mu cosync.Mutex
		var l log
		waiter := func(self *Self) {
			mu.Lock(self)
			defer mu.Unlock(self)
			defer l.add("%v:ends", self.Coroutine())
			q.Wait(self, &mu)
			l.add("%v:woken", self.Coroutine())
		}
		c := [4]*coro.Coroutine{}
		for i, name := range []string{"c0", "c1", "c2", "c3"} {
			c[i] = th.New(waiter).SetName(name)
			th.Enter(c[i])
		}
		th.Enter(th.New(func(self *Self) {
			mu.Lock(self)
			self.Kill(c[0]) // its deferred unlock leaves the mutex alone
			l.add("held=%v", len(mu.Holders()) == 1 && mu.Holders()[0] == self.Coroutine())
			q.Next(self)    // c1
			self.Kill(c[1]) // so c2; but that cannot have the mutex yet
			l.add("killed")
			self.Kill(c[2]) // waits for the mutex; so c3
			mu.Unlock(self)
		}))
		l.want(t, "c0:ends held=true c1:ends killed c2:ends c3:woken c3:ends")
		if !q.Empty() || !mu.TryLock(th.Leader()) {
			t.Error("something is left")
		}
	})
}

// TestQueueKillOnce: a second unlock by the killed coroutine is diagnosed.
func TestQueueKillOnce(t *testing.T) {
	both(t, func(t *testing.T, th *coro.Thread) {
		var q cosync.Queue
		var mu cosync.Mutex
		co := th.New(func(self *Self) {
			mu.Lock(self)
			defer mu.Unlock(self)
			defer mu.Unlock(self)
			q.Wait(self, &mu)
		})
		th.Enter(co)
		misused(t, cosync.ErrNotHeld, func() { th.Kill(co) })
	})
}

// TestQueueKillStraight: code that unlocks without a deferred call can be killed
// in Wait, too.
func TestQueueKillStraight(t *testing.T) {
	both(t, func(t *testing.T, th *coro.Thread) {
		var q cosync.Queue
		var mu cosync.Mutex
		co := th.New(func(self *Self) {
			mu.Lock(self)
			q.Wait(self, &mu)
			mu.Unlock(self)
		})
		th.Enter(co)
		th.Kill(co)
		if !mu.TryLock(th.Leader()) {
			t.Error("the mutex is not free")
		}
	})
}

// TestQueueAllocs: neither Wait nor Next allocates.
func TestQueueAllocs(t *testing.T) {
	both(t, func(t *testing.T, th *coro.Thread) {
		var q cosync.Queue
		var mu cosync.Mutex
		th.Enter(th.New(func(self *Self) {
			mu.Lock(self)
			for {
				q.Wait(self, &mu)
			}
		}))
		leader := th.Leader()
		if n := testing.AllocsPerRun(100, func() { q.Next(leader) }); n != 0 {
			t.Errorf("%v allocations, want 0", n)
		}
	})
}
