package blocktest

import (
	"bytes"
	"fmt"
	"slices"
)

// A Model knows what may be read from a device on which several requests go on
// at a time; see the package comment. The zero Model is a device of zeroes. It
// belongs to one line of control.
type Model struct {
	now     int
	extents []extent // in order, without gaps from 0 to far
	reads   []*Read  // that go on
}

// far is behind the end of every device that is tested.
const far = int64(1) << 40

// An extent is a range of bytes that the same writes may have left.
type extent struct {
	lo, hi int64
	writes []*Write
}

// A Write is something that changes a range.
type Write struct {
	m      *Model
	lo, hi int64
	data   []byte // nil: zeroes
	wild   bool   // any value
	begun  int
	ended  int // 0: goes on
}

// A Read is a read that goes on.
type Read struct {
	m      *Model
	lo, hi int64
	before []extent // what there was when it began
	since  []*Write // what has begun since
	quiet  bool     // nothing was going on at its begin
}

// left reports whether w may have left p at pos, all of it.
func (w *Write) left(pos int64, p []byte) bool {
	switch {
	case w.wild:
		return true
	case w.data == nil:
		return len(bytes.Trim(p, "\x00")) == 0
	}
	return bytes.Equal(w.data[pos-w.lo:][:len(p)], p)
}

// may reports whether w may have left c at pos.
func (w *Write) may(pos int64, c byte) bool {
	switch {
	case w.wild:
		return true
	case w.data == nil:
		return c == 0
	}
	return w.data[pos-w.lo] == c
}

func (m *Model) init() {
	if m.extents == nil {
		m.extents = []extent{{0, far, []*Write{{m: m, hi: far, ended: 1}}}}
		m.now = 1
	}
}

// split has an extent begin at pos, and returns its place.
func (m *Model) split(pos int64) int {
	m.init()
	i, found := slices.BinarySearchFunc(m.extents, pos, func(e extent, pos int64) int { return int(min(max(e.lo-pos, -1), 1)) })
	if found {
		return i
	}
	if pos >= far {
		return len(m.extents)
	}
	e := m.extents[i-1]
	m.extents[i-1].hi = pos
	e.lo, e.writes = pos, slices.Clone(e.writes)
	m.extents = slices.Insert(m.extents, i, e)
	return i
}

// within returns the extents of a range.
func (m *Model) within(lo, hi int64) []extent {
	i := m.split(lo)
	j := m.split(hi)
	return m.extents[i:j]
}

// Write tells that data is being written at off. Like Zero, Discard and Read, it
// panics if the range is none, or ends beyond 1 TiB.
func (m *Model) Write(off int64, data []byte) *Write {
	return m.begin(&Write{lo: off, hi: off + int64(len(data)), data: slices.Clone(data)})
}

// Zero tells that n bytes from off are being zeroed.
func (m *Model) Zero(off, n int64) *Write { return m.begin(&Write{lo: off, hi: off + n}) }

// Discard tells that n bytes from off are being discarded, after which they have
// any value, but the same for every read.
func (m *Model) Discard(off, n int64) *Write {
	return m.begin(&Write{lo: off, hi: off + n, wild: true})
}

// mustBeRange panics if the range from lo to hi is none, or reaches where no device
// does.
func mustBeRange(lo, hi int64) {
	if lo < 0 || hi < lo || hi > far {
		panic(fmt.Sprintf("blocktest: %d bytes at %d are no range, want one from 0 on that ends at %d at most", hi-lo, lo, far))
	}
}

func (m *Model) begin(w *Write) *Write {
	mustBeRange(w.lo, w.hi)
	m.init()
	m.now++
	w.m, w.begun = m, m.now
	es := m.within(w.lo, w.hi)
	for i := range es {
		es[i].writes = append(es[i].writes, w)
	}
	for _, r := range m.reads {
		if w.lo < r.hi && r.lo < w.hi {
			r.since = append(r.since, w)
		}
	}
	return w
}

// End tells that w succeeded: what had ended before it began is gone.
func (w *Write) End() {
	w.Abort()
	es := w.m.within(w.lo, w.hi)
	for i := range es {
		es[i].writes = slices.DeleteFunc(es[i].writes, func(x *Write) bool {
			return x != w && x.ended != 0 && x.ended < w.begun
		})
	}
}

// Abort tells that w has ended, and may have happened or not, byte for byte.
func (w *Write) Abort() {
	w.m.now++
	w.ended = w.m.now
}

// Read tells that n bytes from off are being read.
func (m *Model) Read(off, n int64) *Read {
	mustBeRange(off, off+n)
	r := &Read{m: m, lo: off, hi: off + n, quiet: true}
	for _, e := range m.within(off, off+n) {
		e.writes = slices.Clone(e.writes)
		r.before = append(r.before, e)
		for _, w := range e.writes {
			r.quiet = r.quiet && w.ended != 0
		}
	}
	m.reads = append(m.reads, r)
	return r
}

// Abort tells that r has ended without a result.
func (r *Read) Abort() {
	r.m.reads = slices.DeleteFunc(r.m.reads, func(x *Read) bool { return x == r })
}

// End tells that r returned data, and returns an error if it may not.
func (r *Read) End(data []byte) error {
	r.Abort()
	if int64(len(data)) != r.hi-r.lo {
		return fmt.Errorf("a read of %d bytes returned %d", r.hi-r.lo, len(data))
	}
	for _, e := range r.before {
		if err := r.check(e, data); err != nil {
			return err
		}
	}
	if r.quiet && len(r.since) == 0 && r.lo < r.hi {
		w := &Write{m: r.m, lo: r.lo, hi: r.hi, data: slices.Clone(data), begun: r.m.now, ended: r.m.now}
		es := r.m.within(r.lo, r.hi)
		for i := range es {
			es[i].writes = []*Write{w}
		}
	}
	return nil
}

func (r *Read) check(e extent, data []byte) error {
	if slices.ContainsFunc(e.writes, func(w *Write) bool { return w.left(e.lo, data[e.lo-r.lo:e.hi-r.lo]) }) {
		return nil // the rule: all of it by one of them
	}
	for pos := e.lo; pos < e.hi; pos++ {
		c := data[pos-r.lo]
		ok := slices.ContainsFunc(e.writes, func(w *Write) bool { return w.may(pos, c) })
		ok = ok || slices.ContainsFunc(r.since, func(w *Write) bool { return w.lo <= pos && pos < w.hi && w.may(pos, c) })
		if !ok {
			return fmt.Errorf("byte %d is %#02x; may be %s", pos, c, e.at(pos))
		}
	}
	return nil
}

// at says what may be found at pos.
func (e extent) at(pos int64) string {
	s := ""
	for i, w := range e.writes {
		if i > 0 {
			s += ", or "
		}
		switch {
		case w.wild:
			s += "anything"
		case w.data == nil:
			s += "0"
		default:
			s += fmt.Sprintf("%#02x of the write of [%d, %d)", w.data[pos-w.lo], w.lo, w.hi)
		}
	}
	return s
}

// cut has r end at hi.
func (r *Read) cut(hi int64) {
	r.hi = hi
	for i, e := range r.before {
		if e.hi >= hi {
			r.before[i].hi = hi
			r.before = r.before[:i+1]
			return
		}
	}
}
