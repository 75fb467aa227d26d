package blockio

import (
	"fmt"
	"strings"
	"text/tabwriter"
	"time"
)

// Stats are what a device has done since it was opened.
type Stats struct {
	// Ops has what was done of each operation, by Op.
	Ops [numOps]OpStats
	// InFlight is how many requests go on.
	InFlight int
	// Held is how many requests had to wait for a drained section or because
	// of the limit of requests in flight.
	Held uint64
	// Serialised is how many requests had to wait for another that overlaps.
	Serialised uint64
	// ReadModifyWrites is how many writes had to read what is around.
	ReadModifyWrites uint64
	// BouncedBytes is how much was copied through buffers.
	BouncedBytes uint64
	// DriverFlushes is how often the driver was asked to flush.
	DriverFlushes uint64
}

// OpStats are the figures of one operation.
type OpStats struct {
	// Requests is how many are done, those that failed or were killed
	// included; Bytes is the length of those that succeeded.
	Requests, Bytes uint64
	// Errors is how many failed; Killed, how many ended because their
	// coroutine was killed or panicked.
	Errors, Killed uint64
	// Latency is how long they took, from call to return, by the loop's
	// clock.
	Latency Histogram
}

// stats is what the Device keeps; an operation that does not occur takes no
// memory.
type stats struct {
	ops                                 [numOps]*OpStats
	held, serialised, modified, bounced uint64
}

// record counts a request that is done.
func (s *stats) record(r *request, now time.Time) {
	o := s.ops[r.op]
	if o == nil {
		o = new(OpStats)
		s.ops[r.op] = o
	}
	o.Requests++
	switch {
	case !r.returned:
		o.Killed++
	case r.err != nil:
		o.Errors++
	case r.op.ranged():
		o.Bytes += uint64(r.n)
	}
	o.Latency.Add(now.Sub(r.begun))
}

// Stats returns the statistics as they are now. It belongs to the device's loop,
// like the other methods, but does not yield.
func (d *Device) Stats() *Stats {
	s := &Stats{
		InFlight: d.gate.inFlight, Held: d.stats.held, Serialised: d.stats.serialised,
		ReadModifyWrites: d.stats.modified, BouncedBytes: d.stats.bounced, DriverFlushes: d.writes.calls,
	}
	for op, o := range d.stats.ops {
		if o != nil {
			s.Ops[op] = *o
		}
	}
	return s
}

// Op returns the figures of one operation, all zero for one that there is not.
func (s *Stats) Op(op Op) *OpStats {
	if op >= numOps {
		return new(OpStats)
	}
	return &s.Ops[op]
}

// String gives a table, one line for each operation that occurred.
func (s *Stats) String() string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "operation\trequests\tbytes\terrors\tkilled\tmean\tp50\tp99\tp99.9\tmax\t")
	for op := range s.Ops {
		o := &s.Ops[op]
		if o.Requests == 0 {
			continue
		}
		l := &o.Latency
		fmt.Fprintf(w, "%v\t%d\t%d\t%d\t%d\t%v\t%v\t%v\t%v\t%v\t\n", Op(op), o.Requests, o.Bytes, o.Errors, o.Killed,
			brief(l.Mean()), brief(l.Quantile(0.5)), brief(l.Quantile(0.99)), brief(l.Quantile(0.999)), brief(l.Max()))
	}
	w.Flush()
	fmt.Fprintf(&b, "in flight %d, held %d, serialised %d, read-modify-writes %d, bounced %d bytes, driver flushes %d\n",
		s.InFlight, s.Held, s.Serialised, s.ReadModifyWrites, s.BouncedBytes, s.DriverFlushes)
	return b.String()
}

// brief rounds to two digits, which is what a histogram can tell.
func brief(d time.Duration) time.Duration {
	unit := time.Duration(1)
	for d/unit >= 100 {
		unit *= 10
	}
	return d.Round(unit)
}
