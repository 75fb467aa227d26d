package aio

import (
	"sync"
	"time"
)

// A Clock is where a loop gets the time from. [RealClock] is the machine's; a
// [VirtualClock] stands still while there is something to do, and jumps to the
// next timer when there is not.
type Clock interface {
	// Now returns the current time. Only differences matter. It may be
	// called by any goroutine.
	Now() time.Time
	// Wait waits until the time until, or until something arrives on wake,
	// whichever is first; a zero until is never. A virtual clock goes there
	// at once, unless until is zero. It reports whether wake was received.
	Wait(until time.Time, wake <-chan struct{}) (woken bool)
	// Virtual reports whether the clock is virtual: then offloaded work is
	// done by the loop itself, in its turn, so that a run depends on nothing
	// outside the program.
	Virtual() bool
}

// RealClock returns the machine's monotonic clock, for one loop.
func RealClock() Clock { return &realClock{} }

type realClock struct{ timer *time.Timer }

func (*realClock) Now() time.Time { return time.Now() }
func (*realClock) Virtual() bool  { return false }

func (c *realClock) Wait(until time.Time, wake <-chan struct{}) bool {
	if until.IsZero() {
		<-wake
		return true
	}
	d := time.Until(until)
	if d <= 0 {
		return false
	}
	if c.timer == nil {
		c.timer = time.NewTimer(d)
	} else {
		c.timer.Reset(d)
	}
	select {
	case <-wake:
		c.timer.Stop()
		return true
	case <-c.timer.C:
		return false
	}
}

// A VirtualClock is a clock for tests and simulations: a program of sleeps runs
// at once, and in the same order each time. It belongs to one loop.
type VirtualClock struct {
	mu  sync.Mutex // for a dump from elsewhere
	now time.Time
}

// NewVirtualClock returns a virtual clock that starts at start.
func NewVirtualClock(start time.Time) *VirtualClock { return &VirtualClock{now: start} }

// Now returns the virtual time.
func (c *VirtualClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Virtual returns true.
func (c *VirtualClock) Virtual() bool { return true }

// Wait moves the clock to until, or waits for wake if until is zero.
func (c *VirtualClock) Wait(until time.Time, wake <-chan struct{}) bool {
	if until.IsZero() {
		<-wake
		return true
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if until.After(c.now) {
		c.now = until
	}
	return false
}
