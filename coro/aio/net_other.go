//go:build !unix

package aio

import (
	"errors"
	"fmt"
	"net"
	"syscall"

	"github.com/gohandoff/coroutine/coro"
)

// Where there is no poll and no EAGAIN, helpers make the blocking calls.

func rawStream(net.Conn) syscall.RawConn { return nil }

func (h *half) tryRead([]byte) (n int, again bool, err error) { return 0, false, errors.ErrUnsupported }

func (h *half) tryWrite([]byte) (n int, again bool, err error) {
	return 0, false, errors.ErrUnsupported
}
func (h *half) waitReadable() {}
func (h *half) waitWritable() {}

// Readable returns an error that is errors.ErrUnsupported on this system.
func Readable(self *coro.Self, c syscall.Conn) error {
	return fmt.Errorf("aio: Readable: %w", errors.ErrUnsupported)
}

// Writable returns an error that is errors.ErrUnsupported on this system.
func Writable(self *coro.Self, c syscall.Conn) error {
	return fmt.Errorf("aio: Writable: %w", errors.ErrUnsupported)
}
