package blockio

import (
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/gohandoff/coroutine/coro"
)

// A Bound is a device together with the coroutine that uses it, which makes it a
// file for code that knows nothing of either: archive/zip, io.Copy, io/fs and
// their like. Such code runs in the coroutine, which yields in its midst.
//
// It is an io.ReaderAt, io.WriterAt, io.ReadWriteSeeker, io.ReaderFrom and
// io.WriterTo. It must be used by the coroutine that it was bound to only, on
// that coroutine's goroutine. A coroutine may have several, each with an offset
// of its own.
type Bound struct {
	d    *Device
	self *coro.Self
	off  int64
}

// Bind returns the device as a file for self, at offset 0.
func (d *Device) Bind(self *coro.Self) *Bound { return &Bound{d: d, self: self} }

// Size returns the size of the device.
func (b *Bound) Size() int64 { return b.d.size }

// Device returns the device.
func (b *Bound) Device() *Device { return b.d }

// ReadAt reads as io.ReaderAt asks: io.EOF tells that the device ended before p
// was full.
func (b *Bound) ReadAt(p []byte, off int64) (n int, err error) {
	if off >= 0 && off >= b.d.size && len(p) > 0 {
		return 0, io.EOF
	}
	short := false
	if off >= 0 && int64(len(p)) > b.d.size-off {
		p, short = p[:max(0, b.d.size-off)], true
	}
	if err := b.d.ReadAt(b.self, p, off); err != nil {
		return done(err, off, len(p)), err
	}
	if short {
		return len(p), io.EOF
	}
	return len(p), nil
}

// WriteAt writes as io.WriterAt asks. It does not make the device larger: of
// what does not fit, it returns an error for [ErrOutOfRange], after it has
// written the rest.
func (b *Bound) WriteAt(p []byte, off int64) (n int, err error) {
	fits := p
	if off >= 0 && off <= b.d.size && int64(len(p)) > b.d.size-off {
		fits = p[:b.d.size-off]
	}
	if err := b.d.WriteAt(b.self, fits, off); err != nil {
		return done(err, off, len(fits)), err
	}
	if len(fits) < len(p) {
		return len(fits), &OpError{
			Op: OpWrite, Device: b.d.name, Offset: off, Length: int64(len(p)),
			Err: fmt.Errorf("%w: the size is %d", ErrOutOfRange, b.d.size),
		}
	}
	return len(p), nil
}

// done returns how many of n bytes from off were read or written before err.
func done(err error, off int64, n int) int {
	var e *OpError
	if errors.As(err, &e) && e.Part.Op == e.Op {
		return int(min(max(0, e.Part.Offset-off), int64(n)))
	}
	return 0
}

// Read reads from the offset on and moves it; io.EOF at the end.
func (b *Bound) Read(p []byte) (n int, err error) {
	if len(p) == 0 {
		return 0, nil
	}
	n, err = b.ReadAt(p, b.off)
	b.off += int64(n)
	if n > 0 && errors.Is(err, io.EOF) {
		err = nil
	}
	return n, err
}

// Write writes at the offset and moves it.
func (b *Bound) Write(p []byte) (n int, err error) {
	n, err = b.WriteAt(p, b.off)
	b.off += int64(n)
	return n, err
}

// Seek moves the offset, as io.Seeker asks; behind the end is allowed.
func (b *Bound) Seek(offset int64, whence int) (int64, error) {
	from := int64(0)
	switch whence {
	case io.SeekStart:
	case io.SeekCurrent:
		from = b.off
	case io.SeekEnd:
		from = b.d.size
	default:
		return 0, fmt.Errorf("blockio: seek on %s: unknown whence %d", b.d.name, whence)
	}
	if offset < -from || offset > math.MaxInt64-from {
		return 0, fmt.Errorf("blockio: seek on %s: %w: offset %d from %d", b.d.name, ErrOutOfRange, offset, from)
	}
	b.off = from + offset
	return b.off, nil
}

// Flush is [Device.Flush]. Sync is the same, under the name that files have.
func (b *Bound) Flush() error { return b.d.Flush(b.self) }

// Sync is [Device.Flush].
func (b *Bound) Sync() error { return b.Flush() }

// copyBuffer is what is moved at a time: large enough for a medium with seeks.
const copyBuffer = 1 << 20

// WriteTo copies from the offset to the end of the device, for io.Copy. What is
// known to be zero is not read; if w is a Bound, it is not written either, but
// made zero the way its driver does it best.
func (b *Bound) WriteTo(w io.Writer) (total int64, err error) {
	var buf, zeroes []byte
	for b.off < b.d.size {
		n := b.d.size - b.off
		s, n, err := b.d.BlockStatus(b.self, b.off, n)
		if err != nil {
			return total, err
		}
		var k int64
		switch to, ok := w.(*Bound); {
		case s&Zero == 0:
			if buf == nil {
				buf = alignedBytes(copyBuffer, int(b.d.memMask)+1)
			}
			p := buf[:min(n, copyBuffer)]
			if _, err := b.ReadAt(p, b.off); err != nil {
				return total, err
			}
			k, err = writeAll(w, p)
		case ok && to.off <= to.d.size-n:
			if err = to.d.WriteZeroes(to.self, to.off, n, MayUnmap); err == nil {
				k = n
				to.off += n
			}
		default:
			if zeroes == nil {
				zeroes = make([]byte, min(n, copyBuffer))
			}
			k, err = writeAll(w, zeroes[:min(n, int64(len(zeroes)))])
		}
		total += k
		b.off += k
		if err != nil {
			return total, err
		}
	}
	return total, nil
}

func writeAll(w io.Writer, p []byte) (int64, error) {
	n, err := w.Write(p)
	if n < 0 || n > len(p) {
		return 0, fmt.Errorf("blockio: a write of %d bytes to a %T returned %d", len(p), w, n)
	}
	if err == nil && n < len(p) {
		err = io.ErrShortWrite
	}
	return int64(n), err
}

// ReadFrom copies from r to the offset and on, until r ends, for io.Copy, in
// large writes however small r's reads are. What does not fit is an error for
// [ErrOutOfRange]; a reader that returns nothing a hundred times in a row, for
// io.ErrNoProgress.
func (b *Bound) ReadFrom(r io.Reader) (total int64, err error) {
	buf := alignedBytes(copyBuffer, int(b.d.memMask)+1)
	for {
		n, err := readFull(r, buf)
		if n > 0 {
			k, werr := b.Write(buf[:n])
			total += int64(k)
			if werr != nil {
				return total, werr
			}
		}
		if err == io.EOF {
			return total, nil
		}
		if err != nil {
			return total, err
		}
	}
}

// maxEmptyReads is how often in a row a reader may return nothing.
const maxEmptyReads = 100

// readFull reads until p is full or r returns an error; it trusts r in nothing.
func readFull(r io.Reader, p []byte) (n int, err error) {
	for empty := 0; n < len(p) && err == nil; {
		var k int
		k, err = r.Read(p[n:])
		if k < 0 || k > len(p)-n {
			return n, fmt.Errorf("blockio: a read of %d bytes from a %T returned %d", len(p)-n, r, k)
		}
		n += k
		if empty++; k > 0 {
			empty = 0
		}
		if empty == maxEmptyReads && err == nil {
			err = io.ErrNoProgress
		}
	}
	return n, err
}
