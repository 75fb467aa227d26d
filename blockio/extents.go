package blockio

import "github.com/gohandoff/coroutine/coro"

// extents walks over what a device says about its blocks, and asks once for each
// extent, not for each chunk.
//
// What it remembers stays true only where nobody writes behind its back: for a
// destination, that is ahead of what has been given out to be written.
type extents struct {
	dev    *Device
	size   int64
	start  int64
	end    int64
	status Status
}

// at describes the range from off on, and returns where that ends. It may yield.
func (x *extents) at(self *coro.Self, off int64) (Status, int64, error) {
	if off < x.start || off >= x.end {
		status, n, err := x.dev.BlockStatus(self, off, x.size-off)
		if err != nil {
			return 0, 0, err
		}
		x.status, x.start, x.end = status, off, off+n
	}
	return x.status, x.end, nil
}

// A chunk is one step of a copy or a comparison.
type chunk struct {
	Range
	zero  bool // known to read as zeroes, so that it need not be read
	empty bool // of a copy: the destination is a hole there
}

// cut returns the end of the chunk that starts at off in an extent that ends at
// end: a multiple of align, unless it is the end of all, and if the chunk is to
// be read also of nothing that crosses a multiple of step. It is off if there is
// no such chunk.
func cut(off, end, size, align, step int64, zero bool) int64 {
	if zero {
		if end < size {
			end -= end % align
		}
		return max(off, end)
	}
	if rest := end % align; rest > 0 {
		end += align - rest
	}
	return min(end, off+min(size-off, step-off%step))
}
