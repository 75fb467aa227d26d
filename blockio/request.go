package blockio

import (
	"fmt"
	"time"

	"github.com/gohandoff/coroutine/coro"
)

// A request is one call of a method of a Device, from its begin to its end.
//
// Its life: request checks who calls; check, what is asked for; admit lets it in,
// which a drained section or the limit of requests in flight delays; track
// lets it go where no other must be waited for; calls of the driver follow; done
// undoes all that, however the call ends: by returning, by a kill, by a panic of
// the driver.
//
// What depends on the driver, its limits and what it can do, is looked at when
// the request has been let in: before that, Replace may exchange it.
//
// Invariants:
//   - A request that is admitted is counted in gate.inFlight, until done.
//   - A request that is tracked is in tracker's list, until done.
//   - A request is in one waitList at most, and then its coroutine is parked in
//     wait, or has been woken by somebody who does not know of the list.
type request struct {
	d     *Device
	self  *coro.Self
	op    Op
	off   int64
	n     int64
	begun time.Time
	span  uint64 // its number in a trace, 0 if there is none

	part     Part // the driver's call that goes on, or that failed
	err      error
	returned bool // result was called
	dirty    bool // the driver was asked to change something

	admitted bool

	// See tracker.
	tracked    bool
	serial     bool
	lo, hi     int64
	prev, next *request
	waiting    waitList // the requests that wait for this one

	// See waitList.
	co           *coro.Coroutine
	in           *waitList
	before, then *request
	why          string // what it waits for; stays if it is killed there

	one [1][]byte // what ReadAt and WriteAt were given, as a vector
}

// mustOwn panics unless self runs, on the loop that the device was opened on. verb
// says what it wants.
func (d *Device) mustOwn(self *coro.Self, verb string) {
	if self == nil {
		self = new(coro.Self) // of which MustRun tells that nobody made it
	}
	self.MustRun(verb)
	if self.Thread() != d.thread {
		panic(coro.NewUsageError(self, ErrElsewhere, d.name, "opened on "+d.loop.Name(), "asked to "+verb,
			"open it on the loop that uses it, or move there with aio.Reschedule"))
	}
}

// request begins a request of self.
func (d *Device) request(self *coro.Self, op Op, off, n int64) *request {
	d.mustOwn(self, op.String())
	r := d.freeReqs
	if r == nil {
		r = &request{d: d}
	} else {
		d.freeReqs = r.next
		r.next = nil
	}
	r.self, r.op, r.off, r.n = self, op, off, n
	r.begun = d.loop.Now()
	if d.thread.Traced() {
		r.traceBegin()
	}
	return r
}

// check tells what is wrong with a request at this time.
func (r *request) check() error {
	d := r.d
	if d.closing {
		return ErrClosed
	}
	if d.readOnly && r.op.changes() {
		return ErrReadOnly
	}
	// In this order nothing can overflow.
	if r.off < 0 || r.n < 0 || r.n > d.size || r.off > d.size-r.n {
		return fmt.Errorf("%w: the size is %d", ErrOutOfRange, d.size)
	}
	return nil
}

// enter checks a request on a range and lets it in. The device stands on the
// same driver until the request is done.
func (r *request) enter() error {
	if err := r.check(); err != nil {
		return err
	}
	waited, err := r.admit()
	if err != nil || !waited {
		return err
	}
	if r.d.readOnly && r.op.changes() { // by now, with another driver
		return ErrReadOnly
	}
	return r.fits()
}

// fits checks the range again after the request has waited, since the size may
// have changed meanwhile. A Close that has begun meanwhile waits for us.
func (r *request) fits() error {
	if r.n > r.d.size || r.off > r.d.size-r.n {
		return fmt.Errorf("%w: the size is %d by now", ErrOutOfRange, r.d.size)
	}
	return nil
}

// occupy has a request that was let in wait for its range. A serialising request
// has whole blocks for itself, that is the range rounded outwards.
func (r *request) occupy(serial bool) error {
	r.lo, r.hi = r.off, r.off+r.n
	if serial {
		r.lo, r.hi = r.d.floor(r.lo), r.d.ceil(r.hi)
	}
	if r.track(serial) {
		return r.fits()
	}
	return nil
}

// result makes err the result of the request, and returns it as an OpError.
func (r *request) result(err error) error {
	r.returned = true
	if err == nil {
		return nil
	}
	r.err = err
	e := &OpError{Op: r.op, Device: r.d.name, Offset: r.off, Length: r.n, Err: err}
	if r.part.Op != OpNone {
		e.Part = r.part
	}
	return e
}

// done ends a request. It is deferred, and does not yield.
func (r *request) done() {
	d := r.d
	if r.dirty {
		d.writes.gen++
		r.dirty = false
	}
	if r.tracked {
		r.untrack()
	}
	if r.admitted {
		r.leave()
	}
	d.stats.record(r, d.loop.Now())
	if r.span != 0 {
		r.traceEnd()
	}
	r.self, r.err, r.returned, r.serial = nil, nil, false, false
	r.part.Op = OpNone
	if r.one[0] != nil {
		r.one[0] = nil
	}
	if r.why != "" {
		return // a deadlock report may still have to describe it
	}
	r.next = d.freeReqs
	d.freeReqs = r
}

// String says what the request is, for dumps and deadlock reports.
func (r *request) String() string {
	s := fmt.Sprintf("%v on %s", r.op, r.d.name)
	if r.op.ranged() {
		s = fmt.Sprintf("%v of %d bytes at %d on %s", r.op, r.n, r.off, r.d.name)
	}
	if r.why != "" {
		s += ", which waits " + r.why
		if r.why == whyDrained || r.why == whyReplaced {
			if who := r.d.gate.drainedBy(r.self); who != "" {
				s += " (drained by " + who + ")"
			}
		}
	}
	return s
}

// floor rounds off down to a block's begin.
func (d *Device) floor(off int64) int64 { return off &^ int64(d.mask) }

// ceil rounds off up to a block's end; Open has made sure that nothing overflows
// for what is inside the size.
func (d *Device) ceil(off int64) int64 { return (off + int64(d.mask)) &^ int64(d.mask) }
