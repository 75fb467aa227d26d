package shapes

import (
	"github.com/gohandoff/coroutine/cmd/codemo/internal/bench"
	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/trace"
)

// tracing compares a yield with itself. Off is the same work twice, as no build
// without the check for a tracer exists to compare with: its distance from 1 is
// what can be measured at all.
func tracing() []bench.Shape {
	var all []bench.Shape
	for _, h := range handoffs {
		with := coro.WithHandoff(h)
		untraced := &bench.Baseline{Name: "untraced", Unit: "ns", Runner: bench.Runner{Setup: on(yield, with)}}
		for _, s := range []bench.Shape{
			{Name: "tracing off", Goal: bench.Goal{Ratio: 1.02}, Runner: bench.Runner{Setup: on(yield, with, coro.WithTracer(nil))}},
			{Name: "tracing on", Goal: bench.Goal{Ratio: 1.5}, Runner: bench.Runner{Setup: on(yield, with, coro.WithTracer(trace.NewRing(1024)))}},
		} {
			s.Area, s.Variant, s.Unit, s.Baseline = "tracing", h.String(), "ns", untraced
			all = append(all, s)
		}
	}
	return all
}
