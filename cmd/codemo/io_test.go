package main

import (
	"strings"
	"testing"

	"github.com/gohandoff/coroutine/coro"
)

func TestALineThatIsTooLong(t *testing.T) {
	err := onLoop(nil, func(self *coro.Self) error {
		_, err := lines(strings.NewReader(strings.Repeat("x", 1<<20)), new(strings.Builder))(self)
		return err
	})
	if want := "reading commands: a line is longer than 65536 bytes"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %q", err, want)
	}
}
