package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/gohandoff/coroutine/coro"
)

// TestAFileThatCannotBeFilledDoesNotStay has its end come from outside; a full
// disk is [TestCopyToADiskThatIsFullAtOnce].
func TestAFileThatCannotBeFilledDoesNotStay(t *testing.T) {
	path := filepath.Join(t.TempDir(), "made")
	ctx, cancel := context.WithCancelCause(t.Context())
	enough := errors.New("enough")
	cancel(enough)
	err := onLoop(nil, func(self *coro.Self) error { return createFull(self, ctx, path, 1<<40) })
	if !errors.Is(err, enough) {
		t.Errorf("got %v, want %v", err, enough)
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the file is there still, %v", err)
	}
}
