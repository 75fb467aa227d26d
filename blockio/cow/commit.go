package cow

import (
	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/coro"
)

// A Result tells what [Commit] or [Rebase] has copied, in bytes.
type Result struct {
	// Data is what was read and written, or compared; Zeroes what was made
	// to read as zeroes, or did so already.
	Data, Zeroes int64
}

// Commit writes all that overlay has down into its backing, makes that as large
// as the overlay if it is smaller, flushes it, and then empties the overlay. What
// the overlay reads as stays the same all the time.
//
// backing is a Device that can be written to, of what the overlay stands on; it
// may be the same Device. If all goes well, the overlay stands on it from then
// on, and has closed the one that it stood on. If not, backing is still the
// caller's.
//
// If it fails, is stopped or killed, or the power is cut, at any point, the
// overlay is as it was, opens, and reads as it should: only what it hides of the
// backing may be overwritten. It can be repeated. Nobody else must use the
// backing: whoever stands on it without the overlay sees it change.
//
// The overlay is drained for the time of it. It yields. The error is an [*Error],
// for [ErrNotOverlay], [ErrOptions], [ErrBacking], or a [*blockio.CopyError].
func Commit(self *coro.Self, overlay, backing *blockio.Device, p Progress) (Result, error) {
	o, err := overlayOf("commit", overlay)
	switch {
	case err != nil:
		return Result{}, err
	case backing == nil:
		return Result{}, fault("commit", o.storage.Name(), -1, ErrOptions, "the backing is nil")
	case p.Coroutines < 0:
		return Result{}, fault("commit", o.storage.Name(), -1, ErrOptions, "coroutines %d: want 0 or more", p.Coroutines)
	}
	overlay.DrainedBegin(self)
	defer overlay.DrainedEnd(self)
	r, err := o.commit(self, backing, p)
	return r, wrap("commit", o.storage.Name(), err)
}

// commit is Commit in a drained section.
func (o *Overlay) commit(self *coro.Self, backing *blockio.Device, p Progress) (Result, error) {
	name := o.storage.Name()
	pending := o.h.flags&commitPending != 0
	switch size := backing.Size(); {
	case standsOn(backing, o.storage):
		return Result{}, fault("commit", name, -1, ErrBacking, "%s is the overlay itself, or stands on it", backing.Name())
	case o.h.flags&hasBacking == 0:
		return Result{}, fault("commit", name, -1, ErrBacking, "the overlay has none")
	case backing.ReadOnly():
		return Result{}, fault("commit", name, -1, blockio.ErrReadOnly, "the backing, %s", backing.Name())
	case size < o.h.backing || size > o.h.backing && !pending:
		return Result{}, fault("commit", name, -1, ErrBacking, "%s has %d bytes, want %d", backing.Name(), size, o.h.backing)
	}
	// From here on, what the overlay hides of the backing is overwritten. So
	// that it hides it has to be durable, and that the backing may grow.
	if err := o.sync(self); err != nil {
		return Result{}, err
	}
	if !pending {
		h := o.h
		h.flags |= commitPending
		if err := o.replaceHeader(self, h); err != nil {
			return Result{}, err
		}
	}
	if backing.Size() < o.h.size {
		if err := backing.Resize(self, o.h.size); err != nil {
			return Result{}, err
		}
	}
	src, err := openView(self, o)
	if err != nil {
		return Result{}, err
	}
	opts := p.options()
	opts.Larger = true
	// What shows through is there. What does not, also where nothing is in
	// the overlay because it was cut off once, must be made so.
	opts.Resume = &blockio.Checkpoint{Size: o.h.size, Done: o.showing(true)}
	copied, err := blockio.Copy(self, backing, src, opts)
	r := Result{Data: copied.Data, Zeroes: copied.Zeroes}
	if err != nil {
		return r, err
	}
	if err := o.empty(self, backing); err != nil {
		return r, err
	}
	return r, o.stand(self, backing)
}

// empty makes everything absent, with one write of the header.
func (o *Overlay) empty(self *coro.Self, backing *blockio.Device) error {
	o.meta.Lock(self)
	defer o.meta.Unlock(self)
	h := o.h
	h.flags &^= commitPending
	h.backing = backing.Size()
	h.visible = min(h.size, h.backing)
	return o.reset(self, h)
}
