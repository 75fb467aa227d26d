//go:build unix && !solaris && !illumos && !aix

package file

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// flock takes the lock of that name. It belongs to the open file, and goes with it.
func flock(f *os.File) error {
	conn, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	if err := conn.Control(func(fd uintptr) {
		for {
			failed = unix.Flock(int(fd), unix.LOCK_EX|unix.LOCK_NB)
			if failed != unix.EINTR {
				return
			}
		}
	}); err != nil {
		return err
	}
	switch {
	case failed == unix.EWOULDBLOCK:
		return ErrLocked
	case errors.Is(failed, unix.ENOTSUP), failed == unix.ENOLCK, failed == unix.ENOSYS:
		return nil // a file system without locks
	}
	return failed
}
