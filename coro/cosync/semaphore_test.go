package cosync_test

import (
	"testing"

	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/cosync"
)

// TestSemaphoreFair: a large request is not starved by small ones that would
// fit.
//
//	c1          | c2                | c3
//	------------+-------------------+-------------------
//	Acquire 2   |                   |
//	            | Acquire 3: waits  |
//	            |                   | Acquire 1: waits
//	Release 2   |                   |
//	            | returns           |
//	            | Release 3         |
//	            |                   | returns
func TestSemaphoreFair(t *testing.T) {
	both(t, func(t *testing.T, th *coro.Thread) {
		s := cosync.NewSemaphore(3)
		var l log
		user := func(n int64) *coro.Coroutine {
			co := th.New(func(self *Self) {
				s.Acquire(self, n)
				l.add("%d", n)
				self.Yield()
				s.Release(self, n)
			})
			th.Enter(co)
			return co
		}
		c1, c2, c3 := user(2), user(3), user(1)
		if s.TryAcquire(th.Leader(), 1) {
			t.Error("a try came between")
		}
		l.want(t, "2")
		th.Enter(c1)
		l.want(t, "3")
		th.Enter(c2)
		l.want(t, "1")
		th.Enter(c3)
	})
}

// TestSemaphoreKill: a large waiter that is killed lets the others go on.
func TestSemaphoreKill(t *testing.T) {
	both(t, func(t *testing.T, th *coro.Thread) {
		s := cosync.NewSemaphore(3)
		leader := th.Leader()
		s.Acquire(leader, 1)
		large := th.New(func(self *Self) { s.Acquire(self, 3) })
		th.Enter(large)
		ran := 0
		for range 2 {
			th.Enter(th.New(func(self *Self) {
				s.Acquire(self, 1)
				ran++
			}))
		}
		if ran != 0 {
			t.Errorf("%d came between", ran)
		}
		th.Kill(large)
		if ran != 2 {
			t.Errorf("%d ran, want 2", ran)
		}
	})
}

// TestSemaphoreNone: to acquire none never waits.
func TestSemaphoreNone(t *testing.T) {
	both(t, func(t *testing.T, th *coro.Thread) {
		var s cosync.Semaphore
		s.Acquire(th.Leader(), 0)
		s.Release(th.Leader(), 0)
		if !s.TryAcquire(th.Leader(), 0) {
			t.Error("none are not to be had")
		}
	})
}

func TestNewSemaphoreNegative(t *testing.T) {
	defer func() {
		if got, want := recover(), "cosync: NewSemaphore(-1): want 0 or more"; got != want {
			t.Errorf("panic %v, want %v", got, want)
		}
	}()
	cosync.NewSemaphore(-1)
}
