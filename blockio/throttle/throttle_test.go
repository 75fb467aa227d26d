package throttle_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/blockio/blocktest"
	"github.com/gohandoff/coroutine/blockio/mem"
	"github.com/gohandoff/coroutine/blockio/null"
	"github.com/gohandoff/coroutine/blockio/throttle"
	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/aio"
)

func TestConformance(t *testing.T) {
	for _, limits := range []string{"none", "iops=1000", "bps=1M:iops-write=100+1", "bps-read=4K:iops=50+20@80:bps-write=100K"} {
		t.Run(limits, func(t *testing.T) {
			blocktest.Run(t, func(t *testing.T, _ *coro.Self, size int64) blockio.Driver {
				return throttle.New(mem.New(size, mem.WithAlignment(512)), throttle.NewGroup(parse(t, limits)))
			}, blocktest.WithSeeds(2))
		})
	}
}

// TestEachRequestHasItsTime sends requests all at once, and looks when each is
// done.
func TestEachRequestHasItsTime(t *testing.T) {
	for _, x := range []struct {
		name, limits string
		bytes        []int
		write        bool
		want         []time.Duration
	}{
		{"no limit", "none", []int{1, 1, 1}, false, []time.Duration{0, 0, 0}},
		{"requests", "iops=10", []int{1, 1, 1, 1}, false, []time.Duration{0, 100 * ms, 200 * ms, 300 * ms}},
		{"a burst, then the rate", "iops=10+3", []int{1, 1, 1, 1, 1}, false, []time.Duration{0, 0, 0, 100 * ms, 200 * ms}},
		{"a burst of a length", "iops=10:burst=300ms", []int{1, 1, 1, 1}, false, []time.Duration{0, 0, 0, 100 * ms}},
		{"bytes", "bps=1000+100", []int{100, 50, 50, 100}, false, []time.Duration{0, 50 * ms, 100 * ms, 200 * ms}},
		{
			// 500 tokens leave a debt of 400; the bucket is full 500 ms later.
			"larger than the bucket", "bps=1000+100",
			[]int{500, 500, 100},
			false,
			[]time.Duration{0, 500 * ms, 1000 * ms},
		},
		{"a peak", "iops=10+4@20", []int{1, 1, 1, 1, 1, 1, 1, 1}, false, []time.Duration{0, 0, 50 * ms, 100 * ms, 150 * ms, 200 * ms, 300 * ms, 400 * ms}},
		{"of reads, for a read", "iops-read=10", []int{1, 1}, false, []time.Duration{0, 100 * ms}},
		{"of reads, for a write", "iops-read=10", []int{1, 1}, true, []time.Duration{0, 0}},
		{"of writes, for a write", "bps-write=1000", []int{100, 100}, true, []time.Duration{0, 100 * ms}},
		{"the stricter of two", "iops=10:bps=100+10", []int{1, 1, 20, 1}, false, []time.Duration{0, 100 * ms, 200 * ms, 310 * ms}},
	} {
		t.Run(x.name, func(t *testing.T) {
			each(t, func(t *testing.T, self *coro.Self) {
				d := open(t, self, throttle.NewGroup(parse(t, x.limits)))
				h := newHistory(self)
				var tasks []*aio.Task
				var want []string
				for i, n := range x.bytes {
					f := reads(d, n)
					if x.write {
						f = writes(d, n)
					}
					tasks = append(tasks, h.do(t, self, fmt.Sprint(i), f))
					want = append(want, fmt.Sprintf("%v %d", x.want[i], i))
				}
				wait(t, self, tasks...)
				equal(t, "times", want, h.lines)
			})
		})
	}
}

// TestAverageIsExact has no rounding add up: 7 requests a second do not fall on
// nanoseconds, 7000 of them take 1000 seconds, less the first.
func TestAverageIsExact(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		d := open(t, self, throttle.NewGroup(parse(t, "iops=7+1")))
		h := newHistory(self)
		for range 7001 {
			must(t, d.ReadAt(self, make([]byte, 1), 0))
		}
		h.note("done")
		equal(t, "time", []string{"16m40s done"}, h.lines)
	})
}

func TestRestFillsTheBucketAndNoMore(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		d := open(t, self, throttle.NewGroup(parse(t, "iops=10+2")))
		h := newHistory(self)
		for range 2 {
			for range 3 {
				must(t, d.ReadAt(self, make([]byte, 1), 0))
				h.note("read")
			}
			aio.Sleep(self, time.Hour)
		}
		equal(t, "times", []string{
			"0s read", "0s read", "100ms read", "1h0m0.1s read", "1h0m0.1s read", "1h0m0.2s read",
		}, h.lines)
	})
}

// TestDevicesTakeTurns has one device send all of its requests before the others
// come.
func TestDevicesTakeTurns(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		g := throttle.NewGroup(parse(t, "iops=10"))
		h := newHistory(self)
		var tasks []*aio.Task
		for _, x := range []struct {
			name string
			n    int
		}{{"a", 6}, {"b", 2}, {"c", 3}} {
			d := open(t, self, g)
			for i := range x.n {
				tasks = append(tasks, h.do(t, self, fmt.Sprint(x.name, i), reads(d, 1)))
			}
		}
		aio.Yield(self)
		equal(t, "statistics", throttle.Stats{Requests: 1, Throttled: 10, Waiting: 10}, g.Stats())
		wait(t, self, tasks...)
		equal(t, "times", []string{
			"0s a0", "100ms a1", "200ms b0", "300ms c0", "400ms a2", "500ms b1", "600ms c1", "700ms a3",
			"800ms c2", "900ms a4", "1s a5",
		}, h.lines)
		equal(t, "statistics", throttle.Stats{Requests: 11, Throttled: 10, Waited: 5500 * ms}, g.Stats())
	})
}

