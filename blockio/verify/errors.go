package verify

import (
	"errors"
	"fmt"

	"github.com/gohandoff/coroutine/blockio"
)

// What can differ between the two drivers.
var (
	// ErrDifferent: they read different bytes.
	ErrDifferent = errors.New("the drivers differ")
	// ErrOneSided: one of them failed, the other one did not.
	ErrOneSided = errors.New("only one of the drivers failed")
	// ErrSize: they have different sizes.
	ErrSize = errors.New("the drivers have different sizes")
)

// An Error tells of a difference. It is [ErrDifferent] or [ErrOneSided], and what
// the driver returned that failed.
type Error struct {
	// Op, Offset and Length are the request that found it.
	Op             blockio.Op
	Offset, Length int64
	// At is the offset of the first byte that differs, and Tested and Known
	// are what the two drivers read there. They are 0 if one failed.
	At            int64
	Tested, Known byte
	// Side is the String of the driver that failed, and Err its error; "" and
	// nil if none did.
	Side string
	Err  error
}

// Error says all of it: "verify: read of 512 bytes at 0: the drivers differ at
// 17: tested 0x00, known 0x61".
func (e *Error) Error() string {
	s := fmt.Sprintf("verify: %v of %d bytes at %d: ", e.Op, e.Length, e.Offset)
	if e.Op == blockio.OpFlush {
		s = "verify: flush: "
	} else if e.Op == blockio.OpResize {
		s = fmt.Sprintf("verify: resize to %d bytes: ", e.Length)
	}
	if e.Err != nil {
		return s + fmt.Sprintf("only %s failed: %v", e.Side, e.Err)
	}
	return s + fmt.Sprintf("the drivers differ at %d: tested 0x%02x, known 0x%02x", e.At, e.Tested, e.Known)
}

// Unwrap returns what it is.
func (e *Error) Unwrap() []error {
	if e.Err != nil {
		return []error{ErrOneSided, e.Err}
	}
	return []error{ErrDifferent}
}
