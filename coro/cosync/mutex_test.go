package cosync_test

import (
	"testing"

	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/cosync"
)

// TestCoMutex: the second one waits, and has the lock from the unlock on.
//
//	c1                  | c2
//	--------------------+--------------------
//	Lock                |
//	yield               |
//	                    | Lock: waits
//	Unlock: c2 holds it |
//	TryLock: false      |
//	yield               |
//	                    | Lock returns
//	                    | yield, Unlock
func TestCoMutex(t *testing.T) {
	both(t, func(t *testing.T, th *coro.Thread) {
		var mu cosync.Mutex
		var l log
		c1 := th.New(func(self *Self) {
			mu.Lock(self)
			l.add("c1:locked")
			self.Yield()
			mu.Unlock(self)
			l.add("c1:unlocked")
			l.add("c1:try=%v", mu.TryLock(self))
		})
		c2 := th.New(func(self *Self) {
			l.add("c2:locks")
			mu.Lock(self)
			l.add("c2:locked")
			self.Yield()
			mu.Unlock(self)
		})
		th.Enter(c1)
		th.Enter(c2)
		th.Enter(c2) // knows no better; it goes on waiting
		th.Enter(c1)
		l.want(t, "c1:locked c2:locks c1:unlocked c1:try=false c2:locked")
		if got := mu.Holders(); len(got) != 1 || got[0] != c2 {
			t.Errorf("Holders = %v, want c2", got)
		}
		th.Enter(c2)
		if got := mu.Holders(); len(got) != 0 {
			t.Errorf("Holders = %v, want none", got)
		}
	})
}

// TestCoMutexLockable: whatever has the method set of a lock for coroutines can
// be used the same way.
func TestCoMutexLockable(t *testing.T) {
	type lockable interface {
		Lock(self *Self)
		Unlock(self *Self)
	}
	for name, lock := range map[string]lockable{"mutex": new(cosync.Mutex), "rwmutex": new(cosync.RWMutex)} {
		t.Run(name, func(t *testing.T) {
			both(t, func(t *testing.T, th *coro.Thread) {
				inside, done := 0, 0
				body := func(self *Self) {
					lock.Lock(self)
					defer lock.Unlock(self)
					if inside++; inside > 1 {
						t.Errorf("%d inside", inside)
					}
					self.Yield()
					inside--
					done++
				}
				c1, c2 := th.New(body), th.New(body)
				th.Enter(c1)
				th.Enter(c2)
				th.Enter(c1)
				th.Enter(c2)
				if done != 2 {
					t.Errorf("done = %d, want 2", done)
				}
			})
		})
	}
}

// TestMutexOrder: first come, first served, however many.
func TestMutexOrder(t *testing.T) {
	both(t, func(t *testing.T, th *coro.Thread) {
		var mu cosync.Mutex
		var l log
		leader := th.Leader()
		mu.Lock(leader)
		for i := range 4 {
			th.Enter(th.New(func(self *Self) {
				mu.Lock(self)
				l.add("%d", i)
				mu.Unlock(self)
			}))
		}
		l.want(t, "")
		mu.Unlock(leader) // a leader's wake runs them
		l.want(t, "0 1 2 3")
	})
}

// TestMutexUnlockThenLock: who unlocks and locks again queues behind who waits.
func TestMutexUnlockThenLock(t *testing.T) {
	both(t, func(t *testing.T, th *coro.Thread) {
		var mu cosync.Mutex
		var l log
		body := func(self *Self) {
			for range 3 {
				mu.Lock(self)
				l.add("%s", self.Coroutine().Name())
				self.Yield()
				mu.Unlock(self)
			}
		}
		c1, c2 := th.New(body).SetName("c1"), th.New(body).SetName("c2")
		th.Enter(c1)
		th.Enter(c2)
		for range 3 {
			th.Enter(c1)
			th.Enter(c2)
		}
		l.want(t, "c1 c2 c1 c2 c1 c2")
	})
}

