package cosync_test

import (
	"iter"
	"testing"

	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/cosync"
)

// BenchmarkRaw is the baseline: iter.Pull's next, driven by a body that only
// yields.
func BenchmarkRaw(b *testing.B) {
	next, stop := iter.Pull(func(yield func(struct{}) bool) {
		for yield(struct{}{}) {
		}
	})
	defer stop()
	b.ReportAllocs()
	for b.Loop() {
		next()
	}
}

// inCoroutine runs the benchmark in a coroutine of a thread with each handoff.
func inCoroutine(b *testing.B, body func(b *testing.B, self *Self)) {
	for _, h := range handoffs {
		b.Run(h.String(), func(b *testing.B) {
			th := coro.NewThread(coro.WithHandoff(h))
			defer th.Close()
			b.ReportAllocs()
			th.Enter(th.New(func(self *Self) { body(b, self) }))
		})
	}
}

// asLeader runs the benchmark in the leader of a thread with each handoff.
func asLeader(b *testing.B, body func(b *testing.B, th *coro.Thread)) {
	for _, h := range handoffs {
		b.Run(h.String(), func(b *testing.B) {
			th := coro.NewThread(coro.WithHandoff(h))
			defer th.Close()
			b.ReportAllocs()
			body(b, th)
		})
	}
}

func BenchmarkMutexUncontended(b *testing.B) {
	inCoroutine(b, func(b *testing.B, self *Self) {
		var mu cosync.Mutex
		for b.Loop() {
			mu.Lock(self)
			mu.Unlock(self)
		}
	})
}

// BenchmarkMutexHandoff: two coroutines hand the mutex to each other; one
// operation is one contended Lock, one Unlock, and the switches.
func BenchmarkMutexHandoff(b *testing.B) {
	asLeader(b, func(b *testing.B, th *coro.Thread) {
		var mu cosync.Mutex
		stop := false
		body := func(self *Self) {
			for !stop {
				mu.Lock(self)
				self.Yield()
				mu.Unlock(self)
			}
		}
		c1, c2 := th.New(body), th.New(body)
		th.Enter(c1)
		th.Enter(c2) // waits for c1
		a := [2]*coro.Coroutine{c1, c2}
		i := 0
		for b.Loop() {
			th.Enter(a[i]) // unlocks, waits; the other one takes and yields
			i ^= 1
		}
		stop = true
		for a[0].Status() != coro.Dead || a[1].Status() != coro.Dead {
			th.Enter(a[i])
			i ^= 1
		}
	})
}

func BenchmarkQueueWaitNext(b *testing.B) {
	asLeader(b, func(b *testing.B, th *coro.Thread) {
		var q cosync.Queue
		th.Enter(th.New(func(self *Self) {
			for {
				q.Wait(self, nil)
			}
		}))
		leader := th.Leader()
		for b.Loop() {
			q.Next(leader)
		}
	})
}

func BenchmarkRWMutexRead(b *testing.B) {
	inCoroutine(b, func(b *testing.B, self *Self) {
		var rw cosync.RWMutex
		for b.Loop() {
			rw.RLock(self)
			rw.RUnlock(self)
		}
	})
}

func BenchmarkSemaphore(b *testing.B) {
	inCoroutine(b, func(b *testing.B, self *Self) {
		s := cosync.NewSemaphore(4)
		for b.Loop() {
			s.Acquire(self, 3)
			s.Release(self, 3)
		}
	})
}

// BenchmarkWake is the floor of a handoff: the switches and the wake of
// [BenchmarkMutexHandoff], without a mutex.
func BenchmarkWake(b *testing.B) {
	asLeader(b, func(b *testing.B, th *coro.Thread) {
		var a [2]*coro.Coroutine
		for i := range a {
			a[i] = th.New(func(self *Self) {
				for {
					self.Yield()
					self.Wake(a[i^1])
					self.Yield()
				}
			})
			th.Enter(a[i])
		}
		th.Enter(a[0])
		i := 1
		th.Enter(a[1])
		for b.Loop() {
			th.Enter(a[i])
			i ^= 1
		}
	})
}
