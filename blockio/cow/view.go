package cow

import (
	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/coro"
)

// overlayOf returns the driver of an overlay that is to be changed as a whole.
func overlayOf(op string, dev *blockio.Device) (*Overlay, error) {
	if dev == nil {
		return nil, noDevice(op, "overlay")
	}
	o, ok := dev.Driver().(*Overlay)
	switch {
	case !ok:
		return nil, &Error{Op: op, Device: dev.Name(), Offset: -1, Err: ErrNotOverlay, Detail: "it is " + dev.Driver().String()}
	case o.readOnly || dev.ReadOnly():
		return nil, &Error{Op: op, Device: o.storage.Name(), Offset: -1, Err: blockio.ErrReadOnly}
	}
	return o, nil
}

// A view is the contents of an overlay for somebody who has its Device drained,
// and lets [blockio.Copy] have many coroutines read it all the same. It is only
// read; what they write goes to the overlay elsewhere.
type view struct{ o *Overlay }

// openView returns a device of what o has.
func openView(self *coro.Self, o *Overlay) (*blockio.Device, error) {
	return blockio.Open(self, view{o}, blockio.WithName(o.storage.Name()))
}

func (v view) ReadAt(self *coro.Self, p []byte, off int64) error { return v.o.ReadAt(self, p, off) }
func (v view) BlockStatus(self *coro.Self, off, n int64) (blockio.Status, int64, error) {
	return v.o.BlockStatus(self, off, n)
}

func (v view) WriteAt(*coro.Self, []byte, int64, blockio.Flags) error { return blockio.ErrReadOnly }
func (v view) Flush(*coro.Self) error                                 { return nil }
func (v view) Size() int64                                            { return v.o.Size() }
func (v view) Close(*coro.Self) error                                 { return nil }
func (v view) String() string                                         { return v.o.String() }

func (v view) Limits() blockio.Limits {
	return blockio.Limits{MemoryAlignment: v.o.Limits().MemoryAlignment, ReadOnly: true}
}

// showing returns the ranges in which the backing shows through, if that is what
// is asked for, or else those in which it does not because the overlay has an
// entry.
func (o *Overlay) showing(through bool) (r blockio.Ranges) {
	for off := int64(0); off < o.h.size; {
		n := min(o.cluster, o.h.size-off)
		e := o.lookup(off >> o.bits)
		switch {
		case through && e == absent:
			r.Add(off, min(n, o.h.visible-off))
		case !through && e != absent:
			r.Add(off, n)
		}
		off += n
	}
	return r
}

// stand has the overlay stand on another backing, which its header names
// already, and closes the one before.
func (o *Overlay) stand(self *coro.Self, backing *blockio.Device) error {
	old := o.backing
	o.backing = backing
	if old == nil || old == backing || o.opts.KeepBacking {
		return nil
	}
	return old.Close(self)
}
