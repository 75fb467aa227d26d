package blockio

import (
	"fmt"
	"strings"

	"github.com/gohandoff/coroutine/coro"
)

// A Driver stores blocks. It is called through a [Device], which checks
// everything first: a driver sees only legal calls, that is ranges inside Size,
// not empty, not larger than Limits allow, with offset, length and memory
// aligned as Limits ask, no writes if read-only, and none after Close.
//
// Every method that takes self may yield, and any number of requests may be in
// flight at a time, each in a coroutine of its own on the loop that the device
// was opened on. Overlapping requests may be in flight together; what a read
// then returns where it overlaps a write is either, byte for byte. A method does
// the whole of what it was asked or returns an error; an error says what failed
// and why ("pwrite: no space left on device"), the Device adds the operation,
// offset and length.
//
// A method must not return before the last use of p: a coroutine that is killed
// while the medium still works on its buffer waits for that ([aio.Offload] does
// so by itself).
//
// What a driver can do besides is told by the optional interfaces [Discarder],
// [ZeroWriter], [StatusReporter], [VectorDriver], [Writebacker], [Resizer] and
// [Parent], found by type assertion as package io does it.
type Driver interface {
	// ReadAt fills p with what is at off.
	ReadAt(self *coro.Self, p []byte, off int64) error
	// WriteAt stores p at off, and leaves p as it is. If flags has FUA, it
	// returns after the medium has confirmed p; see Limits.FUA.
	WriteAt(self *coro.Self, p []byte, off int64, flags Flags) error
	// Flush returns after the medium has confirmed all writes that had
	// returned before Flush was called. One is under way at a time, besides
	// other requests. A driver that cannot tell whether another Flush makes
	// up for one that failed has all later ones fail.
	Flush(self *coro.Self) error
	// Size returns the number of bytes, which only Resize changes. The
	// Device asks when it is opened and after each Resize.
	Size() int64
	// Limits returns what the Device has to respect.
	Limits() Limits
	// Close releases what the driver holds. No request is in flight. It is
	// called once, and must have released all even if self is killed
	// meanwhile: by a deferred call. If self is being unwound already, since
	// nothing can wake who should have closed it, it must not yield.
	Close(self *coro.Self) error
	// String describes the driver with its parameters, in a few words and
	// without addresses: "file disk.img".
	String() string
}

// Flags modify a write.
type Flags uint8

const (
	// FUA, force unit access: the write is durable when it returns.
	FUA Flags = 1 << iota
	// MayUnmap lets WriteZeroes deallocate the range, if it reads as zeroes
	// then.
	MayUnmap
	// NoFallback has WriteZeroes fail with [ErrNotSupported] where it would
	// be no faster than writing zeroes.
	NoFallback
)

// String gives the flags as "fua|may-unmap", "" if there are none, and those that
// there are not as a number.
func (f Flags) String() string {
	var names []string
	for i, name := range [...]string{"fua", "may-unmap", "no-fallback"} {
		if f&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	if unknown := f &^ (FUA | MayUnmap | NoFallback); unknown != 0 {
		names = append(names, fmt.Sprintf("%#x", uint8(unknown)))
	}
	return strings.Join(names, "|")
}

// Limits are what a driver asks of the requests that it gets, and what it can
// do. The zero Limits ask for nothing and promise nothing.
type Limits struct {
	// Alignment is what the offset and length of every request are a
	// multiple of: a power of two, in bytes. 0 and 1 are none. Where Size is
	// not a multiple of it, a request may reach past Size, to the next one:
	// there the driver reads zeroes, and gets zeroes, which it drops.
	Alignment int
	// MemoryAlignment is what the address of every buffer is a multiple of.
	MemoryAlignment int
	// MaxTransfer is the most bytes in one ReadAt or WriteAt, a multiple of
	// Alignment; the Device splits larger ones.
	MaxTransfer int
	// MaxPieces is the most pieces in one ReadVAt or WriteVAt.
	MaxPieces int
	// MaxDiscard is the most bytes in one Discard or WriteZeroes.
	MaxDiscard int64
	// DiscardAlignment is what Discard can deallocate at all; the Device
	// leaves out what is not aligned, but for the last block, if the range
	// reaches to the end. WriteZeroes gets anything aligned to Alignment.
	DiscardAlignment int
	// ReadOnly means that nothing can be changed.
	ReadOnly bool
	// FUA means that the driver knows the flag of that name. Otherwise it
	// never sees it: the Device flushes after the write.
	FUA bool
}

// A Discarder can be told that a range is no longer needed. What is read there
// afterwards is undefined until it is written again, but does not change from
// read to read. Discard is advice: a driver may do nothing.
type Discarder interface {
	// Discard is told that n bytes from off are no longer needed.
	Discard(self *coro.Self, off, n int64) error
}

// A ZeroWriter has a faster way to make a range read as zeroes than by writing
// them. It returns an error that is errors.ErrUnsupported, as [ErrNotSupported] is,
// where it has none after all; then the Device writes zeroes.
type ZeroWriter interface {
	// WriteZeroes makes n bytes from off read as zeroes.
	WriteZeroes(self *coro.Self, off, n int64, flags Flags) error
}

// A Writebacker keeps what is written in a cache, and can be told to begin to move
// it from there to the medium.
type Writebacker interface {
	// Writeback begins to move what the cache has of n bytes from off, and
	// need not wait until it is done. It is advice, and makes nothing
	// durable: what goes wrong then is for Flush to tell.
	Writeback(self *coro.Self, off, n int64) error
}

// A Status describes a range: whether it holds data of its own, and whether it is
// known to read as zeroes.
type Status uint8

const (
	// Data means that the range is allocated.
	Data Status = 1 << iota
	// Zero means that the range reads as zeroes.
	Zero
)

// String gives the status as "data", "hole,zero" and so on.
func (s Status) String() string {
	name := "hole"
	if s&Data != 0 {
		name = "data"
	}
	if s&Zero != 0 {
		name += ",zero"
	}
	return name
}

// A StatusReporter knows where it has holes. A driver that does not is all Data.
type StatusReporter interface {
	// BlockStatus describes the range that begins at off, and returns how
	// many bytes, at least one and at most n, share that description. The
	// range is inside Size, but need not be aligned: no block is moved.
	BlockStatus(self *coro.Self, off, n int64) (Status, int64, error)
}

// A VectorDriver takes a request's data in several pieces. Without it the Device
// copies them through one buffer. Both methods leave v, the list, as it is.
type VectorDriver interface {
	// ReadVAt fills the pieces of v, one after the other, from off.
	ReadVAt(self *coro.Self, v [][]byte, off int64) error
	// WriteVAt stores the pieces of v, one after the other, at off.
	WriteVAt(self *coro.Self, v [][]byte, off int64, flags Flags) error
}

// A Resizer can change its size.
type Resizer interface {
	// Resize makes the size n bytes; what is added reads as zeroes.
	Resize(self *coro.Self, n int64) error
}

// A Parent is a driver on top of others, which it names for [Describe].
type Parent interface {
	// Children returns what the driver stands on, in a fixed order.
	Children() []Child
}

// A Child is a driver that another one stands on.
type Child struct {
	// Role says what for: "file", "backing".
	Role string
	// Driver is the child.
	Driver Driver
}