// TestManyDevicesHaveTheSameShare has devices that are never idle, with different
// numbers of coroutines.
func TestManyDevicesHaveTheSameShare(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		g := throttle.NewGroup(parse(t, "iops=1000+1"))
		const devices, seconds = 8, 4
		var done [devices]int
		var tasks []*aio.Task
		for i := range devices {
			d := open(t, self, g)
			for range 1 << i {
				tasks = append(tasks, aio.Go(self, func(self *coro.Self) error {
					for {
						if err := d.ReadAt(self, make([]byte, 512), 0); err != nil {
							return err
						}
						done[i]++
					}
				}))
			}
		}
		aio.Sleep(self, seconds*time.Second)
		for _, task := range tasks {
			self.Kill(task.Coroutine())
			_ = task.Wait(self)
		}
		// Whoever has one coroutine only joins the ring anew each time; it
		// still has a turn in each round.
		for i, n := range done {
			if share := 1000 * seconds / devices; n < share-20 || n > share+20 {
				t.Errorf("device %d has had %d turns, want about %d: %v", i, n, share, done)
			}
		}
		equal(t, "waiting", 0, g.Stats().Waiting)
	})
}

// TestLargeRequestIsNotStarved has small requests come all the while, more than
// the limit allows.
func TestLargeRequestIsNotStarved(t *testing.T) {
	for _, limits := range []string{"bps=1000+100", "bps-write=1000+100", "bps=1000+100:bps-write=800+100"} {
		t.Run(limits, func(t *testing.T) {
			each(t, func(t *testing.T, self *coro.Self) {
				g := throttle.NewGroup(parse(t, limits))
				small, large := open(t, self, g), open(t, self, g)
				var busy []*aio.Task
				for i := range 10 {
					f := writes(small, 10)
					if i%2 == 0 && limits != "bps-write=1000+100" { // reads have a limit, too
						f = reads(small, 10)
					}
					busy = append(busy, aio.Go(self, func(self *coro.Self) error {
						for {
							if err := f(self); err != nil {
								return err
							}
						}
					}))
				}
				aio.Sleep(self, 500*ms)
				start := aio.LoopOf(self).Now()
				must(t, large.WriteAt(self, make([]byte, 5000), 0))
				if took := aio.LoopOf(self).Now().Sub(start); took > 400*ms {
					t.Errorf("it had to wait %v for a bucket that is full after 100 ms", took)
				}
				for _, task := range busy {
					self.Kill(task.Coroutine())
					_ = task.Wait(self)
				}
			})
		})
	}
}

func TestReadsDoNotWaitForTheLimitOfWrites(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		g := throttle.NewGroup(parse(t, "iops-write=1:iops=100+1"))
		d := open(t, self, g)
		h := newHistory(self)
		wait(t, self,
			h.do(t, self, "w1", writes(d, 1)), h.do(t, self, "w2", writes(d, 1)),
			h.do(t, self, "r1", reads(d, 1)), h.do(t, self, "r2", reads(d, 1)))
		equal(t, "times", []string{"0s w1", "10ms r1", "20ms r2", "1s w2"}, h.lines)
	})
}

func TestFlushIsNotThrottled(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		d := open(t, self, throttle.NewGroup(parse(t, "iops=1")))
		h := newHistory(self)
		must(t, d.WriteAt(self, make([]byte, 1), 0))
		w := h.do(t, self, "write", writes(d, 1))
		aio.Yield(self)
		must(t, d.Flush(self))
		h.note("flush")
		_, _, err := d.BlockStatus(self, 0, 4096)
		must(t, err)
		h.note("status")
		wait(t, self, w)
		equal(t, "times", []string{"0s flush", "0s status", "1s write"}, h.lines)
	})
}

func TestDiscardAndZeroesCostARequestAndNoBytes(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		d, err := blockio.Open(self, throttle.New(mem.New(1<<30), throttle.NewGroup(parse(t, "iops=10:bps=1"))))
		must(t, err)
		h := newHistory(self)
		for range 2 {
			must(t, d.Discard(self, 0, 1<<30))
			h.note("discard")
			must(t, d.WriteZeroes(self, 0, 1<<30, 0))
			h.note("zeroes")
		}
		equal(t, "times", []string{"0s discard", "100ms zeroes", "200ms discard", "300ms zeroes"}, h.lines)
	})
}

// plain can do no more than a driver must.
type plain struct{ blockio.Driver }

func TestWhatIsNotSupportedCostsNothing(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		g := throttle.NewGroup(parse(t, "iops=1"))
		d, err := blockio.Open(self, throttle.New(plain{null.New(4096)}, g))
		must(t, err)
		must(t, d.Discard(self, 0, 4096))
		if err := d.WriteZeroes(self, 0, 4096, blockio.NoFallback); !errors.Is(err, blockio.ErrNotSupported) {
			t.Errorf("zeroes without a fallback: got %v, want %v", err, blockio.ErrNotSupported)
		}
		equal(t, "requests", 0, g.Stats().Requests)
	})
}

func TestThrottledRequestAllocatesNothing(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		for _, limits := range []string{"iops=1M+1G", "iops=1000+1"} {
			d := open(t, self, throttle.NewGroup(parse(t, limits)))
			p := make([]byte, 512)
			f := func() { _ = d.ReadAt(self, p, 0) }
			f()
			// The timer of the one who sleeps is the loop's.
			slept := testing.AllocsPerRun(100, func() { aio.Sleep(self, ms) })
			if limits == "iops=1M+1G" {
				slept = 0
			}
			if n := testing.AllocsPerRun(100, f); n > slept {
				t.Errorf("%s: got %v allocations, want %v", limits, n, slept)
			}
		}
	})
}
