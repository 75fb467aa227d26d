package coro

import (
	"sync/atomic"

	"github.com/gohandoff/coroutine/internal/handoff"
)

// A worker is a goroutine of a thread with the line that leads to it. It runs
// the entry of one coroutine after another.
//
// The thread's list of workers, not a list of coroutines, is what Close, Dump
// and Status go by: a coroutine that never ran has no worker and holds nothing,
// and the list changes only when a goroutine starts or ends, so that its lock
// is off the hot path. The price on it is one atomic store, self.
type worker struct {
	handoff.Line
	self atomic.Pointer[Self] // whom it ran last; a dead one means idle
	slot Slot                 // see Self.Slot

	// Of the coroutine that it runs; fields of the line of control.
	wakes   queue // woken by it, to run when it yields
	park    any   // what it waits for, set by Park
	tag     any   // set by SetTag
	locks   int32 // how many it holds
	killing bool
	unwinds uint8 // how often it recovered from being killed

	prev, next *worker // in the list of its thread, under Thread.mu
}

// runner makes a Self the work of a line, without a method on Self.
type runner Self

// Run implements handoff.Work.
func (r *runner) Run() (keep bool) {
	s := (*Self)(r)
	s.entry(s)
	if s.state.Load() != entered {
		s.misuseStray()
	}
	t := s.thread()
	return len(t.idle) < t.pool && t.modes&modeClosed == 0
}

// start gives to a goroutine, an idle one if there is one.
func (t *Thread) start(to *Self) {
	var w *worker
	if n := len(t.idle); n > 0 {
		w = t.idle[n-1]
		t.idle = t.idle[:n-1]
	} else {
		w = t.newWorker()
	}
	w.self.Store(to)
	to.w = w
	w.Prepare((*runner)(to))
}

func (t *Thread) newWorker() *worker {
	w := new(worker)
	t.kind(&w.Line)
	t.adopt(w)
	return w
}

// retire takes back the worker of a coroutine that has ended. Its wakes are
// still to be run.
func (t *Thread) retire(w *worker) {
	w.park, w.tag = nil, nil
	w.locks = 0
	if w.Kept() {
		t.idle = append(t.idle, w)
	} else {
		t.forget(w)
	}
}

func (t *Thread) adopt(w *worker) {
	t.mu.Lock()
	defer t.mu.Unlock()
	w.prev, w.next = nil, t.workers
	if w.next != nil {
		w.next.prev = w
	}
	t.workers = w
}

func (t *Thread) forget(w *worker) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if w.prev != nil {
		w.prev.next = w.next
	} else {
		t.workers = w.next
	}
	if w.next != nil {
		w.next.prev = w.prev
	}
}

// Adopt makes a suspended coroutine of another thread one of t, as entering it on
// t would, but at once: from then on t counts it, and t's [Thread.Close] unwinds
// it. It is for an event loop that hands a coroutine over to another. It may be
// called by any goroutine, and reports whether co was suspended.
func (t *Thread) Adopt(co *Coroutine) bool {
	s := co.self
	if !s.state.CompareAndSwap(suspended, asked) {
		return false
	}
	if from := s.thread(); from != t {
		s.moved.Store(t)
		s.w.move(from, t)
	}
	s.state.Store(suspended)
	return true
}

// move makes w a goroutine of another thread.
func (w *worker) move(from, to *Thread) {
	from.forget(w)
	to.adopt(w)
}

// selves returns the coroutines of the thread that have a goroutine, and how
// many goroutines are idle. May be called by any goroutine.
func (t *Thread) selves() (live []*Self, idle int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for w := t.workers; w != nil; w = w.next {
		switch s := w.self.Load(); {
		case s == nil:
		case s.state.Load() >= dead:
			idle++
		default:
			live = append(live, s)
		}
	}
	return live, idle
}

// suspended returns the coroutines that can be killed.
func (t *Thread) suspended() []*Self {
	live, _ := t.selves()
	n := 0
	for _, s := range live {
		if st := s.state.Load(); st == suspended || st == asked {
			live[n] = s
			n++
		}
	}
	return live[:n]
}

// entererOf reports whether some coroutine has been entered by s.
func (t *Thread) entererOf(s *Self) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	for w := t.workers; w != nil; w = w.next {
		x := w.self.Load()
		if x != nil && x.state.Load() == entered && x.by() == s {
			return true
		}
	}
	return false
}

// Live returns how many coroutines of the thread have run and are not dead: each
// has a goroutine. It may be called by any goroutine.
func (t *Thread) Live() int {
	live, _ := t.selves()
	return len(live)
}
