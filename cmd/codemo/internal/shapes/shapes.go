// Package shapes is what codemo measures: one file an area, and in it a table of
// shapes. To add a shape, add a line to a table; to add an area, write a file
// with a table and name it in [All].
//
// Every shape has its raw baseline beside it: what Go itself needs for the like,
// written as plainly as it can be. The goals are those of the project; a shape
// without one is there to be compared.
package shapes

import (
	"slices"

	"github.com/gohandoff/coroutine/cmd/codemo/internal/bench"
	"github.com/gohandoff/coroutine/coro"
)

// All returns every shape, in the order in which they are shown.
func All() []bench.Shape {
	return slices.Concat(core(), roundRobin(), locks(), loops(), blocks(), direct(), tracing(), parked())
}

// handoffs are in the order in which they are shown, the faster first.
var handoffs = []coro.Handoff{coro.Direct, coro.Channel}

// rawSwitch returns what the handoff h is made of: the floor under it.
func rawSwitch(h coro.Handoff) *bench.Baseline {
	if h == coro.Direct {
		return rawNext
	}
	return rawPair
}

// only returns g for the direct handoff, and no goal for the other.
func only(h coro.Handoff, g float64) bench.Goal {
	if h == coro.Direct {
		return bench.Goal{Ratio: g}
	}
	return bench.Goal{}
}

// on makes a Setup whose op is made by make on a thread of its own.
func on(make func(t *coro.Thread) func(n int), opts ...coro.Option) func() (func(int), func()) {
	return func() (func(int), func()) {
		t := coro.NewThread(opts...)
		op := make(t)
		return op, func() {
			if err := t.Close(); err != nil {
				panic(err) // no shape has deferred calls that could fail
			}
		}
	}
}
