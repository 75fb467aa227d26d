package blockio

import (
	"fmt"

	"github.com/gohandoff/coroutine/coro"
)

// ReadAt fills p with what is at off, or returns an error; then what is in p is
// undefined.
func (d *Device) ReadAt(self *coro.Self, p []byte, off int64) error {
	r := d.request(self, OpRead, off, int64(len(p)))
	defer r.done()
	return r.result(r.read(p))
}

// ReadVAt fills the pieces of v, one after the other, from off.
func (d *Device) ReadVAt(self *coro.Self, v [][]byte, off int64) error {
	r := d.request(self, OpRead, off, total(v))
	defer r.done()
	if len(v) == 1 {
		return r.result(r.read(v[0]))
	}
	return r.result(r.readPieces(v))
}

func total(v [][]byte) (n int64) {
	for _, p := range v {
		n += int64(len(p))
	}
	return n
}

// read is the fast path: what the driver can be given as it is.
func (r *request) read(p []byte) error {
	d := r.d
	if len(p) == 0 {
		return r.check()
	}
	if err := r.enter(); err != nil {
		return err
	}
	if (uint64(r.off)|uint64(len(p)))&d.mask != 0 || addr(p)&d.memMask != 0 || int64(len(p)) > d.maxTransfer {
		r.one[0] = p
		return r.readParts(r.one[:])
	}
	if err := r.occupy(false); err != nil {
		return err
	}
	return r.callRead(p, r.off)
}

// readPieces reads into the pieces of a vector.
func (r *request) readPieces(v [][]byte) error {
	if r.n == 0 {
		return r.check()
	}
	if err := r.enter(); err != nil {
		return err
	}
	return r.readParts(v)
}

// readParts is the long way: in several calls of the driver, through buffers
// where it has to be.
func (r *request) readParts(v [][]byte) error {
	d := r.d
	if err := d.checkAligned(r, v); err != nil {
		return err
	}
	if err := r.occupy(false); err != nil {
		return err
	}
	off := r.off
	for c := (cursor{v: v, n: r.n}); c.n > 0; {
		var n int64
		var err error
		if v, k := d.vectorOf(&c, off); k > 0 {
			n = k
			r.part = Part{OpRead, off, n}
			if err = d.vector.ReadVAt(r.self, v, off); err == nil {
				c.forward(n)
			}
		} else if p := d.direct(&c, off); len(p) > 0 {
			n = int64(len(p))
			if err = r.callRead(p, off); err == nil {
				c.skip(len(p))
			}
		} else {
			n, err = r.readBounced(&c, off)
		}
		if err != nil {
			return err
		}
		off += n
	}
	r.part = Part{}
	return nil
}

// readBounced reads through a buffer, and returns by how much it got on.
func (r *request) readBounced(c *cursor, off int64) (int64, error) {
	d := r.d
	start, end := d.bounce(off, c.n)
	b := d.buffer(end - start)
	defer d.release(b)
	d.stats.bounced += uint64(end - start)
	if err := r.callRead(b, start); err != nil {
		return 0, err
	}
	left := c.n
	c.scatter(b[off-start:])
	return left - c.n, nil
}

// callRead calls the driver.
func (r *request) callRead(p []byte, off int64) error {
	r.part = Part{OpRead, off, int64(len(p))}
	// What is behind p is not the driver's.
	if err := r.d.driver.ReadAt(r.self, p[:len(p):len(p)], off); err != nil {
		return err
	}
	r.part.Op = OpNone
	return nil
}

// checkAligned refuses on a device opened WithAligned what is not.
func (d *Device) checkAligned(r *request, v [][]byte) error {
	if !d.opt.aligned {
		return nil
	}
	if uint64(r.off)&d.mask != 0 {
		return fmt.Errorf("%w: the offset is no multiple of %d", ErrAlignment, d.limits.Alignment)
	}
	for _, p := range v {
		if uint64(len(p))&d.mask != 0 {
			return fmt.Errorf("%w: a buffer of %d bytes is no multiple of %d long", ErrAlignment, len(p), d.limits.Alignment)
		}
		if addr(p)&d.memMask != 0 {
			return fmt.Errorf("%w: the address of a buffer is no multiple of %d", ErrAlignment, d.limits.MemoryAlignment)
		}
	}
	return nil
}
