package blockio

import (
	"errors"
	"fmt"
	"math"

	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/aio"
)

// A Device is a block device: bytes that are read and written by offset, by any
// number of coroutines at a time. It stands between them and a [Driver], checks
// all that is asked for, and does what the driver cannot: requests of any offset
// and length, waiting for one another where they must, draining.
//
// A request is done as a whole or returns an [*OpError]. It is the coroutine that
// asked for it: the call returns when the request is done, other coroutines run
// meanwhile. A coroutine that is killed in a request leaves nothing behind, but
// what a write had stored by then.
//
// All methods that take a self belong to the loop that the device was opened on,
// and panic with a [*coro.UsageError] for [ErrElsewhere] on another. They may
// yield. No method takes a lock; between two yields nobody else runs.
//
// Requests that overlap may be done in any order and at the same time, if both
// leave the alignment to the caller: then a byte that two write at a time is
// either's, and a byte that one reads and another writes is the old or the new.
// A write that is not aligned excludes all others from the blocks that it
// touches.
type Device struct {
	driver Driver
	loop   *aio.Loop
	thread *coro.Thread
	name   string
	limits Limits
	opt    options

	// The optional interfaces of the driver, nil where it has them not.
	discarder Discarder
	zeroer    ZeroWriter
	reporter  StatusReporter
	vector    VectorDriver
	resizer   Resizer
	cacher    Writebacker

	// Derived from limits, so that the checks are plain comparisons.
	mask        uint64 // Alignment-1
	memMask     uintptr
	maxTransfer int64

	size     int64
	readOnly bool // by option, or by the driver

	tracked   tracker
	gate      gate
	writes    durability
	closing   bool // no new requests
	shielded  bool // a task of closeShielded is to close it, or is doing so
	closed    bool
	closers   waitList
	replacer  *coro.Self // who is in Replace, nil if nobody
	replacers waitList   // who wants to be, or to drain
	freeReqs  *request
	buffers   buffers

	stats stats
}

type options struct {
	name        string
	maxInFlight int
	readOnly    bool
	aligned     bool
}

// An Option sets up a [Device] in [Open].
type Option func(*options)

// WithName names the device in errors, statistics and dumps; the default is what
// the driver's String says.
func WithName(name string) Option { return func(o *options) { o.name = name } }

// WithMaxInFlight lets at most n requests go on at a time, the others wait for
// their turn, first come, first served. The default is no limit. It panics if n
// is less than 1.
func WithMaxInFlight(n int) Option {
	if n < 1 {
		panic(fmt.Sprintf("blockio: WithMaxInFlight(%d): want 1 or more", n))
	}
	return func(o *options) { o.maxInFlight = n }
}

// WithReadOnly refuses all that would change the device.
func WithReadOnly() Option { return func(o *options) { o.readOnly = true } }

// WithAligned refuses, with [ErrAlignment], reads and writes that the driver
// could not be given as they are, instead of copying them through buffers: for
// those who want to be sure of the fast path. Where the size is no multiple of the
// driver's blocks, the last block cannot be had then.
func WithAligned() Option { return func(o *options) { o.aligned = true } }

// Open makes a device of driver, for the coroutines of self's loop. The device
// owns the driver from then on, and closes it in [Device.Close]; if Open fails,
// the driver is not closed. Open does not yield.
//
// It returns an [*OpError] for [ErrDriver] if the driver is nil, or its limits or
// its size make no sense. It panics if an option is nil, and with a
// [*coro.UsageError] for [aio.ErrNoLoop] if self's thread has no loop.
func Open(self *coro.Self, driver Driver, opts ...Option) (*Device, error) {
	loop := aio.LoopOf(self)
	d := &Device{
		loop: loop, thread: loop.Thread(),
		opt: options{maxInFlight: math.MaxInt},
	}
	for i, o := range opts {
		if o == nil {
			panic(fmt.Sprintf("blockio: Open: option %d is nil", i))
		}
		o(&d.opt)
	}
	if d.name = d.opt.name; d.name == "" {
		d.name = "nil"
		if ability(driver) != nil {
			d.name = driver.String()
		}
	}
	if err := d.standOn(driver); err != nil {
		return nil, &OpError{Op: OpOpen, Device: d.name, Err: err}
	}
	d.writes.init()
	return d, nil
}

