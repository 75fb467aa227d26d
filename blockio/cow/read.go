package cow

import (
	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/coro"
)

// ReadAt fills p with what is at off, from wherever it is.
func (o *Overlay) ReadAt(self *coro.Self, p []byte, off int64) error {
	c := o.claim(self, off>>o.bits, (off+int64(len(p))-1)>>o.bits+1, false)
	defer o.unclaim(self, c)
	for len(p) > 0 {
		e, n := o.run(off, int64(len(p)))
		var err error
		switch {
		case e.data():
			err = o.storage.ReadAt(self, p[:n], e.at()+off&(o.cluster-1))
		case e == zeroed:
			clear(p[:n])
		default:
			err = o.readBacking(self, p[:n], off)
		}
		if err != nil {
			return err
		}
		p, off = p[n:], off+n
	}
	return nil
}

// run returns the entry of the cluster that off is in, and how many bytes from
// off, at most n, can be done at once with it: data that lies in a row, or
// clusters that are all absent or zero.
func (o *Overlay) run(off, n int64) (entry, int64) {
	c := off >> o.bits
	first := o.lookup(c)
	k := o.cluster - off&(o.cluster-1)
	for want := first; k < n; k += o.cluster {
		c++
		if want.data() {
			want += entry(o.cluster)
		}
		if o.lookup(c) != want {
			break
		}
	}
	return first, min(k, n)
}

// readBacking reads what shows through.
func (o *Overlay) readBacking(self *coro.Self, p []byte, off int64) error {
	n := min(max(0, o.h.visible-off), int64(len(p)))
	clear(p[n:])
	if n == 0 {
		return nil
	}
	if o.backing == nil {
		return fault("read", o.storage.Name(), -1, ErrBacking, "it was left out, and shows through at %d", off)
	}
	return o.backing.ReadAt(self, p[:n], off)
}

// BlockStatus tells what the overlay has, and asks the backing where that shows
// through.
func (o *Overlay) BlockStatus(self *coro.Self, off, n int64) (blockio.Status, int64, error) {
	if s := o.own(off); s != 0 {
		return s, o.alike(off, n, s), nil
	}
	// The backing first: if it has many extents in a row of absent clusters,
	// each is looked for in its own part of the tables.
	s, k, err := blockio.Data, min(n, o.h.visible-off), error(nil)
	if o.backing != nil {
		s, k, err = o.backing.BlockStatus(self, off, k)
	}
	if err != nil {
		return 0, 0, err
	}
	if now := o.own(off); now != 0 { // it was written to meanwhile
		return now, o.alike(off, n, now), nil
	}
	return s, o.alike(off, k, 0), nil
}

// own is the status of the cluster that off lies in, 0 if the backing shows
// through at off.
func (o *Overlay) own(off int64) blockio.Status {
	switch e := o.lookup(off >> o.bits); {
	case e.data():
		return blockio.Data
	case e == zeroed || off >= o.h.visible:
		return blockio.Zero
	}
	return 0
}

// alike returns how many bytes from off, at most n, are s of the overlay's own.
func (o *Overlay) alike(off, n int64, s blockio.Status) int64 {
	k := o.cluster - off&(o.cluster-1)
	for k < n && o.own(off+k) == s {
		k += o.cluster
	}
	return min(k, n)
}

// buffer returns the memory of a cluster.
func (o *Overlay) buffer() []byte {
	if last := len(o.buffers) - 1; last >= 0 {
		b := o.buffers[last]
		o.buffers = o.buffers[:last]
		return b
	}
	return o.storage.NewBuffer(int(o.cluster))
}

// maxBuffers is how many buffers are kept, a MiB of the usual size.
const maxBuffers = 16

// release takes a buffer back. A killed coroutine's is, too: no device uses it
// when the call has unwound.
func (o *Overlay) release(b []byte) {
	if len(o.buffers) < maxBuffers {
		o.buffers = append(o.buffers, b)
	}
}
