package cosync_test

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/cosync"
)

var update = flag.Bool("update", false, "rewrite testdata")

// in runs body in a coroutine.
func in(th *coro.Thread, name string, body coro.Entry) *coro.Coroutine {
	co := th.New(body).SetName(name)
	th.Enter(co)
	return co
}

// abba has two coroutines lock two mutexes in opposite order.
func abba(th *coro.Thread) {
	var a, b cosync.Mutex
	a.SetName("a")
	b.SetName("b")
	first := in(th, "first", func(self *Self) {
		a.Lock(self)
		defer a.Unlock(self)
		self.Yield()
		b.Lock(self)
		b.Unlock(self)
	})
	second := in(th, "second", func(self *Self) {
		b.Lock(self)
		defer b.Unlock(self)
		self.Yield()
		a.Lock(self)
		a.Unlock(self)
	})
	th.Enter(first)
	th.Enter(second)
}

// ring has three coroutines wait for each other, for a mutex, for reading and
// for writing.
func ring(th *coro.Thread) {
	var m cosync.Mutex
	var rw, rw2 cosync.RWMutex
	c1 := in(th, "c1", func(self *Self) {
		m.Lock(self)
		defer m.Unlock(self)
		self.Yield()
		rw.RLock(self)
		rw.RUnlock(self)
	})
	c2 := in(th, "c2", func(self *Self) {
		rw.Lock(self)
		defer rw.Unlock(self)
		self.Yield()
		rw2.Lock(self)
		rw2.Unlock(self)
	})
	c3 := in(th, "c3", func(self *Self) {
		rw2.RLock(self)
		defer rw2.RUnlock(self)
		self.Yield()
		m.Lock(self)
	})
	th.Enter(c1)
	th.Enter(c2)
	th.Enter(c3)
}