// TestMutexKill: a waiter that is killed leaves the queue; one that holds the
// mutex already hands it on.
func TestMutexKill(t *testing.T) {
	both(t, func(t *testing.T, th *coro.Thread) {
		var mu cosync.Mutex
		var l log
		waiter := func(self *Self) {
			defer l.add("%s:ends", self.Coroutine().Name())
			mu.Lock(self)
			defer mu.Unlock(self)
			l.add("%s:locked", self.Coroutine().Name())
		}
		c2, c3, c4 := th.New(waiter).SetName("c2"), th.New(waiter).SetName("c3"), th.New(waiter).SetName("c4")
		c1 := th.New(func(self *Self) {
			mu.Lock(self)
			self.Enter(c2)
			self.Enter(c3)
			self.Enter(c4)
			self.Kill(c2)
			mu.Unlock(self) // c3 holds it
			self.Kill(c3)   // c4 holds it, and runs before Kill returns
			l.add("c1:free=%v", mu.TryLock(self))
			mu.Unlock(self)
		})
		th.Enter(c1)
		l.want(t, "c2:ends c3:ends c4:locked c4:ends c1:free=true")
	})
}

// TestMutexKilledDefer: a deferred call of a killed coroutine can lock what is
// free, and is told that it must not wait for what is not.
func TestMutexKilledDefer(t *testing.T) {
	both(t, func(t *testing.T, th *coro.Thread) {
		var mu cosync.Mutex
		locked := 0
		body := func(self *Self) {
			defer func() {
				mu.Lock(self)
				locked++
				mu.Unlock(self)
			}()
			self.Yield()
		}
		c1, c2 := th.New(body), th.New(body)
		th.Enter(c1)
		th.Enter(c2)
		th.Kill(c1)
		if locked != 1 {
			t.Errorf("locked = %d, want 1", locked)
		}
		mu.Lock(th.Leader())
		misused(t, coro.ErrKilledYield, func() { th.Kill(c2) })
		mu.Unlock(th.Leader())
		if !mu.TryLock(th.Leader()) {
			t.Error("the mutex is not free")
		}
	})
}

// TestMutexAllocs: neither an uncontended nor a contended lock allocates.
func TestMutexAllocs(t *testing.T) {
	both(t, func(t *testing.T, th *coro.Thread) {
		var mu cosync.Mutex
		var allocs float64
		th.Enter(th.New(func(self *Self) {
			allocs = testing.AllocsPerRun(100, func() {
				mu.Lock(self)
				mu.Unlock(self)
			})
		}))
		if allocs != 0 {
			t.Errorf("uncontended: %v allocations, want 0", allocs)
		}

		stop := false
		body := func(self *Self) {
			for !stop {
				mu.Lock(self)
				self.Yield()
				mu.Unlock(self)
			}
		}
		c := [2]*coro.Coroutine{th.New(body), th.New(body)}
		th.Enter(c[0])
		th.Enter(c[1])
		i := 0
		allocs = testing.AllocsPerRun(100, func() {
			th.Enter(c[i])
			i ^= 1
		})
		if allocs != 0 {
			t.Errorf("contended: %v allocations, want 0", allocs)
		}
		stop = true
		th.Enter(c[i])
		th.Enter(c[i^1])
	})
}

// TestSpareWake: a wake that somebody else sends to a coroutine in a queue does
// not get it out, and does not confuse the one that does.
func TestSpareWake(t *testing.T) {
	both(t, func(t *testing.T, th *coro.Thread) {
		var mu cosync.Mutex
		var l log
		c2 := th.New(func(self *Self) {
			mu.Lock(self)
			l.add("c2:locked")
			self.Yield()
			l.add("c2:on")
			mu.Unlock(self)
		})
		c1 := th.New(func(self *Self) {
			mu.Lock(self)
			self.Enter(c2)
			self.Wake(c2)
			self.Yield() // c2 has a turn, and waits on
			self.Wake(c2)
			mu.Unlock(self) // c2 was woken already
			l.add("c1:unlocked")
		})
		th.Enter(c1)
		l.want(t, "")
		th.Enter(c1)
		l.want(t, "c1:unlocked c2:locked")
		th.Enter(c2)
		l.want(t, "c2:on")
	})
}
