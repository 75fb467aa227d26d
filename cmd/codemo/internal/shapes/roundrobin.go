package shapes

import (
	"github.com/gohandoff/coroutine/cmd/codemo/internal/bench"
	"github.com/gohandoff/coroutine/coro"
)

// roundRobin enters many suspended coroutines in turn: what is measured, beside
// the switch, is the memory that each one touches.
func roundRobin() []bench.Shape {
	var all []bench.Shape
	for _, h := range handoffs {
		for _, n := range []int{1_000, 10_000, 30_000, 1_000_000} {
			s := bench.Shape{
				Area: "round robin", Name: "round robin " + short(n), Variant: h.String(), Unit: "ns",
				Baseline: rawRobin(h, n), Long: n > 100_000,
				Runner: bench.Runner{Lap: n, Setup: on(robin(n), coro.WithHandoff(h))},
			}
			if n >= 30_000 {
				s.Goal = only(h, 1.2)
			}
			all = append(all, s)
		}
	}
	return all
}

func robin(n int) func(t *coro.Thread) func(int) {
	return func(t *coro.Thread) func(int) {
		cos := make([]*coro.Coroutine, n)
		for i := range cos {
			cos[i] = t.New(yielder)
		}
		leader := t.Leader()
		return func(ops int) {
			for range ops / n {
				for _, co := range cos {
					leader.Enter(co)
				}
			}
		}
	}
}
