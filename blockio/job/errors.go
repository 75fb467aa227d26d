package job

import (
	"errors"
	"fmt"
	"strings"
)

// What can be wrong with a job besides the requests that it makes.
var (
	// ErrCancelled: the job was cancelled; the target is no copy.
	ErrCancelled = errors.New("cancelled")
	// ErrEnded: the job is over already.
	ErrEnded = errors.New("the job is over")
	// ErrBusy: something cannot be done while a job goes on: a resize of its
	// source, a pivot while another job stands on the device, another job with
	// the same target.
	ErrBusy = errors.New("another job is using the device")
)

// An Error is the error of a job.
type Error struct {
	// Job is "mirror" or "backup".
	Job string
	// Src and Dst name the devices.
	Src, Dst string
	// Err is the cause: a [*blockio.OpError], one of the sentinels, or the
	// cause of the context.
	Err error
}

// Error names the job, both devices and the cause.
func (e *Error) Error() string {
	return fmt.Sprintf("job: %s of %s to %s: %s", e.Job, e.Src, e.Dst, strings.TrimPrefix(e.Err.Error(), "blockio: "))
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }
