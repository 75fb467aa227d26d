package cosync_test

import (
	"testing"

	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/cosync"
)

// TestRWUpgrade: with a writer in the queue, Upgrade queues up behind it.
//
//	c1                 | c2
//	-------------------+------------------
//	RLock              |
//	yield              |
//	                   | Lock: waits
//	Upgrade: waits     |
//	                   | Lock returns
//	                   | Unlock
//	Upgrade returns    |
//	Unlock             |
func TestRWUpgrade(t *testing.T) {
	both(t, func(t *testing.T, th *coro.Thread) {
		var rw cosync.RWMutex
		var l log
		c1 := th.New(func(self *Self) {
			rw.RLock(self)
			l.add("c1:reads")
			self.Yield()
			rw.Upgrade(self)
			l.add("c1:writes")
			rw.Unlock(self)
		})
		c2 := th.New(func(self *Self) {
			rw.Lock(self)
			l.add("c2:writes")
			rw.Unlock(self)
		})
		th.Enter(c1)
		th.Enter(c2)
		th.Enter(c1)
		l.want(t, "c1:reads c2:writes c1:writes")
	})
}

// TestRWUpgradeSole: the sole reader, with nobody waiting, does not wait.
func TestRWUpgradeSole(t *testing.T) {
	both(t, func(t *testing.T, th *coro.Thread) {
		var rw cosync.RWMutex
		leader := th.Leader()
		rw.RLock(leader)
		rw.Upgrade(leader)
		if rw.TryRLock(leader) || rw.TryLock(leader) {
			t.Error("held for writing, yet to be had")
		}
		rw.Downgrade(leader)
		rw.RUnlock(leader)
		if !rw.TryLock(leader) {
			t.Error("not free")
		}
		rw.Unlock(leader)
	})
}

// TestRWDowngrade: readers before the next writer go on, in a chain; those
// behind it do not.
//
//	c1                | c2          | c3        | c4           | c5
//	------------------+-------------+-----------+--------------+-----------
//	Lock              |             |           |              |
//	yield             |             |           |              |
//	                  | RLock: waits|           |              |
//	                  |             | RLock: w. |              |
//	                  |             |           | Lock: waits  |
//	                  |             |           |              | RLock: w.
//	Downgrade         |             |           |              |
//	yield             |             |           |              |
//	                  | returns     |           |              |
//	                  |             | returns   |              |
//	RUnlock           |             |           |              |
//	                  | RUnlock     |           |              |
//	                  |             | RUnlock   |              |
//	                  |             |           | returns      |
//	                  |             |           | Unlock       |
//	                  |             |           |              | returns
func TestRWDowngrade(t *testing.T) {
	both(t, func(t *testing.T, th *coro.Thread) {
		var rw cosync.RWMutex
		var l log
		c1 := th.New(func(self *Self) {
			rw.Lock(self)
			self.Yield()
			rw.Downgrade(self)
			l.add("c1:downgraded")
			self.Yield()
			rw.RUnlock(self)
		})
		reader := func(self *Self) {
			rw.RLock(self)
			l.add("%v:reads", self.Coroutine())
			self.Yield()
			rw.RUnlock(self)
		}
		c2, c3, c5 := th.New(reader).SetName("c2"), th.New(reader).SetName("c3"), th.New(reader).SetName("c5")
		c4 := th.New(func(self *Self) {
			rw.Lock(self)
			l.add("c4:writes")
			rw.Unlock(self)
		})
		for _, co := range []*coro.Coroutine{c1, c2, c3, c4, c5} {
			th.Enter(co)
		}
		l.want(t, "")
		th.Enter(c1)
		l.want(t, "c1:downgraded c2:reads c3:reads")
		th.Enter(c1)
		th.Enter(c2)
		l.want(t, "")
		th.Enter(c3)
		l.want(t, "c4:writes c5:reads")
		th.Enter(c5)
	})
}

// TestRWUpgradeKill: a coroutine that is killed in Upgrade holds nothing, and its
// deferred unlock does nothing.
func TestRWUpgradeKill(t *testing.T) {
	both(t, func(t *testing.T, th *coro.Thread) {
		var rw cosync.RWMutex
		leader := th.Leader()
		rw.RLock(leader)
		co := th.New(func(self *Self) {
			rw.RLock(self)
			defer rw.RUnlock(self)
			rw.Upgrade(self)
			t.Error("upgraded beside a reader")
		})
		th.Enter(co)
		th.Kill(co)
		rw.RUnlock(leader)
		if !rw.TryLock(leader) {
			t.Error("not free")
		}
		rw.Unlock(leader)
	})
}

// TestRWManyReaders: so many that they are indexed.
func TestRWManyReaders(t *testing.T) {
	both(t, func(t *testing.T, th *coro.Thread) {
		var rw cosync.RWMutex
		var cos []*coro.Coroutine
		for range 100 {
			co := th.New(func(self *Self) {
				rw.RLock(self)
				defer rw.RUnlock(self)
				self.Yield()
			})
			th.Enter(co)
			cos = append(cos, co)
		}
		if got := len(rw.Holders()); got != 100 {
			t.Errorf("%d holders, want 100", got)
		}
		written := false
		th.Enter(th.New(func(self *Self) {
			rw.Lock(self)
			written = true
			rw.Unlock(self)
		}))
		for i, co := range cos {
			if written {
				t.Fatalf("written beside %d readers", 100-i)
			}
			th.Enter(cos[(i*37)%100])
			_ = co
		}
		if !written {
			t.Error("not written")
		}
	})
}

// TestRWAllocs: reading allocates nothing.
func TestRWAllocs(t *testing.T) {
	both(t, func(t *testing.T, th *coro.Thread) {
		var rw cosync.RWMutex
		leader := th.Leader()
		n := testing.AllocsPerRun(100, func() {
			rw.RLock(leader)
			rw.RUnlock(leader)
			rw.Lock(leader)
			rw.Unlock(leader)
		})
		if n != 0 {
			t.Errorf("%v allocations, want 0", n)
		}
	})
}
