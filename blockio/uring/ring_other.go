//go:build !linux

package uring

import (
	"runtime"

	"github.com/gohandoff/coroutine/coro/aio"
)

// ring is what only Linux has.
type ring struct{}

func ringOf(*aio.Loop, int) (*ring, error) {
	return nil, because("it is a part of Linux, and this is " + runtime.GOOS)
}

func (*ring) release() {}
