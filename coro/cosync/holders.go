package cosync

import (
	"slices"

	"github.com/gohandoff/coroutine/coro"
)

// holders is a set of coroutines. The few of most locks are looked through;
// thousands of readers, each parked in the middle of a request, are indexed.
type holders struct {
	all   []*coro.Self
	index map[*coro.Self]int // into all; nil while all is small
}

// small is where an index begins to be faster than a look at each.
const small = 16

func (h *holders) find(s *coro.Self) int {
	if h.index == nil {
		return slices.Index(h.all, s)
	}
	if i, ok := h.index[s]; ok {
		return i
	}
	return -1
}

func (h *holders) add(s *coro.Self) {
	h.all = append(h.all, s)
	switch n := len(h.all); {
	case h.index != nil:
		h.index[s] = n - 1
	case n > small:
		h.index = make(map[*coro.Self]int, 2*n)
		for i, x := range h.all {
			h.index[x] = i
		}
	}
}

// remove takes s out and reports whether it was in.
func (h *holders) remove(s *coro.Self) bool {
	i := h.find(s)
	if i < 0 {
		return false
	}
	last := len(h.all) - 1
	moved := h.all[last]
	h.all[i] = moved
	h.all[last] = nil
	h.all = h.all[:last]
	if h.index != nil {
		h.index[moved] = i
		delete(h.index, s)
		if last == 0 {
			h.index = nil
		}
	}
	return true
}
