package coro_test

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/gohandoff/coroutine/coro"
)

func TestManyCoroutinesSuspendedAtOnce(t *testing.T) {
	if testing.Short() {
		t.Skip("needs 300 MB")
	}
	eachHandoff(t, func(t *testing.T, newThread func(...coro.Option) *coro.Thread) {
		base := goroutinesAtRest(t)
		thread := newThread()
		sum, unwound := 0, 0
		body := func(self *coro.Self) {
			defer func() { unwound++ }()
			for {
				sum++
				self.Yield()
			}
		}
		all := make([]*coro.Coroutine, manySuspended)
		for i := range all {
			all[i] = thread.New(body)
			thread.Enter(all[i])
		}
		if got := runtime.NumGoroutine() - base; got != manySuspended {
			t.Errorf("goroutines: got %d, want %d", got, manySuspended)
		}
		for _, co := range all {
			thread.Enter(co)
		}
		for _, co := range all[:manySuspended/2] {
			thread.Kill(co)
		}
		if err := thread.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
		if sum != 2*manySuspended || unwound != manySuspended {
			t.Errorf("got %d turns, %d unwound; want %d, %d", sum, unwound, 2*manySuspended, manySuspended)
		}
		goroutinesBackTo(t, base)
	})
}

func TestDeepNesting(t *testing.T) {
	for _, pool := range []int{0, 64, 1000} {
		t.Run(fmt.Sprint("pool ", pool), func(t *testing.T) {
			eachHandoff(t, func(t *testing.T, newThread func(...coro.Option) *coro.Thread) {
				base := goroutinesAtRest(t)
				thread := newThread(coro.WithPool(pool))
				for range 2 { // the second time partly from the pool
					var down, up int
					var nest coro.Entry
					nest = func(self *coro.Self) {
						down++
						if down < deepNesting {
							self.Enter(self.New(nest))
						}
						up++
					}
					thread.Enter(thread.New(nest))
					if down != deepNesting || up != deepNesting {
						t.Errorf("got %d down, %d up; want %d each", down, up, deepNesting)
					}
					goroutinesBackTo(t, base+pool)
				}
			})
		})
	}
}

func TestPanicFromADeepNest(t *testing.T) {
	const depth = 500
	eachHandoff(t, func(t *testing.T, newThread func(...coro.Option) *coro.Thread) {
		thread := newThread()
		var down, unwound int
		var nest coro.Entry
		nest = func(self *coro.Self) {
			defer func() { unwound++ }()
			down++
			if down == depth {
				explode("boom")
			}
			self.Enter(self.New(nest))
		}
		e := wantPanic(t, "boom", func() { thread.Enter(thread.New(nest)) })
		if unwound != depth || len(e.Through) != depth-1 {
			t.Errorf("got %d unwound, panic through %d; want %d, %d", unwound, len(e.Through), depth, depth-1)
		}
	})
}
