package trace

import (
	"slices"

	"github.com/gohandoff/coroutine/coro"
)

// The replay of a trace: who had control when. Pictures are drawn from it.
//
// Invariants:
//   - An event is at a position: its index in Records. A segment reaches from
//     the event that began it to the one that ended it, or to len(Records).
//   - The segments of a lane do not overlap, and are in order.
//   - A trace may begin in the middle, so an event may name as its doer
//     somebody who, as far as was seen, has not got control: then that one got
//     it before the first event.

// A segState is what a lane does during a segment.
type segState uint8

const (
	segRuns  segState = iota // has control
	segWaits                 // has entered another, and waits for it
)

// A segment is a stretch of a lane's life between two events.
type segment struct {
	lane     int
	from, to int
	state    segState
	first    bool // it begins where the lane was entered
	last     bool // it ends where the lane yielded or ended
}

// A lane is a party of the trace.
type lane struct {
	Party
	created, ended int // the events, -1 where there is none
	leader         int // the lane of the leader of its thread; -1: never seen
}

// A link is one member of a chain of callers; up is the caller's link, -1 at the
// end. Links are shared: each event has the one of who did it.
type link struct {
	lane, up int
}

type replay struct {
	trace    *Trace
	lanes    []lane
	from, to []int // lanes of each record; -1 where nobody is meant
	segments []segment
	links    []link
	chain    []int // the link of who had control when the event happened
	threads  []string

	index map[Party]int
	run   map[string]*running
}

// running is one thread while it is replayed.
type running struct {
	top  int         // link of who has control
	open map[int]int // the open segment of a lane
}

func newReplay(t *Trace) *replay {
	p := &replay{
		trace: t,
		from:  make([]int, len(t.Records)), to: make([]int, len(t.Records)), chain: make([]int, len(t.Records)),
		index: make(map[Party]int), run: make(map[string]*running),
	}
	for i, r := range t.Records {
		p.from[i], p.to[i] = p.lane(r.From), p.lane(r.To)
		p.step(i, r)
	}
	for i := range p.segments {
		if p.segments[i].to < 0 {
			p.segments[i].to = len(t.Records)
		}
	}
	p.segments = slices.DeleteFunc(p.segments, func(s segment) bool { return s.from == s.to })
	p.order()
	return p
}

// order puts the leader of each thread before its coroutines, and these in the
// order in which they appeared, whatever step a trace begins with.
func (p *replay) order() {
	var order []int
	for _, thread := range p.threads {
		for pass := range 2 {
			for i, l := range p.lanes {
				if l.Thread == thread && l.Leader() == (pass == 0) {
					order = append(order, i)
				}
			}
		}
	}
	at := make([]int, len(p.lanes))
	lanes := make([]lane, len(p.lanes))
	for n, old := range order {
		at[old], lanes[n] = n, p.lanes[old]
	}
	p.lanes = lanes
	renumber := func(i *int) {
		if *i >= 0 {
			*i = at[*i]
		}
	}
	for i := range p.from {
		renumber(&p.from[i])
		renumber(&p.to[i])
	}
	for i := range p.segments {
		renumber(&p.segments[i].lane)
	}
	for i := range p.links {
		renumber(&p.links[i].lane)
	}
	for i := range p.lanes {
		p.lanes[i].leader = -1
		if l, ok := p.index[Party{Thread: p.lanes[i].Thread}]; ok {
			p.lanes[i].leader = at[l]
		}
	}
}

// lane returns the lane of a party; its name is the last one it had.
func (p *replay) lane(who Party) int {
	if !who.Valid() {
		return -1
	}
	i, ok := p.index[who.key()]
	if !ok {
		i = len(p.lanes)
		p.index[who.key()] = i
		p.lanes = append(p.lanes, lane{Party: who, created: -1, ended: -1})
		if !slices.Contains(p.threads, who.Thread) {
			p.threads = append(p.threads, who.Thread)
		}
	}
	p.lanes[i].Name = who.Name
	return i
}

func (p *replay) step(i int, r Record) {
	from, to := p.from[i], p.to[i]
	t := p.run[r.Thread]
	if t == nil {
		t = &running{top: -1, open: make(map[int]int)}
		p.run[r.Thread] = t
	}
	if r.Kind == KindPrint || from < 0 {
		p.chain[i] = t.top
		return
	}
	// New may be called by anyone in the name of the leader: that the leader
	// creates somebody says nothing of who has control.
	if t.top < 0 || p.links[t.top].lane != from && r.Kind != coro.EventCreate {
		p.resume(t, from, i)
	}
	p.chain[i] = t.top
	switch {
	case r.Kind == coro.EventCreate && to >= 0:
		p.lanes[to].created = i
	case enters(r.Kind) && to >= 0:
		p.close(t, from, i, false)
		p.begin(t, from, i, segWaits, false)
		p.links = append(p.links, link{to, t.top})
		t.top = len(p.links) - 1
		p.begin(t, to, i, segRuns, true)
	case ends(r.Kind):
		if r.Kind != coro.EventYield {
			p.lanes[from].ended = i
		}
		p.close(t, from, i, true)
		if t.top >= 0 && p.links[t.top].lane == from {
			t.top = p.links[t.top].up
		}
		if to >= 0 {
			if t.top < 0 || p.links[t.top].lane != to {
				p.links = append(p.links, link{to, -1})
				t.top = len(p.links) - 1
			}
			p.close(t, to, i, false)
			p.begin(t, to, i, segRuns, false)
		}
	}
}

// resume puts right that lane has control: those above it in the chain are gone
// without an event that says so, or the trace began in the middle.
func (p *replay) resume(t *running, lane, i int) {
	for k := t.top; k >= 0; k = p.links[k].up {
		if p.links[k].lane == lane {
			for j := t.top; j != k; j = p.links[j].up {
				p.close(t, p.links[j].lane, i, true)
			}
			t.top = k
			p.close(t, lane, i, false)
			p.begin(t, lane, i, segRuns, false)
			return
		}
	}
	began := i
	if t.top < 0 {
		began = 0
	}
	for j := t.top; j >= 0; j = p.links[j].up {
		p.close(t, p.links[j].lane, i, true)
	}
	p.links = append(p.links, link{lane, -1})
	t.top = len(p.links) - 1
	p.close(t, lane, i, true)
	p.begin(t, lane, began, segRuns, true)
}

func (p *replay) begin(t *running, lane, i int, state segState, first bool) {
	t.open[lane] = len(p.segments)
	p.segments = append(p.segments, segment{lane: lane, from: i, to: -1, state: state, first: first})
}

func (p *replay) close(t *running, lane, i int, last bool) {
	if k, ok := t.open[lane]; ok {
		p.segments[k].to, p.segments[k].last = i, last
		delete(t.open, lane)
	}
}
