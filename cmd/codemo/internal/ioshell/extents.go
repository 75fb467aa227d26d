package ioshell

import (
	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/coro"
)

// An Extent is a range of a device all of which is in the same state. As JSON it
// has the names of "qemu-img map --output=json".
type Extent struct {
	// Start and Length are in bytes.
	Start  int64 `json:"start"`
	Length int64 `json:"length"`
	// Data is false for a hole.
	Data bool `json:"data"`
	// Zero means that it is known to read as zeroes.
	Zero bool `json:"zero"`
}

// Kind gives the state in a word.
func (e Extent) Kind() string {
	switch {
	case e.Data && e.Zero:
		return "zeroes"
	case e.Data:
		return "data"
	case e.Zero:
		return "hole"
	default:
		return "unallocated"
	}
}

// Extents calls yield for each extent of dev in order, as long as they are.
func Extents(self *coro.Self, dev *blockio.Device, yield func(Extent) error) error {
	var last Extent
	for off, end := int64(0), dev.Size(); off < end; {
		status, n, err := dev.BlockStatus(self, off, end-off)
		if err != nil {
			return err
		}
		e := Extent{off, n, status&blockio.Data != 0, status&blockio.Zero != 0}
		off += n
		if last.Length > 0 && last.Data == e.Data && last.Zero == e.Zero {
			last.Length += n
			continue
		}
		if last.Length > 0 {
			if err := yield(last); err != nil {
				return err
			}
		}
		last = e
	}
	if last.Length == 0 {
		return nil
	}
	return yield(last)
}
