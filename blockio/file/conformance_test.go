package file_test

import (
	"errors"
	"path/filepath"
	"testing"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/blockio/blocktest"
	"github.com/gohandoff/coroutine/blockio/file"
	"github.com/gohandoff/coroutine/coro"
)

func TestConformance(t *testing.T) {
	for name, opts := range map[string]file.Options{
		"buffered": {Create: true},
		"direct":   {Create: true, DirectIO: true},
	} {
		t.Run(name, func(t *testing.T) {
			blocktest.Run(t, func(t *testing.T, self *coro.Self, size int64) blockio.Driver {
				opts := opts
				opts.Size = size
				d, err := file.Open(self, filepath.Join(t.TempDir(), "disk"), opts)
				if errors.Is(err, errors.ErrUnsupported) {
					t.Skipf("the temporary directory has no direct I/O: %v", err)
				}
				if err != nil {
					t.Fatal(err)
				}
				return d
			}, blocktest.WithRealClock())
		})
	}
}
