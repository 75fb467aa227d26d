package throttle

import (
	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/coro"
)

// A Driver is a filter whose requests wait for their turn in a [Group]. Make one
// with [New]. Its methods are called by a [blockio.Device], and yield where
// they wait.
type Driver struct {
	blockio.Filter
	m member
}

// New puts a throttle of group g on top of driver, which it owns from then on. It
// may be called anywhere, does not yield, and panics if one of them is nil.
func New(driver blockio.Driver, g *Group) *Driver {
	if driver == nil {
		panic("throttle: New with a nil Driver")
	}
	if g == nil {
		panic("throttle: New with a nil Group: make one with NewGroup")
	}
	g.drivers.Add(1)
	return &Driver{Filter: blockio.Filter{Driver: driver}, m: member{g: g}}
}

// Group returns the group of the driver.
func (d *Driver) Group() *Group { return d.m.g }

// String gives the limits as they are now: "throttle iops=100".
func (d *Driver) String() string { return "throttle " + d.m.g.Limits().String() }

// ReadAt reads when it is its turn.
func (d *Driver) ReadAt(self *coro.Self, p []byte, off int64) error {
	d.m.turn(self, read, int64(len(p)))
	return d.Filter.ReadAt(self, p, off)
}

// WriteAt writes when it is its turn.
func (d *Driver) WriteAt(self *coro.Self, p []byte, off int64, flags blockio.Flags) error {
	d.m.turn(self, write, int64(len(p)))
	return d.Filter.WriteAt(self, p, off, flags)
}

// ReadVAt reads when it is its turn.
func (d *Driver) ReadVAt(self *coro.Self, v [][]byte, off int64) error {
	d.m.turn(self, read, total(v))
	return d.Filter.ReadVAt(self, v, off)
}

// WriteVAt writes when it is its turn.
func (d *Driver) WriteVAt(self *coro.Self, v [][]byte, off int64, flags blockio.Flags) error {
	d.m.turn(self, write, total(v))
	return d.Filter.WriteVAt(self, v, off, flags)
}

func total(v [][]byte) (n int64) {
	for _, p := range v {
		n += int64(len(p))
	}
	return n
}

// Discard discards when it is its turn, which costs a request and no bytes.
func (d *Driver) Discard(self *coro.Self, off, n int64) error {
	if _, ok := d.Filter.Driver.(blockio.Discarder); !ok {
		return blockio.ErrNotSupported // costs nothing
	}
	d.m.turn(self, write, 0)
	return d.Filter.Discard(self, off, n)
}

// WriteZeroes makes zeroes when it is its turn, which costs a request and no
// bytes.
func (d *Driver) WriteZeroes(self *coro.Self, off, n int64, flags blockio.Flags) error {
	if _, ok := d.Filter.Driver.(blockio.ZeroWriter); !ok {
		return blockio.ErrNotSupported // costs nothing
	}
	d.m.turn(self, write, 0)
	return d.Filter.WriteZeroes(self, off, n, flags)
}

// Close closes the driver below. The driver leaves its group, which with its last
// one leaves its loop.
func (d *Driver) Close(self *coro.Self) error {
	defer func() {
		if d.m.g.drivers.Add(-1) == 0 {
			d.m.g.unbind()
		}
	}()
	return d.Filter.Close(self)
}
