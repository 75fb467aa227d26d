package verify

import (
	"bytes"
	"errors"
	"unsafe"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/coro"
)

// ReadAt reads from both, and compares what was read.
func (d *Driver) ReadAt(self *coro.Self, p []byte, off int64) error {
	part := blockio.Part{Op: blockio.OpRead, Offset: off, Length: int64(len(p))}
	c := d.claims.take(self, off, off+int64(len(p)), false)
	defer d.claims.release(self, c)
	q := d.buffer(len(p))
	defer d.release(q)
	errTested, errKnown := d.tested.read(self, p, off), d.known.read(self, q, off)
	if err := d.settle(part, errTested, errKnown); err != nil {
		return err
	}
	if errTested != nil { // reported
		copy(p, q)
		return nil
	}
	if errKnown != nil {
		return nil
	}
	// What is vague is skipped: there p has what the tested driver says.
	for _, r := range d.vague.gaps(off, off+int64(len(p))) {
		a, b := p[r.lo-off:r.hi-off], q[r.lo-off:r.hi-off]
		if bytes.Equal(a, b) {
			continue
		}
		i := 0
		for a[i] == b[i] {
			i++
		}
		e := &Error{Op: part.Op, Offset: off, Length: part.Length, At: r.lo + int64(i), Tested: a[i], Known: b[i]}
		if err := d.differ(e, nil); err != nil {
			return err
		}
		for _, r := range d.vague.gaps(off, off+int64(len(p))) {
			copy(p[r.lo-off:r.hi-off], q[r.lo-off:r.hi-off])
		}
		break // the first one is reported
	}
	return nil
}

// change has both drivers do what changes a range. Unless both succeed, and leave
// the same there if same is set, the range is vague from then on. Zeroes that the
// tested one does not support change nothing.
func (d *Driver) change(self *coro.Self, p blockio.Part, same bool, f func(s side) error) error {
	lo, hi := p.Offset, p.Offset+p.Length
	c := d.claims.take(self, lo, hi, true)
	defer d.claims.release(self, c)
	unsupported, sure := false, false
	defer func() { // also if it is killed
		if sure {
			d.vague.remove(lo, hi)
		} else if !unsupported {
			d.vague.add(lo, hi)
		}
	}()
	errTested := f(d.tested)
	if unsupported = p.Op == blockio.OpZeroes && errors.Is(errTested, blockio.ErrNotSupported); unsupported {
		return errTested
	}
	errKnown := f(d.known)
	sure = same && errTested == nil && errKnown == nil
	return d.settle(p, errTested, errKnown)
}

// WriteAt writes to both.
func (d *Driver) WriteAt(self *coro.Self, p []byte, off int64, flags blockio.Flags) error {
	return d.change(self, blockio.Part{Op: blockio.OpWrite, Offset: off, Length: int64(len(p))}, true,
		func(s side) error { return s.write(self, p, off, flags) })
}

// Discard has both discard, as far as they can. What is read there is not
// compared until it is written again.
func (d *Driver) Discard(self *coro.Self, off, n int64) error {
	return d.change(self, blockio.Part{Op: blockio.OpDiscard, Offset: off, Length: n}, false,
		func(s side) error { return s.discard(self, off, n) })
}

// WriteZeroes makes zeroes on both. It is not supported where the tested driver
// does not; where the known one does not, zeroes are written there.
func (d *Driver) WriteZeroes(self *coro.Self, off, n int64, flags blockio.Flags) error {
	return d.change(self, blockio.Part{Op: blockio.OpZeroes, Offset: off, Length: n}, true,
		func(s side) error {
			err := s.zero(self, off, n, flags)
			if s == d.known && errors.Is(err, blockio.ErrNotSupported) {
				return d.writeZeroes(self, off, n, flags&blockio.FUA)
			}
			return err
		})
}

// writeZeroes writes zeroes to the known driver.
func (d *Driver) writeZeroes(self *coro.Self, off, n int64, flags blockio.Flags) error {
	chunk := int64(max(64<<10, d.limits.Alignment))
	if d.limits.MaxTransfer > 0 {
		chunk = min(chunk, int64(d.limits.MaxTransfer))
	}
	p := d.buffer(int(min(n, chunk)))
	defer d.release(p)
	clear(p)
	for n > 0 {
		k := min(n, int64(len(p)))
		if err := d.known.write(self, p[:k], off, flags); err != nil {
			return err
		}
		off, n = off+k, n-k
	}
	return nil
}

// Resize resizes both. It is not supported if one of them cannot.
func (d *Driver) Resize(self *coro.Self, n int64) error {
	c := d.claims.take(self, 0, 1<<63-1, true)
	defer d.claims.release(self, c)
	// A filter tells only when it is asked whether what is below it can. It
	// is asked for the size that it has, since what has been cut off one of
	// the two could not be brought back.
	for _, s := range []side{d.tested, d.known} {
		if err := s.resize(self, s.Size()); errors.Is(err, blockio.ErrNotSupported) {
			return err
		}
	}
	from := min(n, d.Size())
	sure := false
	defer func() { // also if it is killed
		if sure {
			d.vague.remove(from, 1<<63-1) // zeroes, if there is anything
		} else {
			d.vague.add(from, 1<<63-1)
		}
	}()
	errTested, errKnown := d.tested.resize(self, n), d.known.resize(self, n)
	sure = errTested == nil && errKnown == nil
	return d.settle(blockio.Part{Op: blockio.OpResize, Length: n}, errTested, errKnown)
}

// Size returns the number of bytes that both have.
func (d *Driver) Size() int64 { return min(d.tested.Size(), d.known.Size()) }

// ReadVAt is not supported: nobody asks, see Limits.
func (d *Driver) ReadVAt(*coro.Self, [][]byte, int64) error { return blockio.ErrNotSupported }

// WriteVAt is not supported: nobody asks, see Limits.
func (d *Driver) WriteVAt(*coro.Self, [][]byte, int64, blockio.Flags) error {
	return blockio.ErrNotSupported
}

// buffer returns n bytes at an address that suits both drivers.
func (d *Driver) buffer(n int) []byte {
	if k := len(d.buffers); k > 0 {
		b := d.buffers[k-1]
		d.buffers = d.buffers[:k-1]
		if cap(b) >= n {
			return b[:n]
		}
	}
	align := max(d.limits.MemoryAlignment, 1)
	b := make([]byte, n+align-1)
	skip := int(-uintptr(unsafe.Pointer(unsafe.SliceData(b))) & uintptr(align-1))
	return b[skip:][:n:n]
}

// release takes a buffer back.
func (d *Driver) release(b []byte) {
	if len(d.buffers) < 16 {
		d.buffers = append(d.buffers, b)
	}
}
