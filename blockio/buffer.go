package blockio

import (
	"math/bits"
	"unsafe"
)

const (
	// maxBounce is the most that is copied through a buffer at a time, if a
	// block is not larger. A quarter of a MiB is where the cost of a system
	// call and of a hop to a worker and back, some 10 µs, is lost in the
	// time of the copy and the medium.
	maxBounce = 256 << 10
	// keptBuffers is how many buffers of each size are kept for reuse.
	keptBuffers = 16
)

// buffers keeps aligned buffers for reuse, by size: free[k] has 1<<k bytes each.
type buffers struct {
	free [19][][]byte // up to maxBounce
}

// buffer returns n bytes of any content, aligned as the driver likes it.
func (d *Device) buffer(n int64) []byte {
	k := bits.Len64(uint64(n - 1))
	if k >= len(d.buffers.free) {
		return alignedBytes(int(n), int(d.memMask)+1)
	}
	free := &d.buffers.free[k]
	if last := len(*free) - 1; last >= 0 {
		b := (*free)[last]
		*free = (*free)[:last]
		return b[:n]
	}
	return alignedBytes(1<<k, int(d.memMask)+1)[:n]
}

// release takes a buffer back.
func (d *Device) release(b []byte) {
	k := bits.Len64(uint64(cap(b) - 1))
	if k < len(d.buffers.free) && cap(b) == 1<<k && len(d.buffers.free[k]) < keptBuffers {
		d.buffers.free[k] = append(d.buffers.free[k], b)
	}
}

// alignedBytes allocates n bytes at an address that is a multiple of align.
// Allocated memory does not move.
func alignedBytes(n, align int) []byte {
	b := make([]byte, n+align-1)
	skip := -addr(b) & uintptr(align-1)
	return b[skip : int(skip)+n : int(skip)+n]
}

// addr returns where b begins.
func addr(b []byte) uintptr { return uintptr(unsafe.Pointer(unsafe.SliceData(b))) }

// A cursor goes through the pieces of a vector.
type cursor struct {
	v  [][]byte
	at int   // in v[0]
	n  int64 // bytes left
}

// piece returns what is left of the current piece; there is something left.
func (c *cursor) piece() []byte {
	for c.at == len(c.v[0]) {
		c.v, c.at = c.v[1:], 0
	}
	return c.v[0][c.at:]
}

// skip goes on by n bytes within the current piece.
func (c *cursor) skip(n int) {
	c.at += n
	c.n -= int64(n)
}

// gather copies from the pieces to b, as much as there is.
func (c *cursor) gather(b []byte) {
	for len(b) > 0 && c.n > 0 {
		k := copy(b, c.piece())
		b = b[k:]
		c.skip(k)
	}
}

// scatter copies b to the pieces, as much as there is room for.
func (c *cursor) scatter(b []byte) {
	for len(b) > 0 && c.n > 0 {
		k := copy(c.piece(), b)
		b = b[k:]
		c.skip(k)
	}
}

// direct returns what of the pieces the driver can be given next for a request
// at off as it is, empty if nothing. Small pieces are better copied together,
// and so is a small rest that does not end with a block: one call costs more
// than the copy.
func (d *Device) direct(c *cursor, off int64) []byte {
	p := c.piece()
	switch {
	case uint64(off)&d.mask != 0 || addr(p)&d.memMask != 0:
		return nil
	case int64(len(p)) < c.n && len(p) < maxBounce/4:
		return nil
	case uint64(c.n)&d.mask != 0 && c.n <= min(maxBounce/4, d.maxTransfer):
		return nil
	}
	return p[:uint64(min(int64(len(p)), d.maxTransfer))&^d.mask]
}

// bounce returns the blocks that a buffer is to hold next for a request whose
// rest is n bytes at off.
func (d *Device) bounce(off, n int64) (start, end int64) {
	start = d.floor(off)
	most := min(max(maxBounce, int64(d.limits.Alignment)), d.maxTransfer)
	return start, min(d.ceil(off+n), start+most)
}

// vectorOf returns the next pieces that a VectorDriver can be given as they are
// for a request at off, and how many bytes they are; nil if the current piece
// cannot be.
func (d *Device) vectorOf(c *cursor, off int64) (v [][]byte, n int64) {
	if d.vector == nil || uint64(off)&d.mask != 0 {
		return nil, 0
	}
	for i, p := range c.v {
		if i == 0 {
			p = p[c.at:]
		}
		if len(p) == 0 {
			continue
		}
		if uint64(len(p))&d.mask != 0 || addr(p)&d.memMask != 0 || n+int64(len(p)) > d.maxTransfer || len(v) == d.limits.MaxPieces {
			break
		}
		v = append(v, p[:len(p):len(p)])
		n += int64(len(p))
	}
	if len(v) < 2 {
		return nil, 0
	}
	return v, n
}

// forward goes on by n bytes.
func (c *cursor) forward(n int64) {
	for n > 0 {
		k := min(n, int64(len(c.piece())))
		c.skip(int(k))
		n -= k
	}
}
