package powercut

import "maps"

const pageSize = 4096

// A store is bytes, of which only those pages are kept that were written. Stores
// share pages until one of them writes.
type store struct {
	size  int64
	pages map[int64]*page
	owner *token
}

type page struct {
	owner *token // the store that may write it
	data  [pageSize]byte
}

// A token is the identity of a store since it was cloned last.
type token struct{ _ byte }

func newStore(size int64) *store {
	return &store{size: size, pages: map[int64]*page{}, owner: new(token)}
}

// clone returns a store with the same content.
func (s *store) clone() *store {
	s.owner = new(token) // what is shared now is nobody's
	return &store{size: s.size, pages: maps.Clone(s.pages), owner: new(token)}
}

// read fills p from off; behind the size are zeroes.
func (s *store) read(p []byte, off int64) {
	for len(p) > 0 {
		n := min(pageSize-int(off%pageSize), len(p))
		if pg := s.pages[off/pageSize]; pg != nil {
			copy(p[:n], pg.data[off%pageSize:])
		} else {
			clear(p[:n])
		}
		p, off = p[n:], off+int64(n)
	}
}

// write stores p at off, as far as it is inside the size.
func (s *store) write(p []byte, off int64) {
	p = p[:max(0, min(int64(len(p)), s.size-off))]
	for len(p) > 0 {
		n := copy(s.own(off).data[off%pageSize:], p)
		p, off = p[n:], off+int64(n)
	}
}

// zero clears n bytes from off. Pages that lie there whole are dropped.
func (s *store) zero(off, n int64) {
	end := off + n
	if n/pageSize > int64(len(s.pages)) { // look at what there is rather than at what there could be
		for i := range s.pages {
			if i*pageSize >= off && (i+1)*pageSize <= end {
				delete(s.pages, i)
			}
		}
		if head := (off + pageSize - 1) / pageSize * pageSize; off < head {
			s.zero(off, min(head, end)-off)
		}
		if tail := end / pageSize * pageSize; tail < end {
			s.zero(tail, end-tail)
		}
		return
	}
	for off < end {
		n := min(pageSize-off%pageSize, end-off)
		switch pg := s.pages[off/pageSize]; {
		case pg == nil:
		case n == pageSize:
			delete(s.pages, off/pageSize)
		default:
			clear(s.own(off).data[off%pageSize:][:n])
		}
		off += n
	}
}

// own returns the page of off, to be written.
func (s *store) own(off int64) *page {
	pg := s.pages[off/pageSize]
	switch {
	case pg == nil:
		pg = &page{owner: s.owner}
	case pg.owner != s.owner:
		pg = &page{owner: s.owner, data: pg.data}
	default:
		return pg
	}
	s.pages[off/pageSize] = pg
	return pg
}

// resize makes the size n; what is added is zero.
func (s *store) resize(n int64) {
	if n < s.size {
		s.zero(n, s.size-n)
	}
	s.size = n
}
