package job

import (
	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/cosync"
)

// A claim is a range that somebody copies, or writes to both sides.
//
// Whoever has a claim is let in at the source already (it is in a request of it,
// or in Do) and never waits to be. So a drained section, or the limit of requests
// in flight, cannot come between one who has a claim and the end of its work, and
// those who wait for claims wait for those only who get on.
type claim struct {
	lo, hi     int64
	copies     bool // by a member of the crew
	prev, next *claim
	waiting    cosync.Queue
}

// claims are all of one job, in the order in which they were made. Each waits for
// the earlier ones that overlap, so that nobody waits in a ring; nobody
// overtakes, so that nobody waits for ever.
type claims struct{ head, tail *claim }

// take makes a claim. It does not wait for its turn; await does.
func (s *claims) take(lo, hi int64, copies bool) *claim {
	c := &claim{lo: lo, hi: hi, copies: copies, prev: s.tail}
	c.waiting.SetName("a range that is being copied")
	if s.tail == nil {
		s.head = c
	} else {
		s.tail.next = c
	}
	s.tail = c
	return c
}

// await waits for the turn of c.
func (s *claims) await(self *coro.Self, c *claim) {
	for {
		before := s.first(c.lo, c.hi, c)
		if before == nil {
			return
		}
		before.waiting.Wait(self, nil)
	}
}

// first returns the first claim that overlaps a range, among those made before
// end.
func (s *claims) first(lo, hi int64, end *claim) *claim {
	for c := s.head; c != end; c = c.next {
		if c.lo < hi && lo < c.hi {
			return c
		}
	}
	return nil
}

// copied is first for claims of those who copy.
func (s *claims) copied(lo, hi int64) *claim {
	for c := s.head; c != nil; c = c.next {
		if c.copies && c.lo < hi && lo < c.hi {
			return c
		}
	}
	return nil
}

// release ends a claim. It does not yield.
func (s *claims) release(self *coro.Self, c *claim) {
	if c.prev == nil {
		s.head = c.next
	} else {
		c.prev.next = c.next
	}
	if c.next == nil {
		s.tail = c.prev
	} else {
		c.next.prev = c.prev
	}
	c.waiting.RestartAll(self)
}
