package file

import (
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// QEMU tells others what it does with a file by locks on single bytes, which it
// never reads or writes for that: a shared lock on byte 100+k says "I do k", one
// on 200+k says "nobody else may do k while I am here". Who opens a file takes his
// locks first and then looks for those of others that do not go together with
// them, so that of two that come at a time one sees the other, or both do.
const (
	doesBase   = 100
	refuseBase = 200

	readsConsistent = 0
	writes          = 1
	resizes         = 3
)

// lockOpenFile takes the lock of a writer on Linux. It belongs to the open file,
// and goes with it: flock for those who use that, and the bytes for QEMU.
//
// On a network file system flock is a lock on all bytes, with which we would shut
// out ourselves; there the bytes do for both.
func lockOpenFile(f *os.File) error {
	if !overNetwork(f) {
		if err := flock(f); err != nil {
			return err
		}
	}
	return lockBytes(f)
}

func overNetwork(f *os.File) bool {
	var st unix.Statfs_t
	if err := retry("fstatfs", func() error { return unix.Fstatfs(int(f.Fd()), &st) }); err != nil {
		return false
	}
	switch uint32(st.Type) { //nolint:unconvert // its type differs from system to system
	case unix.NFS_SUPER_MAGIC, unix.CIFS_SUPER_MAGIC, unix.SMB2_SUPER_MAGIC, unix.CEPH_SUPER_MAGIC:
		return true
	}
	return false
}

func lockBytes(f *os.File) error {
	for _, b := range []int64{
		doesBase + readsConsistent, doesBase + writes, doesBase + resizes,
		refuseBase + writes, refuseBase + resizes,
	} {
		switch err := byteLock(f, unix.F_OFD_SETLK, &unix.Flock_t{Type: unix.F_RDLCK, Start: b, Len: 1}); {
		case errors.Is(err, unix.EAGAIN), errors.Is(err, unix.EACCES):
			return fmt.Errorf("%w (byte %d is locked)", ErrLocked, b)
		case err != nil:
			return nil // there are no such locks here
		}
	}
	for _, c := range []struct {
		at   int64
		says string
	}{
		{doesBase + writes, "by QEMU or somebody like it"},
		{doesBase + resizes, "by QEMU or somebody like it"},
		{refuseBase + readsConsistent, "QEMU has it open, and wants no other reader"},
		{refuseBase + writes, "QEMU has it open, and wants no other writer"},
		{refuseBase + resizes, "QEMU has it open, and wants its size to stay"},
	} {
		// Ours do not count: they are of the same open file.
		l := unix.Flock_t{Type: unix.F_WRLCK, Start: c.at, Len: 1}
		if err := byteLock(f, unix.F_OFD_GETLK, &l); err == nil && l.Type != unix.F_UNLCK {
			return fmt.Errorf("%w (%s)", ErrLocked, c.says)
		}
	}
	return nil
}

func byteLock(f *os.File, cmd int, l *unix.Flock_t) error {
	l.Whence = io.SeekStart
	return retry("fcntl", func() error { return unix.FcntlFlock(f.Fd(), cmd, l) })
}
