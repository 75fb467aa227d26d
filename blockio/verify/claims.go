package verify

import (
	"slices"

	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/cosync"
)

// A claim is a request on a range, which changes it or reads.
type claim struct {
	lo, hi  int64
	changes bool
	waiting cosync.Queue
}

// claims are the requests that go on or wait, in the order in which they came.
// Each waits for the earlier ones that overlap, if one of the two changes
// something. So nobody waits in a ring, and nobody for ever.
type claims struct{ list []*claim }

// take makes a claim and waits for its turn. A coroutine that is killed here
// leaves none.
func (s *claims) take(self *coro.Self, lo, hi int64, changes bool) *claim {
	c := &claim{lo: lo, hi: hi, changes: changes}
	c.waiting.SetName("a request that overlaps")
	s.list = append(s.list, c)
	through := false
	defer func() {
		if !through {
			s.release(self, c)
		}
	}()
	for q := s.conflict(c); q != nil; q = s.conflict(c) {
		q.waiting.Wait(self, nil)
	}
	through = true
	return c
}

// conflict returns the first that c waits for.
func (s *claims) conflict(c *claim) *claim {
	for _, q := range s.list {
		if q == c {
			break
		}
		if (q.changes || c.changes) && q.lo < c.hi && c.lo < q.hi {
			return q
		}
	}
	return nil
}

// release ends a claim. It does not yield.
func (s *claims) release(self *coro.Self, c *claim) {
	i := slices.Index(s.list, c)
	s.list = slices.Delete(s.list, i, i+1)
	c.waiting.RestartAll(self)
}
