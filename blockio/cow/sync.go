package cow

import (
	"slices"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/coro"
)

// Durability: in which order things get to the medium.
//
//	write      data, with what was filled in from the backing
//	           then, in memory, the entry that refers to it
//	sync     1 take what of tables is dirty, and what was freed
//	         2 write zeroes where tables are new
//	         3 flush: all that the entries taken in 1 refer to is there
//	         4 write what was taken in 1
//	         5 flush: the entries are there, and nothing refers to what was freed
//	         6 what was freed may be used again
//
// A power cut takes any of the writes since the last flush, in any order, sector
// by sector. Each entry lies in one sector, so it is the old one or the new one.
// The new one can be on the medium from step 4 on only, and then what it refers
// to is, since 3. What the old one refers to is not written to until 6. So
// whichever of the two there is, for each cluster by itself, it refers to the
// whole of what it stands for. New tables refer to nothing after step 3; so it
// does not matter whether the root gets there before their entries do.
//
// A write while a sync is under way sets entries that step 1 has not seen: they
// are dirty again, and the next sync's.

// sync makes durable all that was done when it was called. Who comes while one
// is under way waits for that, and then for one more together with all others
// who came meanwhile.
func (o *Overlay) sync(self *coro.Self) error {
	o.asked++
	want := o.asked
	o.meta.Lock(self)
	defer o.meta.Unlock(self)
	if o.synced >= want {
		return nil
	}
	covers := o.asked
	if err := o.syncLocked(self); err != nil {
		return err
	}
	o.synced = covers
	return nil
}

// syncLocked is sync for one who has meta.
func (o *Overlay) syncLocked(self *coro.Self) error {
	if o.unsure {
		if err := o.putHeader(self, o.h); err != nil {
			return err
		}
	}
	b := o.takeBatch()
	done := false
	defer func() {
		if !done {
			o.untake(b)
		}
	}()
	for _, t := range b.fresh {
		if err := o.storage.WriteZeroes(self, t.at, o.cluster, blockio.MayUnmap); err != nil {
			return err
		}
	}
	if !o.plantedBug {
		if err := o.storage.Flush(self); err != nil {
			return err
		}
	}
	for _, t := range b.fresh {
		t.fresh = false
	}
	if len(b.places) > 0 {
		for i := range b.places {
			if err := o.storage.WriteAt(self, b.images[i], b.offsets[i]); err != nil {
				return err
			}
		}
		if err := o.storage.Flush(self); err != nil {
			return err
		}
	}
	o.discardFreed(self, b.freed)
	done = true
	for _, p := range b.places {
		if m := o.markOf(p); *m == writing {
			*m = clean
		}
	}
	for _, at := range b.freed {
		o.free(at, 1)
	}
	return nil
}

// A batch is what one sync brings to the medium.
type batch struct {
	places  []place
	images  [][]byte
	offsets []int64
	fresh   []*table
	freed   []int64
}

// takeBatch takes what there is to do, as it is now.
func (o *Overlay) takeBatch() *batch {
	b := &batch{freed: o.freed}
	o.freed = nil
	for _, p := range o.dirty {
		if p.t != nil && p.t.dead {
			continue
		}
		*o.markOf(p) = writing
		b.places = append(b.places, p)
	}
	o.dirty = nil
	slices.SortFunc(b.places, func(x, y place) int { return int(min(max(o.at(x)-o.at(y), -1), 1)) })
	for _, p := range b.places {
		b.images = append(b.images, o.image(p))
		b.offsets = append(b.offsets, o.at(p))
	}
	b.fresh = o.freshIn(b.places)
	return b
}

// untake leaves to the next sync what this one has not done.
func (o *Overlay) untake(b *batch) {
	o.freed = append(b.freed, o.freed...)
	for _, p := range b.places {
		if p.t != nil && p.t.dead {
			continue
		}
		o.touch(p)
	}
}

// discardFreed gives the space of clusters back that nothing refers to any more.
// That it did not work is no failure: they are free all the same.
func (o *Overlay) discardFreed(self *coro.Self, freed []int64) {
	slices.Sort(freed)
	for len(freed) > 0 {
		n := 1
		for n < len(freed) && freed[n] == freed[0]+int64(n)*o.cluster {
			n++
		}
		_ = o.storage.Discard(self, freed[0], int64(n)*o.cluster)
		freed = freed[n:]
	}
}

// putHeader writes a header to the slot that does not hold the one that counts,
// and flushes. Only then is it the header in memory, too. It is called with meta
// held, and may yield.
//
// If it fails, nobody knows which header is on the medium. The next sync writes
// the one in memory again, with a higher generation, before it confirms anything.
func (o *Overlay) putHeader(self *coro.Self, h header) error {
	o.generation++
	h.generation = o.generation
	o.unsure = true
	slot := o.slot ^ 1
	if err := o.storage.WriteAt(self, h.encode(), slot*slotSize); err != nil {
		return err
	}
	if err := o.storage.Flush(self); err != nil {
		return err
	}
	o.h, o.slot, o.unsure = h, slot, false
	return nil
}
