package cosync_test

import (
	"math/rand/v2"
	"sync/atomic"
	"testing"

	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/cosync"
)

// Loads of coroutines on four loops, for the race detector: what a lock guards
// is plain variables. A lost wake would hang the test.

const (
	loadLoops = 4
	loadCos   = 8
)

// load runs body loadCos times on each of four loops.
func load(t *testing.T, rounds int, body func(self *Self, l *loop, r *rand.Rand, rounds int)) {
	t.Helper()
	if testing.Short() {
		rounds /= 20
	}
	for _, h := range handoffs {
		t.Run(h.String(), func(t *testing.T) {
			var loops []*loop
			for i := range loadLoops {
				l := newLoop(string(rune('A'+i)), h)
				loops = append(loops, l)
				for j := range loadCos {
					r := rand.New(rand.NewPCG(uint64(i), uint64(j)))
					l.start(func(self *Self) { body(self, l, r, rounds) })
				}
			}
			runAll(t, loops...)
		})
	}
}

func TestMutexContended(t *testing.T) {
	var mu cosync.Mutex
	counter := 0
	want := 0
	load(t, 1500, func(self *Self, l *loop, r *rand.Rand, rounds int) {
		for range rounds {
			mu.Lock(self)
			n := counter
			if r.IntN(4) == 0 {
				l.again(self)
			}
			counter = n + 1
			mu.Unlock(self)
			if r.IntN(4) == 0 {
				l.again(self)
			}
		}
		mu.Lock(self)
		want += rounds
		mu.Unlock(self)
	})
	if counter != want {
		t.Errorf("counter = %d, want %d", counter, want)
	}
}

// TestMutexHandoff: two loops, one coroutine each, that take turns.
func TestMutexHandoff(t *testing.T) {
	for _, h := range handoffs {
		t.Run(h.String(), func(t *testing.T) {
			var mu cosync.Mutex
			counter := 0
			body := func(self *Self) {
				for range 2000 {
					mu.Lock(self)
					counter++
					mu.Unlock(self)
				}
			}
			a, b := newLoop("A", h), newLoop("B", h)
			a.start(body)
			b.start(body)
			runAll(t, a, b)
			if counter != 4000 {
				t.Errorf("counter = %d, want 4000", counter)
			}
		})
	}
}

func TestRWMutexLoad(t *testing.T) {
	var rw cosync.RWMutex
	var readers atomic.Int32
	value, copied := 0, 0
	load(t, 1000, func(self *Self, l *loop, r *rand.Rand, rounds int) {
		for range rounds {
			switch r.IntN(5) {
			case 0:
				rw.Lock(self)
				value++
				l.again(self)
				copied++
				if r.IntN(2) == 0 {
					rw.Downgrade(self)
					if value != copied {
						t.Error("torn")
					}
					rw.RUnlock(self)
				} else {
					rw.Unlock(self)
				}
			case 1:
				rw.RLock(self)
				rw.Upgrade(self)
				if readers.Load() != 0 {
					t.Error("readers beside a writer")
				}
				value++
				copied++
				rw.Unlock(self)
			default:
				rw.RLock(self)
				readers.Add(1)
				if value != copied {
					t.Errorf("torn: %d, %d", value, copied)
				}
				l.again(self)
				readers.Add(-1)
				rw.RUnlock(self)
			}
		}
	})
}

func TestSemaphoreLoad(t *testing.T) {
	const units = 7
	s := cosync.NewSemaphore(units)
	var used atomic.Int64
	load(t, 1000, func(self *Self, l *loop, r *rand.Rand, rounds int) {
		for range rounds {
			n := 1 + r.Int64N(units)
			s.Acquire(self, n)
			if u := used.Add(n); u > units {
				t.Errorf("%d units used of %d", u, units)
			}
			l.again(self)
			used.Add(-n)
			s.Release(self, n)
		}
	})
}

// TestQueueLoad: producers and consumers; each item is consumed once.
func TestQueueLoad(t *testing.T) {
	var mu cosync.Mutex
	var q cosync.Queue
	items, produced, consumed := 0, 0, 0
	load(t, 1000, func(self *Self, l *loop, r *rand.Rand, rounds int) {
		id := self.Coroutine().ID()
		for range rounds {
			mu.Lock(self)
			if id%2 == 0 {
				items++
				produced++
				q.Next(self)
			} else {
				for items == 0 {
					q.Wait(self, &mu)
				}
				items--
				consumed++
			}
			mu.Unlock(self)
			if r.IntN(4) == 0 {
				l.again(self)
			}
		}
	})
	if produced != consumed || items != 0 {
		t.Errorf("produced %d, consumed %d, left %d", produced, consumed, items)
	}
}

// TestKillLoad: coroutines are killed at random while they wait for locks that
// coroutines of other loops hold; nothing is lost.
func TestKillLoad(t *testing.T) {
	var mu cosync.Mutex
	var q cosync.Queue
	var rw cosync.RWMutex
	s := cosync.NewSemaphore(3)
	counter := 0
	load(t, 300, func(self *Self, l *loop, r *rand.Rand, rounds int) {
		for range rounds {
			victim := self.New(func(self *Self) {
				mu.Lock(self)
				defer mu.Unlock(self)
				counter++
				s.Acquire(self, 2)
				defer s.Release(self, 2)
				rw.RLock(self)
				defer rw.RUnlock(self)
				if r.IntN(2) == 0 {
					self.Yield()
					q.Wait(self, &mu)
				}
			})
			self.Enter(victim)
			if r.IntN(2) == 0 {
				l.again(self)
			}
			q.Next(self)
			self.Kill(victim)
			rw.Lock(self)
			rw.Unlock(self)
		}
	})
	done := coro.NewThread()
	defer done.Close()
	leader := done.Leader()
	if !mu.TryLock(leader) || !rw.TryLock(leader) || !s.TryAcquire(leader, 3) {
		t.Errorf("not all is free: %v, %v, %v", &mu, &rw, s)
	}
	if !q.Empty() {
		t.Error("the queue is not empty")
	}
}
