package trace

import (
	"fmt"
	"math/bits"
	"sync"
	"time"

	"github.com/gohandoff/coroutine/coro"
)

// A Ring is a flight recorder: it keeps the last events of any number of threads
// in memory that never grows, and allocates nothing for an event. Its methods
// may be called by any goroutine, also while the threads run or hang.
//
// The handles in its events keep their coroutines' handles reachable: one that
// was abandoned ([coro.WithAbandonReports]) is reported only when its last event
// has been overwritten.
type Ring struct {
	// One lock, taken for a copy of a hundred bytes: to write without it would
	// take more atomic stores than it has, at 5 ns each.
	mu     sync.Mutex
	events []coro.Event
	times  []time.Duration // nil without a clock
	n      uint64
	now    func() time.Duration
	start  time.Duration // the time of the first event
	counts [kinds]uint64
}

// The kinds of package coro are counted in fields of an array, which costs less
// than a map, and those of all other packages together.
const (
	countCreate = iota
	countEnter
	countYield
	countWake
	countKill
	countTerminate
	countPanic
	countOther
	kinds
)

var countOf = [kinds]coro.EventKind{
	coro.EventCreate, coro.EventEnter, coro.EventYield, coro.EventWake,
	coro.EventKill, coro.EventTerminate, coro.EventPanic, "other",
}

// countIndex tells kinds apart by length and first letter: comparing strings
// would be the dearest part of recording an event. A kind of another package
// that looks like one of ours by that is told apart in full.
func countIndex(k coro.EventKind) int {
	i := countOther
	switch len(k) {
	case 4:
		if k[0] == 'w' {
			i = countWake
		} else {
			i = countKill
		}
	case 5:
		switch k[0] {
		case 'e':
			i = countEnter
		case 'y':
			i = countYield
		default:
			i = countPanic
		}
	case 6:
		i = countCreate
	case 9:
		i = countTerminate
	}
	if i != countOther && countOf[i] != k {
		return countOther
	}
	return i
}

// maxRing is what a ring may be asked for, some two gigabytes: more is a mistake in
// reckoning, and the runtime does not let a program survive that.
const maxRing = 1 << 24

// NewRing makes a recorder of the last events, at least size of them: the number
// is rounded up to a power of two. It panics if size is less than 1 or more than
// 1<<24.
func NewRing(size int, opts ...Option) *Ring {
	if size < 1 || size > maxRing {
		panic(fmt.Sprintf("trace: NewRing(%d): want 1 to %d", size, maxRing))
	}
	var o options
	apply("NewRing", &o, opts)
	size = 1 << bits.Len(uint(size-1))
	r := &Ring{events: make([]coro.Event, size), now: o.now}
	if o.now != nil {
		r.times = make([]time.Duration, size)
	}
	return r
}

// Trace implements [coro.Tracer].
func (r *Ring) Trace(e coro.Event) {
	r.mu.Lock()
	i := r.n & uint64(len(r.events)-1)
	r.events[i] = e
	if r.times != nil {
		now := r.now()
		if r.n == 0 {
			r.start = now
		}
		r.times[i] = now - r.start
	}
	r.n++
	r.counts[countIndex(e.Kind)]++
	r.mu.Unlock()
}

// Count returns how many events there have been.
func (r *Ring) Count() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.n
}

// A Count is how often events of a kind have happened.
type Count struct {
	// Kind is the kind, "other" for all those that package coro does not
	// define.
	Kind coro.EventKind
	// N is how many there were, including those that the ring has overwritten.
	N uint64
}

// Counts returns how many events of each kind there have been, in a fixed order.
func (r *Ring) Counts() []Count {
	r.mu.Lock()
	defer r.mu.Unlock()
	counts := make([]Count, kinds)
	for i := range counts {
		counts[i] = Count{countOf[i], r.counts[i]}
	}
	return counts
}

// Snapshot returns what the ring holds, oldest first.
func (r *Ring) Snapshot() *Trace { return r.Last(len(r.events)) }

// Last returns the last n events that the ring holds, oldest first.
func (r *Ring) Last(n int) *Trace {
	// Names are looked up outside the lock, so that nobody waits for them.
	r.mu.Lock()
	held := min(r.n, uint64(len(r.events)), uint64(max(n, 0)))
	first := r.n - held
	events := make([]coro.Event, held)
	times := make([]time.Duration, held)
	for k := range events {
		i := (first + uint64(k)) & uint64(len(r.events)-1)
		events[k] = r.events[i]
		if r.times != nil {
			times[k] = r.times[i]
		}
	}
	r.mu.Unlock()

	t := &Trace{Timed: r.times != nil, Dropped: first, Records: make([]Record, held)}
	var names namer
	for k, e := range events {
		t.Records[k] = names.record(e)
		t.Records[k].Time = times[k]
	}
	return t
}
