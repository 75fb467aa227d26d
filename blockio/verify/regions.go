package verify

import "slices"

// A region is the bytes from lo to before hi.
type region struct{ lo, hi int64 }

// regions are a set of bytes: in order, none empty, none touching the next.
type regions struct{ list []region }

// cut returns which regions have to do with [lo, hi): those that touch it.
func (s *regions) cut(lo, hi int64) (i, j int) {
	for i < len(s.list) && s.list[i].hi < lo {
		i++
	}
	for j = i; j < len(s.list) && s.list[j].lo <= hi; {
		j++
	}
	return i, j
}

func (s *regions) add(lo, hi int64) {
	i, j := s.cut(lo, hi)
	if i < j {
		lo, hi = min(lo, s.list[i].lo), max(hi, s.list[j-1].hi)
	}
	s.list = slices.Replace(s.list, i, j, region{lo, hi})
}

func (s *regions) remove(lo, hi int64) {
	i, j := s.cut(lo, hi)
	if i == j {
		return
	}
	var rest []region
	if a := s.list[i]; a.lo < lo {
		rest = append(rest, region{a.lo, min(a.hi, lo)})
	}
	if b := s.list[j-1]; b.hi > hi {
		rest = append(rest, region{max(b.lo, hi), b.hi})
	}
	s.list = slices.Replace(s.list, i, j, rest...)
}

// gaps returns what of [lo, hi) is not in the set.
func (s *regions) gaps(lo, hi int64) (gaps []region) {
	for _, r := range s.list {
		if r.hi <= lo {
			continue
		}
		if r.lo >= hi {
			break
		}
		if lo < r.lo {
			gaps = append(gaps, region{lo, r.lo})
		}
		lo = r.hi
	}
	if lo < hi {
		gaps = append(gaps, region{lo, hi})
	}
	return gaps
}
