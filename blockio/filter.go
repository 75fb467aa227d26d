package blockio

import "github.com/gohandoff/coroutine/coro"

// A Filter hands every call on to the driver below. A driver that stands on one
// other and changes a part of what it does embeds a Filter and has methods of its
// own for that part:
//
//	type slow struct{ blockio.Filter }
//
//	func (s slow) String() string { return "slow" }
//	func (s slow) Flush(self *coro.Self) error {
//		aio.Sleep(self, time.Second)
//		return s.Filter.Flush(self)
//	}
//
// It has all the optional interfaces, and answers as a driver without them would
// be taken, where the driver below has them not. Its String is that of the driver
// below; a filter should have its own. Calls that the filter makes of itself are
// not checked by anybody: what is legal for the filter must be legal below, which
// it is as long as the filter has the Limits of its Filter, or stricter ones.
type Filter struct {
	// Driver is the one below. It belongs to the filter, which closes it.
	Driver
}

// Limits returns the limits of the driver below.
func (f Filter) Limits() Limits {
	l := f.Driver.Limits()
	if _, ok := f.Driver.(VectorDriver); !ok {
		l.MaxPieces = 1 // so that the Device has no use for ReadVAt and WriteVAt
	}
	return l
}

// Discard has the driver below discard, if it can.
func (f Filter) Discard(self *coro.Self, off, n int64) error {
	if d, ok := f.Driver.(Discarder); ok {
		return d.Discard(self, off, n)
	}
	return ErrNotSupported
}

// WriteZeroes has the driver below make zeroes, if it has a way.
func (f Filter) WriteZeroes(self *coro.Self, off, n int64, flags Flags) error {
	if d, ok := f.Driver.(ZeroWriter); ok {
		return d.WriteZeroes(self, off, n, flags)
	}
	return ErrNotSupported
}

// BlockStatus asks the driver below; all is Data if it cannot tell.
func (f Filter) BlockStatus(self *coro.Self, off, n int64) (Status, int64, error) {
	if d, ok := f.Driver.(StatusReporter); ok {
		return d.BlockStatus(self, off, n)
	}
	return Data, n, nil
}

// ReadVAt reads from the driver below.
func (f Filter) ReadVAt(self *coro.Self, v [][]byte, off int64) error {
	if d, ok := f.Driver.(VectorDriver); ok {
		return d.ReadVAt(self, v, off)
	}
	return ErrNotSupported // nobody asks, see Limits
}

// WriteVAt writes to the driver below.
func (f Filter) WriteVAt(self *coro.Self, v [][]byte, off int64, flags Flags) error {
	if d, ok := f.Driver.(VectorDriver); ok {
		return d.WriteVAt(self, v, off, flags)
	}
	return ErrNotSupported // nobody asks, see Limits
}

// Writeback has the driver below begin, if it has a cache.
func (f Filter) Writeback(self *coro.Self, off, n int64) error {
	if d, ok := f.Driver.(Writebacker); ok {
		return d.Writeback(self, off, n)
	}
	return ErrNotSupported
}

// Resize resizes the driver below, if it can be.
func (f Filter) Resize(self *coro.Self, n int64) error {
	if d, ok := f.Driver.(Resizer); ok {
		return d.Resize(self, n)
	}
	return ErrNotSupported
}

// Children returns the driver below, as "below".
func (f Filter) Children() []Child { return []Child{{"below", f.Driver}} }

// inner returns the driver that decides what a filter can do; see ability.
func (f Filter) inner() Driver { return f.Driver }

// ability looks through filters for the driver whose optional interfaces tell
// what can be done, since a Filter itself has them all.
func ability(driver Driver) Driver {
	for {
		f, ok := driver.(interface{ inner() Driver })
		if !ok {
			return driver
		}
		driver = f.inner()
	}
}
