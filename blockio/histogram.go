package blockio

import (
	"iter"
	"math/bits"
	"time"
)

// A Histogram counts durations in buckets whose width grows with the duration:
// each power of two nanoseconds is divided into 16, so that what it tells is at
// most a thirty-second part off. Its size is fixed, adding costs no allocation.
// The zero Histogram is empty.
type Histogram struct {
	count  uint64
	sum    time.Duration
	max    time.Duration
	counts [buckets]uint64
}

const (
	subBits = 4 // 16 buckets a power of two
	sub     = 1 << subBits
	// Durations of up to 2^42 ns, more than an hour, have a bucket of their
	// own; all longer ones share the last.
	maxBits = 42
	buckets = (maxBits - subBits + 1) * sub
)

// bucketOf returns the bucket of a duration: the first 16 are 1 ns wide, the
// next 16 too, from 32 ns on they are 2 ns wide, and so on.
func bucketOf(d time.Duration) int {
	if d < 0 {
		d = 0
	}
	shift := max(0, bits.Len64(uint64(d))-subBits-1)
	return min(shift*sub+int(uint64(d)>>shift), buckets-1)
}

// bucketStart returns the shortest duration of a bucket.
func bucketStart(i int) time.Duration {
	if i < sub {
		return time.Duration(i)
	}
	return time.Duration(uint64(sub+i%sub) << (i/sub - 1))
}

// bucketMiddle returns the duration in the middle of a bucket.
func bucketMiddle(i int) time.Duration {
	if i < sub {
		return time.Duration(i)
	}
	return bucketStart(i) + time.Duration(uint64(1)<<(i/sub-1)/2)
}

// Add counts d.
func (h *Histogram) Add(d time.Duration) {
	h.count++
	h.sum += d
	h.max = max(h.max, d)
	h.counts[bucketOf(d)]++
}

// Count returns how many durations were added.
func (h *Histogram) Count() uint64 { return h.count }

// Max returns the longest duration, exactly.
func (h *Histogram) Max() time.Duration { return h.max }

// Mean returns the mean, exactly; 0 if there is none.
func (h *Histogram) Mean() time.Duration {
	if h.count == 0 {
		return 0
	}
	return h.sum / time.Duration(h.count)
}

// Quantile returns the duration that the part q of all, 0.99 for p99, did not
// exceed; 0 if there are none.
func (h *Histogram) Quantile(q float64) time.Duration {
	rank := uint64(q * float64(h.count))
	if rank >= h.count {
		return h.max
	}
	var seen uint64
	for i, n := range h.counts {
		if seen += n; seen > rank {
			return min(bucketMiddle(i), h.max)
		}
	}
	return h.max
}

// Buckets returns those buckets that are not empty, in order, each with the
// shortest duration that belongs to it and how many were added.
func (h *Histogram) Buckets() iter.Seq2[time.Duration, uint64] {
	return func(yield func(time.Duration, uint64) bool) {
		for i, n := range h.counts {
			if n > 0 && !yield(bucketStart(i), n) {
				return
			}
		}
	}
}

// Merge adds what o has counted.
func (h *Histogram) Merge(o *Histogram) {
	h.count += o.count
	h.sum += o.sum
	h.max = max(h.max, o.max)
	for i, n := range o.counts {
		h.counts[i] += n
	}
}
