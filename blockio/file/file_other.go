//go:build !linux

package file

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/coro"
)

// system is what only one system needs.
type system struct{}

func openFile(path string, flags int, perm fs.FileMode, direct bool) (*os.File, error) {
	if direct {
		return nil, fmt.Errorf("%s: direct I/O: %w", path, errors.ErrUnsupported)
	}
	return os.OpenFile(path, flags, perm)
}

func (d *Driver) setUp() error { return nil }

// madeUp knows of no such files here.
func madeUp(*os.File) bool { return false }

// ReadAt fills p from off. It yields.
func (d *Driver) ReadAt(self *coro.Self, p []byte, off int64) error {
	return d.offload(self, func() error { return d.readAll(p, off) })
}

// WriteAt stores p at off. It yields.
func (d *Driver) WriteAt(self *coro.Self, p []byte, off int64, flags blockio.Flags) error {
	return d.offload(self, func() error {
		if err := d.writeAll(p, off); err != nil || flags&blockio.FUA == 0 {
			return err
		}
		return d.flush()
	})
}

func (d *Driver) sync() error { return cause(d.f.Sync()) }

// writeAll writes p at off, waiting as needed. It is called by a worker.
func (d *Driver) writeAll(p []byte, off int64) error {
	if err := d.uncut(); err != nil {
		return err
	}
	n, err := d.f.WriteAt(p, off)
	if err != nil && n > 0 {
		return fmt.Errorf("after %d bytes: %w", n, cause(err))
	}
	return cause(err)
}
