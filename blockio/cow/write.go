package cow

import (
	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/coro"
)

// WriteAt stores p at off: in place where the overlay has data, else in new
// clusters, with what shows through around it. If that cannot be read, the write
// fails, and the cluster is as it was.
func (o *Overlay) WriteAt(self *coro.Self, p []byte, off int64, flags blockio.Flags) error {
	durable, err := o.store(self, p, off, flags)
	if err != nil || durable || flags&blockio.FUA == 0 {
		return err
	}
	return o.sync(self)
}

// store is WriteAt but for the sync that FUA may need; it reports whether p is
// durable without one.
func (o *Overlay) store(self *coro.Self, p []byte, off int64, flags blockio.Flags) (durable bool, err error) {
	c := o.claimData(self, off>>o.bits, (off+int64(len(p))-1)>>o.bits+1)
	defer o.unclaim(self, c)
	durable = flags&blockio.FUA != 0
	for len(p) > 0 {
		var n int64
		if e, run := o.run(off, int64(len(p))); e.data() {
			n = run
			pass := o.pass(flags, off, n)
			durable = durable && pass&blockio.FUA != 0
			err = o.storage.WriteAtFlags(self, p[:n], e.at()+off&(o.cluster-1), pass)
		} else {
			durable = false
			n, err = o.storeNew(self, p, off, int64(len(p)))
		}
		if err != nil {
			return false, err
		}
		p, off = p[n:], off+n
	}
	return durable, nil
}

// pass takes FUA out of flags where it would not help: what is to be written in
// place is not found after a cut, unless the entries are there, too.
func (o *Overlay) pass(flags blockio.Flags, off, n int64) blockio.Flags {
	if flags&blockio.FUA != 0 {
		for c := off >> o.bits; c <= (off+n-1)>>o.bits; c++ {
			if !o.durable(c) {
				return flags &^ blockio.FUA
			}
		}
	}
	return flags
}

// claimData claims clusters to write to, with others if all are data.
func (o *Overlay) claimData(self *coro.Self, lo, hi int64) *claim {
	if !o.allData(lo, hi) {
		return o.claim(self, lo, hi, true)
	}
	c := o.claim(self, lo, hi, false)
	if o.allData(lo, hi) {
		return c
	}
	// Somebody who came before has freed one.
	o.unclaim(self, c)
	return o.claim(self, lo, hi, true)
}

func (o *Overlay) allData(lo, hi int64) bool {
	for c := lo; c < hi; c++ {
		if !o.lookup(c).data() {
			return false
		}
	}
	return true
}

// storeNew stores n bytes from off, as far as clusters are absent or zero in a
// row, in new clusters, and returns how many bytes that was. A nil p is zeroes.
func (o *Overlay) storeNew(self *coro.Self, p []byte, off, n int64) (int64, error) {
	first := off >> o.bits
	t, err := o.tableOf(self, first)
	if err != nil {
		return 0, err
	}
	want := int64(1)
	for last := (off + n - 1) >> o.bits; first+want <= last && (first+want)%o.perTable() != 0 && !o.lookup(first+want).data(); {
		want++
	}
	at, k, err := o.allocate(self, want)
	if err != nil {
		return 0, err
	}
	done := false
	defer func() {
		if !done {
			o.free(at, k)
		}
	}()
	n = min(n, (first+k)<<o.bits-off)
	if p != nil {
		p = p[:n]
	}
	if err := o.fillNew(self, p, off, n, at); err != nil {
		return 0, err
	}
	for i := range k {
		o.set(t, first+i, dataAt(at+i<<o.bits))
	}
	done = true
	return n, nil
}

// fillNew writes whole clusters at the offset at of the storage: n bytes from
// off, and what is around them in the first and the last cluster.
func (o *Overlay) fillNew(self *coro.Self, p []byte, off, n, at int64) error {
	for n > 0 {
		in := off & (o.cluster - 1)
		if whole := n &^ (o.cluster - 1); in == 0 && whole > 0 && p != nil {
			if err := o.storage.WriteAt(self, p[:whole], at); err != nil {
				return err
			}
			p, off, n, at = p[whole:], off+whole, n-whole, at+whole
			continue
		}
		k := min(n, o.cluster-in)
		if err := o.fillCluster(self, p, off, k, at); err != nil {
			return err
		}
		if p != nil {
			p = p[k:]
		}
		off, n, at = off+k, n-k, at+o.cluster
	}
	return nil
}

// fillCluster writes one cluster, of which n bytes from off are new.
func (o *Overlay) fillCluster(self *coro.Self, p []byte, off, n, at int64) error {
	b := o.buffer()
	defer o.release(b)
	from := off &^ (o.cluster - 1)
	in := off - from
	head, tail := b[:in], b[in+n:]
	var err error
	switch {
	case o.lookup(off>>o.bits) == zeroed:
		clear(head)
		clear(tail)
	case len(head) > 0 && len(tail) > 0:
		err = o.readBacking(self, b, from)
	case len(head) > 0:
		err = o.readBacking(self, head, from)
	case len(tail) > 0:
		err = o.readBacking(self, tail, off+n)
	}
	if err != nil {
		return err
	}
	if p == nil {
		clear(b[in:][:n])
	} else {
		copy(b[in:], p[:n])
	}
	return o.storage.WriteAt(self, b, at)
}
