// Package cow is a driver for overlays: what is written goes to a storage of its
// own, and what was never written shows through from a backing device, which is
// only read. So many disks share one image, and what one of them changed can be
// thrown away, kept, or written down into the image.
//
// # Model
//
//	         Device "overlay"
//	               │
//	           Overlay                 a table: which clusters are where
//	          ╱       ╲
//	Device "storage"  Device "backing"
//	header, tables,   read only, but by Commit
//	clusters
//
// The unit is the cluster, 64 KiB unless [Create] was told otherwise. A cluster is
// absent, and reads from the backing, or as zeroes behind the backing's end; or
// data, and lies in the storage; or zero. A write to an absent cluster fills in
// from the backing what it does not cover, stores the whole somewhere new, and
// enters it in the table.
//
// An Overlay stands on Devices, not on drivers: all it asks for below crosses a
// Device, which checks it, splits it, and does what a storage with blocks needs
// that has no whole blocks written to it. The backing of an overlay may be the
// Device of another one.
//
// # Terms
//
//   - The storage holds what is the overlay's own; the backing, what it shows
//     through. An overlay without a backing shows zeroes.
//   - A cluster of the overlay is its contents from a multiple of the cluster's
//     size on; a cluster of the storage is a place for one, or for a table.
//   - A cluster of the storage that nothing refers to is free. One that is free
//     and takes space all the same is leaked.
//
// # Durability
//
// A table on the medium never refers to a cluster whose contents are not there
// yet, whatever of the writes that were not flushed a power cut takes: [Overlay]
// tells how. Nothing that was flushed is lost, at any moment of a request, a
// resize, a commit or a rebase; a cut may leak clusters, which the next [Open]
// finds free. The header and its checksum are written to two places in turn.
//
// # Memory
//
// All tables are in memory while an overlay is open, 8 bytes for each cluster:
// of 64 KiB, 128 MiB for each TiB that was ever written to. A lookup never
// yields.
//
// # Panics
//
// None but those of package blockio for a Device that is used on another loop.
//
// # Limits
//
// There are no snapshots within an overlay; an overlay over an overlay is one.
// The tables have no checksums: what is damaged is found where it refers to what
// cannot be, not where it is another plausible place. Nobody must write to the
// backing while an overlay stands on it. That two overlays are open on one storage
// is noticed if both were given the same Device.
//
// The format, the argument why the order of writes is right, and what commit and
// rebase promise are told in docs/cow.md.
package cow
