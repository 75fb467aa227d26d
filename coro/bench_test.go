package coro_test

import (
	"flag"
	"fmt"
	"iter"
	"testing"

	"github.com/gohandoff/coroutine/coro"
)

var long = flag.Bool("long", false, "also run the benchmarks that need 3 GB")

// eachHandoffB is eachHandoff for benchmarks, beside raw ones that show what the
// same costs without this package.
func eachHandoffB(b *testing.B, f func(b *testing.B, thread *coro.Thread), opts ...coro.Option) {
	for _, h := range []coro.Handoff{coro.Direct, coro.Channel} {
		b.Run(h.String(), func(b *testing.B) {
			thread := coro.NewThread(append([]coro.Option{coro.WithHandoff(h)}, opts...)...)
			defer thread.Close()
			b.ReportAllocs()
			f(b, thread)
		})
	}
}

func forEver(yield func(struct{}) bool) {
	for yield(struct{}{}) {
	}
}

// rawChannels is the least that two goroutines with a pair of one-slot channels
// can do: next hands over and waits, stop ends the other goroutine.
func rawChannels() (next, stop func()) {
	down, up := make(chan struct{}, 1), make(chan struct{}, 1)
	go func() {
		for range down {
			up <- struct{}{}
		}
		close(up)
	}()
	next = func() { down <- struct{}{}; <-up }
	stop = func() { close(down); <-up }
	return next, stop
}

// One Enter and one Yield of a coroutine that yields for ever.
func BenchmarkYield(b *testing.B) {
	b.Run("raw-next", func(b *testing.B) {
		next, stop := iter.Pull(forEver)
		defer stop()
		b.ReportAllocs()
		for b.Loop() {
			next()
		}
	})
	b.Run("raw-channels", func(b *testing.B) {
		next, stop := rawChannels()
		defer stop()
		b.ReportAllocs()
		for b.Loop() {
			next()
		}
	})
	eachHandoffB(b, func(b *testing.B, thread *coro.Thread) {
		co := thread.New(yielder)
		for b.Loop() {
			thread.Enter(co)
		}
	})
}

// New, Enter, terminate, on a pooled goroutine.
func BenchmarkLifecycle(b *testing.B) {
	b.Run("raw-next", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			next, stop := iter.Pull(func(func(struct{}) bool) {})
			next()
			stop()
		}
	})
	b.Run("raw-channels", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			next, stop := rawChannels()
			next()
			stop()
		}
	})
	eachHandoffB(b, func(b *testing.B, thread *coro.Thread) {
		for b.Loop() {
			thread.Enter(thread.New(nop))
		}
	})
}

// New, Enter, Yield, Enter, terminate: QEMU's "cost".
func BenchmarkCost(b *testing.B) {
	b.Run("raw-next", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			next, stop := iter.Pull(func(yield func(struct{}) bool) { yield(struct{}{}) })
			next()
			next()
			stop()
		}
	})
	eachHandoffB(b, func(b *testing.B, thread *coro.Thread) {
		for b.Loop() {
			co := thread.New(yieldOnce)
			thread.Enter(co)
			thread.Enter(co)
		}
	})
}

func yieldOnce(self *coro.Self) { self.Yield() }

// Each coroutine creates and enters the next, 1,000 deep.
func BenchmarkNesting(b *testing.B) {
	const depth = 1000
	perLevel := func(b *testing.B) {
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/depth, "ns/level")
	}
	b.Run("raw-next", func(b *testing.B) {
		var down func(left int) iter.Seq[struct{}]
		down = func(left int) iter.Seq[struct{}] {
			return func(func(struct{}) bool) {
				if left > 1 {
					next, stop := iter.Pull(down(left - 1))
					defer stop()
					next()
				}
			}
		}
		for b.Loop() {
			next, stop := iter.Pull(down(depth))
			next()
			stop()
		}
		perLevel(b)
	})
	for _, pool := range []int{depth, 0} {
		b.Run(fmt.Sprint("pool=", pool), func(b *testing.B) {
			eachHandoffB(b, func(b *testing.B, thread *coro.Thread) {
				left := 0
				var nest coro.Entry
				nest = func(self *coro.Self) {
					if left--; left > 0 {
						self.Enter(self.New(nest))
					}
				}
				for b.Loop() {
					left = depth
					thread.Enter(thread.New(nest))
				}
				perLevel(b)
			}, coro.WithPool(pool))
		})
	}
}

// Suspended coroutines entered in turn; one operation is one of them.
func BenchmarkRoundRobin(b *testing.B) {
	sizes := []int{1_000, 10_000, 30_000}
	if *long {
		sizes = append(sizes, 1_000_000)
	}
	for _, n := range sizes {
		b.Run(fmt.Sprint("n=", n), func(b *testing.B) {
			b.Run("raw-next", func(b *testing.B) {
				nexts := make([]func() (struct{}, bool), n)
				for i := range nexts {
					next, stop := iter.Pull(forEver)
					defer stop()
					next()
					nexts[i] = next
				}
				for i := 0; b.Loop(); i++ {
					nexts[i%n]()
				}
			})
			eachHandoffB(b, func(b *testing.B, thread *coro.Thread) {
				all := make([]*coro.Coroutine, n)
				for i := range all {
					all[i] = thread.New(yielder)
					thread.Enter(all[i])
				}
				for i := 0; b.Loop(); i++ {
					thread.Enter(all[i%n])
				}
			})
		})
	}
}

// A ring of 1,000 coroutines, each of which wakes the next; one operation is
// one lap.
func BenchmarkWakeChain(b *testing.B) {
	const length = 1000
	eachHandoffB(b, func(b *testing.B, thread *coro.Thread) {
		all := make([]*coro.Coroutine, length)
		for i := range all {
			all[i] = thread.New(func(self *coro.Self) {
				self.Yield()
				for {
					if i+1 < length {
						self.Wake(all[i+1])
					}
					self.Yield()
				}
			})
			thread.Enter(all[i])
		}
		for b.Loop() {
			thread.Enter(all[0])
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/length, "ns/wake")
	})
}

// A value in and a value out.
func BenchmarkTypedRoundTrip(b *testing.B) {
	b.Run("raw-next", func(b *testing.B) { // one way only
		next, stop := iter.Pull(func(yield func(int) bool) {
			for i := 0; yield(i); i++ {
			}
		})
		defer stop()
		for b.Loop() {
			next()
		}
	})
	eachHandoffB(b, func(b *testing.B, thread *coro.Thread) {
		leader := thread.Leader()
		c := coro.NewTyped(thread, double)
		for b.Loop() {
			c.Enter(leader, 1)
		}
	})
}

// deafTracer does nothing with what it is told.
type deafTracer struct{ events int }

func (d *deafTracer) Trace(coro.Event) { d.events++ }

// What a tracer costs: Enter and Yield, untraced, traced, and with places.
func BenchmarkTrace(b *testing.B) {
	body := func(b *testing.B, thread *coro.Thread) {
		co := thread.New(yielder)
		for b.Loop() {
			thread.Enter(co)
		}
	}
	b.Run("off", func(b *testing.B) { eachHandoffB(b, body) })
	b.Run("on", func(b *testing.B) { eachHandoffB(b, body, coro.WithTracer(new(deafTracer))) })
	b.Run("sites", func(b *testing.B) { eachHandoffB(b, body, coro.WithSites()) })
}
