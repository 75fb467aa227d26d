package cosync

import (
	"sync"

	"github.com/gohandoff/coroutine/coro"
)

// The graph of who waits for whom.
//
// A coroutine that is about to wait for a lock looks whether one of those that
// hold it waits, directly or by way of others, for something that it holds
// itself. If so, nothing could ever run any of them.
//
// Invariants:
//   - An edge, a waiter with state forLock, is added only under graph, after a
//     search under the same hold of graph has found no cycle. So the last one
//     of a cycle to come finds all of it, and no cycle ever comes to be.
//   - Edges and holders go away without graph, under the guard of their lock
//     only, so a search may see a lock's holder change behind it. Yet a cycle
//     that it finds is real: it ends at a coroutine that waits for what self
//     holds; that one has waited, and so has held what it holds, during all of
//     the search, because self lets nothing go meanwhile; and so has, by
//     induction, each one before it.
//   - Guards are taken one at a time, or under graph; never graph under a
//     guard.
//
// One mutex for the graphs of all locks is taken by those only who are about to
// wait for a lock. A rejected design walks without it, and looks again, the
// other way round, before it believes in a cycle: that saves one uncontended
// mutex of a contended lock's two, for a proof that is a page long.
var graph sync.Mutex

// Guarded by graph.
var (
	searches uint64
	frontier []*coro.Self // scratch of the search under way
)

// A lock is what can be held, and so can be part of a cycle.
type lock interface {
	coro.Waiting
	// blockers appends those that must let go before w, which waits or is
	// about to wait for the lock, can have it.
	blockers(w *waiter, to []*coro.Self) []*coro.Self
	// label names the lock, taken tells where it was taken by its holder.
	label() string
	taken() string
}

// A step of a cycle: who holds what it was reached by, and waits for on.
type step struct {
	who *coro.Self
	on  lock
}

// cycle returns who would wait for whom if w waited for on: nil if nobody would
// wait for itself, one step if it holds on already. Under graph.
func cycle(w *waiter, on lock) []step {
	searches++
	found := visit(w.self, w, on)
	clear(frontier) // not empty only if there is a cycle
	frontier = frontier[:0]
	return found
}

func visit(self *coro.Self, w *waiter, on lock) []step {
	from := len(frontier)
	frontier = on.blockers(w, frontier)
	for i, to := from, len(frontier); i < to; i++ {
		h := frontier[i]
		if h == self {
			return []step{{w.self, on}}
		}
		next := waitingFor(h)
		if next == nil || next.seen == searches {
			continue
		}
		next.seen = searches
		if found := visit(self, next, next.on); found != nil {
			return append([]step{{w.self, on}}, found...)
		}
	}
	clear(frontier[from:])
	frontier = frontier[:from]
	return nil
}

// waitingFor returns the waiter of s if s waits for a lock. Under graph.
func waitingFor(s *coro.Self) *waiter {
	slot := s.Slotted()
	if slot == nil {
		return nil
	}
	w, _ := slot.Value.(*waiter)
	if w == nil || w.self != s || w.state.Load() != forLock {
		return nil
	}
	return w
}
