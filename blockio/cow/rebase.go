package cow

import (
	"bytes"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/coro"
)

// RebaseOptions say how [Rebase] goes about it.
type RebaseOptions struct {
	// Name is stored for those who open the overlay.
	Name string
	// IsOverlay says of the new backing, for the same, that it is an overlay
	// itself.
	IsOverlay bool
	// Unsafe changes what the overlay says of its backing, and nothing else:
	// right if the new backing has what the old one had, under another name.
	// The overlay may be open without the old one.
	Unsafe bool
	// Progress is told, and stops it.
	Progress Progress
}

// Rebase puts an overlay on another backing; nil is none. What the overlay reads
// as stays the same: where the new backing has something else than what shows
// through now, that is copied into the overlay first. With Unsafe it is not.
//
// If all goes well, the overlay has closed the backing that it stood on, and
// owns the new one. If Rebase fails, is stopped or killed, or the power is cut,
// the overlay is on the old one, and reads as it should, but may have become
// larger. After a cut, or where only the last flush failed, it may be on the new
// one when it is opened again: what [ReadInfo] says counts.
//
// The overlay is drained for the time of it. It yields. The error is an [*Error],
// for [ErrNotOverlay], [ErrOptions], [ErrBacking], or a [*blockio.CopyError].
func Rebase(self *coro.Self, overlay, backing *blockio.Device, opts RebaseOptions) (Result, error) {
	o, err := overlayOf("rebase", overlay)
	if err != nil {
		return Result{}, err
	}
	name := o.storage.Name()
	switch {
	case len(opts.Name) > maxName:
		return Result{}, fault("rebase", name, -1, ErrOptions, "the name of the backing has %d bytes, want at most %d", len(opts.Name), maxName)
	case opts.Progress.Coroutines < 0:
		return Result{}, fault("rebase", name, -1, ErrOptions, "coroutines %d: want 0 or more", opts.Progress.Coroutines)
	case backing == nil && (opts.Name != "" || opts.IsOverlay):
		return Result{}, fault("rebase", name, -1, ErrOptions, "the backing %q has a name, but no device", opts.Name)
	case backing != nil && standsOn(backing, o.storage):
		return Result{}, fault("rebase", name, -1, ErrBacking, "%s is the overlay itself, or stands on it", backing.Name())
	case !opts.Unsafe && o.backing == nil && o.h.visible > 0:
		return Result{}, fault("rebase", name, -1, ErrBacking, "the old one was left out, and what shows through cannot be compared; unsafe does not look")
	}
	overlay.DrainedBegin(self)
	defer overlay.DrainedEnd(self)
	r, err := o.rebase(self, backing, opts)
	return r, wrap("rebase", name, err)
}

// rebase is Rebase in a drained section.
func (o *Overlay) rebase(self *coro.Self, backing *blockio.Device, opts RebaseOptions) (r Result, err error) {
	if !opts.Unsafe {
		if r, err = o.copyUp(self, backing, opts.Progress); err != nil {
			return r, err
		}
	}
	if err := o.sync(self); err != nil {
		return r, err
	}
	h := o.h
	h.flags &^= commitPending
	h.setBacking(backing, opts.Name, opts.IsOverlay)
	h.visible = min(h.size, h.backing)
	if err := o.replaceHeader(self, h); err != nil {
		return r, err
	}
	return r, o.stand(self, backing)
}

// copyUp copies what shows through to the overlay, where backing has something
// else.
func (o *Overlay) copyUp(self *coro.Self, backing *blockio.Device, p Progress) (Result, error) {
	src, err := openView(self, o)
	if err != nil {
		return Result{}, err
	}
	dst, err := blockio.Open(self, &riser{o: o, backing: backing}, blockio.WithName("the overlay "+o.storage.Name()))
	if err != nil {
		return Result{}, err
	}
	opts := p.options()
	opts.Chunk = int(max(blockio.DefaultChunk, o.cluster))
	opts.Resume = &blockio.Checkpoint{Size: o.h.size, Done: o.showing(false)}
	copied, err := blockio.Copy(self, dst, src, opts)
	return Result{Data: copied.Data, Zeroes: copied.Zeroes}, err
}

