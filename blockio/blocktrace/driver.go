package blocktrace

import (
	"fmt"
	"strings"
	"time"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/aio"
	"github.com/gohandoff/coroutine/coro/trace"
)

// An Event is the begin or the end of a call.
type Event struct {
	// Number tells the calls of a driver apart: 1, 2, 3 and so on.
	Number uint64
	// Done is set at the end.
	Done bool
	// Op, Offset, Length and Flags are what is asked; of a resize, Length is
	// the new size.
	Op             blockio.Op
	Offset, Length int64
	Flags          blockio.Flags
	// Time is that of the loop's clock, now.
	Time time.Time
	// InFlight is how many calls go on now: with this one at its begin,
	// without it at its end.
	InFlight int
	// Latency is how long the call took, Err what it returned, and Unwound is
	// set if it did not return, because its coroutine was killed or a panic
	// went through it. They are zero at the begin.
	Latency time.Duration
	Err     error
	Unwound bool
}

// result is "ok", the error or "unwound".
func (e *Event) result() string {
	switch {
	case e.Unwound:
		return "unwound"
	case e.Err != nil:
		return strings.ReplaceAll(e.Err.Error(), "\n", "; ")
	}
	return "ok"
}

// what is the range and the flags: "write 512 bytes at 0, fua".
func (e *Event) what() string {
	s := ""
	switch e.Op {
	case blockio.OpFlush, blockio.OpClose:
	case blockio.OpResize:
		s = fmt.Sprintf("to %d bytes", e.Length)
	default:
		s = fmt.Sprintf("%d bytes at %d", e.Length, e.Offset)
	}
	if e.Flags != 0 {
		s += ", " + e.Flags.String()
	}
	return s
}

// String gives the event without its time: "#3 read 512 bytes at 0 (2 in flight)",
// "#3 read 512 bytes at 0: ok after 1ms (1 in flight)".
func (e Event) String() string {
	s := strings.TrimSuffix(fmt.Sprintf("#%d %v %s", e.Number, e.Op, e.what()), " ")
	if e.Done {
		s += fmt.Sprintf(": %s after %v", e.result(), e.Latency)
	}
	return fmt.Sprintf("%s (%d in flight)", s, e.InFlight)
}

// A Driver is a filter that tells of each call. Make one with [New]. Its methods
// are called by a [blockio.Device]; they yield where the driver below does.
type Driver struct {
	blockio.Filter
	tell     func(Event)
	calls    uint64
	inFlight int
}

// New puts a trace on top of driver, which it owns from then on. tell is called
// at the begin and the end of each call, on the coroutine that makes it; it must
// not yield. It may be nil: then there are spans only, if the thread is traced.
// New may be called anywhere and does not yield. It panics if driver is nil.
func New(driver blockio.Driver, tell func(Event)) *Driver {
	if driver == nil {
		panic("blocktrace: New with a nil Driver")
	}
	return &Driver{Filter: blockio.Filter{Driver: driver}, tell: tell}
}

// String returns "trace".
func (d *Driver) String() string { return "trace" }

// InFlight returns how many calls go on. It belongs to the loop, and does not
// yield.
func (d *Driver) InFlight() int { return d.inFlight }

// spans are those of the calls, by Op.
var spans = map[blockio.Op]trace.Span{
	blockio.OpRead:      trace.NewSpan("driver-read"),
	blockio.OpWrite:     trace.NewSpan("driver-write"),
	blockio.OpFlush:     trace.NewSpan("driver-flush"),
	blockio.OpDiscard:   trace.NewSpan("driver-discard"),
	blockio.OpZeroes:    trace.NewSpan("driver-zeroes"),
	blockio.OpStatus:    trace.NewSpan("driver-status"),
	blockio.OpWriteback: trace.NewSpan("driver-writeback"),
	blockio.OpResize:    trace.NewSpan("driver-resize"),
	blockio.OpClose:     trace.NewSpan("driver-close"),
}

// A call goes on.
type call struct {
	e        Event
	span     uint64 // its number in a trace, 0 if there is none
	returned bool
}

// begin tells of the begin of a call.
func (d *Driver) begin(self *coro.Self, op blockio.Op, off, n int64, flags blockio.Flags) call {
	loop := aio.LoopOf(self)
	d.calls++
	d.inFlight++
	c := call{e: Event{
		Number: d.calls, Op: op, Offset: off, Length: n, Flags: flags, Time: loop.Now(), InFlight: d.inFlight,
	}}
	if self.Thread().Traced() {
		c.span = loop.NextNumber()
		spans[op].Begin(self, c.span, strings.TrimSuffix(d.Driver.String()+": "+c.e.what(), ": "))
	}
	if d.tell != nil {
		d.tell(c.e)
	}
	return c
}

// end tells of its end. It is deferred.
func (d *Driver) end(self *coro.Self, c *call, err *error) {
	d.inFlight--
	now := aio.LoopOf(self).Now()
	e := c.e
	e.Done, e.InFlight = true, d.inFlight
	e.Latency, e.Time = now.Sub(e.Time), now
	if e.Unwound = !c.returned; c.returned {
		e.Err = *err
	}
	if c.span != 0 {
		spans[e.Op].End(self, c.span, e.result())
	}
	if d.tell != nil {
		d.tell(e)
	}
}
