package blockio

import (
	"slices"
	"strings"
	"sync/atomic"

	"github.com/gohandoff/coroutine/coro"
)

// The gate: who is let in, and drained sections.
//
// Invariants:
//   - inFlight counts the requests that were let in and are not done.
//   - While somebody has the device drained, only its own requests are let in,
//     and none if there are several.
//   - Whoever could be let in is not in the queue: each event that opens the
//     gate lets in from the queue, in order, before anybody else can come.

// A gate lets requests in.
type gate struct {
	inFlight int
	drains   []drainer // who has the device drained, or waits until it is
	idle     waitList  // those of them that wait
	queue    waitList  // requests that are held

	drainers atomic.Pointer[[]*coro.Self] // those of drains, for dumps by anybody
}

// A drainer is a coroutine in a drained section, or on its way into one.
type drainer struct {
	self    *coro.Self
	depth   int          // of nested sections
	helpers []*coro.Self // who asks on its behalf
}

// letsIn reports whether self asks on behalf of who drains.
func (dr *drainer) letsIn(self *coro.Self) bool {
	return dr.self == self || slices.Contains(dr.helpers, self)
}

// open reports whether a request by self may be let in.
func (d *Device) open(self *coro.Self) bool {
	g := &d.gate
	return g.inFlight < d.opt.maxInFlight && (len(g.drains) == 0 || len(g.drains) == 1 && g.drains[0].letsIn(self))
}

// admit lets r in, as soon as that may be.
func (r *request) admit() (waited bool, err error) {
	d := r.d
	if d.open(r.self) { // so nobody in the queue could have been let in before
		d.gate.inFlight++
		r.admitted = true
		return false, nil
	}
	d.stats.held++
	for !r.admitted {
		if d.closing {
			return true, ErrClosed
		}
		r.wait(&d.gate.queue)
	}
	return true, nil
}

// leave is what the end of a request that was let in means for others.
func (r *request) leave() {
	d := r.d
	r.admitted = false
	d.gate.inFlight--
	if d.gate.queue.head != nil {
		d.letIn(r.self)
	}
	if d.gate.inFlight == 0 && d.gate.idle.head != nil {
		d.wakeAll(r.self, &d.gate.idle)
	}
}

// letIn lets in from the queue who may be. The place is theirs from now on, so
// that nobody can come between.
func (d *Device) letIn(self *coro.Self) {
	var next *request
	for r := d.gate.queue.head; r != nil && d.gate.inFlight < d.opt.maxInFlight; r = next {
		next = r.then
		if d.open(r.self) {
			r.admitted = true
			d.gate.inFlight++
			r.wake(self)
		}
	}
}

// DrainedBegin begins a drained section: it returns when no request is in flight,
// and from its call on, new requests of others are held until [Device.DrainedEnd];
// they wait, none is lost. Requests of the coroutine that has the device drained
// are let in, also those of a [Copy] or [Compare] of the device that it calls. All
// other coroutines are held, those that it has started, too: who waits in a section
// for one that asks the device for something waits for itself, which is a deadlock.
//
// Sections nest, and several coroutines may be in one at the same time; then
// requests of each wait until the others have ended theirs. A coroutine that
// terminates in a section is diagnosed ([coro.ErrLocksHeld]): end it in a
// deferred call. A coroutine that is killed in DrainedBegin leaves the device as
// if it had not called it.
//
// No event loop is nested: other coroutines run because this one has yielded.
func (d *Device) DrainedBegin(self *coro.Self) {
	r := d.request(self, OpDrain, 0, 0)
	defer r.done()
	d.drain(r)
	self.HoldLocks(1)
	r.returned = true
}

// DrainedEnd ends the drained section that self began last. When it was the last
// one, those that were held go on, in the order in which they came. It does not
// yield.
//
// It panics with a [*coro.UsageError] for [ErrNotDrained] if self is in none.
func (d *Device) DrainedEnd(self *coro.Self) {
	d.mustOwn(self, "end a drained section")
	if d.drainer(self) < 0 {
		panic(coro.NewUsageError(self, ErrNotDrained, d.name, "", "asked to end a drained section",
			"call DrainedEnd once for each DrainedBegin, in the same coroutine"))
	}
	self.HoldLocks(-1)
	d.undrain(self)
}

// Drained reports whether self has the device drained. It does not yield.
func (d *Device) Drained(self *coro.Self) bool {
	d.mustOwn(self, "tell whether it has a device drained")
	return d.drainer(self) >= 0
}

// drainer returns the place of self among those who drain, -1 if it is none.
func (d *Device) drainer(self *coro.Self) int {
	for i := range d.gate.drains {
		if d.gate.drains[i].self == self {
			return i
		}
	}
	return -1
}

// drain is DrainedBegin for r. A Close waits for the end of other sections, too.
func (d *Device) drain(r *request) {
	g := &d.gate
	for d.replacer != nil && d.replacer != r.self && r.op != OpClose {
		r.wait(&d.replacers)
	}
	if i := d.drainer(r.self); i >= 0 {
		g.drains[i].depth++
	} else {
		g.drains = append(g.drains, drainer{self: r.self, depth: 1})
		g.publish()
	}
	drained := false
	defer func() {
		if !drained {
			d.undrain(r.self)
		}
	}()
	for g.inFlight > 0 || r.op == OpClose && len(g.drains) > 1 {
		r.wait(&g.idle)
	}
	drained = true
}

// undrain takes back one drain.
func (d *Device) undrain(self *coro.Self) {
	g := &d.gate
	i := d.drainer(self)
	if g.drains[i].depth--; g.drains[i].depth > 0 {
		return
	}
	last := len(g.drains) - 1
	copy(g.drains[i:], g.drains[i+1:])
	g.drains[last] = drainer{}
	g.drains = g.drains[:last]
	g.publish()
	if g.idle.head != nil {
		d.wakeAll(self, &g.idle) // a Close may wait for this
	}
	if d.replacers.head != nil {
		d.wakeAll(self, &d.replacers)
	}
	d.letIn(self)
}

// help has helper let in as owner is, if that has the device drained, until end is
// called.
func (d *Device) help(owner, helper *coro.Self) (end func()) {
	i := d.drainer(owner)
	if i < 0 {
		return func() {}
	}
	d.gate.drains[i].helpers = append(d.gate.drains[i].helpers, helper)
	return func() {
		if i := d.drainer(owner); i >= 0 {
			helpers := &d.gate.drains[i].helpers
			*helpers = slices.DeleteFunc(*helpers, func(s *coro.Self) bool { return s == helper })
		}
	}
}

// publish has drainedBy tell who drains.
func (g *gate) publish() {
	var who []*coro.Self
	for _, dr := range g.drains {
		who = append(who, dr.self)
	}
	g.drainers.Store(&who)
}

// drainedBy names who drains, but for self; "" if nobody else does. It may be called
// by any goroutine.
func (g *gate) drainedBy(self *coro.Self) string {
	who := g.drainers.Load()
	if who == nil {
		return ""
	}
	var names []string
	for _, s := range *who {
		if s != self {
			names = append(names, s.String())
		}
	}
	return strings.Join(names, ", ")
}
