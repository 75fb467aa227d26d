package blockio

import (
	"fmt"

	"github.com/gohandoff/coroutine/coro"
)

// WriteAt stores p at off, or returns an error; then any part of p may be
// stored, see [OpError.Part], and nothing else is changed.
func (d *Device) WriteAt(self *coro.Self, p []byte, off int64) error {
	return d.WriteAtFlags(self, p, off, 0)
}

// WriteAtFlags is [Device.WriteAt] with flags: FUA has p durable when it returns.
func (d *Device) WriteAtFlags(self *coro.Self, p []byte, off int64, flags Flags) error {
	r := d.request(self, OpWrite, off, int64(len(p)))
	defer r.done()
	return r.result(r.write(p, flags))
}

// WriteVAt stores the pieces of v, one after the other, at off.
func (d *Device) WriteVAt(self *coro.Self, v [][]byte, off int64, flags Flags) error {
	r := d.request(self, OpWrite, off, total(v))
	defer r.done()
	if len(v) == 1 {
		return r.result(r.write(v[0], flags))
	}
	return r.result(r.writePieces(v, flags))
}

// write is the fast path: what the driver can be given as it is.
func (r *request) write(p []byte, flags Flags) error {
	d := r.d
	if len(p) == 0 || flags&^FUA != 0 {
		r.one[0] = p
		return r.writePieces(r.one[:], flags)
	}
	if err := r.enter(); err != nil {
		return err
	}
	if (uint64(r.off)|uint64(len(p)))&d.mask != 0 || addr(p)&d.memMask != 0 || int64(len(p)) > d.maxTransfer {
		r.one[0] = p
		return r.writeParts(r.one[:], flags)
	}
	if err := r.occupy(false); err != nil {
		return err
	}
	if err := r.callWrite(p, r.off, d.pass(flags)); err != nil {
		return err
	}
	return r.confirm(flags)
}

// writePieces writes the pieces of a vector.
func (r *request) writePieces(v [][]byte, flags Flags) error {
	if err := r.checkFlags(flags, FUA); err != nil {
		return err
	}
	if r.n == 0 {
		if err := r.check(); err != nil || flags&FUA == 0 {
			return err
		}
		// It has no range to wait for, but counts as in flight.
		if _, err := r.admit(); err != nil {
			return err
		}
		return r.d.flush(r)
	}
	if err := r.enter(); err != nil {
		return err
	}
	return r.writeParts(v, flags)
}

// writeParts is the long way: in several calls of the driver, through buffers
// where it has to be, and with what is around where blocks are not written
// whole.
func (r *request) writeParts(v [][]byte, flags Flags) error {
	d := r.d
	if err := d.checkAligned(r, v); err != nil {
		return err
	}
	if err := r.occupy((uint64(r.off)|uint64(r.n))&d.mask != 0); err != nil {
		return err
	}
	e, err := r.readEdges()
	defer e.release(d)
	if err != nil {
		return err
	}
	off := r.off
	pass := d.pass(flags)
	for c := (cursor{v: v, n: r.n}); c.n > 0; {
		var n int64
		var err error
		if v, k := d.vectorOf(&c, off); k > 0 {
			n = k
			r.dirty = true
			r.part = Part{OpWrite, off, n}
			if err = d.vector.WriteVAt(r.self, v, off, pass); err == nil {
				c.forward(n)
			}
		} else if p := d.direct(&c, off); len(p) > 0 {
			n = int64(len(p))
			if err = r.callWrite(p, off, pass); err == nil {
				c.skip(len(p))
			}
		} else {
			n, err = r.writeBounced(&c, off, pass, &e)
		}
		if err != nil {
			return err
		}
		off += n
	}
	r.part.Op = OpNone
	return r.confirm(flags)
}

// writeBounced writes through a buffer, with what the edges hold, and returns by
// how much it got on.
func (r *request) writeBounced(c *cursor, off int64, pass Flags, e *edges) (int64, error) {
	d := r.d
	start, end := d.bounce(off, c.n)
	b := d.buffer(end - start)
	defer d.release(b)
	d.stats.bounced += uint64(end - start)
	n := min(c.n, end-off)
	e.fill(d, b, start, off, off+n)
	c.gather(b[off-start:][:n])
	return n, r.callWrite(b, start, pass)
}

// callWrite calls the driver.
func (r *request) callWrite(p []byte, off int64, pass Flags) error {
	r.dirty = true
	r.part = Part{OpWrite, off, int64(len(p))}
	if err := r.d.driver.WriteAt(r.self, p[:len(p):len(p)], off, pass); err != nil {
		return err
	}
	r.part.Op = OpNone
	return nil
}

func (r *request) checkFlags(flags, known Flags) error {
	if unknown := flags &^ known; unknown != 0 {
		return fmt.Errorf("%w: %v, want none but %v", ErrFlags, unknown, known)
	}
	return nil
}
