package trace

import (
	"fmt"
	"slices"

	"github.com/gohandoff/coroutine/coro"
)

// Join makes one tracer of several, since a thread has one: a [Ring] that is left
// on and a [Stream], say. Each is told of every step, in the order given. Join
// panics if one of them is nil.
func Join(tracers ...coro.Tracer) coro.Tracer {
	for i, t := range tracers {
		needs(t != nil, "Join", fmt.Sprintf("tracer %d", i+1))
	}
	return joined(slices.Clone(tracers))
}

type joined []coro.Tracer

// Trace implements [coro.Tracer].
func (j joined) Trace(e coro.Event) {
	for _, t := range j {
		t.Trace(e)
	}
}