// misuses are all that this package diagnoses, on one thread.
var misuses = []struct {
	name string
	err  error
	run  func(th *coro.Thread)
}{
	{"mutex locked twice", cosync.ErrRecursive, func(th *coro.Thread) {
		var mu cosync.Mutex
		mu.SetName("accounts")
		in(th, "teller", func(self *Self) {
			mu.Lock(self)
			defer mu.Unlock(self)
			mu.Lock(self)
		})
	}},
	{"mutex unlocked by nobody", cosync.ErrNotHeld, func(th *coro.Thread) {
		var mu cosync.Mutex
		in(th, "c", func(self *Self) { mu.Unlock(self) })
	}},
	{"mutex unlocked by another", cosync.ErrNotHeld, func(th *coro.Thread) {
		var mu cosync.Mutex
		co := in(th, "holder", func(self *Self) {
			mu.Lock(self)
			defer mu.Unlock(self)
			self.Yield()
		})
		defer th.Enter(co)
		in(th, "other", func(self *Self) { mu.Unlock(self) })
	}},
	{"mutex contended by a leader", coro.ErrNoCaller, func(th *coro.Thread) {
		var mu cosync.Mutex
		mu.SetName("accounts")
		co := in(th, "holder", func(self *Self) {
			mu.Lock(self)
			defer mu.Unlock(self)
			self.Yield()
		})
		defer th.Enter(co)
		mu.Lock(th.Leader())
	}},
	{"mutex held at the end", coro.ErrLocksHeld, func(th *coro.Thread) {
		var mu cosync.Mutex
		in(th, "forgetful", func(self *Self) { mu.Lock(self) })
	}},
	{"mutex held by a dead coroutine", cosync.ErrDeadlock, func(th *coro.Thread) {
		var mu cosync.Mutex
		func() {
			defer func() { recover() }()
			in(th, "forgetful", func(self *Self) { mu.Lock(self) })
		}()
		in(th, "heir", func(self *Self) { mu.Lock(self) })
	}},
	{"abba", cosync.ErrDeadlock, abba},
	{"ring", cosync.ErrDeadlock, ring},
	{"rwmutex read twice", cosync.ErrRecursive, func(th *coro.Thread) {
		var rw cosync.RWMutex
		in(th, "c", func(self *Self) {
			rw.RLock(self)
			defer rw.RUnlock(self)
			rw.RLock(self)
		})
	}},
	{"rwmutex read and written", cosync.ErrRecursive, func(th *coro.Thread) {
		var rw cosync.RWMutex
		in(th, "c", func(self *Self) {
			rw.RLock(self)
			defer rw.RUnlock(self)
			rw.Lock(self)
		})
	}},
	{"rwmutex unlocked in the wrong mode", cosync.ErrNotHeld, func(th *coro.Thread) {
		var rw cosync.RWMutex
		rw.SetName("cache")
		in(th, "c", func(self *Self) {
			rw.RLock(self)
			defer rw.RUnlock(self)
			rw.Unlock(self)
		})
	}},
	{"rwmutex read-unlocked by the writer", cosync.ErrNotHeld, func(th *coro.Thread) {
		var rw cosync.RWMutex
		in(th, "c", func(self *Self) {
			rw.Lock(self)
			defer rw.Unlock(self)
			rw.RUnlock(self)
		})
	}},
	{"rwmutex upgraded, not held", cosync.ErrNotHeld, func(th *coro.Thread) {
		var rw cosync.RWMutex
		in(th, "c", func(self *Self) { rw.Upgrade(self) })
	}},
	{"rwmutex downgraded by a reader", cosync.ErrNotHeld, func(th *coro.Thread) {
		var rw cosync.RWMutex
		in(th, "c", func(self *Self) {
			rw.RLock(self)
			defer rw.RUnlock(self)
			rw.Downgrade(self)
		})
	}},
	{"rwmutex contended by a leader", coro.ErrNoCaller, func(th *coro.Thread) {
		var rw cosync.RWMutex
		co := in(th, "reader", func(self *Self) {
			rw.RLock(self)
			defer rw.RUnlock(self)
			self.Yield()
		})
		defer th.Enter(co)
		rw.Lock(th.Leader())
	}},
	{"queue without its mutex", cosync.ErrNotHeld, func(th *coro.Thread) {
		var mu cosync.Mutex
		var q cosync.Queue
		q.SetName("arrivals")
		in(th, "c", func(self *Self) { q.Wait(self, &mu) })
	}},
	{"queue entered without its mutex", cosync.ErrNotHeld, func(th *coro.Thread) {
		var mu cosync.Mutex
		var q cosync.Queue
		q.EnterNext(th.Leader(), &mu)
	}},
	{"queue waited in by a leader", coro.ErrNoCaller, func(th *coro.Thread) {
		var q cosync.Queue
		q.Wait(th.Leader(), nil)
	}},
	{"semaphore asked for too much", cosync.ErrUnits, func(th *coro.Thread) {
		s := cosync.NewSemaphore(3)
		s.SetName("slots")
		in(th, "c", func(self *Self) { s.Acquire(self, 4) })
	}},
	{"semaphore asked for less than nothing", cosync.ErrUnits, func(th *coro.Thread) {
		in(th, "c", func(self *Self) { cosync.NewSemaphore(3).Acquire(self, -1) })
	}},
	{"semaphore given too much", cosync.ErrUnits, func(th *coro.Thread) {
		s := cosync.NewSemaphore(3)
		in(th, "c", func(self *Self) {
			s.Acquire(self, 2)
			defer s.Release(self, 2)
			s.Release(self, 3)
		})
	}},
	{"semaphore contended by a leader", coro.ErrNoCaller, func(th *coro.Thread) {
		s := cosync.NewSemaphore(3)
		s.Acquire(th.Leader(), 2)
		s.Acquire(th.Leader(), 2)
	}},
	{"self of another coroutine", coro.ErrOutside, func(th *coro.Thread) {
		var mu cosync.Mutex
		in(th, "c", func(self *Self) { mu.Lock(self.Thread().Leader()) })
	}},
}

// TestMisuse compares what each misuse is told with testdata/misuse.txt, on both
// handoffs, and with sites, in testdata/misuse-sites.txt.
func TestMisuse(t *testing.T) {
	for file, opts := range map[string][]coro.Option{
		"misuse.txt":       nil,
		"misuse-sites.txt": {coro.WithSites()},
	} {
		t.Run(file, func(t *testing.T) {
			file := filepath.Join("testdata", file)
			both(t, func(t *testing.T, th *coro.Thread) {
				var got string
				for _, m := range misuses {
					err := misused(t, m.err, func() { m.run(th) })
					got += "# " + m.name + "\n" + err.Error() + "\n\n"
				}
				if *update {
					if err := os.WriteFile(file, []byte(got), 0o666); err != nil {
						t.Fatal(err)
					}
				}
				want, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(string(want), got); diff != "" {
					t.Errorf("%s (-want +got), -update rewrites it:\n%s", file, diff)
				}
			}, opts...)
		})
	}
}

