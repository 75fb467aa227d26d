package blockio

import (
	"fmt"
	"math"

	"github.com/gohandoff/coroutine/coro"
)

// Resize makes the size n bytes; what is added reads as zeroes, what is cut off
// is gone. It waits for the requests in flight behind the new end or the old one,
// and those that come meanwhile wait for it. It fails with [ErrNotSupported] if
// the driver cannot.
func (d *Device) Resize(self *coro.Self, n int64) error {
	r := d.request(self, OpResize, 0, n)
	defer r.done()
	return r.result(r.resize())
}

func (r *request) resize() error {
	d := r.d
	if d.closing {
		return ErrClosed
	}
	if err := r.mayResize(); err != nil {
		return err
	}
	if waited, err := r.admit(); err != nil {
		return err
	} else if waited {
		if err := r.mayResize(); err != nil { // with the driver that is there now
			return err
		}
	}
	// What lies behind the old end cannot be asked for yet, so that the
	// smaller of the two is enough, whatever other resizes do before it is
	// our turn: all reach to the end of the world, so they wait in a row.
	r.lo, r.hi = d.floor(min(d.size, r.n)), math.MaxInt64
	r.track(true)
	r.dirty = true
	r.part = Part{OpResize, 0, r.n}
	defer func() {
		// What makes no sense is not taken over: ranges would overflow.
		if n := d.driver.Size(); n >= 0 && n <= maxSize {
			d.size = n
		}
	}()
	if err := d.resizer.Resize(r.self, r.n); err != nil {
		return err
	}
	if got := d.driver.Size(); got != r.n {
		return fmt.Errorf("%w: its size is %d then", ErrDriver, got)
	}
	r.part.Op = OpNone
	return nil
}

// mayResize tells what is wrong with a resize of this driver.
func (r *request) mayResize() error {
	switch {
	case r.d.readOnly:
		return ErrReadOnly
	case r.d.resizer == nil:
		return ErrNotSupported
	case r.n < 0 || r.n > maxSize:
		return fmt.Errorf("%w: want 0 to %d", ErrOutOfRange, int64(maxSize))
	}
	return nil
}
