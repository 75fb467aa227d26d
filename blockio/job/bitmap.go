package job

import (
	"fmt"
	"math/bits"

	"github.com/gohandoff/coroutine/blockio"
)

const (
	// DefaultGranularity is how many bytes a bit of a [Bitmap] stands for, on
	// devices of up to 4 TiB.
	DefaultGranularity = 64 << 10
	// mostGranules is how many bits a bitmap has unless one asks for more: 8 MiB
	// of memory, so that a device of any size costs no more than that.
	mostGranules = 1 << 26
)

// A Bitmap is a set of granules of a device, one bit each: those that are still
// to be copied. Its memory does not depend on what is in it: size/granularity/8
// bytes. It belongs to one line of control.
type Bitmap struct {
	// Invariants: bits behind the last granule are 0; count is how many are 1.
	size  int64
	shift uint
	words []uint64
	count int64
}

// NewBitmap makes an empty bitmap for a device of size bytes. Each bit stands for
// granularity bytes, a power of two; 0 is what is best for the size. It panics
// if the size is negative, or the granularity is no power of two from 1 to 1 TiB,
// or so fine that there would be more than 2^32 granules.
func NewBitmap(size, granularity int64) *Bitmap {
	if granularity == 0 {
		granularity = max(DefaultGranularity, leastGranularity(size))
	}
	if size < 0 || granularity < 1 || granularity > maxGranularity || granularity&(granularity-1) != 0 || size/granularity >= maxGranules {
		panic(fmt.Sprintf("job: NewBitmap(%d, %d): want a size of 0 or more, and a power of two up to %d that it has at most %d of",
			size, granularity, int64(maxGranularity), int64(maxGranules)))
	}
	b := &Bitmap{size: size, shift: uint(bits.TrailingZeros64(uint64(granularity)))}
	b.words = make([]uint64, (b.granules()+63)/64)
	return b
}

// leastGranularity keeps the bitmap small.
func leastGranularity(size int64) int64 {
	g := int64(1)
	for size/g > mostGranules {
		g *= 2
	}
	return g
}

// granules returns how many there are.
func (b *Bitmap) granules() int64 {
	n := b.size >> b.shift
	if n<<b.shift < b.size {
		n++
	}
	return n
}

// Granularity returns how many bytes a bit stands for.
func (b *Bitmap) Granularity() int64 { return 1 << b.shift }

// Bytes returns how many bytes the granules in the set have, at most the size of
// the device.
func (b *Bitmap) Bytes() int64 {
	n := b.count << b.shift
	if last := b.granules() - 1; last >= 0 && b.has(last) {
		n -= (last+1)<<b.shift - b.size
	}
	return n
}

func (b *Bitmap) has(i int64) bool { return b.words[i/64]>>(i%64)&1 != 0 }

// span returns the granules that n bytes from off touch, as far as there are any.
func (b *Bitmap) span(off, n int64) (from, to int64) {
	if off < 0 {
		off, n = 0, n+off
	}
	if off >= b.size || n <= 0 {
		return 0, 0
	}
	end := off + min(n, b.size-off)
	return off >> b.shift, (end-1)>>b.shift + 1
}

// Set adds all granules that n bytes from off touch.
func (b *Bitmap) Set(off, n int64) { b.change(off, n, true) }

// Clear removes all granules that n bytes from off touch.
func (b *Bitmap) Clear(off, n int64) { b.change(off, n, false) }

func (b *Bitmap) change(off, n int64, set bool) {
	from, to := b.span(off, n)
	for i := from; i < to; {
		k := min(64-i%64, to-i) // in this word
		mask := ^uint64(0) >> (64 - k) << (i % 64)
		w := &b.words[i/64]
		b.count -= int64(bits.OnesCount64(*w & mask))
		if set {
			*w |= mask
			b.count += k
		} else {
			*w &^= mask
		}
		i += k
	}
}

// All reports whether all granules that n bytes from off touch are in the set.
func (b *Bitmap) All(off, n int64) bool {
	from, to := b.span(off, n)
	return from == to || b.find(from, to, false) == to
}

// Any reports whether one of the granules that n bytes from off touch is in the
// set.
func (b *Bitmap) Any(off, n int64) bool {
	from, to := b.span(off, n)
	return b.find(from, to, true) < to
}

// Next returns the first range at or behind off whose granules are all in the
// set, at most limit bytes of it, but one granule at least; ok is false if there
// is none. It begins with a granule, and ends with one or at the end of the
// device.
func (b *Bitmap) Next(off, limit int64) (r blockio.Range, ok bool) {
	last := b.granules()
	from := min((off+b.Granularity()-1)>>b.shift, last)
	if from = b.find(from, last, true); from == last {
		return blockio.Range{}, false
	}
	to := b.find(from, min(last, from+max(1, limit>>b.shift)), false)
	return blockio.Range{Start: from << b.shift, Length: min(to<<b.shift, b.size) - from<<b.shift}, true
}

// find returns the first granule from from on that is in the set, or not; to if
// there is none before it.
func (b *Bitmap) find(from, to int64, set bool) int64 {
	for i := from; i < to; {
		w := b.words[i/64]
		if !set {
			w = ^w
		}
		if w = w >> (i % 64); w != 0 {
			return min(to, i+int64(bits.TrailingZeros64(w)))
		}
		i += 64 - i%64
	}
	return to
}
