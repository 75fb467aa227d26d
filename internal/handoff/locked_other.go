//go:build !amd64 && !arm64

package handoff

// On other architectures it cannot be told whether a goroutine is locked to
// its OS thread, so Direct makes Channel lines.

func canTellLocked() bool { return false }

// OSThreadLocked reports whether the calling goroutine is locked to its OS
// thread, by runtime.LockOSThread or inside a cgo callback. Where it cannot be
// told it reports false, and no line is Direct.
func OSThreadLocked() bool { return false }
