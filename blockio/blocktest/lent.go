package blocktest

import (
	"bytes"
	"unsafe"
)

// A driver reads into a buffer that is lent to it, not into the caller's, so that
// it shows if it goes on to write there when it has returned: what was lent is
// painted over, kept for a while, and looked at.

const (
	// keptLent is how many buffers are kept: those of what may be in flight at
	// the same time, and more.
	keptLent = 64
	// paint is what no test writes in such a number.
	paint = 0xa5
)

// lent is a buffer that a driver has had.
type lent struct {
	p   []byte
	op  string
	off int64
}

// lend returns a buffer to be used in place of p.
func (c *Checked) lend(p []byte) []byte {
	align := max(c.limits.MemoryAlignment, 1)
	b := make([]byte, len(p)+align)
	skip := int(-uintptr(unsafe.Pointer(unsafe.SliceData(b))) & uintptr(align-1))
	return b[skip : skip+len(p) : skip+len(p)]
}

// takeBack is called when the driver has returned, or was unwound.
func (c *Checked) takeBack(op string, b []byte, off int64) {
	for i := range b {
		b[i] = paint
	}
	c.lent = append(c.lent, lent{b, op, off})
	if len(c.lent) > keptLent {
		c.inspect(c.lent[0])
		c.lent = c.lent[1:]
	}
}

// inspect looks whether somebody has written where he should not any more.
func (c *Checked) inspect(l lent) {
	c.t.Helper()
	if bytes.Count(l.p, []byte{paint}) != len(l.p) {
		c.t.Errorf("%s of %d bytes at %d has written into the buffer after it had returned", l.op, len(l.p), l.off)
	}
}

// checkList checks that v, of which list is a copy, was left as it is.
func (c *Checked) checkList(op string, v, list [][]byte) {
	c.t.Helper()
	for i := range v {
		if len(v[i]) != len(list[i]) || unsafe.SliceData(v[i]) != unsafe.SliceData(list[i]) {
			c.t.Errorf("%s has changed the list of pieces that it was given: piece %d had %d bytes, and has %d", op, i, len(list[i]), len(v[i]))
			return
		}
	}
}
