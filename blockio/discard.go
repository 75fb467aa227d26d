package blockio

import (
	"fmt"

	"github.com/gohandoff/coroutine/coro"
)

// Discard tells the driver that n bytes from off are no longer needed. What is
// read there afterwards is undefined until it is written again, but does not
// change from read to read. It is advice: blocks that are not covered whole are
// left alone, and a driver that cannot discard does nothing.
func (d *Device) Discard(self *coro.Self, off, n int64) error {
	r := d.request(self, OpDiscard, off, n)
	defer r.done()
	return r.result(r.discard())
}

func (r *request) discard() error {
	d := r.d
	if r.n == 0 {
		return r.check()
	}
	if err := r.enter(); err != nil || d.discarder == nil {
		return err
	}
	if err := r.occupy(false); err != nil {
		return err
	}
	align := int64(d.limits.DiscardAlignment)
	from, to := r.off, r.off+r.n
	if over := from & (align - 1); over != 0 {
		from += align - over
	}
	if to == d.size {
		to = d.ceil(to) // the driver's last block, which may be part of one of align
	} else {
		to &^= align - 1
	}
	for from < to {
		n := min(to-from, d.limits.MaxDiscard)
		r.dirty = true
		r.part = Part{OpDiscard, from, n}
		if err := d.discarder.Discard(r.self, from, n); err != nil && !unsupported(err) {
			return err
		}
		r.part.Op = OpNone
		from += n
	}
	return nil
}

// BlockStatus describes the range that begins at off: whether it holds data of
// its own, whether it is known to read as zeroes, and how many bytes, at least
// one and at most n, this is said of. Of an empty range it says nothing.
func (d *Device) BlockStatus(self *coro.Self, off, n int64) (Status, int64, error) {
	r := d.request(self, OpStatus, off, n)
	defer r.done()
	s, k, err := r.status()
	return s, k, r.result(err)
}

func (r *request) status() (Status, int64, error) {
	d := r.d
	if r.n == 0 {
		return 0, 0, r.check()
	}
	if err := r.enter(); err != nil {
		return 0, 0, err
	}
	if d.reporter == nil {
		return Data, r.n, nil
	}
	if err := r.occupy(false); err != nil {
		return 0, 0, err
	}
	r.part = Part{OpStatus, r.off, r.n}
	s, k, err := d.reporter.BlockStatus(r.self, r.off, r.n)
	if err != nil {
		return 0, 0, err
	}
	if k < 1 || k > r.n || s&^(Data|Zero) != 0 {
		return 0, 0, fmt.Errorf("%w: it says %v of %d bytes", ErrDriver, s, k)
	}
	r.part.Op = OpNone
	return s, k, nil
}
