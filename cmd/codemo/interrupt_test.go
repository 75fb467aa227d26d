package main

import (
	"bytes"
	"context"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// signalled calls f with a context that ends by a signal, where to send them, and
// what reports whether they end the process by now.
func signalled(t *testing.T, f func(ctx context.Context, signals chan<- os.Signal, deadly func() bool)) (said string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		signals, released := make(chan os.Signal, 1), make(chan struct{}, 2)
		var warn bytes.Buffer
		ctx, stop := endedBy(t.Context(), signals, func() { released <- struct{}{} }, &warn)
		f(ctx, signals, func() bool { synctest.Wait(); return len(released) > 0 })
		stop()
		said = warn.String()
	})
	return said
}

// TestASignalThatComesTwiceIsOne sends what timeout(1) does.
func TestASignalThatComesTwiceIsOne(t *testing.T) {
	said := signalled(t, func(ctx context.Context, signals chan<- os.Signal, deadly func() bool) {
		signals <- syscall.SIGTERM
		<-ctx.Done()
		if got := context.Cause(ctx); got != error(signalError{syscall.SIGTERM}) {
			t.Errorf("cause: got %v, want terminated", got)
		}
		signals <- syscall.SIGTERM
		if deadly() {
			t.Error("the next one would end the process at once")
		}
		for begin := time.Now(); !deadly(); <-time.After(sameSignal / 10) {
			if time.Since(begin) > sameSignal {
				t.Fatal("a later one would not end the process")
			}
		}
	})
	if said != "" {
		t.Errorf("got %q, want nothing said of so short a wait", said)
	}
}

func TestAnInterruptThatTakesLongSaysSo(t *testing.T) {
	said := signalled(t, func(ctx context.Context, signals chan<- os.Signal, _ func() bool) {
		signals <- os.Interrupt
		<-ctx.Done()
		<-time.After(2 * longWait)
	})
	if want := "codemo: interrupted; waiting for what cannot be called back; a second interrupt ends the process at once\n"; said != want {
		t.Errorf("got %q, want %q", said, want)
	}
}
