package cow

import (
	"encoding/binary"
	"errors"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/coro"
)

// A loader reads the header and all tables of an overlay, and checks them.
type loader struct {
	storage *blockio.Device
	op      string // for errors
	// damage is told of each thing that is corrupt, and returns an error to
	// end with; nil is to end at the first.
	damage func(error) error

	h      header
	slot   int64
	spoilt error // why the other slot does not count, nil if it is an older header
	tables []*table
	used   clusterSet
	data   int64
	zero   int64
	behind int64 // entries behind the size
}

// load reads all.
func (l *loader) load(self *coro.Self) error {
	if err := l.readHeader(self); err != nil {
		return err
	}
	l.used = newClusterSet()
	for i := range roundUp(headerBytes, l.h.cluster()) >> l.h.bits {
		l.used.add(i)
	}
	// It does not overflow: what check has let through is below 2^62.
	if l.h.root > l.storage.Size()-l.h.rootBytes() {
		return l.fault(0, ErrTruncated, "the root is at [%d, %d), the storage has %d bytes", l.h.root, l.h.root+l.h.rootBytes(), l.storage.Size())
	}
	for off := l.h.root; off < l.h.root+l.h.rootBytes(); off += l.h.cluster() {
		l.used.add(off >> l.h.bits)
	}
	l.tables = make([]*table, l.h.tables)
	buf := l.storage.NewBuffer(granule)
	for i := int64(0); i < l.h.tables; i += perGranule {
		if err := l.readRoot(self, buf, i); err != nil {
			return err
		}
	}
	return nil
}

// fault makes an error of what was found at off.
func (l *loader) fault(off int64, err error, format string, args ...any) error {
	return fault(l.op, l.storage.Name(), off, err, format, args...)
}

// found tells of something corrupt.
func (l *loader) found(off int64, err error, format string, args ...any) error {
	e := l.fault(off, err, format, args...)
	if l.damage != nil {
		return l.damage(e)
	}
	return e
}

// readHeader reads both slots, and takes the newer header.
func (l *loader) readHeader(self *coro.Self) error {
	if l.storage.Size() < headerBytes {
		return l.fault(0, ErrMagic, "it has %d bytes, want at least %d", l.storage.Size(), headerBytes)
	}
	p := l.storage.NewBuffer(headerBytes)
	if err := l.storage.ReadAt(self, p, 0); err != nil {
		return err
	}
	var hs [2]header
	var errs [2]error
	for i := range hs {
		var detail string
		var err error
		hs[i], detail, err = decode(p[i*slotSize:][:slotSize])
		if err != nil {
			errs[i] = l.fault(int64(i)*slotSize, err, "%s", detail)
		}
		if errors.Is(err, ErrVersion) {
			return errs[i] // what knows more was here
		}
	}
	switch {
	case errs[0] != nil && errs[1] != nil:
		if errors.Is(errs[0], ErrMagic) && errors.Is(errs[1], ErrCorrupt) {
			return errs[1]
		}
		return errs[0]
	case errs[0] != nil || errs[1] == nil && hs[1].generation > hs[0].generation:
		l.slot = 1
	}
	l.h, l.spoilt = hs[l.slot], errs[l.slot^1]
	return nil
}

// readRoot reads the granule of the root that begins with table i, and those
// tables.
func (l *loader) readRoot(self *coro.Self, buf []byte, i int64) error {
	off := l.h.root + i*entryBytes
	if err := l.storage.ReadAt(self, buf, off); err != nil {
		return err
	}
	var table []byte
	for k := int64(0); k < perGranule; k++ {
		at := int64(binary.LittleEndian.Uint64(buf[k*entryBytes:]))
		if at == 0 {
			continue
		}
		if err := l.claim(at); err != nil {
			if err := l.found(off+k*entryBytes, err, "table %d is at %d", i+k, at); err != nil {
				return err
			}
			continue
		}
		if table == nil {
			table = l.storage.NewBuffer(int(l.h.cluster()))
		}
		if err := l.readTable(self, table, i+k, at); err != nil {
			return err
		}
	}
	return nil
}

// readTable reads table i, which is at the offset at.
func (l *loader) readTable(self *coro.Self, buf []byte, i, at int64) error {
	if err := l.storage.ReadAt(self, buf, at); err != nil {
		return err
	}
	n := l.h.cluster() / entryBytes
	t := &table{at: at, entries: make([]entry, n), marks: make([]mark, l.h.cluster()/granule)}
	l.tables[i] = t
	last := roundUp(l.h.size, l.h.cluster()) >> l.h.bits
	for k := range n {
		e := entry(binary.LittleEndian.Uint64(buf[k*entryBytes:]))
		switch {
		case e == absent:
			continue
		case e.data():
			if err := l.claim(e.at()); err != nil {
				if err := l.found(at+k*entryBytes, err, "entry %d of table %d says that cluster %d is at %d", k, i, i*n+k, e.at()); err != nil {
					return err
				}
				continue
			}
			l.data++
		case e == zeroed:
			l.zero++
		default:
			if err := l.found(at+k*entryBytes, ErrCorrupt, "entry %d of table %d is %#x", k, i, uint64(e)); err != nil {
				return err
			}
			continue
		}
		if i*n+k >= last {
			l.behind++
		}
		t.entries[k] = e
	}
	return nil
}

// claim takes a cluster of the storage for something that refers to it.
func (l *loader) claim(at int64) error {
	switch {
	case at < 0 || at&(l.h.cluster()-1) != 0:
		return &alias{"no multiple of the cluster size"}
	case at > l.storage.Size()-l.h.cluster():
		return ErrTruncated
	case !l.used.add(at >> l.h.bits):
		return &alias{"something else is there, too"}
	}
	return nil
}

// An alias is a way to be corrupt.
type alias struct{ text string }

func (a *alias) Error() string { return "corrupt: " + a.text }
func (a *alias) Unwrap() error { return ErrCorrupt }
