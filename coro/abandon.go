package coro

import (
	"sync"
	"sync/atomic"
)

// An Abandoned describes a suspended coroutine that nobody could enter any more,
// because its handle was no longer reachable.
type Abandoned struct {
	// Name and ID are the coroutine's.
	Name string
	// ID is the coroutine's number on its thread.
	ID uint64
	// Created tells where it was created.
	Created string
	// Parked tells where it waits.
	Parked string
}

// WithAbandonReports looks for suspended coroutines whose handle has become
// unreachable: each is reported to report, and unwound, on the thread's own line
// of control at its next switch after the garbage collector has found it. It is
// a debugging aid: it costs some 400 ns and a second object a coroutine. Without
// it, [Thread.Close] unwinds what is left.
func WithAbandonReports(report func(Abandoned)) Option {
	return func(t *Thread) {
		t.abandoned = &abandoned{tell: report}
		t.set(modeAbandon, "WithAbandonReports")
	}
}

// abandoned collects, for the thread, what the garbage collector found.
type abandoned struct {
	tell func(Abandoned)
	some atomic.Bool
	mu   sync.Mutex
	list []*Self
}

// report is called by a goroutine of the runtime when the handle of s has
// become unreachable. Nothing is unwound there.
func (a *abandoned) report(s *Self) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.list = append(a.list, s)
	a.some.Store(true)
}

// reap reports and unwinds what was abandoned.
func (t *Thread) reap(self *Self) {
	a := t.abandoned
	a.mu.Lock()
	list := a.list
	a.list = nil
	a.some.Store(false)
	a.mu.Unlock()
	for _, s := range list {
		if st := s.state.Load(); st != suspended && st != asked {
			continue // dead, or never entered
		}
		r := Abandoned{Name: s.label(), ID: s.id, Created: s.createdAt()}
		if stack, _ := t.ask(s); stack != nil {
			r.Parked = placeOf(stack)
		}
		if a.tell != nil {
			a.tell(r)
		}
		self.kill(t, s)
	}
}
