//go:build unix

package aio

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"reflect"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/gohandoff/coroutine/coro"
)

// rawStream returns the way to the descriptor of a stream socket, nil for
// anything else: a type that embeds a net.TCPConn may do more in its Read, and
// for a datagram socket nothing read is not the end.
func rawStream(c net.Conn) syscall.RawConn {
	var raw syscall.RawConn
	var err error
	switch c := c.(type) {
	case *net.TCPConn:
		raw, err = c.SyscallConn()
	case *net.UnixConn:
		if c.LocalAddr().Network() == "unix" {
			raw, err = c.SyscallConn()
		}
	}
	if err != nil {
		return nil // it will say why when it is used
	}
	return raw
}

// maxTransfer is how much is read or written at once at most: some systems
// refuse 2 GiB and more.
const maxTransfer = 1 << 30

// tryRead reads into p, without waiting; again tells that there is nothing.
func (h *half) tryRead(p []byte) (n int, again bool, err error) {
	h.p = p[:min(len(p), maxTransfer)]
	if h.try == nil {
		h.try = h.readOnce // once, as it allocates
	}
	if err := h.conn.raw.Read(h.try); err != nil {
		return 0, false, err
	}
	if h.n == 0 && h.err == nil {
		return 0, false, io.EOF
	}
	return h.tried("read")
}

func (h *half) readOnce(fd uintptr) bool {
	h.n, h.err = retry(func() (int, error) { return unix.Read(int(fd), h.p) })
	return true
}

// tryWrite writes what there is room for, without waiting; again tells that
// there is none.
func (h *half) tryWrite(p []byte) (n int, again bool, err error) {
	h.p = p[:min(len(p), maxTransfer)]
	if h.try == nil {
		h.try = h.writeOnce
	}
	if err := h.conn.raw.Write(h.try); err != nil {
		return 0, false, err
	}
	return h.tried("write")
}

func (h *half) writeOnce(fd uintptr) bool {
	h.n, h.err = retry(func() (int, error) { return unix.Write(int(fd), h.p) })
	return true
}

// tried gives the outcome of a try.
func (h *half) tried(call string) (n int, again bool, err error) {
	n, err = max(h.n, 0), h.err
	h.p, h.err = nil, nil
	switch err {
	case nil:
		return n, false, nil
	case unix.EAGAIN:
		return 0, true, nil
	}
	return n, false, os.NewSyscallError(call, err)
}

// retry calls f until no signal gets in its way.
func retry(f func() (int, error)) (int, error) {
	for {
		n, err := f()
		if err != unix.EINTR {
			return n, err
		}
	}
}

// waitReadable and waitWritable are what a helper does.
//
// The runtime forgets that a descriptor became ready when RawConn.Read begins,
// before it calls the function, and then waits only for news. So a function that
// returned false at once, for "please wait", would wait for ever for data that
// came between the coroutine's try and now: it must look for itself. When it is
// called again there was news, and the coroutine's own try will tell.
func (h *half) waitReadable() {
	h.once = false
	if h.look == nil {
		h.look = func(fd uintptr) bool { return h.isReady(fd, false) }
	}
	h.err = h.conn.raw.Read(h.look)
}

func (h *half) waitWritable() {
	h.once = false
	if h.look == nil {
		h.look = func(fd uintptr) bool { return h.isReady(fd, true) }
	}
	h.err = h.conn.raw.Write(h.look)
}

func (h *half) isReady(fd uintptr, write bool) bool {
	if h.once {
		return true
	}
	h.once = true
	return ready(fd, write)
}

// ready reports whether a call would not block now, be it because it fails.
func ready(fd uintptr, write bool) bool {
	fds := [1]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
	if write {
		fds[0].Events = unix.POLLOUT
	}
	n, err := retry(func() (int, error) { return unix.Poll(fds[:], 0) })
	return n > 0 || err != nil
}

// Readable waits until c, a file or a socket, has data, or is at the end of
// them, or broken: until a read would not block. QEMU calls it
// yield_until_fd_readable.
//
// c must be known to the Go runtime's poller, as sockets, pipes and terminals are
// if they do not block; otherwise there is an error if it is not ready. Nobody
// may use c in the same direction meanwhile: another coroutine that waits for it
// is diagnosed with a panic of a [*coro.UsageError] for [ErrBusy], and a plain
// goroutine waits. When the coroutine is unwound while it waits, a read deadline
// that was set on c is lost. The error is os.ErrDeadlineExceeded at the
// deadline, net.ErrClosed or os.ErrClosed if c is closed, and errors.ErrUnsupported
// on systems such as Windows.
//
// It yields unless c is ready.
func Readable(self *coro.Self, c syscall.Conn) error {
	return await(self, c, false)
}

// Writable is [Readable] for writing: it waits until a write would not block.
func Writable(self *coro.Self, c syscall.Conn) error {
	return await(self, c, true)
}

func await(self *coro.Self, c syscall.Conn, write bool) error {
	l := LoopOf(self)
	raw, err := c.SyscallConn()
	if err != nil {
		return closedError(err)
	}
	now := false
	if err := raw.Control(func(fd uintptr) { now = ready(fd, write) }); err != nil || now {
		return closedError(err)
	}
	block, set, verb := raw.Read, readDeadline(c), "reading"
	if write {
		block, set, verb = raw.Write, writeDeadline(c), "writing"
	}
	if set == nil {
		return fmt.Errorf("aio: wait for %T, which has no deadlines: %w", c, errors.ErrUnsupported)
	}
	k := key{c, write}
	k.claim(self)
	defer k.release()
	w := &errand{
		block: func() { err = block(func(fd uintptr) bool { return ready(fd, write) }) },
		interrupt: func(finished <-chan struct{}) {
			_ = set(longAgo) // an error means that c is closed
			<-finished
			_ = set(time.Time{})
		},
	}
	l.await(self, w, waitName(fmt.Sprintf("%T to be ready for %s", c, verb)))
	return closedError(err)
}

func readDeadline(c syscall.Conn) func(time.Time) error {
	switch c := c.(type) {
	case interface{ SetReadDeadline(time.Time) error }:
		return c.SetReadDeadline
	case interface{ SetDeadline(time.Time) error }: // a listener
		return c.SetDeadline
	}
	return nil
}

func writeDeadline(c syscall.Conn) func(time.Time) error {
	if c, ok := c.(interface{ SetWriteDeadline(time.Time) error }); ok {
		return c.SetWriteDeadline
	}
	return nil
}

// closedError turns what the system calls of a closed os.File say, for which
// package os has no name, into os.ErrClosed.
func closedError(err error) error {
	if err != nil && (errors.Is(err, os.ErrInvalid) || err.Error() == "use of closed file") {
		return os.ErrClosed
	}
	return err
}

// A key is one direction of a descriptor for which a coroutine waits in Readable
// or Writable.
type key struct {
	c     syscall.Conn
	write bool
}

// waiting says who does.
var waiting sync.Map // of *owner by key

func (k key) claim(self *coro.Self) {
	if !reflect.ValueOf(k.c).Comparable() {
		return
	}
	o, _ := waiting.LoadOrStore(k, &owner{})
	o.(*owner).claim(self, waitName(fmt.Sprintf("%T", k.c)), "waits for it", "wait for it")
}

func (k key) release() {
	if reflect.ValueOf(k.c).Comparable() {
		waiting.Delete(k)
	}
}
