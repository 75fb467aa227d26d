package cow

import (
	"context"
	"errors"
	"math"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/cosync"
)

// An Overlay is a [blockio.Driver] whose blocks are in a storage, as far as they
// were written, and shine through from a backing otherwise. Make one with [Open].
//
// Its methods belong to the loop that its devices were opened on.
type Overlay struct {
	storage  *blockio.Device
	backing  *blockio.Device // nil if there is none, or it was left out
	opts     Options
	readOnly bool

	bits    uint
	cluster int64

	// On the medium, but for what is dirty. Under meta; h may be read by
	// anybody.
	meta       cosync.Mutex
	h          header
	slot       int64  // the one that holds h
	generation uint64 // the highest that was ever written
	unsure     bool   // another header than h may be on the medium
	asked      uint64 // how many syncs were asked for
	synced     uint64 // and up to which of them all is done

	tables []*table
	marks  []mark // of the root's granules
	dirty  []place
	freed  []int64 // clusters that are free when the next sync is done
	nData  int64
	nZero  int64

	used    clusterSet
	growing cosync.Mutex
	claims  claims
	buffers [][]byte

	plantedBug bool // for a test that has to find it
}

// Options say how an overlay is opened.
type Options struct {
	// ReadOnly has the overlay refuse to be changed; it is so anyway if its
	// storage is read-only.
	ReadOnly bool
	// KeepBacking leaves the backing open when the overlay is closed, or gets
	// another one: for a backing that others stand on, too.
	KeepBacking bool
	// WithoutBacking opens an overlay that has a backing without it: to look
	// at it, or to give it another one. What shows through cannot be read.
	WithoutBacking bool
}

// Open opens the overlay in storage, over backing, which is nil if the overlay
// was created without one. It reads all tables and checks that each entry makes
// sense: that is in the storage, aligned, and the only one to refer to its
// cluster. What nothing refers to is free. It yields.
//
// The overlay owns both devices from then on, and closes them when it is closed
// itself; if Open fails, it does not. Nobody else must write to either.
//
// The error is an [*Error], for [ErrMagic], [ErrVersion], [ErrCorrupt],
// [ErrTruncated], [ErrBacking], [ErrOptions], [ErrInUse], or what a device
// returned.
func Open(self *coro.Self, storage, backing *blockio.Device, opts Options) (*Overlay, error) {
	if storage == nil {
		return nil, noDevice("open", "storage")
	}
	o := &Overlay{storage: storage, backing: backing, opts: opts, readOnly: opts.ReadOnly || storage.ReadOnly()}
	o.meta.SetName("the header of " + storage.Name())
	o.growing.SetName("the size of " + storage.Name())
	if !o.readOnly {
		// What is read here may be in a cache only, left by a process that was
		// killed. What is built on it must not become durable before it.
		if err := storage.Flush(self); err != nil {
			return nil, wrap("open", storage.Name(), err)
		}
	}
	l := loader{storage: storage, op: "open"}
	if err := l.load(self); err != nil {
		return nil, wrap("open", storage.Name(), err)
	}
	o.adopt(&l)
	if err := o.fits(); err != nil {
		return nil, err
	}
	if backing != nil {
		// Nothing is read, but one that is closed, or of another loop, says so.
		if err := backing.ReadAt(self, nil, 0); err != nil {
			return nil, wrap("open", storage.Name(), err)
		}
	}
	if !o.readOnly {
		if !take(storage) {
			return nil, fault("open", storage.Name(), -1, ErrInUse, "")
		}
		o.drop(roundUp(o.h.size, o.cluster) >> o.bits)
	}
	return o, nil
}

// adopt takes over what was read.
func (o *Overlay) adopt(l *loader) {
	o.h, o.slot, o.generation = l.h, l.slot, l.h.generation
	o.bits, o.cluster = uint(l.h.bits), l.h.cluster()
	o.tables, o.used = l.tables, l.used
	o.marks = make([]mark, l.h.rootBytes()/granule)
	o.nData, o.nZero = l.data, l.zero
}

