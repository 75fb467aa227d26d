package verify

// Regions is the set of bytes that are not compared, to be tested by itself.
type Regions struct{ r regions }

// Add, Remove and Has are those of the set.
func (s *Regions) Add(lo, hi int64)    { s.r.add(lo, hi) }
func (s *Regions) Remove(lo, hi int64) { s.r.remove(lo, hi) }

// Gaps returns how many bytes of [lo, hi) are not in the set.
func (s *Regions) Gaps(lo, hi int64) (n int64) {
	for _, g := range s.r.gaps(lo, hi) {
		n += g.hi - g.lo
	}
	return n
}

// Tidy reports whether the regions are in order and do not touch.
func (s *Regions) Tidy() bool {
	for i, r := range s.r.list {
		if r.lo >= r.hi || i > 0 && s.r.list[i-1].hi >= r.lo {
			return false
		}
	}
	return true
}
