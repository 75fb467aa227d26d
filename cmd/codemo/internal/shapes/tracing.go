package shapes

import (
	"github.com/gohandoff/coroutine/cmd/codemo/internal/bench"
	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/trace"
)

// tracing compares a yield that is traced with one that is not. The one that is
// not is measured a second time: its distance from 1 shows how exact that is. What
// the question for a tracer costs needs a second build of coro to compare with, see
// the make target bench-tracing.
func tracing() []bench.Shape {
	var all []bench.Shape
	for _, h := range handoffs {
		with := coro.WithHandoff(h)
		untraced := &bench.Baseline{Name: "untraced", Unit: "ns", Runner: bench.Runner{Setup: on(yield, with)}}
		for _, s := range []bench.Shape{
			{Name: "tracing off, again", Runner: bench.Runner{Setup: on(yield, with)}},
			{Name: "tracing on", Goal: bench.Goal{Ratio: 1.5}, Runner: bench.Runner{Setup: on(yield, with, coro.WithTracer(trace.NewRing(1024)))}},
		} {
			s.Area, s.Variant, s.Unit, s.Baseline = "tracing", h.String(), "ns", untraced
			all = append(all, s)
		}
	}
	return all
}
