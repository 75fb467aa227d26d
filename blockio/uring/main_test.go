package uring_test

import (
	"errors"
	"path/filepath"
	"testing"
	"unsafe"

	"go.uber.org/goleak"

	"github.com/gohandoff/coroutine/blockio/file"
	"github.com/gohandoff/coroutine/blockio/uring"
	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/aio"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// onLoop runs body as a task, on both handoffs.
func onLoop(t *testing.T, body func(t *testing.T, self *coro.Self)) {
	for _, h := range []coro.Handoff{coro.Channel, coro.Direct} {
		t.Run(h.String(), func(t *testing.T) {
			loop := aio.NewLoop(aio.WithThread(coro.WithHandoff(h)))
			defer loop.Close()
			loop.Go(func(self *coro.Self) error {
				body(t, self)
				return nil
			})
			if err := loop.Run(t.Context()); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// open opens a file, "disk" in a new folder if path is empty, and skips the test
// where that cannot be.
func open(t testing.TB, self *coro.Self, path string, opts uring.Options) *uring.Driver {
	t.Helper()
	if path == "" {
		path = filepath.Join(t.TempDir(), "disk")
	}
	d, err := uring.Open(self, path, opts)
	if errors.Is(err, errors.ErrUnsupported) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// created is for a file of size bytes that is made.
func created(size int64) file.Options { return file.Options{Create: true, Size: size} }

var direct = file.Options{DirectIO: true}

func addressOf(p []byte) uintptr { return uintptr(unsafe.Pointer(unsafe.SliceData(p))) }
