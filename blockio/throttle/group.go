package throttle

import (
	"errors"
	"math"
	"sync/atomic"
	"time"

	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/aio"
)

// ErrElsewhere: a driver of a group was used on another loop than the others. A
// *coro.UsageError unwraps to it.
var ErrElsewhere = errors.New("throttle Group used on another loop")

// A Group is limits that the drivers made with it share. Make one with
// [NewGroup]. It belongs to the loop of its drivers.
//
// Invariants:
//   - ring has the members that have somebody waiting, each once; who is in front
//     has waited longest for a turn of its own.
//   - Whoever waits could not go at the time of the last dispatch.
//   - While somebody waits, there is a keeper: one of those who wait, or who did
//     and has not run since. It sleeps until due, or has been woken.
type Group struct {
	limits  Limits
	drivers atomic.Int64             // that are not closed
	loop    atomic.Pointer[aio.Loop] // nil if no request was made yet
	epoch   time.Time                // times are counted from here

	all    scope
	kinds  [2]scope // by kind
	ring   []*member
	keeper *waiter
	due    int64  // when the keeper is to look again
	seq    uint64 // numbers those who wait
	sets   uint64 // how often the limits were set
	free   *waiter

	stats Stats
}

// Stats are what a [Group] has done.
type Stats struct {
	// Requests is how many have had their turn.
	Requests uint64
	// Throttled is how many of them, and of those that wait now, had to wait
	// for it; Waited is for how long those did in all that have had their
	// turn. One that is killed while it waits counts for neither.
	Throttled uint64
	Waited    time.Duration
	// Waiting is how many wait now.
	Waiting int
}

// NewGroup makes a group with limits l. It panics with the error of
// [Limits.Check] if they make no sense.
func NewGroup(l Limits) *Group {
	if err := l.Check(); err != nil {
		panic(err)
	}
	g := &Group{}
	g.apply(0, l)
	return g
}

// Limits returns the limits as they are now. It belongs to the loop, and does not
// yield.
func (g *Group) Limits() Limits { return g.limits }

// Stats returns what was done until now. It belongs to the loop, and does not
// yield.
func (g *Group) Stats() Stats { return g.stats }

// SetLimits changes the limits. Those who wait have them applied at once, in
// their order. What a bucket holds stays in it, as far as there is room; a debt is
// paid at the faster of the two rates. It belongs to the loop, and does not yield.
// If the limits make no sense, it returns the error of [Limits.Check] and changes
// nothing.
func (g *Group) SetLimits(l Limits) error {
	if err := l.Check(); err != nil {
		return err
	}
	var now int64
	if loop := g.loop.Load(); loop != nil {
		now = g.now(loop)
	}
	g.apply(now, l)
	if g.keeper != nil {
		g.keeper.sleep.Wake()
	}
	return nil
}

func (g *Group) apply(now int64, l Limits) {
	g.limits = l
	g.sets++
	g.all.set(now, l.IOPS, l.Bytes)
	g.kinds[read].set(now, l.ReadIOPS, l.ReadBytes)
	g.kinds[write].set(now, l.WriteIOPS, l.WriteBytes)
}

func (g *Group) now(loop *aio.Loop) int64 { return int64(loop.Now().Sub(g.epoch)) }

// bind returns the time, and has the group belong to self's loop.
func (g *Group) bind(self *coro.Self) int64 {
	loop := aio.LoopOf(self)
	if g.loop.Load() != loop {
		if !g.loop.CompareAndSwap(nil, loop) {
			panic(coro.NewUsageError(self, ErrElsewhere, "throttle "+g.limits.String(), "used on "+g.loop.Load().Name(),
				"asked for a turn on "+loop.Name(), "make a Group for each loop"))
		}
		g.epoch = loop.Now()
	}
	return g.now(loop)
}

// unbind forgets the loop; the next one begins with full buckets.
func (g *Group) unbind() {
	l := g.limits
	g.apply(0, Limits{})
	g.apply(0, l)
	g.loop.Store(nil)
}

// dispatch lets all go whose turn it is at the time now, and sets due for the
// others. It goes round the ring until there is nobody to let go.
func (g *Group) dispatch(self *coro.Self, now int64) {
	for {
		w, due := g.next(now)
		if w == nil {
			g.due = due
			return
		}
		m := w.m
		w.leave()
		w.granted = g.sets
		g.pass(now, w.kind, w.bytes)
		if !m.empty() { // its next one is behind the others
			m.unring()
			g.ring = append(g.ring, m)
		}
		if w.self != self {
			w.wake(self)
		}
	}
}

// next returns whose turn it is, nil and the time to look again if it is nobody's.
// Who is before others and lacks tokens keeps the bucket for itself: that of its
// kind if the lack is there, else that of all.
func (g *Group) next(now int64) (w *waiter, due int64) {
	var shut [2]bool
	due = math.MaxInt64 // not never, which may be past
	for _, m := range g.ring {
		for _, w := range m.heads() {
			if w == nil || shut[w.kind] {
				continue
			}
			if t := g.kinds[w.kind].ready(w.bytes); t > now {
				shut[w.kind] = true
				due = min(due, t)
			} else if t := g.all.ready(w.bytes); t > now {
				return nil, min(due, t)
			} else {
				return w, 0
			}
		}
	}
	return nil, due
}

// pass takes the tokens of a request.
func (g *Group) pass(now int64, k kind, bytes int64) {
	g.all.take(now, bytes)
	g.kinds[k].take(now, bytes)
	g.stats.Requests++
}

// refuse gives them back.
func (g *Group) refuse(k kind, bytes int64) {
	g.all.put(bytes)
	g.kinds[k].put(bytes)
	g.stats.Requests--
}
