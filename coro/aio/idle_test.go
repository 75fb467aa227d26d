//go:build unix

package aio_test

import (
	"syscall"
	"testing"
	"time"
)

func TestAnIdleLoopCostsNoCPU(t *testing.T) {
	eachHandoff(t, func(t *testing.T, loop newLoop) {
		l := loop()
		release := l.Hold()
		resting := make(chan struct{})
		done := make(chan struct{})
		l.Post(func() { close(resting) })
		go func() { defer close(done); run(t, l) }()
		<-resting
		before := cpu(t)
		timer := time.NewTimer(200 * time.Millisecond) // for there to be time that could be wasted
		<-timer.C
		used := cpu(t) - before
		release()
		<-done
		if used > 100*time.Millisecond { // the race detector and others on the machine take some
			t.Errorf("an idle loop used %v of CPU in 200ms", used)
		}
	})
}

func cpu(t *testing.T) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