// standOn checks driver, and has all that depends on it follow from it. If it
// fails, nothing has changed.
func (d *Device) standOn(driver Driver) error {
	if driver == nil {
		return fmt.Errorf("%w: it is nil", ErrDriver)
	}
	if ability(driver) == nil {
		return fmt.Errorf("%w: it is a Filter without a Driver", ErrDriver)
	}
	limits, size := driver.Limits(), driver.Size()
	if err := limits.normalize(); err != nil {
		return err
	}
	if size < 0 || size > maxSize {
		return fmt.Errorf("%w: its size is %d, want 0 to %d", ErrDriver, size, int64(maxSize))
	}
	d.driver, d.limits, d.size = driver, limits, size
	d.readOnly = d.opt.readOnly || limits.ReadOnly
	d.mask = uint64(limits.Alignment - 1)
	d.memMask = uintptr(limits.MemoryAlignment - 1)
	d.maxTransfer = int64(limits.MaxTransfer)
	d.discarder, _ = driver.(Discarder)
	d.zeroer, _ = driver.(ZeroWriter)
	d.reporter, _ = driver.(StatusReporter)
	d.vector, _ = driver.(VectorDriver)
	d.resizer, _ = driver.(Resizer)
	d.cacher, _ = driver.(Writebacker)
	return nil
}

// normalize checks the limits and replaces zeroes by what they stand for.
func (l *Limits) normalize() error {
	for _, a := range []struct {
		name string
		n    *int
	}{
		{"Alignment", &l.Alignment},
		{"MemoryAlignment", &l.MemoryAlignment},
		{"DiscardAlignment", &l.DiscardAlignment},
	} {
		if *a.n == 0 {
			*a.n = 1
		}
		if *a.n < 0 || *a.n&(*a.n-1) != 0 || *a.n > maxAlignment {
			return fmt.Errorf("%w: its %s is %d, want a power of two up to %d", ErrDriver, a.name, *a.n, maxAlignment)
		}
	}
	l.DiscardAlignment = max(l.DiscardAlignment, l.Alignment)
	if l.MaxTransfer == 0 {
		l.MaxTransfer = math.MaxInt &^ (l.Alignment - 1)
	}
	if l.MaxTransfer < l.Alignment || l.MaxTransfer&(l.Alignment-1) != 0 {
		return fmt.Errorf("%w: its MaxTransfer is %d, want a multiple of Alignment, %d", ErrDriver, l.MaxTransfer, l.Alignment)
	}
	if l.MaxDiscard == 0 {
		l.MaxDiscard = math.MaxInt64
	}
	if l.MaxDiscard < int64(l.DiscardAlignment) {
		return fmt.Errorf("%w: its MaxDiscard is %d, want DiscardAlignment, %d, or more", ErrDriver, l.MaxDiscard, l.DiscardAlignment)
	}
	l.MaxDiscard &^= int64(l.DiscardAlignment - 1)
	if l.MaxPieces == 0 {
		l.MaxPieces = math.MaxInt
	}
	if l.MaxPieces < 0 {
		return fmt.Errorf("%w: its MaxPieces is %d, want 0 or more", ErrDriver, l.MaxPieces)
	}
	return nil
}

// maxAlignment is larger than any block that a medium has; buffers of this size
// are held for a read-modify-write.
const maxAlignment = 64 << 20

// maxSize leaves room to round up to any alignment.
const maxSize = math.MaxInt64 - maxAlignment

// Size returns the number of bytes. It changes with [Device.Resize] only.
func (d *Device) Size() int64 { return d.size }

// ReadOnly reports whether the device refuses to be changed.
func (d *Device) ReadOnly() bool { return d.readOnly }

// Limits returns the limits of the driver, those that it does not have filled in
// with what stands for none. Requests need not respect them.
func (d *Device) Limits() Limits { return d.limits }

