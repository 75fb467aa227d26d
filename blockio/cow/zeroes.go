package cow

import (
	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/coro"
)

// WriteZeroes makes clusters zero by their entries, where that is enough: where
// they have no data, or MayUnmap allows to free it. With NoFallback it does
// nothing else, and fails with [blockio.ErrNotSupported] where it would have to.
func (o *Overlay) WriteZeroes(self *coro.Self, off, n int64, flags blockio.Flags) error {
	durable, err := o.zero(self, off, n, flags)
	if err != nil || durable || flags&blockio.FUA == 0 {
		return err
	}
	return o.sync(self)
}

// zero is WriteZeroes but for the sync that FUA may need; it reports whether all
// is durable without one.
func (o *Overlay) zero(self *coro.Self, off, n int64, flags blockio.Flags) (durable bool, err error) {
	c := o.claim(self, off>>o.bits, (off+n-1)>>o.bits+1, true)
	defer o.unclaim(self, c)
	durable = flags&blockio.FUA != 0
	if flags&blockio.NoFallback != 0 && !o.zeroIsEasy(off, n, flags) {
		return false, blockio.ErrNotSupported
	}
	for n > 0 {
		k := min(n, o.cluster-off&(o.cluster-1))
		d, err := o.zeroIn(self, off, k, flags)
		if err != nil {
			return false, err
		}
		durable = durable && d
		off, n = off+k, n-k
	}
	return durable, nil
}

// What it takes to zero a range in one cluster.
type zeroing int

const (
	zeroNothing zeroing = iota // it is zero
	zeroEntry                  // change the entry
	zeroInPlace                // write zeroes to the data
	zeroCopy                   // write a new cluster
)

func (o *Overlay) zeroing(off, n int64, flags blockio.Flags) zeroing {
	e := o.lookup(off >> o.bits)
	whole := off&(o.cluster-1) == 0 && (n == o.cluster || off+n == o.h.size)
	switch {
	case e == zeroed || e == absent && off >= o.h.visible:
		return zeroNothing
	case whole && (e == absent || flags&blockio.MayUnmap != 0):
		return zeroEntry
	case e == absent:
		return zeroCopy
	}
	return zeroInPlace
}

// zeroIsEasy reports whether entries are enough.
func (o *Overlay) zeroIsEasy(off, n int64, flags blockio.Flags) bool {
	for n > 0 {
		k := min(n, o.cluster-off&(o.cluster-1))
		if o.zeroing(off, k, flags) > zeroEntry {
			return false
		}
		off, n = off+k, n-k
	}
	return true
}

// zeroIn zeroes a range in one cluster.
func (o *Overlay) zeroIn(self *coro.Self, off, n int64, flags blockio.Flags) (durable bool, err error) {
	c := off >> o.bits
	switch o.zeroing(off, n, flags) {
	case zeroEntry:
		return false, o.setBlank(self, c)
	case zeroCopy:
		_, err := o.storeNew(self, nil, off, n)
		return false, err
	case zeroInPlace:
		pass := o.pass(flags&^blockio.NoFallback, off, n)
		return pass&blockio.FUA != 0, o.storage.WriteZeroes(self, o.lookup(c).at()+off&(o.cluster-1), n, pass)
	}
	// An entry that says so may not be durable itself.
	return o.lookup(c) == absent && o.durableRoot(c) || o.durable(c), nil
}

// durableRoot reports whether the medium has no entry for a cluster either.
func (o *Overlay) durableRoot(c int64) bool {
	i := c / o.perTable()
	return o.tables[i] == nil && !o.unsure && o.marks[i/perGranule] == clean
}

// setBlank makes a cluster read as zeroes, without data.
func (o *Overlay) setBlank(self *coro.Self, c int64) error {
	t, err := o.tableOf(self, c)
	if err != nil {
		return err
	}
	e := absent
	if c<<o.bits < o.h.visible {
		e = zeroed
	}
	o.set(t, c, e)
	return nil
}

// Discard frees the clusters that the range covers, if the overlay has data
// there. They read as zeroes then: what shows through without the overlay does
// not come back. What shows through now stays as it is.
func (o *Overlay) Discard(self *coro.Self, off, n int64) error {
	first, last := off>>o.bits, (off+n-1)>>o.bits+1
	c := o.claim(self, first, last, true)
	defer o.unclaim(self, c)
	for i := first; i < last; i++ {
		if o.lookup(i).data() {
			if err := o.setBlank(self, i); err != nil {
				return err
			}
		}
	}
	return nil
}
