//go:build unix

package file

import (
	"io/fs"
	"syscall"
)

// numbers returns those of a file's Identity.
func numbers(st fs.FileInfo, device bool) (dev, inode uint64) {
	sys, ok := st.Sys().(*syscall.Stat_t)
	switch {
	case !ok:
		return 0, 0
	case device:
		return uint64(sys.Rdev), 0 //nolint:unconvert // its type differs from system to system
	}
	return uint64(sys.Dev), uint64(sys.Ino) //nolint:unconvert // likewise
}
