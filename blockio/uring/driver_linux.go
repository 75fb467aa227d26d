package uring

import (
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/coro"
)

// Whatever the ring does not do as a whole is left to the file driver: an error,
// the end of the file, an interrupted call, something that this kernel does not
// know. It does the rest again and waits for it, and if it fails, it says so in
// its words. That is rare, and right for reads and writes, which may be done
// twice. It would not be for a flush: the kernel reports a lost write once.

const (
	// maxLength is the most bytes in one request. The kernel does less than
	// 2 GiB at a time; what is left is asked for again.
	maxLength = 1 << 30
	// closed is what transfer returns when the driver was closed, which the
	// file driver tells in its words.
	closed = -int(unix.EBADF)
	// maxPieces is the kernel's limit of pieces in one request, UIO_MAXIOV.
	maxPieces = 1024
)

// ReadAt fills p from off. It yields.
func (d *Driver) ReadAt(self *coro.Self, p []byte, off int64) error {
	for len(p) > 0 {
		n := d.transfer(self, opRead, p[:min(len(p), maxLength)], off, 0)
		if n <= 0 {
			return d.Driver.ReadAt(self, p, off)
		}
		p, off = p[n:], off+int64(n)
		if off >= d.Size() {
			clear(p) // direct I/O reads to the end of the last sector
			return nil
		}
	}
	return nil
}

// WriteAt stores p at off. It yields.
func (d *Driver) WriteAt(self *coro.Self, p []byte, off int64, flags blockio.Flags) error {
	if off+int64(len(p)) > d.Size() { // direct I/O at the end: the file must be cut again
		return d.Driver.WriteAt(self, p, off, flags)
	}
	for len(p) > 0 {
		n := d.transfer(self, opWrite, p[:min(len(p), maxLength)], off, durable(flags))
		if n <= 0 {
			return d.Driver.WriteAt(self, p, off, flags)
		}
		p, off = p[n:], off+int64(n)
	}
	return nil
}

// ReadVAt fills the pieces of v, one after the other, from off. It yields.
func (d *Driver) ReadVAt(self *coro.Self, v [][]byte, off int64) error {
	if n := d.transferV(self, opReadv, v, off, 0); n == length(v) {
		return nil
	}
	return d.Driver.ReadVAt(self, v, off)
}

// WriteVAt stores the pieces of v, one after the other, at off. It yields.
func (d *Driver) WriteVAt(self *coro.Self, v [][]byte, off int64, flags blockio.Flags) error {
	n := length(v)
	if off+int64(n) <= d.Size() && d.transferV(self, opWritev, v, off, durable(flags)) == n {
		return nil
	}
	return d.Driver.WriteVAt(self, v, off, flags)
}

func durable(flags blockio.Flags) uint32 {
	if flags&blockio.FUA != 0 {
		return unix.RWF_DSYNC
	}
	return 0
}

func length(v [][]byte) (n int) {
	for _, p := range v {
		n += len(p)
	}
	return n
}

// transfer moves the bytes of p, and returns how many it has moved, or a negated
// error number.
func (d *Driver) transfer(self *coro.Self, opcode uint8, p []byte, off int64, flags uint32) int {
	if d.ring == nil {
		return closed
	}
	o := d.ring.get()
	o.p = p
	o.pins.Pin(&p[0])
	d.fill(o, opcode, unsafe.Pointer(&p[0]), len(p), off, flags)
	return d.ring.do(self, o)
}

// transferV moves the bytes of the pieces of v, and returns how many it has
// moved, or a negated error number.
func (d *Driver) transferV(self *coro.Self, opcode uint8, v [][]byte, off int64, flags uint32) int {
	if len(v) > maxPieces {
		return -int(unix.EINVAL)
	}
	if d.ring == nil {
		return closed
	}
	o := d.ring.get()
	for _, p := range v {
		if len(p) == 0 {
			continue
		}
		o.pins.Pin(&p[0])
		iov := unix.Iovec{Base: &p[0]}
		iov.SetLen(len(p))
		o.iov = append(o.iov, iov)
	}
	d.fill(o, opcode, unsafe.Pointer(unsafe.SliceData(o.iov)), len(o.iov), off, flags)
	return d.ring.do(self, o)
}

func (d *Driver) fill(o *op, opcode uint8, addr unsafe.Pointer, n int, off int64, flags uint32) {
	o.sqe.opcode, o.sqe.fd, o.sqe.opFlags = opcode, int32(d.Fd()), flags
	o.sqe.off, o.sqe.addr, o.sqe.len = uint64(off), uint64(uintptr(addr)), uint32(n)
}
