package handoff_test

import (
	"runtime"
	"testing"

	"go.uber.org/goleak"

	"github.com/gohandoff/coroutine/internal/handoff"
	"github.com/gohandoff/coroutine/internal/handoff/handofftest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestChannel(t *testing.T) { handofftest.Run(t, handoff.Channel) }

func TestDirect(t *testing.T) { handofftest.Run(t, handoff.Direct) }

// A direct line has to be one, or TestDirect would pass without a test of it.
func TestDirectIsDirect(t *testing.T) {
	want := runtime.GOARCH == "amd64" || runtime.GOARCH == "arm64"
	if got := handoff.DirectAvailable(); got != want {
		t.Errorf("DirectAvailable on %s: got %t, want %t", runtime.GOARCH, got, want)
	}
	var l handoff.Line
	handoff.Direct(&l)
	if l.Direct != want {
		t.Errorf("Line.Direct on %s: got %t, want %t", runtime.GOARCH, l.Direct, want)
	}
	var c handoff.Line
	handoff.Channel(&c)
	if c.Direct {
		t.Error("Line.Direct of a Channel line: got true")
	}
}

func TestSignalString(t *testing.T) {
	for _, tt := range []struct {
		signal handoff.Signal
		want   string
	}{
		{handoff.Yield, "yield"},
		{handoff.Terminate, "terminate"},
		{handoff.Panic, "panic"},
		{handoff.Goexit, "goexit"},
		{handoff.Enter, "enter"},
		{handoff.Kill, "kill"},
		{255, "unknown signal"},
	} {
		if got := tt.signal.String(); got != tt.want {
			t.Errorf("Signal(%d): got %q, want %q", tt.signal, got, tt.want)
		}
	}
}

// TestOSThreadLocked asks on goroutines that are in every state of being
// locked, and after they have been moved about.
func TestOSThreadLocked(t *testing.T) {
	if !handoff.DirectAvailable() {
		if handoff.OSThreadLocked() {
			t.Error("got true where it cannot be told")
		}
		t.Skip("it cannot be told whether a goroutine is locked on " + runtime.GOARCH)
	}
	const goroutines = 8
	done := make(chan struct{})
	for range goroutines {
		go func() {
			defer func() { done <- struct{}{} }()
			check := func(when string, want bool) {
				if got := handoff.OSThreadLocked(); got != want {
					t.Errorf("%s: got %t, want %t", when, got, want)
				}
			}
			for range 100 {
				check("plain", false)
				runtime.Gosched()
				check("plain, rescheduled", false)
				runtime.LockOSThread()
				check("locked", true)
				runtime.Gosched()
				check("locked, rescheduled", true)
				runtime.LockOSThread()
				check("locked twice", true)
				growStack(100)
				check("locked twice, on another stack", true)
				runtime.UnlockOSThread()
				check("unlocked once of twice", true)
				runtime.UnlockOSThread()
				check("unlocked", false)
			}
		}()
	}
	for range goroutines {
		<-done
	}
}

//go:noinline
func growStack(n int) byte {
	var frame [1024]byte
	if n == 0 {
		return frame[0]
	}
	return frame[n] + growStack(n-1)
}
