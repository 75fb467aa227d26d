package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// A signalError is the cause of a context of interruptible that is done.
type signalError struct{ os.Signal }

func (e signalError) Error() string {
	switch e.Signal {
	case os.Interrupt:
		return "interrupted"
	case syscall.SIGTERM:
		return "terminated"
	}
	return e.String()
}

const (
	// sameSignal is how long after a signal another one is no sign of impatience:
	// timeout(1) sends one to the process and at once another to its group, and
	// both reach us.
	sameSignal = 250 * time.Millisecond
	// longWait is after what time somebody wants to know what is waited for.
	longWait = time.Second
)

// interruptible returns a context that the first interrupt, termination or hangup
// ends. A later one ends the process; if it takes long until stop is called, a
// line on warn says so.
func interruptible(ctx context.Context, warn io.Writer) (_ context.Context, stop func()) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	if !signal.Ignored(syscall.SIGHUP) { // as nohup has it
		signal.Notify(signals, syscall.SIGHUP)
	}
	return endedBy(ctx, signals, func() { signal.Stop(signals) }, warn)
}

// endedBy is interruptible with the signals from anywhere. From the call of
// release on they end the process.
func endedBy(ctx context.Context, signals <-chan os.Signal, release func(), warn io.Writer) (_ context.Context, stop func()) {
	ours, cancel := context.WithCancelCause(ctx)
	over, gone := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(gone)
		defer release()
		var cause signalError
		select {
		case <-over:
			return
		case s := <-signals:
			cause = signalError{s}
		}
		cancel(cause)
		impatient, long := time.After(sameSignal), time.After(longWait)
		for {
			select {
			case <-over:
				return
			case <-signals:
			case <-impatient:
				release()
				signals = nil
			case <-long:
				if isTerminal(warn) {
					clearBar(warn)
				}
				fmt.Fprintf(warn, "codemo: %v; waiting for what cannot be called back; a second interrupt ends the process at once\n", cause)
			}
		}
	}()
	return ours, func() {
		close(over)
		<-gone
		cancel(nil)
	}
}
