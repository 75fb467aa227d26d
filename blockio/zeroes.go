package blockio

import (
	"errors"
	"fmt"

	"github.com/gohandoff/coroutine/coro"
)

// WriteZeroes makes n bytes from off read as zeroes: the fast way if the driver
// has one, else by writing them. MayUnmap allows it to deallocate them; FUA has
// the zeroes durable when it returns; with NoFallback it fails with
// [ErrNotSupported], and changes nothing, where it would have to write more than
// the two blocks at the edges.
func (d *Device) WriteZeroes(self *coro.Self, off, n int64, flags Flags) error {
	r := d.request(self, OpZeroes, off, n)
	defer r.done()
	return r.result(r.zeroes(flags))
}

func (r *request) zeroes(flags Flags) error {
	d := r.d
	if err := r.checkFlags(flags, FUA|MayUnmap|NoFallback); err != nil {
		return err
	}
	if r.n == 0 {
		return r.check()
	}
	if err := r.enter(); err != nil {
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

	// The whole blocks come first: only there can it turn out that the fast
	// way is not supported, and then nothing must have changed.
	end := r.off + r.n
	from, to := d.ceil(r.off), d.floor(end)
	if end == d.size {
		to = d.ceil(end)
	}
	if from < to {
		if err := r.zeroBlocks(from, to, flags); err != nil {
			return err
		}
	}
	if e.head != nil {
		b := e.head // from here to the end of the block, or of the range
		b = b[r.off-d.floor(r.off):]
		clear(b[:min(r.n, int64(len(b)))])
		if err := r.callWrite(e.head, d.floor(r.off), d.pass(flags&FUA)); err != nil {
			return err
		}
	}
	if e.tail != nil {
		clear(e.tail[:end-e.last])
		if err := r.callWrite(e.tail, e.last, d.pass(flags&FUA)); err != nil {
			return err
		}
	}
	return r.confirm(flags)
}

// zeroBlocks zeroes whole blocks.
func (r *request) zeroBlocks(from, to int64, flags Flags) error {
	d := r.d
	if d.zeroer == nil && flags&NoFallback != 0 {
		return ErrNotSupported
	}
	if d.zeroer != nil {
		var err error
		from, err = r.zeroFast(from, to, flags)
		if err == nil || flags&NoFallback != 0 || !unsupported(err) {
			return err
		}
	}
	most := min(max(maxBounce, int64(d.limits.Alignment)), d.maxTransfer)
	b := d.buffer(min(to-from, most))
	defer d.release(b)
	clear(b)
	for from < to {
		n := min(to-from, int64(len(b)))
		if err := r.callWrite(b[:n], from, d.pass(flags&FUA)); err != nil {
			return err
		}
		from += n
	}
	return nil
}

// zeroFast has the driver do it, and returns how far it came.
func (r *request) zeroFast(from, to int64, flags Flags) (int64, error) {
	d := r.d
	for from < to {
		// Pieces end at what the driver can deallocate.
		n := min(to-from, d.limits.MaxDiscard-from%int64(d.limits.DiscardAlignment))
		r.dirty = true
		r.part = Part{OpZeroes, from, n}
		if err := d.zeroer.WriteZeroes(r.self, from, n, d.pass(flags)); err != nil {
			if unsupported(err) && !errors.Is(err, ErrNotSupported) {
				err = fmt.Errorf("%w: %w", ErrNotSupported, err)
			}
			return from, err
		}
		r.part.Op = OpNone
		from += n
	}
	return from, nil
}
