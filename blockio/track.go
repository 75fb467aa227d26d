package blockio

// The tracker: which requests are on which ranges, and who waits for whom.
//
// Two requests conflict if their ranges overlap and one of them is serialising.
// A request waits for those that came before it and conflict with it, also for
// those that wait themselves. Since everybody waits only for those that came
// before, nobody waits in a ring; since nobody overtakes, nobody waits for
// ever.
//
// While no request is serialising, which is the rule, to track is to link
// into a list: no search, no map, no lock, no allocation.

// A tracker is the list of requests on ranges, in the order of arrival.
type tracker struct {
	head, tail *request
	serial     int // how many of them are serialising
}

// track adds r and waits for its turn. It reports whether it had to wait.
func (r *request) track(serial bool) (waited bool) {
	t := &r.d.tracked
	r.tracked, r.serial = true, serial
	r.prev = t.tail
	if t.tail == nil {
		t.head = r
	} else {
		t.tail.next = r
	}
	t.tail = r
	if serial {
		t.serial++
	}
	if t.serial == 0 {
		return false
	}
	for q := r.conflict(); q != nil; q = r.conflict() {
		if !waited {
			r.d.stats.serialised++
		}
		waited = true
		r.wait(&q.waiting)
	}
	return waited
}

// conflict returns the first request that r has to wait for, nil if there is
// none.
func (r *request) conflict() *request {
	for q := r.d.tracked.head; q != r; q = q.next {
		if (q.serial || r.serial) && q.lo < r.hi && r.lo < q.hi {
			return q
		}
	}
	return nil
}

// untrack takes r off the list and lets those go that waited for it.
func (r *request) untrack() {
	t := &r.d.tracked
	if r.prev == nil {
		t.head = r.next
	} else {
		r.prev.next = r.next
	}
	if r.next == nil {
		t.tail = r.prev
	} else {
		r.next.prev = r.prev
	}
	r.prev, r.next, r.tracked = nil, nil, false
	if r.serial {
		t.serial--
	}
	if r.waiting.head != nil {
		r.d.wakeAll(r.self, &r.waiting)
	}
}
