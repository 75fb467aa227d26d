package uring

import (
	"errors"
	"fmt"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/blockio/file"
	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/aio"
)

// Options say how a file is opened. The zero value opens an existing file as
// [file.Options] do.
type Options struct {
	file.Options
	// Entries is how many requests can be handed over in one system call; the
	// kernel rounds it up to a power of two. 0 is [DefaultEntries]. More may be
	// in flight, they take several calls. The first driver that is opened on a
	// loop decides for all.
	Entries int
}

const (
	// DefaultEntries is what Options.Entries is if it is 0.
	DefaultEntries = 256
	// MaxEntries is the most that Options.Entries may be, as in Linux.
	MaxEntries = 32768
)

// ErrUnavailable is what the error of [Open] is where there is no io_uring: on
// other systems than Linux, on old kernels, where the administrator or a
// container forbids it. It is [errors.ErrUnsupported], too. The error says why.
var ErrUnavailable error = unavailable{}

type unavailable struct{}

func (unavailable) Error() string        { return "io_uring is not available" }
func (unavailable) Is(target error) bool { return target == errors.ErrUnsupported }

// because gives a reason why io_uring is not available.
func because(reason string) error { return fmt.Errorf("uring: %w: %s", ErrUnavailable, reason) }

// A Driver is an open file whose reads and writes go through the ring of the loop
// that it was opened on. All else is done by its file driver.
type Driver struct {
	*file.Driver
	ring *ring
}

// Open opens the file at path. It may yield. The driver belongs to self's loop,
// and so must the [blockio.Device] that is made of it.
//
// The error is [ErrUnavailable], and says why, where the kernel has no io_uring,
// or does not let us use it, or the loop has a virtual clock: a run must not
// depend on the order in which a disk answers. Otherwise it is as that of
// [file.Open].
func Open(self *coro.Self, path string, opts Options) (_ *Driver, err error) {
	if opts.Entries < 0 || opts.Entries > MaxEntries {
		return nil, fmt.Errorf("uring: %s: Entries %d: want 1 to %d, or 0 for %d", path, opts.Entries, MaxEntries, DefaultEntries)
	}
	loop := aio.LoopOf(self)
	if loop.Clock().Virtual() {
		return nil, because("the loop has a virtual clock")
	}
	r, err := ringOf(loop, opts.Entries)
	if err != nil {
		return nil, err
	}
	var f *file.Driver
	defer func() {
		if f == nil { // also if we are killed meanwhile
			r.release()
		}
	}()
	if f, err = file.Open(self, path, opts.Options); err != nil {
		return nil, err
	}
	return &Driver{Driver: f, ring: r}, nil
}

// OpenOrFile is [Open], but where that fails for [ErrUnavailable], it opens the
// file with [file.Open] instead. Then why is the reason, else nil. It may yield.
func OpenOrFile(self *coro.Self, path string, opts Options) (d blockio.Driver, why, err error) {
	u, err := Open(self, path, opts)
	if err == nil {
		return u, nil, nil
	}
	if !errors.Is(err, ErrUnavailable) {
		return nil, nil, err
	}
	f, ferr := file.Open(self, path, opts.Options)
	if ferr != nil {
		return nil, err, ferr
	}
	return f, err, nil
}

// Close closes the file, and with the last driver of the loop the ring. It
// yields.
func (d *Driver) Close(self *coro.Self) error {
	if d.ring != nil {
		d.ring.release()
		d.ring = nil
	}
	return d.Driver.Close(self)
}

// String returns "uring" and the path.
func (d *Driver) String() string { return "uring" + d.Driver.String()[len("file"):] }
