package file

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/aio"
)

// system is what only Linux needs.
type system struct {
	fd int
	// What the kernel or the file system turned out not to be able to do.
	noReadNowait  atomic.Bool
	noWriteNowait atomic.Bool
	noPunch       atomic.Bool
	noZeroRange   atomic.Bool
}

func openFile(path string, flags int, perm fs.FileMode, direct bool) (*os.File, error) {
	if direct {
		flags |= unix.O_DIRECT
	}
	f, err := os.OpenFile(path, flags, perm)
	if direct && errors.Is(err, unix.EINVAL) {
		return nil, fmt.Errorf("open %s: the file system has no direct I/O: %w", path, errors.ErrUnsupported)
	}
	return f, err
}

// madeUp reports whether the file is one of those of the kernel that are made up
// when they are read.
func madeUp(f *os.File) bool {
	var st unix.Statfs_t
	if err := retry("fstatfs", func() error { return unix.Fstatfs(int(f.Fd()), &st) }); err != nil {
		return false
	}
	switch uint32(st.Type) { //nolint:unconvert // its type differs from system to system
	case unix.PROC_SUPER_MAGIC, unix.SYSFS_MAGIC, unix.DEBUGFS_MAGIC, unix.TRACEFS_MAGIC, unix.SECURITYFS_MAGIC,
		unix.CGROUP_SUPER_MAGIC, unix.CGROUP2_SUPER_MAGIC:
		return true
	}
	return false
}

// setUp finds the descriptor and the alignment that direct I/O needs.
func (d *Driver) setUp() error {
	d.sys.fd = int(d.f.Fd())
	if d.device && !d.limits.ReadOnly {
		// The kernel opens such a device for writing, and fails each write.
		if ro, err := unix.IoctlGetInt(d.sys.fd, unix.BLKROGET); err == nil && ro != 0 {
			return fmt.Errorf("the device is read-only, as blockdev --getro tells: %w", unix.EROFS)
		}
	}
	if !d.direct {
		return nil
	}
	mem, off := 512, 512 // what most disks have, where the kernel does not say
	var st unix.Statx_t
	if err := unix.Statx(d.sys.fd, "", unix.AT_EMPTY_PATH, unix.STATX_DIOALIGN, &st); err == nil && st.Mask&unix.STATX_DIOALIGN != 0 {
		mem, off = int(st.Dio_mem_align), int(st.Dio_offset_align)
		if off == 0 {
			return fmt.Errorf("direct I/O: %w", errors.ErrUnsupported)
		}
	} else if d.device {
		if n, err := unix.IoctlGetInt(d.sys.fd, unix.BLKSSZGET); err == nil {
			mem, off = n, n
		}
	} else {
		mem, off = 4096, 4096 // any disk's sectors fit
	}
	d.limits.Alignment = off
	d.limits.MemoryAlignment = max(mem, 1)
	return nil
}

// fdatasync is the system call, or what a test has put in its place.
var fdatasync = unix.Fdatasync

func (d *Driver) sync() error {
	return retry("fdatasync", func() error { return fdatasync(d.sys.fd) })
}

// Writeback has the kernel begin to write what the page cache has of the range. It
// yields.
func (d *Driver) Writeback(self *coro.Self, off, n int64) error {
	if d.direct {
		return nil // there is nothing in the cache
	}
	return d.offload(self, func() error {
		return retry("sync_file_range", func() error {
			return unix.SyncFileRange(d.sys.fd, off, n, unix.SYNC_FILE_RANGE_WRITE)
		})
	})
}

// Discard gives the range back to the file system. It yields.
func (d *Driver) Discard(self *coro.Self, off, n int64) error {
	return d.fallocate(self, &d.sys.noPunch, unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, off, n)
}

// WriteZeroes makes the range read as zeroes: a hole if flags allow that, else
// allocated zeroes. It yields.
func (d *Driver) WriteZeroes(self *coro.Self, off, n int64, flags blockio.Flags) error {
	mode, cannot := uint32(unix.FALLOC_FL_ZERO_RANGE|unix.FALLOC_FL_KEEP_SIZE), &d.sys.noZeroRange
	if flags&blockio.MayUnmap != 0 {
		mode, cannot = unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, &d.sys.noPunch
	}
	if err := d.fallocate(self, cannot, mode, off, n); err != nil || flags&blockio.FUA == 0 {
		return err
	}
	return d.Flush(self)
}

func (d *Driver) fallocate(self *coro.Self, cannot *atomic.Bool, mode uint32, off, n int64) error {
	if cannot.Load() {
		return blockio.ErrNotSupported
	}
	err := d.offload(self, func() error {
		return retry("fallocate", func() error { return unix.Fallocate(d.sys.fd, mode, off, n) })
	})
	if errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.ENODEV) {
		cannot.Store(true)
		return blockio.ErrNotSupported
	}
	return err
}

// BlockStatus looks for holes. It yields.
func (d *Driver) BlockStatus(self *coro.Self, off, n int64) (blockio.Status, int64, error) {
	type answer struct {
		status blockio.Status
		length int64
	}
	a, err := aio.Offload(self, func() (answer, error) {
		data, err := unix.Seek(d.sys.fd, off, unix.SEEK_DATA)
		switch {
		case err == unix.ENXIO:
			// A hole to the end, or there is nothing any more: then it is
			// not for us to say that it has zeroes.
			if end, err := endOf(d.f); err != nil {
				return answer{}, err
			} else if end < d.Size() {
				return answer{}, d.shrunk(off)
			}
			return answer{blockio.Zero, n}, nil
		case err == unix.EINVAL || err == unix.EOPNOTSUPP:
			return answer{blockio.Data, n}, nil // it has no holes to tell of
		case err != nil:
			return answer{}, fmt.Errorf("lseek: %w", err)
		case data > off:
			return answer{blockio.Zero, min(n, data-off)}, nil
		}
		hole, err := unix.Seek(d.sys.fd, off, unix.SEEK_HOLE)
		if err != nil {
			return answer{}, fmt.Errorf("lseek: %w", err)
		}
		if hole <= off {
			// Somebody has punched the hole since, or cut the file. That it is
			// data is never wrong, as long as it is there at all.
			end, err := endOf(d.f)
			if err != nil {
				return answer{}, err
			}
			if end <= off {
				return answer{}, d.shrunk(off)
			}
			hole = end
		}
		return answer{blockio.Data, min(n, hole-off)}, nil
	})
	return a.status, a.length, err
}