// A riser is what [Rebase] copies to: whole clusters that show through. Those
// that the new backing has, too, it forgets; the others it stores in the overlay.
type riser struct {
	o       *Overlay
	backing *blockio.Device // the new one, nil if there is none
}

// readNew reads what the new backing would show.
func (r *riser) readNew(self *coro.Self, p []byte, off int64) error {
	n := int64(0)
	if r.backing != nil {
		n = min(max(0, r.backing.Size()-off), int64(len(p)))
	}
	clear(p[n:])
	if n == 0 {
		return nil
	}
	return r.backing.ReadAt(self, p[:n], off)
}

// WriteAt is given what shows through.
func (r *riser) WriteAt(self *coro.Self, p []byte, off int64, _ blockio.Flags) error {
	p = p[:min(int64(len(p)), r.o.h.size-off)] // without what is behind the end
	q := r.o.storage.NewBuffer(len(p))
	if err := r.readNew(self, q, off); err != nil {
		return err
	}
	differs := func(i int) bool {
		j := min(i+int(r.o.cluster), len(p))
		return !bytes.Equal(p[i:j], q[i:j])
	}
	for i := 0; i < len(p); {
		j := i
		for j < len(p) && differs(j) {
			j = min(j+int(r.o.cluster), len(p))
		}
		if i == j {
			i += int(r.o.cluster)
			continue
		}
		if err := r.o.WriteAt(self, p[i:j], off+int64(i), 0); err != nil {
			return err
		}
		i = j
	}
	return nil
}

// WriteZeroes is told where zeroes show through.
func (r *riser) WriteZeroes(self *coro.Self, off, n int64, _ blockio.Flags) error {
	b := r.o.buffer()
	defer r.o.release(b)
	for end := min(off+n, r.o.h.size); off < end; {
		k := min(r.o.cluster, end-off)
		if zero, err := r.zeroes(self, off, end-off); err != nil {
			return err
		} else if zero >= k {
			if off += zero; off < end {
				off &^= r.o.cluster - 1
			}
			continue
		}
		if err := r.readNew(self, b[:k], off); err != nil {
			return err
		}
		if !isZero(b[:k]) {
			if err := r.o.pin(self, off>>r.o.bits); err != nil {
				return err
			}
		}
		off += k
	}
	return nil
}

// zeroes returns how many bytes from off, at most n, the new backing is known to
// show as zeroes.
func (r *riser) zeroes(self *coro.Self, off, n int64) (int64, error) {
	if r.backing == nil || off >= r.backing.Size() {
		return n, nil
	}
	s, k, err := r.backing.BlockStatus(self, off, min(n, r.backing.Size()-off))
	if err != nil || s&blockio.Zero == 0 {
		return 0, err
	}
	if off+k == r.backing.Size() {
		k = n
	}
	return k, nil
}

func isZero(p []byte) bool {
	return len(p) == 0 || p[0] == 0 && bytes.Equal(p[1:], p[:len(p)-1])
}

// pin has a cluster that reads as zeroes do so whatever the backing.
func (o *Overlay) pin(self *coro.Self, c int64) error {
	cl := o.claim(self, c, c+1, true)
	defer o.unclaim(self, cl)
	t, err := o.tableOf(self, c)
	if err != nil {
		return err
	}
	o.set(t, c, zeroed)
	return nil
}

// Limits asks for whole clusters.
func (r *riser) Limits() blockio.Limits {
	return blockio.Limits{Alignment: int(r.o.cluster), MemoryAlignment: r.o.Limits().MemoryAlignment}
}

// ReadAt is not asked for: what is written is whole clusters.
func (r *riser) ReadAt(*coro.Self, []byte, int64) error { return blockio.ErrNotSupported }
func (r *riser) Flush(self *coro.Self) error            { return r.o.sync(self) }
func (r *riser) Size() int64                            { return r.o.Size() }
func (r *riser) Close(*coro.Self) error                 { return nil }
func (r *riser) String() string                         { return r.o.String() }
