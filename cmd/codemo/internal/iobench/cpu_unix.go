//go:build unix

package iobench

import (
	"time"

	"golang.org/x/sys/unix"
)

// cpuTime returns the CPU time of the process, in user mode and in the kernel.
func cpuTime() (user, system time.Duration, ok bool) {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		return 0, 0, false
	}
	return time.Duration(u.Utime.Nano()), time.Duration(u.Stime.Nano()), true
}
