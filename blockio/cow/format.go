package cow

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math/bits"
)

// The format. docs/cow.md has it as a table.
//
// The storage is a row of clusters. The first 8 KiB are two slots of 4 KiB for
// the header, which are written in turn: the valid one with the higher
// generation counts. A cut in the middle of writing one leaves the other.
// The header says where the root is: a run of clusters with an offset, or 0, for
// each table. A table is a cluster of entries, one for each cluster of the
// overlay. All numbers are little-endian.

const (
	magic   = "codemo\x1ac"
	version = 1

	slotSize    = 4096
	headerBytes = 2 * slotSize
	// granule is what of tables is written at a time: the smallest cluster,
	// and no smaller than any disk's block.
	granule    = 4096
	entryBytes = 8
	perGranule = granule / entryBytes

	minBits = 12 // of a cluster's size
	maxBits = 21

	// maxTables keeps the root, which is always in memory, below 32 MiB.
	maxTables = 1 << 22
	// maxName is what a slot has room for.
	maxName = slotSize - 76 - 4
)

// MinClusterSize and MaxClusterSize are what a cluster can have, in bytes, and
// DefaultClusterSize is what it has unless [CreateOptions] say otherwise: a write
// of 4 KiB to a cluster that was absent costs a read and a write of so much, a
// larger one costs fewer entries.
const (
	MinClusterSize     = 1 << minBits
	MaxClusterSize     = 1 << maxBits
	DefaultClusterSize = 64 << 10
)

// Flags of a header. All others are for versions to come.
const (
	hasBacking    = 1 << iota // there is a backing
	backingIsCow              // and it is an overlay itself
	commitPending             // a Commit was begun and has not come to its end
	knownFlags    = 1<<iota - 1
)

// A header is what the storage says of the whole overlay.
type header struct {
	bits       uint32 // of a cluster's size
	generation uint64
	size       int64  // of the overlay
	visible    int64  // how much of the backing shows through
	backing    int64  // the backing's size
	root       int64  // where it begins
	tables     int64  // how many entries it has
	flags      uint32 // hasBacking and so on
	name       string // the backing's
}

