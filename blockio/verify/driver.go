package verify

import (
	"errors"
	"fmt"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/coro"
)

// A Driver stands on two drivers and compares them. Make one with [New]. Its
// methods are called by a [blockio.Device]; they yield where the two do, and
// where a request waits for one that overlaps.
type Driver struct {
	blockio.Filter // over the tested one
	tested, known  side
	limits         blockio.Limits
	report         func(*Error)
	claims         claims
	vague          regions // not compared
	buffers        [][]byte
}

// An Option sets up a [Driver] in [New].
type Option func(*Driver)

// WithReport has f told of each difference; the request goes on then as the known
// driver had it. Without it the request fails with the [*Error]. f must not
// yield.
func WithReport(f func(*Error)) Option { return func(d *Driver) { d.report = f } }

// New makes a driver that compares tested with known, which hold the same. It
// owns both, and closes them. The limits are those that suit both. It does not
// yield. If the sizes differ, it returns an error that is [ErrSize], and owns
// neither. It panics if one of them, or an Option, is nil.
func New(tested, known blockio.Driver, opts ...Option) (*Driver, error) {
	if tested == nil || known == nil {
		panic("verify: New with a nil Driver: want one that is tested and one that is known")
	}
	if tested.Size() != known.Size() {
		return nil, fmt.Errorf("verify: %w: %s has %d bytes, %s has %d", ErrSize, tested, tested.Size(), known, known.Size())
	}
	d := &Driver{Filter: blockio.Filter{Driver: tested}, tested: newSide(tested), known: newSide(known)}
	d.limits = merge(tested.Limits(), known.Limits())
	for _, o := range opts {
		if o == nil {
			panic("verify: New with a nil Option")
		}
		o(d)
	}
	return d, nil
}

// merge returns the limits that suit two drivers.
func merge(a, b blockio.Limits) blockio.Limits {
	l := blockio.Limits{
		Alignment:        max(a.Alignment, b.Alignment),
		MemoryAlignment:  max(a.MemoryAlignment, b.MemoryAlignment),
		MaxTransfer:      int(least(int64(a.MaxTransfer), int64(b.MaxTransfer))),
		MaxPieces:        1, // so that nothing comes in pieces
		MaxDiscard:       least(a.MaxDiscard, b.MaxDiscard),
		DiscardAlignment: max(a.DiscardAlignment, b.DiscardAlignment),
		ReadOnly:         a.ReadOnly || b.ReadOnly,
		FUA:              a.FUA && b.FUA,
	}
	if l.MaxTransfer > 0 && l.Alignment > 0 { // of one that is aligned less
		l.MaxTransfer = max(l.MaxTransfer&^(l.Alignment-1), l.Alignment)
	}
	return l
}

// least returns the lesser of two limits, of which 0 is none.
func least(a, b int64) int64 {
	if a == 0 || b == 0 {
		return max(a, b)
	}
	return min(a, b)
}

// Limits returns what suits both drivers.
func (d *Driver) Limits() blockio.Limits { return d.limits }

// String returns "verify".
func (d *Driver) String() string { return "verify" }

// Children returns the two drivers, as "tested" and "known".
func (d *Driver) Children() []blockio.Child {
	return []blockio.Child{{Role: "tested", Driver: d.tested.Driver}, {Role: "known", Driver: d.known.Driver}}
}

// Close closes both.
func (d *Driver) Close(self *coro.Self) error {
	both := false
	defer func() {
		if !both { // killed, or a panic
			_ = d.known.Close(self)
		}
	}()
	err := d.tested.Close(self)
	both = true
	return errors.Join(err, d.known.Close(self))
}

// settle makes one result of those of the two drivers.
func (d *Driver) settle(p blockio.Part, tested, known error) error {
	if (tested == nil) == (known == nil) {
		return tested
	}
	e := &Error{Op: p.Op, Offset: p.Offset, Length: p.Length, Side: d.tested.String(), Err: tested}
	if known != nil {
		e.Side, e.Err = d.known.String(), known
	}
	return d.differ(e, known)
}

// differ reports a difference; without anybody to report it to, it is the result.
func (d *Driver) differ(e *Error, known error) error {
	if d.report == nil {
		return e
	}
	d.report(e)
	return known
}

// Flush flushes both.
func (d *Driver) Flush(self *coro.Self) error {
	return d.settle(blockio.Part{Op: blockio.OpFlush}, d.tested.Flush(self), d.known.Flush(self))
}
