package aio_test

import "runtime"

// goexit is runtime.Goexit, apart so that the compiler takes no code after it
// for dead.
//
//go:noinline
func goexit() { runtime.Goexit() }