// NewBuffer returns n bytes, all zero, at an address that the driver can use as it
// is: where a driver asks for such, as that of a file does for direct I/O, the
// Device copies what is read into or written from any other. They belong to the
// caller. It panics if n is negative.
func (d *Device) NewBuffer(n int) []byte {
	if n < 0 {
		panic(fmt.Sprintf("blockio: NewBuffer(%d): want 0 or more", n))
	}
	return alignedBytes(n, d.limits.MemoryAlignment)
}

// Driver returns the driver, to look at it; calls that bypass the Device are
// not checked, tracked or drained.
func (d *Device) Driver() Driver { return d.driver }

// Name returns the name of the device.
func (d *Device) Name() string { return d.name }

// String returns the name of the device.
func (d *Device) String() string { return d.name }

// Close refuses new requests, and those that are held by a drained section or by
// the limit of requests in flight, with [ErrClosed]; waits until what is in flight
// is done and nobody else has the device drained; flushes; and closes the driver.
// The driver is closed also if the flush fails, or panics; all errors are returned,
// joined in an [*OpError]. Closing twice does nothing; a second Close meanwhile
// waits for the first.
//
// In a deferred call of a coroutine that is being unwound, as that of a cancelled
// task, nothing may wait: there Close returns nil at once, and a task of
// [aio.GoShielded] closes the device. So it does if the coroutine is killed while
// it waits in Close. Several devices are closed one after the other. The task that
// was unwound is finished when that is done, and has the error; Run of the loop
// waits for it, too, and returns the error if nobody else was told.
func (d *Device) Close(self *coro.Self) error {
	r := d.request(self, OpClose, 0, 0)
	defer r.done()
	if self.Unwinding() {
		d.closeShielded(self)
		return r.result(nil)
	}
	for d.closing {
		if d.closed {
			return r.result(nil)
		}
		r.wait(&d.closers)
	}
	d.closing = true
	defer func() {
		d.closing = d.closed
		d.wakeAll(self, &d.closers)
		if self.Unwinding() {
			d.closeShielded(self)
		}
	}()
	d.wakeAll(self, &d.gate.queue)
	d.wakeAll(self, &d.replacers)
	d.drain(r)
	defer d.undrain(self)

	var errs []error
	if !d.readOnly {
		errs = append(errs, d.lastFlush(r))
	}
	d.closed = true
	errs = append(errs, d.driver.Close(self))
	return r.result(errors.Join(errs...))
}

// lastFlush is the flush of a Close. A driver that panics in it would do so in each
// Close, so it is closed on the way out.
func (d *Device) lastFlush(r *request) error {
	defer func() {
		v := recover()
		if v == nil {
			return
		}
		err, _ := v.(error)
		if misuse := (*coro.UsageError)(nil); !r.self.Unwinding() && !errors.As(err, &misuse) {
			d.closed = true
			_ = d.driver.Close(r.self)
		}
		panic(v)
	}()
	return d.flush(r)
}

// closeShielded has a task of its own close the device on behalf of self, which is
// being unwound.
func (d *Device) closeShielded(self *coro.Self) {
	if d.closed || d.shielded {
		return
	}
	d.shielded = true // one that is unwound itself, by the driver, does not begin another
	aio.GoShielded(self, func(self *coro.Self) error {
		defer func() {
			d.shielded = false
			if self.Unwinding() && !d.closed {
				d.abandon(self)
			}
		}()
		return d.Close(self)
	}).SetName("close " + d.name)
}

// abandon closes the driver when even the task that was to close the device is
// being unwound, since nothing can wake it: so at least a file is not kept open and
// locked. A driver that has to wait for that cannot be helped.
func (d *Device) abandon(self *coro.Self) {
	d.closing, d.closed = true, true
	defer func() {
		v := recover()
		err, _ := v.(error)
		if misuse := (*coro.UsageError)(nil); v != nil && !errors.As(err, &misuse) {
			panic(v)
		}
	}()
	_ = d.driver.Close(self)
}
