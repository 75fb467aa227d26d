package cow

import (
	"errors"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/coro"
)

// CreateOptions say what [Create] makes.
type CreateOptions struct {
	// Size is that of the overlay, in bytes. With a Backing, 0 is the size of
	// that.
	Size int64
	// ClusterSize is a power of two, from [MinClusterSize] to
	// [MaxClusterSize]; 0 is [DefaultClusterSize].
	ClusterSize int
	// Backing is what shows through; nil is nothing. Only its size is looked
	// at.
	Backing *blockio.Device
	// BackingName is stored for those who open the overlay: the path of a
	// file, say.
	BackingName string
	// BackingIsOverlay says of the backing, for the same, that it is an
	// overlay itself, and not to be taken as it is. That cannot be told from
	// its contents: whoever can write a disk can write a header to it.
	BackingIsOverlay bool
}

// Create makes an overlay of a storage, in which all is absent. The storage
// is resized as needed; what it held is lost. It yields, and returns when all is
// durable.
//
// The error is an [*Error], for [ErrOptions], [ErrTooLarge], [ErrFull], for
// [ErrBacking] if the backing stands on the storage, for [ErrInUse], or what the
// storage returned.
func Create(self *coro.Self, storage *blockio.Device, opts CreateOptions) error {
	if storage == nil {
		return noDevice("create", "storage")
	}
	h, err := newHeader(storage.Name(), opts)
	switch {
	case err != nil:
		return err
	case opts.Backing != nil && standsOn(opts.Backing, storage):
		return fault("create", storage.Name(), -1, ErrBacking, "%s is the storage, or stands on it, and would be overwritten", opts.Backing.Name())
	case taken(storage):
		return fault("create", storage.Name(), -1, ErrInUse, "")
	}
	return wrap("create", storage.Name(), format(self, storage, h))
}

// newHeader makes the header of a new overlay.
func newHeader(name string, opts CreateOptions) (h header, _ error) {
	if opts.ClusterSize == 0 {
		opts.ClusterSize = DefaultClusterSize
	}
	bits, ok := clusterBits(int64(opts.ClusterSize))
	h = header{bits: bits, size: opts.Size, name: opts.BackingName}
	switch {
	case !ok:
		return h, fault("create", name, -1, ErrOptions, "the cluster size is %d, want a power of two from %d to %d", opts.ClusterSize, MinClusterSize, MaxClusterSize)
	case len(opts.BackingName) > maxName:
		return h, fault("create", name, -1, ErrOptions, "the name of the backing has %d bytes, want at most %d", len(opts.BackingName), maxName)
	case opts.Backing == nil && (opts.BackingName != "" || opts.BackingIsOverlay):
		return h, fault("create", name, -1, ErrOptions, "the backing %q has a name, but no device", opts.BackingName)
	}
	if opts.Backing != nil {
		h.setBacking(opts.Backing, opts.BackingName, opts.BackingIsOverlay)
		if h.size == 0 {
			h.size = h.backing
		}
	}
	if h.size < 0 {
		return h, fault("create", name, -1, ErrOptions, "the size is %d, want 0 or more", h.size)
	}
	if h.size > maxSize(uint(bits)) {
		return h, fault("create", name, -1, ErrTooLarge, "the size is %d, with clusters of %d bytes there can be %d", h.size, opts.ClusterSize, maxSize(uint(bits)))
	}
	h.visible = min(h.size, h.backing)
	h.root = roundUp(headerBytes, h.cluster())
	h.tables = rootFor(tablesFor(h.size, bits), h.cluster())
	return h, nil
}

// setBacking has the header name a backing; nil is none.
func (h *header) setBacking(backing *blockio.Device, name string, isOverlay bool) {
	h.flags &^= hasBacking | backingIsCow
	h.name, h.backing = "", 0
	if backing == nil {
		return
	}
	h.flags |= hasBacking
	if isOverlay {
		h.flags |= backingIsCow
	}
	h.name, h.backing = name, backing.Size()
}

// format writes an overlay without clusters.
func format(self *coro.Self, storage *blockio.Device, h header) error {
	if need := h.root + roundUp(h.rootBytes(), h.cluster()); storage.Size() < need {
		if err := storage.Resize(self, need); errors.Is(err, blockio.ErrNotSupported) {
			return fault("create", storage.Name(), -1, ErrFull, "it has %d bytes, and cannot be resized to %d", storage.Size(), need)
		} else if err != nil {
			return err
		}
	}
	// First what was there is no overlay any more; then come the tables; then
	// the header, which makes it one.
	for _, r := range []blockio.Range{{Length: headerBytes}, {Start: h.root, Length: roundUp(h.rootBytes(), h.cluster())}} {
		if err := storage.WriteZeroes(self, r.Start, r.Length, blockio.MayUnmap); err != nil {
			return err
		}
		if err := storage.Flush(self); err != nil {
			return err
		}
	}
	h.generation = 1
	if err := storage.WriteAt(self, h.encode(), 0); err != nil {
		return err
	}
	return storage.Flush(self)
}

// An Info describes an overlay.
type Info struct {
	// Size is that of the overlay, ClusterSize that of its clusters.
	Size        int64 `json:"size"`
	ClusterSize int64 `json:"cluster-size"`
	// HasBacking says whether there is a backing; Backing is its name,
	// BackingSize the size that it had, and BackingIsOverlay whether it is an
	// overlay itself.
	HasBacking       bool   `json:"has-backing"`
	Backing          string `json:"backing,omitempty"`
	BackingSize      int64  `json:"backing-size,omitempty"`
	BackingIsOverlay bool   `json:"backing-is-overlay,omitempty"`
	// Visible is how many bytes of the backing can show through.
	Visible int64 `json:"visible"`
	// Generation counts the headers that were written.
	Generation uint64 `json:"generation"`
	// CommitPending says that a [Commit] was begun that did not come to its
	// end: it can be repeated.
	CommitPending bool `json:"commit-pending,omitempty"`
	// StorageSize is the size of the storage.
	StorageSize int64 `json:"storage-size"`
}

// ReadInfo describes the overlay in a storage. It reads the header only, and
// yields. The error is as [Open]'s.
func ReadInfo(self *coro.Self, storage *blockio.Device) (Info, error) {
	if storage == nil {
		return Info{}, noDevice("info", "storage")
	}
	l := loader{storage: storage, op: "info"}
	if err := l.readHeader(self); err != nil {
		return Info{}, wrap("info", storage.Name(), err)
	}
	return l.h.info(storage), nil
}

// Info describes the overlay.
func (o *Overlay) Info() Info { return o.h.info(o.storage) }

// Clusters returns how many clusters have data, and how many are zero.
func (o *Overlay) Clusters() (data, zero int64) { return o.nData, o.nZero }

func (h *header) info(storage *blockio.Device) Info {
	return Info{
		Size: h.size, ClusterSize: h.cluster(),
		HasBacking: h.flags&hasBacking != 0, Backing: h.name, BackingSize: h.backing, BackingIsOverlay: h.flags&backingIsCow != 0,
		Visible: h.visible, Generation: h.generation, CommitPending: h.flags&commitPending != 0, StorageSize: storage.Size(),
	}
}
