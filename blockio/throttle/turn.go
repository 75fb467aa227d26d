package throttle

import (
	"slices"
	"time"

	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/aio"
)

// A kind of request has limits of its own.
type kind uint8

const (
	read kind = iota
	write
)

// A member is a driver of a group: who waits there, by kind, in order.
type member struct {
	g      *Group
	queues [2]struct{ head, tail *waiter }
}

func (m *member) empty() bool { return m.queues[read].head == nil && m.queues[write].head == nil }

// heads returns the first of each kind, who came first first.
func (m *member) heads() [2]*waiter {
	r, w := m.queues[read].head, m.queues[write].head
	if r != nil && w != nil && w.seq < r.seq {
		return [2]*waiter{w, r}
	}
	return [2]*waiter{r, w}
}

func (m *member) unring() {
	i := slices.Index(m.g.ring, m)
	m.g.ring = slices.Delete(m.g.ring, i, i+1)
}

// A waiter is a request that waits for its turn.
type waiter struct {
	m     *member
	kind  kind
	bytes int64
	seq   uint64

	self         *coro.Self
	co           *coro.Coroutine
	sleep        aio.Sleeper // if it is the keeper
	before, then *waiter     // in its queue
	queued       bool
	parked       bool
	granted      uint64 // Group.sets when it got its turn, 0 if it has not
}

// turn waits for the turn of a request.
func (m *member) turn(self *coro.Self, k kind, bytes int64) {
	g := m.g
	now := g.bind(self)
	if len(g.ring) == 0 && max(g.all.ready(bytes), g.kinds[k].ready(bytes)) <= now {
		g.pass(now, k, bytes)
		return
	}
	m.wait(self, k, bytes, now)
}

// wait is turn for a request that others are before, or that has to wait.
func (m *member) wait(self *coro.Self, k kind, bytes, now int64) {
	g := m.g
	w := g.free
	if w == nil {
		w = &waiter{}
	} else {
		g.free, w.then = w.then, nil
	}
	g.seq++
	w.m, w.kind, w.bytes, w.seq = m, k, bytes, g.seq
	w.self, w.co = self, self.Coroutine()
	w.join()
	through, throttled := false, false
	defer func() {
		if through {
			g.stats.Waited += time.Duration(g.now(aio.LoopOf(self)) - now)
		} else {
			w.killed()
			if throttled {
				g.stats.Throttled--
			}
		}
		if g.keeper == w {
			g.keeper = nil
			g.elect(self)
		}
		w.self, w.co, w.granted = nil, nil, 0
		w.then, g.free = g.free, w
	}()
	due := g.due
	g.dispatch(self, now)
	if w.granted == 0 {
		throttled = true
		g.stats.Throttled++
	}
	if g.keeper != nil && g.keeper != w && g.due < due {
		g.keeper.sleep.Wake() // what came now can go earlier
	}
	for w.granted == 0 {
		if g.keeper == nil {
			g.keeper = w
		}
		if g.keeper == w {
			now := g.now(aio.LoopOf(self))
			if g.due > now {
				w.sleep.Sleep(self, time.Duration(g.due-now))
			}
			g.dispatch(self, g.now(aio.LoopOf(self)))
		} else {
			w.parked = true
			self.Park(w)
			w.parked = false
		}
	}
	through = true
}

// killed takes back all that w did.
func (w *waiter) killed() {
	g := w.m.g
	w.parked = false
	if w.queued {
		w.leave()
	}
	if w.granted == g.sets { // the limits are those that it took from
		g.refuse(w.kind, w.bytes)
	}
	if g.keeper != nil && g.keeper != w {
		g.keeper.sleep.Wake() // who was behind it may go
	}
}

// elect makes one of those who wait the keeper, if there are any.
func (g *Group) elect(self *coro.Self) {
	if len(g.ring) == 0 {
		return
	}
	for _, w := range g.ring[0].heads() {
		if w != nil {
			g.keeper = w
			g.due = 0 // has it look at once
			w.wake(self)
			return
		}
	}
}

// wake has w go on when self yields.
func (w *waiter) wake(self *coro.Self) {
	switch {
	case !w.parked:
		w.sleep.Wake()
	case !w.co.Scheduled():
		self.Wake(w.co)
	}
}

// join puts w at the end of its queue, and its member into the ring.
func (w *waiter) join() {
	m := w.m
	if m.empty() {
		m.g.ring = append(m.g.ring, m)
	}
	q := &m.queues[w.kind]
	if w.before = q.tail; q.tail == nil {
		q.head = w
	} else {
		q.tail.then = w
	}
	q.tail = w
	w.queued = true
	m.g.stats.Waiting++
}

// leave takes w out of its queue, and its member out of the ring if it was the
// last.
func (w *waiter) leave() {
	m := w.m
	q := &m.queues[w.kind]
	if w.before == nil {
		q.head = w.then
	} else {
		w.before.then = w.then
	}
	if w.then == nil {
		q.tail = w.before
	} else {
		w.then.before = w.before
	}
	w.before, w.then, w.queued = nil, nil, false
	m.g.stats.Waiting--
	if m.empty() {
		m.unring()
	}
}

// String says what w waits for, for dumps.
func (w *waiter) String() string { return "a turn, throttle " + w.m.g.limits.String() }
