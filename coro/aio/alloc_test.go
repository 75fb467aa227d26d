//go:build !race

package aio_test

import (
	"runtime"
	"testing"
	"time"

	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/aio"
)

func TestAllocations(t *testing.T) {
	eachHandoff(t, func(t *testing.T, loop newLoop) {
		l := loop(virtual())
		other := l.Thread().New(func(self *coro.Self) {
			for {
				self.Yield()
			}
		})
		l.Go(func(self *coro.Self) error {
			for _, c := range []struct {
				name string
				f    func()
			}{
				{"Yield", func() { aio.Yield(self) }},
				{"Sleep", func() { aio.Sleep(self, time.Second) }},
				{"Schedule", func() { l.Schedule(other); aio.Yield(self) }},
			} {
				c.f()
				if got := testing.AllocsPerRun(100, c.f); got != 0 {
					t.Errorf("allocations of %s: got %v, want 0", c.name, got)
				}
			}
			self.Kill(other)
			return nil
		})
		run(t, l)
	})
}

// A coroutine in Sleep costs its goroutine and a timer.
func TestMemoryOfASleeper(t *testing.T) {
	eachHandoff(t, func(t *testing.T, loop newLoop) {
		const n = 10_000
		l := loop(virtual())
		var before, during runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		for range n {
			l.Go(sleepFor(time.Hour))
		}
		l.Go(func(self *coro.Self) error {
			aio.Sleep(self, time.Second)
			runtime.GC()
			runtime.ReadMemStats(&during)
			return nil
		})
		run(t, l)
		each := int64(during.Sys-before.Sys) / n // Sys counts the stacks, too
		used := int64(during.HeapAlloc+during.StackInuse-before.HeapAlloc-before.StackInuse) / n
		t.Logf("a sleeping task takes %d B (%d B from the system)", used, each)
		if used > 4<<10 {
			t.Errorf("a sleeping task takes %d B, want at most 4 KiB", used)
		}
	})
}
