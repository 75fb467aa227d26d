package cow

import (
	"errors"
	"fmt"
	"math/bits"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/coro"
)

// A clusterSet is a set of clusters of the storage, by number: the ones in use.
// It takes memory where there are some, so that a number out of a damaged table
// may be as large as it likes.
type clusterSet struct {
	groups map[int64]*[groupWords]uint64
	n      int64
	low    int64 // all below are in the set
}

const (
	groupWords = 64
	groupSize  = groupWords * 64
)

func newClusterSet() clusterSet { return clusterSet{groups: map[int64]*[groupWords]uint64{}} }

// add adds i, and reports whether it was not in the set.
func (s *clusterSet) add(i int64) bool {
	g := s.groups[i/groupSize]
	if g == nil {
		g = new([groupWords]uint64)
		s.groups[i/groupSize] = g
	}
	w, bit := &g[i%groupSize/64], uint64(1)<<(i%64)
	if *w&bit != 0 {
		return false
	}
	*w |= bit
	s.n++
	return true
}

// remove takes n from i on out of the set.
func (s *clusterSet) remove(i, n int64) {
	s.low = min(s.low, i)
	for ; n > 0; i, n = i+1, n-1 {
		s.groups[i/groupSize][i%groupSize/64] &^= uint64(1) << (i % 64)
		s.n--
	}
}

// next returns the first number from i on that is in the set, or is not, limit
// if there is none below it.
func (s *clusterSet) next(i, limit int64, in bool) int64 {
	for i < limit {
		g := s.groups[i/groupSize]
		if g == nil {
			if !in {
				return i
			}
			i = (i/groupSize + 1) * groupSize
			continue
		}
		w := g[i%groupSize/64]
		if !in {
			w = ^w
		}
		if w >>= i % 64; w != 0 {
			return min(i+int64(bits.TrailingZeros64(w)), limit)
		}
		i = (i/64 + 1) * 64
	}
	return limit
}

// take adds the first free run below limit, at most n long.
func (s *clusterSet) take(n, limit int64) (at, k int64) {
	at = s.next(s.low, limit, false)
	s.low = at
	for at+k < limit && k < n && s.add(at+k) {
		k++
	}
	s.low += k
	return at, k
}

// takeRun adds a free run of n below limit, if there is one.
func (s *clusterSet) takeRun(n, limit int64) (at int64, ok bool) {
	for at = s.next(s.low, limit, false); at+n <= limit; {
		end := s.next(at, at+n, true)
		if end == at+n {
			for i := at; i < end; i++ {
				s.add(i)
			}
			return at, true
		}
		at = s.next(end, limit, false)
	}
	return 0, false
}

// end returns the number behind the last one in the set.
func (s *clusterSet) end() int64 {
	last := int64(-1)
	for g, words := range s.groups {
		if *words != [groupWords]uint64{} {
			last = max(last, g)
		}
	}
	if last < 0 {
		return 0
	}
	for w := groupWords - 1; ; w-- {
		if x := s.groups[last][w]; x != 0 {
			return last*groupSize + int64(w*64+bits.Len64(x))
		}
	}
}

// clusters returns how many whole clusters the storage has.
func (o *Overlay) clusters() int64 { return o.storage.Size() >> o.bits }

// allocate takes up to n free clusters in a row, and returns their offset and
// how many they are. It makes the storage larger if it has none.
func (o *Overlay) allocate(self *coro.Self, n int64) (at, k int64, err error) {
	for {
		if i, k := o.used.take(n, o.clusters()); k > 0 {
			return i << o.bits, k, nil
		}
		if err := o.grow(self, n, func() bool { return o.used.next(o.used.low, o.clusters(), false) < o.clusters() }); err != nil {
			return 0, 0, err
		}
	}
}

// allocateRun takes n free clusters in a row, and returns their offset.
func (o *Overlay) allocateRun(self *coro.Self, n int64) (at int64, err error) {
	for {
		if i, ok := o.used.takeRun(n, o.clusters()); ok {
			return i << o.bits, nil
		}
		before := o.clusters()
		if err := o.grow(self, n, func() bool { return o.clusters() > before }); err != nil {
			return 0, err
		}
	}
}

// free takes back what was allocated, and never entered in a table.
func (o *Overlay) free(at, n int64) { o.used.remove(at>>o.bits, n) }

// What the storage grows by at least and at most, if it is asked for less: a
// resize is a call of the system, and what is behind the last write is a hole.
const (
	minGrowth = 1 << 20
	maxGrowth = 64 << 20
)

// grow makes the storage larger, by n clusters at least, unless enough is true
// by the time that others have done so.
func (o *Overlay) grow(self *coro.Self, n int64, enough func() bool) error {
	o.growing.Lock(self)
	defer o.growing.Unlock(self)
	if enough() {
		return nil
	}
	size := o.clusters() << o.bits
	more := max(n<<o.bits, minGrowth, o.cluster, min(size/8&^(o.cluster-1), maxGrowth))
	err := o.storage.Resize(self, size+more)
	if errors.Is(err, blockio.ErrNotSupported) {
		return fmt.Errorf("%w: it has %d bytes, and cannot be resized", ErrFull, o.storage.Size())
	}
	return err
}
