package cosync_test

import (
	"errors"
	"sync"
	"testing"

	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/cosync"
)

// TestDeadlockAcrossLoops: two loops lock two mutexes in opposite order, over
// and over; whenever a cycle would close, exactly one of the two is told, and
// lets go. A cycle that was missed would hang the test.
func TestDeadlockAcrossLoops(t *testing.T) {
	for _, h := range handoffs {
		t.Run(h.String(), func(t *testing.T) {
			const rounds = 3000
			var m [2]cosync.Mutex
			told := [2]int{}
			var both sync.WaitGroup // so that they run side by side
			both.Add(2)
			a, b := newLoop("A", h), newLoop("B", h)
			for i, l := range []*loop{a, b} {
				l.start(func(self *Self) {
					both.Done()
					both.Wait()
					for range rounds {
						m[i].Lock(self)
						l.again(self)
						if tryBoth(t, self, &m[1-i]) {
							m[1-i].Unlock(self)
						} else {
							told[i]++
						}
						m[i].Unlock(self)
					}
				})
			}
			runAll(t, a, b)
			t.Logf("%d and %d of %d rounds", told[0], told[1], rounds)
		})
	}
}

// tryBoth locks m, and reports false if that would have been a deadlock.
func tryBoth(t *testing.T, self *Self, m *cosync.Mutex) (ok bool) {
	defer func() {
		switch v := recover().(type) {
		case nil:
		case error:
			if !errors.Is(v, cosync.ErrDeadlock) {
				panic(v)
			}
		default:
			panic(v)
		}
	}()
	m.Lock(self)
	return true
}

// TestNoFalseDeadlockLoad: as long as all lock in one order, nobody is told of a
// cycle, whatever runs beside the search.
func TestNoFalseDeadlockLoad(t *testing.T) {
	for _, h := range handoffs {
		t.Run(h.String(), func(t *testing.T) {
			var m [4]cosync.Mutex
			var loops []*loop
			for i := range 4 {
				l := newLoop(string(rune('A'+i)), h)
				loops = append(loops, l)
				for j := range 6 {
					l.start(func(self *Self) {
						for r := range 200 {
							for k := range m {
								if (i+j+r)>>k&1 == 0 {
									m[k].Lock(self)
								}
							}
							if r%3 == 0 {
								l.again(self)
							}
							for k := range m {
								if (i+j+r)>>k&1 == 0 {
									m[k].Unlock(self)
								}
							}
						}
					})
				}
			}
			runAll(t, loops...)
		})
	}
}

// TestWaiting: what a coroutine waits for can be seen.
func TestWaiting(t *testing.T) {
	both(t, func(t *testing.T, th *coro.Thread) {
		var mu cosync.Mutex
		mu.SetName("accounts")
		c1 := in(th, "c1", func(self *Self) {
			mu.Lock(self)
			self.Yield()
			mu.Unlock(self)
		})
		c2 := in(th, "c2", func(self *Self) {
			mu.Lock(self)
			mu.Unlock(self)
		})
		on, ok := c2.WaitsFor().(coro.Waiting)
		if !ok {
			t.Fatalf("c2 waits for %v", c2.WaitsFor())
		}
		if got, want := on.String(), `mutex "accounts", held by c1`; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		if got := on.Holders(); len(got) != 1 || got[0] != c1 {
			t.Errorf("Holders = %v", got)
		}
		th.Enter(c1)
	})
}
