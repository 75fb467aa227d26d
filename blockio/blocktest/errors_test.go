package blocktest_test

import (
	"errors"
	"testing"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/blockio/blocktest"
	"github.com/gohandoff/coroutine/blockio/mem"
	"github.com/gohandoff/coroutine/coro"
)

// A failing driver fails each seventh write, and may keep quiet about it.
type failing struct {
	*mem.Driver
	quiet bool
	n     int
}

var errFailing = errors.New("failing")

func (d *failing) WriteAt(self *coro.Self, p []byte, off int64, flags blockio.Flags) error {
	if d.n++; d.n%7 != 0 {
		return d.Driver.WriteAt(self, p, off, flags)
	}
	if d.quiet {
		return nil
	}
	return errFailing
}

func TestErrorsAreExpectedButNotSilence(t *testing.T) {
	for _, quiet := range []bool{false, true} {
		r := &recorder{TB: t}
		blocktest.AttemptWithErrors(r, 1, 64<<10, func(err error) bool { return errors.Is(err, errFailing) },
			func(*coro.Self) blockio.Driver { return &failing{Driver: mem.New(64 << 10), quiet: quiet} })
		if failed := len(r.failures) > 0; failed != quiet {
			t.Errorf("quiet: %v, and the suite fails: %v %v", quiet, failed, r.failures)
		}
	}
}
