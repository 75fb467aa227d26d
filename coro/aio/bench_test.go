package aio_test

import (
	"context"
	"iter"
	"sync"
	"testing"
	"time"

	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/aio"
)

// onLoop runs f as a task, on each handoff.
func onLoop(b *testing.B, f func(b *testing.B, self *coro.Self), opts ...aio.Option) {
	for _, h := range []coro.Handoff{coro.Direct, coro.Channel} {
		b.Run(h.String(), func(b *testing.B) {
			b.ReportAllocs()
			l := loopsOn(b, h)(opts...)
			l.Go(func(self *coro.Self) error {
				f(b, self)
				return nil
			})
			run(b, l)
		})
	}
}

// rawNext is what all ratios are to: iter.Pull's next, driven by a body that only
// yields.
func rawNext(b *testing.B) {
	b.Run("raw-next", func(b *testing.B) {
		next, stop := iter.Pull(func(yield func(struct{}) bool) {
			for yield(struct{}{}) {
			}
		})
		defer stop()
		for b.Loop() {
			next()
		}
	})
}

// A coroutine schedules itself on its own loop, and runs.
func BenchmarkYield(b *testing.B) {
	rawNext(b)
	onLoop(b, func(b *testing.B, self *coro.Self) {
		for b.Loop() {
			aio.Yield(self)
		}
	})
}

// As BenchmarkYield, with a hundred that do it in turn.
func BenchmarkYieldOf100(b *testing.B) {
	rawNext(b)
	onLoop(b, func(b *testing.B, self *coro.Self) {
		done := false
		for range 99 {
			aio.Go(self, func(self *coro.Self) error {
				for !done {
					aio.Yield(self)
				}
				return nil
			})
		}
		n := 0
		for b.Loop() {
			if n++; n%100 == 0 {
				aio.Yield(self) // one round of the others is 99 more
			}
		}
		done = true
	})
}

// A bottom half of the own loop.
func BenchmarkPost(b *testing.B) {
	rawNext(b)
	onLoop(b, func(b *testing.B, self *coro.Self) {
		l := aio.LoopOf(self)
		fn := func() {}
		for b.Loop() {
			l.Post(fn)
			aio.Yield(self)
		}
	})
}

// A timer is armed and fires, on a virtual clock.
func BenchmarkSleepVirtual(b *testing.B) {
	rawNext(b)
	onLoop(b, func(b *testing.B, self *coro.Self) {
		for b.Loop() {
			aio.Sleep(self, time.Second)
		}
	}, virtual())
}

// A body that ends in time.
func BenchmarkTimeout(b *testing.B) {
	rawNext(b)
	onLoop(b, func(b *testing.B, self *coro.Self) {
		body := func(self *coro.Self) error { return nil }
		for b.Loop() {
			_ = aio.Timeout(self, time.Hour, body)
		}
	}, virtual())
}

// A task is started and waited for.
func BenchmarkGoWait(b *testing.B) {
	rawNext(b)
	onLoop(b, func(b *testing.B, self *coro.Self) {
		body := func(self *coro.Self) error { return nil }
		for b.Loop() {
			_ = aio.Go(self, body).Wait(self)
		}
	})
}

// A no-op goes to a worker and back; raw is a pair of channels to a goroutine.
func BenchmarkOffload(b *testing.B) {
	rawChannels(b)
	onLoop(b, func(b *testing.B, self *coro.Self) {
		fn := func() (struct{}, error) { return struct{}{}, nil }
		for b.Loop() {
			_, _ = aio.Offload(self, fn)
		}
	})
}

func rawChannels(b *testing.B) {
	b.Run("raw-channels", func(b *testing.B) {
		there, back := make(chan struct{}, 1), make(chan struct{}, 1)
		go func() {
			for range there {
				back <- struct{}{}
			}
		}()
		defer close(there)
		for b.Loop() {
			there <- struct{}{}
			<-back
		}
	})
}

// A coroutine moves to another loop: one operation is one hop.
func BenchmarkHop(b *testing.B) {
	rawChannels(b)
	for _, h := range []coro.Handoff{coro.Direct, coro.Channel} {
		b.Run(h.String(), func(b *testing.B) {
			b.ReportAllocs()
			loops := []*aio.Loop{loopsOn(b, h)(), loopsOn(b, h)()}
			holds := []func(){loops[0].Hold(), loops[1].Hold()}
			loops[0].Go(func(self *coro.Self) error {
				for i := 1; b.Loop(); i++ {
					aio.Reschedule(self, loops[i&1])
				}
				holds[0]()
				holds[1]()
				return nil
			})
			var all sync.WaitGroup
			for _, l := range loops {
				all.Go(func() { _ = l.Run(context.Background()) })
			}
			all.Wait()
		})
	}
}
