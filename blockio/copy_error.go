package blockio

import (
	"errors"
	"fmt"
	"strings"
)

// What can be wrong with a [Copy] or [Compare] besides its requests.
var (
	// ErrSize: the sizes of the devices do not go together.
	ErrSize = errors.New("the sizes differ")
	// ErrSameDevice: source and destination are one.
	ErrSameDevice = errors.New("source and destination are the same device")
	// ErrCheckpoint: the checkpoint is not one of such a copy.
	ErrCheckpoint = errors.New("the checkpoint does not fit")
	// ErrDifferent is what every [*DifferentError] is.
	ErrDifferent = errors.New("the contents differ")
)

// A CopyError is the error of [Copy].
type CopyError struct {
	// Src and Dst name the devices.
	Src, Dst string
	// Done is how many of Size bytes are copied, here or by an earlier copy
	// that was resumed.
	Done, Size int64
	// Err is the cause: an [*OpError] with operation, device, offset and
	// length, a [*DifferentError], one of the sentinels, or the cause of the
	// context.
	Err error
}

// Error names both devices, how far the copy got, and the cause.
func (e *CopyError) Error() string {
	return fmt.Sprintf("blockio: copy from %s to %s: after %d of %d bytes: %s",
		e.Src, e.Dst, e.Done, e.Size, strings.TrimPrefix(e.Err.Error(), "blockio: "))
}

// Unwrap returns the cause.
func (e *CopyError) Unwrap() error { return e.Err }

// A DifferentError tells of the first byte that two devices differ in.
type DifferentError struct {
	// A and B name the devices.
	A, B string
	// Offset is where the first difference is.
	Offset int64
	// InA and InB are the bytes there.
	InA, InB byte
}

// Error names the offset, and the byte on either side.
func (e *DifferentError) Error() string {
	return fmt.Sprintf("blockio: first difference at offset %d: %#02x on %s, %#02x on %s", e.Offset, e.InA, e.A, e.InB, e.B)
}

// Unwrap returns ErrDifferent.
func (e *DifferentError) Unwrap() error { return ErrDifferent }
