package shapes

import (
	"github.com/gohandoff/coroutine/cmd/codemo/internal/bench"
	"github.com/gohandoff/coroutine/coro"
)

// depth is how deep coroutines are nested, as in QEMU's own measurement.
const depth = 1000

func core() []bench.Shape {
	var all []bench.Shape
	for _, h := range handoffs {
		with := coro.WithHandoff(h)
		yieldGoal := bench.Goal{Ratio: 1.35}
		if h == coro.Channel {
			yieldGoal.Ratio = 1.15
		}
		for _, s := range []bench.Shape{
			{Name: "yield", Goal: yieldGoal, Runner: bench.Runner{Setup: on(yield, with)}},
			{Name: "lifecycle, pooled", Goal: only(h, 1.8), Runner: bench.Runner{Setup: on(lifecycle, with)}},
			{Name: "cost", Goal: only(h, 3.2), Runner: bench.Runner{Setup: on(cost, with)}},
			{Name: "nesting, pooled", Goal: only(h, 2.5), Runner: bench.Runner{Lap: depth, Setup: on(nesting, with, coro.WithPool(depth))}},
			{Name: "nesting, no pool", Goal: only(h, 10), Runner: bench.Runner{Lap: depth, Setup: on(nesting, with, coro.WithPool(0))}},
			{Name: "wake chain", Goal: only(h, 1.6), Runner: bench.Runner{Setup: on(wakeChain, with)}},
		} {
			s.Area, s.Variant, s.Unit, s.Baseline = "core", h.String(), "ns", rawSwitch(h)
			all = append(all, s)
		}
	}
	// What the floor itself is, in calls: for the reader, not for a goal.
	return append(all, bench.Shape{
		Area: "core", Name: "raw next", Unit: "ns", Baseline: rawCall, Runner: rawNext.Runner,
	})
}

// yield: one Enter and one Yield.
func yield(t *coro.Thread) func(int) {
	co := t.New(yielder)
	leader := t.Leader()
	return func(n int) {
		for range n {
			leader.Enter(co)
		}
	}
}

func yielder(self *coro.Self) {
	for {
		self.Yield()
	}
}

// lifecycle: New, Enter, terminate.
func lifecycle(t *coro.Thread) func(int) {
	leader := t.Leader()
	return func(n int) {
		for range n {
			leader.Enter(leader.New(nothing))
		}
	}
}

func nothing(*coro.Self) {}

// cost: New, Enter, Yield, Enter, terminate.
func cost(t *coro.Thread) func(int) {
	leader := t.Leader()
	return func(n int) {
		for range n {
			co := leader.New(once)
			leader.Enter(co)
			leader.Enter(co)
		}
	}
}

func once(self *coro.Self) { self.Yield() }

// nesting: each coroutine creates and enters the next, a thousand deep, and all
// terminate; one operation is one level.
func nesting(t *coro.Thread) func(int) {
	leader := t.Leader()
	left := 0
	var level coro.Entry
	level = func(self *coro.Self) {
		if left--; left > 0 {
			self.Enter(self.New(level))
		}
	}
	return func(n int) {
		for range n / depth {
			left = depth
			leader.Enter(leader.New(level))
		}
	}
}

// wakeChain: each coroutine of a ring wakes the next one and yields.
func wakeChain(t *coro.Thread) func(int) {
	ring := make([]*coro.Coroutine, 16)
	left := 0
	for i := range ring {
		ring[i] = t.New(func(self *coro.Self) {
			next := ring[(i+1)%len(ring)]
			for {
				if left--; left > 0 {
					self.Wake(next)
				}
				self.Yield()
			}
		})
	}
	leader := t.Leader()
	return func(n int) {
		left = n
		leader.Enter(ring[0])
	}
}
