package fault

import (
	"errors"
	"fmt"
	"slices"

	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/cosync"
)

// ErrNoBreakpoint: no rule has a breakpoint of that name, or it was removed.
var ErrNoBreakpoint = errors.New("no such breakpoint")

// A point is a breakpoint.
type point struct {
	held     []*held
	requests cosync.Queue // who is held
	watchers cosync.Queue // who waits for somebody to be held
	removed  bool
}

func newPoint(name string) *point {
	p := new(point)
	p.requests.SetName("breakpoint " + name)
	p.watchers.SetName("a request at breakpoint " + name)
	return p
}

// A held is a request at a breakpoint.
type held struct{ released bool }

// hold keeps the request of self until it is released. If it is killed, it leaves.
func (p *point) hold(self *coro.Self) {
	if p.removed {
		return
	}
	h := new(held)
	p.held = append(p.held, h)
	defer func() {
		if i := slices.Index(p.held, h); i >= 0 {
			p.held = slices.Delete(p.held, i, i+1)
		}
	}()
	p.watchers.RestartAll(self)
	for !h.released {
		p.requests.Wait(self, nil)
	}
}

// Wait waits until a request is held at the breakpoint; if one is already, it
// returns at once. It yields. The error is [ErrNoBreakpoint], also if the
// breakpoint is removed meanwhile.
func (d *Driver) Wait(self *coro.Self, name string) error {
	p := d.points[name]
	if p == nil {
		return fmt.Errorf("fault: wait for %q: %w", name, ErrNoBreakpoint)
	}
	for len(p.held) == 0 {
		if p.removed {
			return fmt.Errorf("fault: wait for %q: %w by now", name, ErrNoBreakpoint)
		}
		p.watchers.Wait(self, nil)
	}
	return nil
}

// Held returns how many requests are held at the breakpoint.
func (d *Driver) Held(name string) int {
	if p := d.points[name]; p != nil {
		return len(p.held)
	}
	return 0
}

// Release has all requests go on that are held at the breakpoint, and returns how
// many there were. Later ones are held as before. It does not yield.
func (d *Driver) Release(self *coro.Self, name string) int {
	p := d.points[name]
	if p == nil {
		return 0
	}
	n := len(p.held)
	for _, h := range p.held {
		h.released = true
	}
	p.held = nil
	p.requests.RestartAll(self)
	return n
}

// Remove releases what is held at the breakpoint, and has it hold nothing from
// now on. It does not yield.
func (d *Driver) Remove(self *coro.Self, name string) {
	p := d.points[name]
	if p == nil {
		return
	}
	p.removed = true
	d.Release(self, name)
	p.watchers.RestartAll(self)
	delete(d.points, name)
}
