package blocktest

import (
	"testing"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/coro"
)

// Attempt is one of the tests of Run.
func Attempt(t testing.TB, seed uint64, size int64, open func(self *coro.Self) blockio.Driver) {
	c := defaults()
	c.run(t, coro.Direct, func(self *coro.Self) blockio.Driver { return open(self) }, size, seed)
}

// AttemptWithErrors is Attempt under [WithErrors].
func AttemptWithErrors(t testing.TB, seed uint64, size int64, expected func(error) bool, open func(self *coro.Self) blockio.Driver) {
	c := defaults()
	c.errors = expected
	c.run(t, coro.Direct, func(self *coro.Self) blockio.Driver { return open(self) }, size, seed)
}
