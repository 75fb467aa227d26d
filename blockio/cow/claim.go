package cow

import (
	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/cosync"
)

// Claims: who uses which clusters of the overlay.
//
// Reads, and writes to clusters that are data already, share theirs. Whatever
// changes an entry has its clusters alone: so two writes to an absent cluster
// do not both copy it, and a cluster of the storage that is freed has nobody
// left who still reads or writes it.
//
// As with the requests of a Device, one waits for those that came before it and
// conflict with it, also for those that wait themselves. So nobody waits in a
// ring, and nobody for ever; and who has other clusters does not wait at all.

// A claim is a range of clusters that a request uses.
type claim struct {
	lo, hi     int64
	alone      bool
	prev, next *claim
	waiting    cosync.Queue
}

// claims is the list of them, in the order of arrival.
type claims struct {
	head, tail *claim
	alone      int
	spare      *claim // for reuse, linked by next
}

// claim claims the clusters [lo, hi). It may yield.
func (o *Overlay) claim(self *coro.Self, lo, hi int64, alone bool) *claim {
	l := &o.claims
	c := l.spare
	if c == nil {
		c = new(claim)
	} else {
		l.spare = c.next
	}
	c.lo, c.hi, c.alone = lo, hi, alone
	c.prev, c.next = l.tail, nil
	if l.tail == nil {
		l.head = c
	} else {
		l.tail.next = c
	}
	l.tail = c
	if alone {
		l.alone++
	}
	if l.alone > 0 {
		o.await(self, c)
	}
	return c
}

// await waits until it is c's turn. Killed meanwhile, it gives c up.
func (o *Overlay) await(self *coro.Self, c *claim) {
	done := false
	defer func() {
		if !done {
			o.unclaim(self, c)
		}
	}()
	for q := o.claims.conflict(c); q != nil; q = o.claims.conflict(c) {
		q.waiting.Wait(self, nil)
	}
	done = true
}

// conflict returns the first claim that c has to wait for.
func (l *claims) conflict(c *claim) *claim {
	for q := l.head; q != c; q = q.next {
		if (q.alone || c.alone) && q.lo < c.hi && c.lo < q.hi {
			return q
		}
	}
	return nil
}

// unclaim gives a claim up, and lets those go that waited for it.
func (o *Overlay) unclaim(self *coro.Self, c *claim) {
	l := &o.claims
	if c.prev == nil {
		l.head = c.next
	} else {
		c.prev.next = c.next
	}
	if c.next == nil {
		l.tail = c.prev
	} else {
		c.next.prev = c.prev
	}
	if c.alone {
		l.alone--
	}
	c.waiting.RestartAll(self)
	c.prev, c.next = nil, l.spare
	l.spare = c
}