// fits checks the backing.
func (o *Overlay) fits() error {
	name := o.storage.Name()
	has := o.h.flags&hasBacking != 0
	switch {
	case !has && o.backing != nil:
		return fault("open", name, -1, ErrBacking, "the overlay has none, but was given %s", o.backing.Name())
	case has && o.backing == nil && !o.opts.WithoutBacking:
		return fault("open", name, -1, ErrBacking, "it is %q, but none was given", o.h.name)
	case o.backing == nil:
		return nil
	case o.opts.WithoutBacking:
		return fault("open", name, -1, ErrOptions, "it is to be opened without a backing, but was given %s", o.backing.Name())
	case standsOn(o.backing, o.storage):
		return fault("open", name, -1, ErrBacking, "%s is the storage itself, or stands on it", o.backing.Name())
	}
	// A commit that did not come to its end may have made it larger.
	size := o.backing.Size()
	if size < o.h.backing || size > o.h.backing && o.h.flags&commitPending == 0 {
		return fault("open", name, -1, ErrBacking, "%s has %d bytes, but had %d when the overlay was made; if it is the right one, an unsafe rebase says so",
			o.backing.Name(), size, o.h.backing)
	}
	return nil
}

// Size returns the number of bytes.
func (o *Overlay) Size() int64 { return o.h.size }

// Limits returns what the overlay can do: FUA, and to discard whole clusters. It
// asks for no alignment: the devices below see to theirs.
func (o *Overlay) Limits() blockio.Limits {
	l := blockio.Limits{
		MemoryAlignment: o.storage.Limits().MemoryAlignment, DiscardAlignment: int(o.cluster), FUA: true, ReadOnly: o.readOnly,
	}
	if o.backing != nil {
		l.MemoryAlignment = max(l.MemoryAlignment, o.backing.Limits().MemoryAlignment)
	}
	return l
}

// String returns "overlay" and the name of the storage.
func (o *Overlay) String() string { return "overlay " + o.storage.Name() }

// Children returns the storage as "file" and the backing as "backing".
func (o *Overlay) Children() []blockio.Child {
	c := []blockio.Child{{Role: "file", Driver: o.storage.Driver()}}
	if o.backing != nil {
		c = append(c, blockio.Child{Role: "backing", Driver: o.backing.Driver()})
	}
	return c
}

// Flush makes all that was written durable.
func (o *Overlay) Flush(self *coro.Self) error { return o.sync(self) }

// Close makes all durable, cuts off what is free at the end of the storage, and
// closes the devices.
func (o *Overlay) Close(self *coro.Self) error {
	var errs []error
	defer func() {
		if self.Unwinding() { // killed in one of them: tasks do the rest
			o.closeDevices(self)
		}
	}()
	if !o.readOnly && !self.Unwinding() {
		errs = append(errs, o.sync(self), o.trim(self))
	}
	errs = append(errs, o.closeDevices(self)...)
	return errors.Join(errs...)
}

// closeDevices closes those that belong to the overlay.
func (o *Overlay) closeDevices(self *coro.Self) []error {
	errs := []error{o.storage.Close(self)}
	if o.backing != nil && !o.opts.KeepBacking {
		errs = append(errs, o.backing.Close(self))
	}
	return errs
}

// trim makes the storage no larger than what is in use.
func (o *Overlay) trim(self *coro.Self) error {
	end := o.used.end() << o.bits
	if o.storage.Size() <= end {
		return nil
	}
	if err := o.storage.Resize(self, end); err != nil && !errors.Is(err, blockio.ErrNotSupported) {
		return err
	}
	return nil
}

// everything claims all clusters from c on.
func (o *Overlay) everything(self *coro.Self, c int64) *claim {
	return o.claim(self, c, math.MaxInt64, true)
}

// A Progress is told how far something is that takes long, and how it can be
// stopped.
type Progress struct {
	// Context, unless nil, stops it when it is done, with the context's
	// cause.
	Context context.Context
	// Progress, unless nil, is told how far it is: see
	// [blockio.CopyOptions].
	Progress func(blockio.CopyProgress)
	// Coroutines is how many chunks are in flight; 0 is
	// [blockio.DefaultCoroutines].
	Coroutines int
}

// options returns what [blockio.Copy] needs of p.
func (p *Progress) options() blockio.CopyOptions {
	return blockio.CopyOptions{Context: p.Context, Progress: p.Progress, Coroutines: p.Coroutines}
}

// Backing returns the device that the overlay stands on, nil if there is none.
func (o *Overlay) Backing() *blockio.Device { return o.backing }
