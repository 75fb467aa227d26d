package cow

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/coro"
)

// Resize makes the size n bytes, durably. What is added reads as zeroes, also
// where the backing is longer: what was cut off once, of the backing as well,
// does not show again.
func (o *Overlay) Resize(self *coro.Self, n int64) error {
	if n > maxSize(o.bits) {
		return fmt.Errorf("%w: with clusters of %d bytes there can be %d", ErrTooLarge, o.cluster, maxSize(o.bits))
	}
	c := o.everything(self, min(n, o.h.size)>>o.bits)
	defer o.unclaim(self, c)
	if n <= o.h.size {
		return o.shrink(self, n)
	}
	return o.extend(self, n)
}

// shrink has the header say so first: until that is durable, what is cut off must
// not change. The entries behind the end go with the next sync; if a cut comes
// before, Open drops them.
func (o *Overlay) shrink(self *coro.Self, n int64) error {
	h := o.h
	h.size, h.visible = n, min(h.visible, n)
	if err := o.replaceHeader(self, h); err != nil {
		return err
	}
	o.drop(roundUp(n, o.cluster) >> o.bits)
	return nil
}

// extend makes sure first that nothing is left behind the old end.
func (o *Overlay) extend(self *coro.Self, n int64) error {
	if in := o.h.size & (o.cluster - 1); in > 0 {
		if e := o.lookup(o.h.size >> o.bits); e.data() {
			if err := o.storage.WriteZeroes(self, e.at()+in, o.cluster-in, 0); err != nil {
				return err
			}
		}
	}
	if err := o.sync(self); err != nil {
		return err
	}
	o.meta.Lock(self)
	defer o.meta.Unlock(self)
	h := o.h
	h.size = n
	if tables := tablesFor(n, h.bits); tables > h.tables {
		h.tables = rootFor(tables, o.cluster)
		return o.moveRoot(self, h)
	}
	return o.putHeader(self, h)
}

// replaceHeader is putHeader for who has not locked meta.
func (o *Overlay) replaceHeader(self *coro.Self, h header) error {
	o.meta.Lock(self)
	defer o.meta.Unlock(self)
	return o.putHeader(self, h)
}

// moveRoot writes a root of h.tables entries to a new place, durably, and then a
// header h that refers to it. It is called with meta held; tables may be added
// meanwhile.
//
// The new root has the tables that are on the medium. One that is not is in a
// granule of the root that is dirty, and gets there with the next sync.
func (o *Overlay) moveRoot(self *coro.Self, h header) error {
	n := roundUp(h.rootBytes(), o.cluster) >> o.bits
	at, err := o.allocateRun(self, n)
	if err != nil {
		return err
	}
	old, oldN := o.h.root, roundUp(o.h.rootBytes(), o.cluster)>>o.bits
	done := false
	defer func() {
		switch {
		case done:
			o.free(old, oldN)
		case !o.unsure:
			o.free(at, n)
		}
		// Else one of the two headers is on the medium, and nobody knows
		// which: both roots stay as they are, until the next Open.
	}()
	p := make([]byte, n<<o.bits)
	for i, t := range o.tables {
		if t != nil && !t.fresh {
			binary.LittleEndian.PutUint64(p[i*entryBytes:], uint64(t.at))
		}
	}
	if err := o.storage.WriteAt(self, p, at); err != nil {
		return err
	}
	if err := o.storage.Flush(self); err != nil {
		return err
	}
	h.root = at
	if err := o.putHeader(self, h); err != nil {
		return err
	}
	done = true
	o.tables = append(o.tables, make([]*table, h.tables-int64(len(o.tables)))...)
	o.marks = append(o.marks, make([]mark, h.rootBytes()/granule-int64(len(o.marks)))...)
	return nil
}

// reset makes everything absent: a new, empty root, and a header h that refers to
// it. Nothing is in flight, and meta is held.
func (o *Overlay) reset(self *coro.Self, h header) error {
	was := o.tables
	fresh := make([]*table, len(was))
	o.tables = fresh // what moveRoot writes
	done := false
	defer func() {
		if !done {
			o.tables = was
		}
	}()
	if err := o.moveRoot(self, h); err != nil {
		return err
	}
	done = true
	o.used = newClusterSet()
	for i := range roundUp(headerBytes, o.cluster) >> o.bits {
		o.used.add(i)
	}
	for i := range roundUp(o.h.rootBytes(), o.cluster) >> o.bits {
		o.used.add(o.h.root>>o.bits + i)
	}
	o.tables, o.marks = make([]*table, o.h.tables), make([]mark, o.h.rootBytes()/granule)
	o.dirty, o.freed, o.nData, o.nZero = nil, nil, 0, 0
	return o.vacate(self)
}

// vacate gives back what a storage holds of which nothing is in use but header
// and root. Failing to is no error: it is free all the same.
func (o *Overlay) vacate(self *coro.Self) error {
	if first := roundUp(headerBytes, o.cluster); o.h.root > first {
		if err := o.moveRoot(self, o.h); err != nil { // to the front
			return err
		}
	}
	if err := o.trim(self); err != nil {
		return err
	}
	end := o.used.end() << o.bits
	if n := o.storage.Size() - end; n > 0 {
		if err := o.storage.Discard(self, end, n); err != nil && !errors.Is(err, blockio.ErrNotSupported) {
			return err
		}
	}
	return nil
}