// encode fills a slot.
func (h *header) encode() []byte {
	p := make([]byte, slotSize)
	le := binary.LittleEndian
	copy(p, magic)
	le.PutUint32(p[8:], version)
	le.PutUint32(p[12:], h.bits)
	le.PutUint64(p[16:], h.generation)
	le.PutUint64(p[24:], uint64(h.size))
	le.PutUint64(p[32:], uint64(h.visible))
	le.PutUint64(p[40:], uint64(h.backing))
	le.PutUint64(p[48:], uint64(h.root))
	le.PutUint64(p[56:], uint64(h.tables))
	le.PutUint32(p[64:], h.flags)
	le.PutUint32(p[68:], uint32(len(h.name)))
	copy(p[72:], h.name)
	le.PutUint32(p[slotSize-4:], checksum(p))
	return p
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// checksum is that of a slot, without its last four bytes, where it is stored.
func checksum(p []byte) uint32 { return crc32.Checksum(p[:slotSize-4], castagnoli) }

// decode reads a slot. It returns a sentinel and details if there is no header.
func decode(p []byte) (h header, detail string, err error) {
	le := binary.LittleEndian
	if string(p[:len(magic)]) != magic {
		return h, "it does not begin with the magic number", ErrMagic
	}
	if le.Uint32(p[slotSize-4:]) != checksum(p) {
		return h, "the checksum of the header is wrong", ErrCorrupt
	}
	if v := le.Uint32(p[8:]); v != version {
		return h, fmt.Sprintf("it is of version %d, want %d", v, version), ErrVersion
	}
	h = header{
		bits: le.Uint32(p[12:]), generation: le.Uint64(p[16:]), size: int64(le.Uint64(p[24:])),
		visible: int64(le.Uint64(p[32:])), backing: int64(le.Uint64(p[40:])), root: int64(le.Uint64(p[48:])),
		tables: int64(le.Uint64(p[56:])), flags: le.Uint32(p[64:]),
	}
	n := le.Uint32(p[68:])
	if n > maxName {
		return h, fmt.Sprintf("the name of the backing has %d bytes, want at most %d", n, maxName), ErrCorrupt
	}
	h.name = string(p[72:][:n])
	detail, err = h.check()
	return h, detail, err
}

// check looks whether the numbers can be.
func (h *header) check() (detail string, err error) {
	if unknown := h.flags &^ knownFlags; unknown != 0 {
		return fmt.Sprintf("it has the unknown flags %#x", unknown), ErrVersion
	}
	if h.bits < minBits || h.bits > maxBits {
		return fmt.Sprintf("the cluster size is 2^%d, want 2^%d to 2^%d", h.bits, minBits, maxBits), ErrCorrupt
	}
	cluster := h.cluster()
	switch {
	case h.size < 0 || h.size > maxSize(uint(h.bits)):
		detail = fmt.Sprintf("the size is %d, want 0 to %d", h.size, maxSize(uint(h.bits)))
	case h.visible < 0 || h.visible > h.size || h.visible > h.backing:
		detail = fmt.Sprintf("%d bytes of the backing show through, of %d, in a size of %d", h.visible, h.backing, h.size)
	case h.flags&hasBacking == 0 && (h.backing != 0 || h.name != ""):
		detail = "there is no backing, but it has a size or a name"
	case h.tables < tablesFor(h.size, h.bits) || h.tables < 1 || h.tables > maxTables || h.tables%(cluster/entryBytes) != 0:
		detail = fmt.Sprintf("the root has %d entries, for a size of %d", h.tables, h.size)
	case h.root < roundUp(headerBytes, cluster) || h.root&(cluster-1) != 0:
		detail = fmt.Sprintf("the root is at %d", h.root)
	default:
		return "", nil
	}
	return detail, ErrCorrupt
}

// cluster is the size of a cluster.
func (h *header) cluster() int64 { return 1 << h.bits }

// rootBytes is the size of the root.
func (h *header) rootBytes() int64 { return h.tables * entryBytes }

// spanBits is the logarithm of how many bytes of an overlay a table describes.
func spanBits(clusterBits uint32) uint32 { return clusterBits - 3 + clusterBits }

// tablesFor is how many tables describe size bytes.
func tablesFor(size int64, clusterBits uint32) int64 {
	span := int64(1) << spanBits(clusterBits)
	return (size + span - 1) / span
}

// maxSize is how many bytes an overlay can have.
func maxSize(clusterBits uint) int64 {
	// Less than 2^62 in all cases: 2^22 tables of 2^18 clusters of 2^21 bytes
	// would be 2^61.
	return maxTables << spanBits(uint32(clusterBits))
}

// rootFor is how many entries a root gets that is to have n: as many as its
// clusters have room for.
func rootFor(n, cluster int64) int64 {
	return roundUp(max(n, 1)*entryBytes, cluster) / entryBytes
}

// roundUp rounds n up to a multiple of a power of two.
func roundUp(n, to int64) int64 { return (n + to - 1) &^ (to - 1) }

// An entry says what a cluster of the overlay is: absent, zeroed, or the offset
// of its data in the storage, with isData.
type entry uint64

const (
	absent entry = 0
	isData entry = 1 // with an offset
	zeroed entry = 2
)

// dataAt is the entry of a cluster that lies at off.
func dataAt(off int64) entry { return entry(off) | isData }

// data reports whether the cluster lies in the storage.
func (e entry) data() bool { return e&isData != 0 }

// at is where data lies.
func (e entry) at() int64 { return int64(e &^ isData) }

// clusterBits returns the logarithm of a cluster's size, if it is one.
func clusterBits(n int64) (uint32, bool) {
	if n < MinClusterSize || n > MaxClusterSize || n&(n-1) != 0 {
		return 0, false
	}
	return uint32(bits.TrailingZeros64(uint64(n))), true
}
