package file

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync/atomic"
	"syscall"
	"unsafe"

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

func openFile(path string, flags int, direct bool) (*os.File, error) {
	if direct {
		flags |= unix.O_DIRECT
	}
	f, err := os.OpenFile(path, flags, 0o666)
	if direct && errors.Is(err, unix.EINVAL) {
		return nil, fmt.Errorf("open %s: the file system has no direct I/O: %w", path, errors.ErrUnsupported)
	}
	return f, err
}

// setUp finds the descriptor and the alignment that direct I/O needs.
func (d *Driver) setUp() error {
	d.sys.fd = int(d.f.Fd())
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

// nowaitMax is the most bytes that the loop copies itself. A system call that
// does not tell the scheduler holds up a stop of the world for its whole
// duration: 64 KiB is some 10 µs.
const nowaitMax = 64 << 10

// pwritev2 or preadv2 with one piece. flags has RWF_NOWAIT: it never waits, so
// the scheduler is not told, which saves a fifth of a cached read of 4 KiB.
func rwNowait(call uintptr, fd int, p []byte, off int64, flags uintptr) (int, syscall.Errno) {
	iov := unix.Iovec{Base: &p[0]}
	iov.SetLen(len(p))
	// The offset goes in two halves, each a register wide.
	lo, hi := uintptr(off), uintptr(uint64(off)>>32>>(unsafe.Sizeof(uintptr(0))*8-32))
	n, _, errno := syscall.RawSyscall6(call, uintptr(fd), uintptr(unsafe.Pointer(&iov)), 1, lo, hi, flags|unix.RWF_NOWAIT)
	runtime.KeepAlive(p)
	return int(n), errno
}

// ReadAt fills p from off. What is in the page cache is copied at once; else it
// yields.
func (d *Driver) ReadAt(self *coro.Self, p []byte, off int64) error {
	if len(p) <= nowaitMax && !d.direct && !d.sys.noReadNowait.Load() {
		n, errno := rwNowait(unix.SYS_PREADV2, d.sys.fd, p, off, 0)
		switch {
		case errno == 0 && n == len(p):
			return nil
		case errno == 0 && n > 0:
			p, off = p[n:], off+int64(n)
		case errno == unix.EOPNOTSUPP || errno == unix.ENOSYS || errno == unix.EINVAL:
			d.sys.noReadNowait.Store(true)
		}
		// EAGAIN, and anything else: the worker will see.
	}
	return d.offload(self, func() error { return d.readAll(p, off) })
}

// WriteAt stores p at off. It yields, but where the file system can take p
// without waiting.
func (d *Driver) WriteAt(self *coro.Self, p []byte, off int64, flags blockio.Flags) error {
	if flags&blockio.FUA != 0 {
		return d.offload(self, func() error { return d.writeDurably(p, off) })
	}
	if len(p) <= nowaitMax && !d.direct && !d.sys.noWriteNowait.Load() {
		n, errno := rwNowait(unix.SYS_PWRITEV2, d.sys.fd, p, off, 0)
		switch {
		case errno == 0 && n == len(p):
			return nil
		case errno == 0 && n > 0:
			p, off = p[n:], off+int64(n)
		case errno == unix.EOPNOTSUPP || errno == unix.ENOSYS || errno == unix.EINVAL:
			d.sys.noWriteNowait.Store(true)
		}
	}
	return d.offload(self, func() error { return d.writeAll(p, off) })
}

// writeDurably writes p so that it is on the medium when it returns.
func (d *Driver) writeDurably(p []byte, off int64) error {
	for len(p) > 0 {
		n, err := unix.Pwritev2(d.sys.fd, [][]byte{p}, off, unix.RWF_DSYNC)
		switch {
		case err == unix.EINTR:
			continue
		case err == unix.EOPNOTSUPP || err == unix.ENOSYS:
			if err := d.writeAll(p, off); err != nil {
				return err
			}
			return d.sync()
		case err != nil:
			return fmt.Errorf("pwritev2: %w", err)
		case n == 0:
			return fmt.Errorf("pwritev2: wrote nothing: %w", unix.ENOSPC)
		}
		p, off = p[n:], off+int64(n)
	}
	return nil
}

// Flush has the kernel write to the medium what it still holds. It yields.
func (d *Driver) Flush(self *coro.Self) error { return d.offload(self, d.sync) }

func (d *Driver) sync() error {
	return retry("fdatasync", func() error { return unix.Fdatasync(d.sys.fd) })
}

// ReadVAt fills the pieces of v, one after the other, from off.
func (d *Driver) ReadVAt(self *coro.Self, v [][]byte, off int64) error {
	return d.offload(self, func() error {
		return vectored(v, off, func(v [][]byte, off int64) (int, error) {
			n, err := unix.Preadv(d.sys.fd, v, off)
			if n == 0 && err == nil {
				return 0, d.shrunk(off)
			}
			return n, named("preadv", err)
		})
	})
}

// WriteVAt stores the pieces of v, one after the other, at off.
func (d *Driver) WriteVAt(self *coro.Self, v [][]byte, off int64, flags blockio.Flags) error {
	rwf := 0
	if flags&blockio.FUA != 0 {
		rwf = unix.RWF_DSYNC
	}
	return d.offload(self, func() error {
		return vectored(v, off, func(v [][]byte, off int64) (int, error) {
			n, err := unix.Pwritev2(d.sys.fd, v, off, rwf)
			if n == 0 && err == nil {
				err = unix.ENOSPC
			}
			return n, named("pwritev2", err)
		})
	})
}

// maxPieces is the kernel's limit of pieces in one call, UIO_MAXIOV.
const maxPieces = 1024

// vectored calls do until all of v is done.
func vectored(v [][]byte, off int64, do func(v [][]byte, off int64) (int, error)) error {
	rest := append([][]byte(nil), v...) // the first piece is cut as we go
	for len(rest) > 0 {
		if len(rest[0]) == 0 {
			rest = rest[1:]
			continue
		}
		n, err := do(rest[:min(len(rest), maxPieces)], off)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return err
		}
		off += int64(n)
		for n > 0 && n >= len(rest[0]) {
			n -= len(rest[0])
			rest = rest[1:]
		}
		if n > 0 {
			rest[0] = rest[0][n:]
		}
	}
	return nil
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
			if st, err := d.f.Stat(); err != nil {
				return answer{}, cause(err)
			} else if !d.device && st.Size() < d.Size() {
				return answer{}, d.shrunk(st.Size())
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
			end, err := unix.Seek(d.sys.fd, 0, unix.SEEK_END)
			if err != nil {
				return answer{}, fmt.Errorf("lseek: %w", err)
			}
			if end <= off {
				return answer{}, d.shrunk(end)
			}
			hole = end
		}
		return answer{blockio.Data, min(n, hole-off)}, nil
	})
	return a.status, a.length, err
}

// retry calls fn until no signal comes in between, and names it in its error.
func retry(name string, fn func() error) error {
	for {
		if err := fn(); err != unix.EINTR {
			return named(name, err)
		}
	}
}

func named(call string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", call, err)
}
