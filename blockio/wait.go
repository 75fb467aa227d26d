package blockio

import "github.com/gohandoff/coroutine/coro"

// A waitList is a queue of requests whose coroutines are parked. It is linked
// through the requests, so that to wait allocates nothing.
type waitList struct{ head, tail *request }

func (l *waitList) push(r *request) {
	r.in, r.before = l, l.tail
	if l.tail == nil {
		l.head = r
	} else {
		l.tail.then = r
	}
	l.tail = r
}

func (l *waitList) remove(r *request) {
	if r.before == nil {
		l.head = r.then
	} else {
		r.before.then = r.then
	}
	if r.then == nil {
		l.tail = r.before
	} else {
		r.then.before = r.before
	}
	r.in, r.before, r.then = nil, nil, nil
}

// wait parks the request in l. It returns when the request was woken, or entered
// by somebody else: the caller looks again whether it may go on. A request that
// is killed here leaves the list.
func (r *request) wait(l *waitList) {
	r.co = r.self.Coroutine() // keeps the handle, which others may have dropped
	r.why = l.why(r.d)
	if r.span != 0 {
		waitSpan.Begin(r.self, r.span, r.d.name+": "+r.why)
	}
	l.push(r)
	defer func() {
		if r.in != nil {
			r.in.remove(r)
		}
		r.co = nil
		if r.span != 0 {
			waitSpan.End(r.self, r.span, "")
		}
	}()
	r.self.Park(r)
	r.why = ""
}

// wake takes r off its list and has it go on when self yields.
func (r *request) wake(self *coro.Self) {
	co := r.co
	r.in.remove(r)
	if !co.Scheduled() {
		self.Wake(co)
	}
}

// wakeAll wakes all that are in l now.
func (d *Device) wakeAll(self *coro.Self, l *waitList) {
	// The list is emptied first: a leader's wake runs the coroutine at once,
	// which may join again.
	for n := l.len(); n > 0 && l.head != nil; n-- {
		l.head.wake(self)
	}
}

func (l *waitList) len() (n int) {
	for r := l.head; r != nil; r = r.then {
		n++
	}
	return n
}

// What may be because of a drained section.
const (
	whyDrained  = "for a drained section to end"
	whyReplaced = "for a drained section to end, or for another driver to be in place"
)

// why says what those in l wait for.
func (l *waitList) why(d *Device) string {
	switch l {
	case &d.gate.queue:
		if len(d.gate.drains) > 0 {
			return whyDrained
		}
		return "for others to be done, because of the limit of requests in flight"
	case &d.gate.idle:
		return "until nothing is in flight"
	case &d.writes.queue:
		return "for another flush"
	case &d.closers:
		return "for another close"
	case &d.replacers:
		return whyReplaced
	}
	return "for a request that overlaps"
}

// Holders returns the coroutines that r waits for, so that a deadlock report can
// name a cycle; see [coro.Waiting].
func (r *request) Holders() []*coro.Coroutine {
	d := r.d
	var hs []*coro.Coroutine
	add := func(self *coro.Self) {
		if co := self.Coroutine(); co != nil && self != r.self {
			hs = append(hs, co)
		}
	}
	switch r.in {
	case &d.gate.queue:
		for _, dr := range d.gate.drains {
			add(dr.self)
		}
	case &d.replacers:
		for _, dr := range d.gate.drains {
			add(dr.self)
		}
		return hs
	case &d.gate.idle, nil, &d.writes.queue, &d.closers:
	default:
		if q := r.conflict(); q != nil {
			add(q.self)
		}
		return hs
	}
	if len(hs) == 0 {
		for q := d.tracked.head; q != nil; q = q.next {
			add(q.self)
		}
	}
	return hs
}
