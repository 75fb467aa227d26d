// Package null is a block driver with nothing behind it: it reads zeroes and
// drops what is written. It is for measuring what is above, and, with a latency,
// for playing a slow medium.
package null

import (
	"fmt"
	"time"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/aio"
)

// A Driver is a [blockio.Driver] that reads zeroes. Make one with [New].
type Driver struct {
	size    int64
	latency time.Duration
	limits  blockio.Limits
}

// An Option sets up a [Driver] in [New].
type Option func(*Driver)

// WithLatency has every operation sleep for t of the loop's clock.
func WithLatency(t time.Duration) Option { return func(d *Driver) { d.latency = t } }

// WithLimits has the driver ask for l.
func WithLimits(l blockio.Limits) Option { return func(d *Driver) { d.limits = l } }

// New makes a driver of size bytes.
func New(size int64, opts ...Option) *Driver {
	d := &Driver{size: size, limits: blockio.Limits{FUA: true}}
	for i, o := range opts {
		if o == nil {
			panic(fmt.Sprintf("null: New: option %d is nil", i))
		}
		o(d)
	}
	return d
}

// Size returns the number of bytes.
func (d *Driver) Size() int64 { return d.size }

// Limits returns what New was told.
func (d *Driver) Limits() blockio.Limits { return d.limits }

// String returns "null", and the latency if there is one.
func (d *Driver) String() string {
	if d.latency > 0 {
		return "null, " + d.latency.String() + " late"
	}
	return "null"
}

// ReadAt fills p with zeroes.
func (d *Driver) ReadAt(self *coro.Self, p []byte, _ int64) error {
	d.sleep(self)
	clear(p)
	return nil
}

// WriteAt drops p.
func (d *Driver) WriteAt(self *coro.Self, _ []byte, _ int64, _ blockio.Flags) error {
	d.sleep(self)
	return nil
}

// WriteZeroes does nothing.
func (d *Driver) WriteZeroes(self *coro.Self, _, _ int64, _ blockio.Flags) error {
	d.sleep(self)
	return nil
}

// Discard does nothing.
func (d *Driver) Discard(self *coro.Self, _, _ int64) error {
	d.sleep(self)
	return nil
}

// BlockStatus says that all is a hole.
func (d *Driver) BlockStatus(self *coro.Self, _, n int64) (blockio.Status, int64, error) {
	d.sleep(self)
	return blockio.Zero, n, nil
}

// Resize changes the size.
func (d *Driver) Resize(self *coro.Self, n int64) error {
	d.sleep(self)
	d.size = n
	return nil
}

// Flush does nothing.
func (d *Driver) Flush(self *coro.Self) error {
	d.sleep(self)
	return nil
}

// Close does nothing.
func (d *Driver) Close(*coro.Self) error { return nil }

func (d *Driver) sleep(self *coro.Self) {
	if d.latency > 0 {
		aio.Sleep(self, d.latency)
	}
}
