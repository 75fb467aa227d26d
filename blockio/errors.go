package blockio

import "errors"

// ErrNotSupported is what the error of an operation is that the driver, or what
// lies under it, cannot do; errors.ErrUnsupported, too.
var ErrNotSupported error = notSupported{}

type notSupported struct{}

func (notSupported) Error() string        { return "blockio: not supported" }
func (notSupported) Is(target error) bool { return target == errors.ErrUnsupported }
