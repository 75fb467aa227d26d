package cow

import (
	"errors"
	"fmt"
)

// What can be wrong with an overlay. All come inside an [*Error], which in
// turn may come inside the *blockio.OpError of a request.
var (
	// ErrMagic: the storage does not begin as an overlay does.
	ErrMagic = errors.New("not an overlay")
	// ErrVersion: the overlay is of a version, or uses features, that this
	// package does not know.
	ErrVersion = errors.New("unsupported version")
	// ErrCorrupt: what the storage says of itself cannot be.
	ErrCorrupt = errors.New("corrupt")
	// ErrTruncated: the storage ends before what its header or tables refer
	// to. It is ErrCorrupt, too.
	ErrTruncated = fmt.Errorf("truncated: %w", ErrCorrupt)
	// ErrBacking: the backing is not the one that the overlay was made for:
	// there is none, there should be none, or its size is another one. Or it
	// stands on the overlay itself.
	ErrBacking = errors.New("the backing does not fit")
	// ErrOptions: what was asked for makes no sense.
	ErrOptions = errors.New("bad options")
	// ErrTooLarge: an overlay with clusters of this size cannot have so many
	// bytes.
	ErrTooLarge = errors.New("too large")
	// ErrFull: the storage is full and cannot be made larger.
	ErrFull = errors.New("the storage is full")
	// ErrInUse: an open overlay stands on the storage, and can change it. Only
	// one that was opened with the same Device is noticed.
	ErrInUse = errors.New("in use: an open overlay stands on it")
	// ErrNotOverlay: a device given to [Commit] or [Rebase] does not stand on
	// an [Overlay].
	ErrNotOverlay = errors.New("the device is not an overlay")
)

// An Error is the error of what this package does to a whole overlay, and of
// what it finds in one.
type Error struct {
	// Op is what was done: "open", "create", "check", "commit", "rebase", and
	// so on.
	Op string
	// Device names the overlay's storage.
	Device string
	// Offset is where in the storage the problem is, -1 if it is nowhere in
	// particular.
	Offset int64
	// Detail says what was found, and what would be right. It may be empty.
	Detail string
	// Err is the cause: a sentinel, or the error of a device.
	Err error
}

// Error names the operation, the storage, the place, the cause and the details:
// "cow: open disk.cow: at 65536: corrupt: entry 3 of table 0 is 0x7, ...".
func (e *Error) Error() string {
	s := "cow: " + e.Op + " " + e.Device + ": "
	if e.Offset >= 0 {
		s += fmt.Sprintf("at %d: ", e.Offset)
	}
	s += e.Err.Error()
	if e.Detail != "" {
		s += ": " + e.Detail
	}
	return s
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// wrap makes err an [*Error], unless it is nil or is one already.
func wrap(op, device string, err error) error {
	if err == nil || errors.As(err, new(*Error)) {
		return err
	}
	return &Error{Op: op, Device: device, Offset: -1, Err: err}
}

// noDevice is the error of a device that is nil.
func noDevice(op, what string) *Error {
	return &Error{Op: op, Device: "nil", Offset: -1, Detail: "the " + what + " is nil", Err: ErrOptions}
}

// fault makes an [*Error] of a sentinel and details.
func fault(op, device string, off int64, err error, format string, args ...any) *Error {
	return &Error{Op: op, Device: device, Offset: off, Detail: fmt.Sprintf(format, args...), Err: err}
}
