package cow

import (
	"errors"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/coro"
)

// CheckOptions say what [Check] does.
type CheckOptions struct {
	// Repair gives leaked clusters back to the storage.
	Repair bool
}

// A CheckResult is what [Check] found.
type CheckResult struct {
	Info
	// Data, Zero and Tables are how many clusters of the overlay have data,
	// how many are zero without, and how many tables there are.
	Data   int64 `json:"data"`
	Zero   int64 `json:"zero"`
	Tables int64 `json:"tables"`
	// Used is how many bytes of the storage are in use.
	Used int64 `json:"used"`
	// Leaked is how many bytes nothing refers to, and take space all the
	// same: a cut leaves them, or a process that was killed. Writes to the
	// overlay use them again.
	Leaked int64 `json:"leaked"`
	// Repaired is how many of them were given back.
	Repaired int64 `json:"repaired"`
	// Behind is how many entries are behind the size: left by a cut in a
	// resize, ignored, and gone when the overlay is next written to.
	Behind int64 `json:"behind"`
	// HeaderSpoilt says that one of the two headers is damaged, as a cut in
	// the midst of writing it leaves it. The other one counts.
	HeaderSpoilt bool `json:"header-spoilt"`
	// Corrupt is what is damaged, each an [*Error] for [ErrCorrupt], of which
	// the first thousand are kept; Corruptions counts all.
	Corrupt     []error `json:"-"`
	Corruptions int64   `json:"corruptions"`
}

// maxCorrupt is how many corruptions are kept.
const maxCorrupt = 1000

// Check reads the tables of the overlay in storage, which nobody has open, and
// tells what is wrong with them. Corruption is found, but not repaired: an
// overlay with corruption can be looked at, but not opened. It yields.
//
// The error is an [*Error]: the header is not one, or the storage failed, or is
// to be repaired while an overlay stands on it ([ErrInUse]). Corruption is none.
func Check(self *coro.Self, storage *blockio.Device, opts CheckOptions) (CheckResult, error) {
	var r CheckResult
	switch {
	case storage == nil:
		return r, noDevice("check", "storage")
	case opts.Repair && taken(storage):
		return r, fault("check", storage.Name(), -1, ErrInUse, "")
	}
	l := loader{storage: storage, op: "check", damage: func(err error) error {
		r.Corruptions++
		if len(r.Corrupt) < maxCorrupt {
			r.Corrupt = append(r.Corrupt, err)
		}
		return nil
	}}
	if err := l.load(self); err != nil {
		return r, wrap("check", storage.Name(), err)
	}
	r.Info = l.h.info(storage)
	r.Data, r.Zero, r.Behind = l.data, l.zero, l.behind
	for _, t := range l.tables {
		if t != nil {
			r.Tables++
		}
	}
	r.Used = l.used.n << l.h.bits
	// A slot that was never written is not spoilt.
	r.HeaderSpoilt = l.spoilt != nil && (l.h.generation > 1 || !errors.Is(l.spoilt, ErrMagic))
	var err error
	if opts.Repair && r.Corruptions > 0 {
		return r, fault("check", storage.Name(), -1, ErrCorrupt, "what is free is not known, so leaks cannot be repaired")
	}
	r.Leaked, r.Repaired, err = l.leaks(self, opts.Repair)
	return r, wrap("check", storage.Name(), err)
}

// leaks looks for space that is taken by what is free, and gives it back.
func (l *loader) leaks(self *coro.Self, repair bool) (leaked, repaired int64, err error) {
	size := l.storage.Size()
	end := l.used.end()
	for at := int64(0); at < end; {
		from := l.used.next(at, end, false)
		at = l.used.next(from, end, true)
		n, err := l.leaksIn(self, from<<l.h.bits, at<<l.h.bits, repair)
		leaked += n
		if err != nil {
			return leaked, 0, err
		}
	}
	n, err := l.leaksIn(self, end<<l.h.bits, size, repair)
	leaked += n
	if err != nil || !repair {
		return leaked, 0, err
	}
	if end<<l.h.bits < size {
		if err := l.storage.Resize(self, end<<l.h.bits); err != nil && !errors.Is(err, blockio.ErrNotSupported) {
			return leaked, 0, err
		}
	}
	return leaked, leaked, l.storage.Flush(self)
}

// leaksIn counts what takes space in a range that is free.
func (l *loader) leaksIn(self *coro.Self, off, end int64, repair bool) (leaked int64, err error) {
	for off < end {
		s, n, err := l.storage.BlockStatus(self, off, end-off)
		if err != nil {
			return leaked, err
		}
		if s&blockio.Data != 0 {
			leaked += n
			if repair {
				if err := l.storage.Discard(self, off, n); err != nil {
					return leaked, err
				}
			}
		}
		off += n
	}
	return leaked, nil
}
