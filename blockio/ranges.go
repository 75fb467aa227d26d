package blockio

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"sort"
)

// A Range is Length bytes from Start.
type Range struct {
	// Start is the offset of the first byte.
	Start int64 `json:"start"`
	// Length is the number of bytes.
	Length int64 `json:"length"`
}

// End returns the offset behind the last byte.
func (r Range) End() int64 { return r.Start + r.Length }

// A Ranges is a set of bytes, as ranges. The zero value is the empty set. It is
// not safe for use by several goroutines at a time.
//
// As JSON it is the list of its ranges.
type Ranges struct {
	// Invariants: in the order of Start, none empty, none touches the next.
	// Additions are mostly at the end, or fill the few gaps that requests in
	// flight leave before it, so that a slice is short and as fast as a tree.
	list []Range
	sum  int64
}

// Add adds n bytes from off, which may overlap what is in the set; none if n is not
// positive. It panics if off is negative, or no int64 holds where they end.
func (s *Ranges) Add(off, n int64) {
	if n <= 0 {
		return
	}
	if off < 0 || off > math.MaxInt64-n {
		panic(fmt.Sprintf("blockio: Ranges.Add(%d, %d): want an offset of 0 or more, and an end up to %d", off, n, int64(math.MaxInt64)))
	}
	end := off + n
	i := s.behind(off - 1) // the first that the new one reaches, or lies behind it
	j := i
	for ; j < len(s.list) && s.list[j].Start <= end; j++ {
		off, end = min(off, s.list[j].Start), max(end, s.list[j].End())
		s.sum -= s.list[j].Length
	}
	s.list = slices.Replace(s.list, i, j, Range{off, end - off})
	s.sum += end - off
}

// behind returns the place of the first range that ends behind off.
func (s *Ranges) behind(off int64) int {
	return sort.Search(len(s.list), func(i int) bool { return s.list[i].End() > off })
}

// Next returns the first range in [off, end) that is not in the set, as long as
// it is; ok is false if all of it is in the set.
func (s *Ranges) Next(off, end int64) (gap Range, ok bool) {
	i := s.behind(off)
	if i < len(s.list) && s.list[i].Start <= off {
		off = s.list[i].End()
		i++
	}
	if off >= end {
		return Range{}, false
	}
	if i < len(s.list) {
		end = min(end, s.list[i].Start)
	}
	return Range{off, end - off}, true
}

// Bytes returns how many bytes are in the set.
func (s *Ranges) Bytes() int64 { return s.sum }

// List returns the ranges in order, none touching the next.
func (s *Ranges) List() []Range { return slices.Clone(s.list) }

// MarshalJSON gives the list of ranges.
func (s Ranges) MarshalJSON() ([]byte, error) {
	if s.list == nil {
		return []byte("[]"), nil
	}
	return json.Marshal(s.list)
}

// UnmarshalJSON takes a list of ranges in any order.
func (s *Ranges) UnmarshalJSON(text []byte) error {
	var list []Range
	if err := json.Unmarshal(text, &list); err != nil {
		return err
	}
	*s = Ranges{}
	for _, r := range list {
		if r.Start < 0 || r.Length < 0 || r.End() < r.Start {
			return fmt.Errorf("blockio: %d bytes at %d are no range", r.Length, r.Start)
		}
		s.Add(r.Start, r.Length)
	}
	return nil
}

// beyond reports whether something of the set lies behind end.
func (s *Ranges) beyond(end int64) bool {
	return len(s.list) > 0 && s.list[len(s.list)-1].End() > end
}
