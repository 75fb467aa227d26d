package blockio

import (
	"fmt"
	"strings"

	"github.com/gohandoff/coroutine/coro/trace"
)

// Events: what a traced thread tells of the requests of a device. Each request
// is a span from its call to its end, however it ends, and each time for which
// it waits for others of the device is a span within. A thread that is not traced
// pays for one comparison at either end.

// spans are those of the requests, by Op; Open is none.
var spans = [numOps]trace.Span{
	OpRead:      trace.NewSpan("block-read"),
	OpWrite:     trace.NewSpan("block-write"),
	OpFlush:     trace.NewSpan("block-flush"),
	OpDiscard:   trace.NewSpan("block-discard"),
	OpZeroes:    trace.NewSpan("block-zeroes"),
	OpStatus:    trace.NewSpan("block-status"),
	OpWriteback: trace.NewSpan("block-writeback"),
	OpResize:    trace.NewSpan("block-resize"),
	OpClose:     trace.NewSpan("block-close"),
	OpDrain:     trace.NewSpan("block-drain"),
	OpReplace:   trace.NewSpan("block-replace"),
	OpDo:        trace.NewSpan("block-work"),
}

// waitSpan is that of a request that waits for others. It has the number of the
// request, which waits for one thing at a time.
var waitSpan = trace.NewSpan("block-wait")

// traceBegin tells that the request begins. The number is one of the loop's, not
// of the device: a request may be on top of another of the same kind, which
// a number of each device could not tell apart.
func (r *request) traceBegin() {
	r.span = r.d.loop.NextNumber()
	detail := r.d.name
	switch {
	case r.op == OpResize:
		detail += fmt.Sprintf(": to %d bytes", r.n)
	case r.op.ranged():
		detail += fmt.Sprintf(": %d bytes at %d", r.n, r.off)
	}
	spans[r.op].Begin(r.self, r.span, detail)
}

// traceEnd tells how the request ends.
func (r *request) traceEnd() {
	detail := "ok"
	switch {
	case !r.returned:
		detail = "unwound" // killed, or a panic goes through it
	case r.err != nil:
		detail = strings.ReplaceAll(r.err.Error(), "\n", "; ")
	}
	spans[r.op].End(r.self, r.span, detail)
	r.span = 0
}
