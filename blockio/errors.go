package blockio

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
)

// What can be wrong with a request, whatever the driver. All come inside an
// [*OpError].
var (
	// ErrOutOfRange: the range is not inside the device, or is none (a
	// negative offset or length, an end that no int64 holds).
	ErrOutOfRange = errors.New("out of range")
	// ErrReadOnly: a request would change a device that cannot be changed.
	ErrReadOnly = errors.New("the device is read-only")
	// ErrAlignment: a request is not aligned, on a device opened
	// [WithAligned].
	ErrAlignment = errors.New("not aligned")
	// ErrFlags: a request has flags that it does not know.
	ErrFlags = errors.New("unknown flags")
	// ErrDriver: the driver broke its contract.
	ErrDriver = errors.New("the driver broke its contract")
	// ErrClosed: the device is closed or being closed; fs.ErrClosed, too.
	ErrClosed error = &alias{"the device is closed", fs.ErrClosed}
	// ErrNotSupported is what the error of an operation is that the driver,
	// or what lies under it, cannot do; errors.ErrUnsupported, too.
	ErrNotSupported error = &alias{"not supported", errors.ErrUnsupported}
)

// unsupported reports whether a driver cannot do what it was asked, in whose words
// ever.
func unsupported(err error) bool { return errors.Is(err, errors.ErrUnsupported) }

// Misuses of a device, which panic with a *coro.UsageError.
var (
	// ErrElsewhere: a device was used on another loop than it was opened on.
	ErrElsewhere = errors.New("Device used on another loop")
	// ErrNotDrained: DrainedEnd was called by a coroutine that has not called
	// DrainedBegin.
	ErrNotDrained = errors.New("Device is not drained")
)

// An alias is a sentinel that is one of another package, too.
type alias struct {
	text string
	is   error
}

func (a *alias) Error() string        { return a.text }
func (a *alias) Is(target error) bool { return target == a.is }

// An OpError is the error of every operation of a [Device].
type OpError struct {
	// Op is what was asked for.
	Op Op
	// Device is the name of the device.
	Device string
	// Offset and Length are the range that was asked for; of a resize,
	// Length is the new size.
	Offset, Length int64
	// Part is the range of the one call of the driver that failed, which
	// differs from the whole where the Device had to split or align: in
	// order, what lies before it is done, what lies behind is not begun. Its
	// Op is that call's, say the read in a read-modify-write. It is zero if
	// no call failed.
	Part Part
	// Err is the cause: one of the sentinels, or what the driver returned.
	Err error
}

// A Part is one call of a driver.
type Part struct {
	// Op is what the driver was asked for.
	Op Op
	// Offset and Length are the range.
	Offset, Length int64
}

// Error names the operation, the range, the device, the part of it that failed,
// and the cause: "blockio: write of 8192 bytes at 512 on mem: in read of 4096
// bytes at 0: input/output error".
func (e *OpError) Error() string {
	var b strings.Builder
	b.WriteString("blockio: ")
	writeRange(&b, e.Op, e.Offset, e.Length)
	b.WriteString(" on " + e.Device + ": ")
	if whole := (Part{e.Op, e.Offset, e.Length}); e.Part != (Part{}) && e.Part != whole {
		b.WriteString("in ")
		writeRange(&b, e.Part.Op, e.Part.Offset, e.Part.Length)
		b.WriteString(": ")
	}
	b.WriteString(e.Err.Error())
	return b.String()
}

// Unwrap returns the cause.
func (e *OpError) Unwrap() error { return e.Err }

// writeRange says "write of 512 bytes at 0", as far as op has a range.
func writeRange(b *strings.Builder, op Op, off, n int64) {
	b.WriteString(op.String())
	switch {
	case op == OpResize:
		fmt.Fprintf(b, " to %d bytes", n)
	case op.ranged():
		fmt.Fprintf(b, " of %d bytes at %d", n, off)
	}
}