// TestDeadlockLeavesTheRest: the one that would close the cycle is told, the
// others go on.
func TestDeadlockLeavesTheRest(t *testing.T) {
	both(t, func(t *testing.T, th *coro.Thread) {
		var a, b cosync.Mutex
		var l log
		c1 := in(th, "c1", func(self *Self) {
			a.Lock(self)
			self.Yield()
			b.Lock(self)
			l.add("c1:both")
			b.Unlock(self)
			a.Unlock(self)
		})
		c2 := in(th, "c2", func(self *Self) {
			b.Lock(self)
			self.Yield()
			misused(t, cosync.ErrDeadlock, func() { a.Lock(self) })
			l.add("c2:told")
			b.Unlock(self)
		})
		th.Enter(c1)
		th.Enter(c2)
		l.want(t, "c2:told c1:both")
	})
}

// TestNoFalseDeadlock: what looks like a cycle and is none.
func TestNoFalseDeadlock(t *testing.T) {
	both(t, func(t *testing.T, th *coro.Thread) {
		// c1 reads and waits for m, which c2 holds; c2 comes to read, too: it
		// waits for the chain of readers, not for c1.
		var rw cosync.RWMutex
		var m cosync.Mutex
		var l log
		w := in(th, "w", func(self *Self) {
			rw.Lock(self)
			self.Yield()
			rw.Unlock(self)
		})
		c2 := th.New(func(self *Self) {
			m.Lock(self)
			self.Yield()
			rw.RLock(self)
			l.add("c2")
			rw.RUnlock(self)
			m.Unlock(self)
		})
		in(th, "c1", func(self *Self) {
			rw.RLock(self)
			self.Enter(c2) // enters m
			m.Lock(self)
			l.add("c1")
			m.Unlock(self)
			rw.RUnlock(self)
		})
		in(th, "c0", func(self *Self) {
			rw.RLock(self)
			self.Enter(c2)
			l.add("c0")
			rw.RUnlock(self)
		})
		th.Enter(w)
		l.want(t, "c2 c1 c0")
	})
}

// TestNoScheduler: who could not be woken across threads is told before it
// waits; all is as before.
func TestNoScheduler(t *testing.T) {
	both(t, func(t *testing.T, th *coro.Thread) {
		other := coro.NewThread(coro.WithName("other"), coro.WithHandoff(th.Handoff()))
		defer other.Close()
		var mu cosync.Mutex
		var rw cosync.RWMutex
		leader := th.Leader()
		mu.Lock(leader)
		rw.RLock(leader)
		for name, f := range map[string]func(self *Self){
			"mutex":   mu.Lock,
			"rwmutex": rw.Lock,
		} {
			co := other.New(func(self *Self) { misused(t, coro.ErrNoScheduler, func() { f(self) }) }).SetName(name)
			other.Enter(co)
		}
		mu.Unlock(leader)
		rw.RUnlock(leader)
		if !mu.TryLock(leader) || !rw.TryLock(leader) {
			t.Error("not free")
		}
		mu.Unlock(leader)
		rw.Unlock(leader)

		// In a queue it is the one that would wake who is told.
		var q cosync.Queue
		s := cosync.NewSemaphore(1)
		s.Acquire(leader, 1)
		in(other, "waits", func(self *Self) { q.Wait(self, nil) })
		in(other, "waits too", func(self *Self) { s.Acquire(self, 1) })
		misused(t, coro.ErrNoScheduler, func() { q.Next(leader) })
		if q.Empty() {
			t.Error("the waiter is lost")
		}
		misused(t, coro.ErrNoScheduler, func() { s.Release(leader, 1) })
		if !q.Next(other.Leader()) { // its own leader can wake it
			t.Error("the waiter is lost")
		}
	})
}
