//go:build !unix

package iobench

import "time"

// cpuTime does not know how to ask this system.
func cpuTime() (user, system time.Duration, ok bool) { return 0, 0, false }
