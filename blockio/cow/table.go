package cow

import (
	"encoding/binary"
	"slices"

	"github.com/gohandoff/coroutine/coro"
)

// Tables in memory.
//
// Invariants:
//   - The entries in memory are what is true. What the medium has is older, or
//     the same where a granule is clean.
//   - An entry is set when what it refers to has been written, though perhaps
//     not flushed.
//   - A table is fresh until its cluster holds zeroes or more, durably; until
//     then no root on the medium refers to it.
//   - A cluster of the storage is in used as long as an entry in memory, or one
//     on the medium, may refer to it.

// A table has the entries of as many clusters as it has room for.
type table struct {
	at      int64 // in the storage
	entries []entry
	marks   []mark // of its granules
	fresh   bool
	dead    bool // it is not in the root any more
}

// A mark says how a granule of a table stands.
type mark uint8

const (
	clean   mark = iota // as on the medium
	dirty               // changed, and in Overlay.dirty
	writing             // being written
)

// A place is a granule of a table, or of the root, if t is nil.
type place struct {
	t *table
	i int64
}

// markOf returns the mark of a place.
func (o *Overlay) markOf(p place) *mark {
	if p.t == nil {
		return &o.marks[p.i]
	}
	return &p.t.marks[p.i]
}

// touch notes that a place has changed.
func (o *Overlay) touch(p place) {
	if m := o.markOf(p); *m != dirty {
		*m = dirty
		o.dirty = append(o.dirty, p)
	}
}

// perTable is how many entries a table has.
func (o *Overlay) perTable() int64 { return o.cluster / entryBytes }

// lookup returns the entry of a cluster of the overlay.
func (o *Overlay) lookup(c int64) entry {
	t := o.tables[c/o.perTable()]
	if t == nil {
		return absent
	}
	return t.entries[c&(o.perTable()-1)]
}

// tableOf returns the table of a cluster, which it makes if there is none. It
// may yield.
func (o *Overlay) tableOf(self *coro.Self, c int64) (*table, error) {
	i := c / o.perTable()
	if t := o.tables[i]; t != nil {
		return t, nil
	}
	at, _, err := o.allocate(self, 1)
	if err != nil {
		return nil, err
	}
	if t := o.tables[i]; t != nil { // somebody else was faster
		o.free(at, 1)
		return t, nil
	}
	t := o.newTable(at)
	t.fresh = true
	o.tables[i] = t
	o.touch(place{nil, i / perGranule})
	return t, nil
}

// newTable makes an empty table, as it is on the medium at the offset at.
func (o *Overlay) newTable(at int64) *table {
	return &table{at: at, entries: make([]entry, o.perTable()), marks: make([]mark, o.cluster/granule)}
}

// set changes the entry of a cluster in its table, which is t. What the old one
// referred to is freed when the change is durable.
func (o *Overlay) set(t *table, c int64, e entry) {
	i := c & (o.perTable() - 1)
	old := t.entries[i]
	if old == e {
		return
	}
	t.entries[i] = e
	o.touch(place{t, i / perGranule})
	o.count(old, -1)
	o.count(e, 1)
	if old.data() {
		o.freed = append(o.freed, old.at())
	}
}

// count counts entries by kind.
func (o *Overlay) count(e entry, n int64) {
	switch {
	case e.data():
		o.nData += n
	case e == zeroed:
		o.nZero += n
	}
}

// durable reports whether the entry of a cluster, as it is, is on the medium.
func (o *Overlay) durable(c int64) bool {
	i := c / o.perTable()
	t := o.tables[i]
	return t != nil && !o.unsure && o.marks[i/perGranule] == clean && t.marks[c&(o.perTable()-1)/perGranule] == clean
}

// drop makes all clusters from c on absent, and gives up their tables.
func (o *Overlay) drop(c int64) {
	for i := c / o.perTable(); i < int64(len(o.tables)); i++ {
		t := o.tables[i]
		if t == nil {
			continue
		}
		from := max(0, c-i*o.perTable())
		for k := from; k < o.perTable(); k++ {
			o.set(t, i*o.perTable()+k, absent)
		}
		if from == 0 {
			t.dead = true
			o.tables[i] = nil
			o.freed = append(o.freed, t.at)
			o.touch(place{nil, i / perGranule})
		}
	}
}

// image gives a place as it is to be on the medium.
func (o *Overlay) image(p place) []byte {
	b := make([]byte, granule)
	from := p.i * perGranule
	if p.t != nil {
		for i, e := range p.t.entries[from:][:perGranule] {
			binary.LittleEndian.PutUint64(b[i*entryBytes:], uint64(e))
		}
		return b
	}
	for i, t := range o.tables[from:][:perGranule] {
		if t != nil {
			binary.LittleEndian.PutUint64(b[i*entryBytes:], uint64(t.at))
		}
	}
	return b
}

// at is where a place is in the storage.
func (o *Overlay) at(p place) int64 {
	if p.t == nil {
		return o.h.root + p.i*granule
	}
	return p.t.at + p.i*granule
}

// freshIn returns the tables that have to be on the medium before the root's
// granules among places are.
func (o *Overlay) freshIn(places []place) (fresh []*table) {
	for _, p := range places {
		if p.t != nil {
			continue
		}
		for _, t := range o.tables[p.i*perGranule:][:perGranule] {
			if t != nil && t.fresh {
				fresh = append(fresh, t)
			}
		}
	}
	slices.SortFunc(fresh, func(a, b *table) int { return int(min(max(a.at-b.at, -1), 1)) })
	return fresh
}
