package job

import (
	"context"
	"fmt"

	"github.com/gohandoff/coroutine/blockio"
)

// options are those that all jobs have.
type options struct {
	coroutines, chunk int
	granularity       int
	rate              int64
	ctx               context.Context
}

const (
	// maxCoroutines, maxChunk and maxGranules are more than any medium has use
	// for. More is a mistake, which would take all memory.
	maxCoroutines = 1 << 16
	maxChunk      = 1 << 30
	maxGranules   = 1 << 32
	// maxGranularity keeps all arithmetic far from where it would overflow.
	maxGranularity = 1 << 40
)

// fit checks numbers, and fits them to the devices.
func (j *job) fit(o options) error {
	switch {
	case o.rate < 0:
		return fmt.Errorf("rate %d: want 0 or more", o.rate)
	case o.coroutines < 0:
		return fmt.Errorf("coroutines %d: want 0 or more", o.coroutines)
	case o.chunk < 0:
		return fmt.Errorf("chunk %d: want 0 or more", o.chunk)
	case o.chunk > maxChunk:
		return fmt.Errorf("chunk %d: want up to %d", o.chunk, maxChunk)
	case o.granularity < 0 || o.granularity&(o.granularity-1) != 0 || int64(o.granularity) > maxGranularity:
		return fmt.Errorf("granularity %d: want a power of two, up to %d", o.granularity, int64(maxGranularity))
	}
	if o.coroutines == 0 {
		o.coroutines = blockio.DefaultCoroutines
	}
	if o.chunk == 0 {
		o.chunk = blockio.DefaultChunk
	}
	j.size, j.pace.Rate = j.src.Size(), o.rate
	granularity := int64(o.granularity)
	if granularity == 0 {
		granularity = max(min(DefaultGranularity, floorPower(int64(o.chunk))), leastGranularity(j.size))
	}
	align := int64(max(j.src.Limits().Alignment, j.dst.Limits().Alignment))
	granularity, j.block = max(granularity, align), max(4096, align)
	if j.size/granularity >= maxGranules {
		return fmt.Errorf("granularity %d: too fine for %d bytes, want %d or more", granularity, j.size, leastGranularity(j.size))
	}
	j.bits = NewBitmap(j.size, granularity)
	j.chunk = roundUp(int64(o.chunk), granularity)
	j.piece = min(j.chunk, roundUp(int64(o.chunk), j.block))
	// More coroutines than chunks have nothing to do.
	j.coroutines = int(min(int64(o.coroutines), max(j.size/j.chunk+1, blockio.DefaultCoroutines)))
	if j.coroutines > maxCoroutines {
		return fmt.Errorf("coroutines %d: want up to %d", o.coroutines, maxCoroutines)
	}
	return nil
}

// roundUp rounds n up to a multiple of a power of two.
func roundUp(n, to int64) int64 { return (n + to - 1) &^ (to - 1) }

// floorPower returns the largest power of two that is not more than n.
func floorPower(n int64) int64 {
	p := int64(1)
	for p <= n/2 {
		p *= 2
	}
	return p
}
