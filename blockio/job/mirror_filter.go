package job

import (
	"fmt"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/coro"
)

// A mirrorFilter is what a source stands on that is mirrored.
type mirrorFilter struct {
	blockio.Filter
	m *Mirror
}

func (f *mirrorFilter) idle() bool            { return f.m.ended }
func (f *mirrorFilter) under() blockio.Driver { return f.Driver }

// String names the filter.
func (f *mirrorFilter) String() string {
	if f.m.ended {
		return "mirror that has ended"
	}
	return "mirror to " + f.m.dst.Name()
}

// WriteAt writes to the source, and to the target where that has to be.
func (f *mirrorFilter) WriteAt(self *coro.Self, p []byte, off int64, flags blockio.Flags) error {
	return f.m.change(self, off, int64(len(p)),
		func() error { return f.Filter.WriteAt(self, p, off, flags) },
		func() error { return f.m.dst.WriteAt(self, p[:f.m.clip(off, int64(len(p)))], off) })
}

// WriteVAt is WriteAt for pieces.
func (f *mirrorFilter) WriteVAt(self *coro.Self, v [][]byte, off int64, flags blockio.Flags) error {
	n := int64(0)
	for _, p := range v {
		n += int64(len(p))
	}
	return f.m.change(self, off, n,
		func() error { return f.Filter.WriteVAt(self, v, off, flags) },
		func() error { return f.m.dst.WriteVAt(self, cut(v, f.m.clip(off, n)), off, 0) })
}

// cut returns the first n bytes of v.
func cut(v [][]byte, n int64) [][]byte {
	var short [][]byte
	for _, p := range v {
		p = p[:min(n, int64(len(p)))]
		if n -= int64(len(p)); len(p) > 0 {
			short = append(short, p)
		}
	}
	return short
}

// WriteZeroes makes zeroes on the source, and on the target where that has to be.
func (f *mirrorFilter) WriteZeroes(self *coro.Self, off, n int64, flags blockio.Flags) error {
	return f.m.change(self, off, n,
		func() error { return f.Filter.WriteZeroes(self, off, n, flags) },
		func() error { return f.m.dst.WriteZeroes(self, off, f.m.clip(off, n), flags&blockio.MayUnmap) })
}

// Discard discards on the source. What is read there then only the source knows,
// so that it is copied, also in active mode.
func (f *mirrorFilter) Discard(self *coro.Self, off, n int64) error {
	return f.m.change(self, off, n, func() error { return f.Filter.Discard(self, off, n) }, nil)
}

// Resize is refused.
func (f *mirrorFilter) Resize(self *coro.Self, n int64) error {
	if f.m.ended {
		return f.Filter.Resize(self, n)
	}
	return fmt.Errorf("%w: a mirror to %s", ErrBusy, f.m.dst.Name())
}

// Close ends the mirror, too.
func (f *mirrorFilter) Close(self *coro.Self) error {
	f.m.closed(self)
	return f.Filter.Close(self)
}
