package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/blockio/file"
	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/aio"
	"github.com/gohandoff/coroutine/coro/trace"
)

// onLoop runs body as the task of an event loop, to its end: what an interrupt
// does is for body to decide.
func onLoop(opts []coro.Option, body func(self *coro.Self) error) (err error) {
	loop := aio.NewLoop(aio.WithThread(opts...))
	defer func() { err = errors.Join(err, loop.Close()) }()
	loop.Go(body).SetName("codemo")
	return loop.Run(context.Background())
}

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

// interruptible returns a context that the first interrupt, termination or hangup
// ends. A second one ends the process.
func interruptible(ctx context.Context) (context.Context, func()) {
	ours, cancel := context.WithCancelCause(ctx)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	if !signal.Ignored(syscall.SIGHUP) { // as nohup has it
		signal.Notify(signals, syscall.SIGHUP)
	}
	go func() {
		select {
		case s := <-signals:
			signal.Stop(signals)
			cancel(signalError{s})
		case <-ours.Done():
			signal.Stop(signals)
		}
	}()
	return ours, func() { cancel(nil) }
}

// openDevice opens a file as a device that has its path as its name.
func openDevice(self *coro.Self, path string, opts file.Options) (*blockio.Device, error) {
	dev, _, err := openFileDevice(self, path, opts)
	return dev, err
}

// openFileDevice returns the driver, too.
func openFileDevice(self *coro.Self, path string, opts file.Options) (*blockio.Device, *file.Driver, error) {
	driver, err := file.Open(self, path, opts)
	if err != nil {
		return nil, nil, err
	}
	dev, err := blockio.Open(self, driver, blockio.WithName(path))
	if err != nil {
		return nil, nil, errors.Join(err, driver.Close(self))
	}
	return dev, driver, nil
}

// A stepTracer writes the steps of a command to a file: as a picture, a page or
// what else the extension says, when all is over; else each step as a line.
type stepTracer struct {
	file *os.File
	buf  *bufio.Writer
	err  error

	whole  *trace.Trace // what has no lines
	stream *trace.Stream
	path   string
	format string
}

// newStepTracer makes path, and returns the option for the thread; without a
// path it returns none.
func newStepTracer(path string) (*stepTracer, []coro.Option, error) {
	if path == "" {
		return nil, nil, nil
	}
	f, err := os.Create(path)
	if err != nil {
		return nil, nil, fileError("trace", path, err)
	}
	t := &stepTracer{file: f, buf: bufio.NewWriter(f), path: path}
	if t.format, err = traceFormat("").forFile(path); err == nil && t.format != "text" {
		t.whole = &trace.Trace{Title: path}
		t.stream = trace.NewStream(t.whole, trace.WithClock(trace.Since(time.Now())))
		return t, []coro.Option{coro.WithTracer(t.stream)}, nil
	}
	return t, []coro.Option{coro.WithTracer(t)}, nil
}

// tracedLoop is onLoop with each step written to the file trace, unless that is "".
// It must be none of others.
func tracedLoop(trace string, h coro.Handoff, others []string, body func(self *coro.Self) error) (err error) {
	if err := traceApart(trace, others...); err != nil {
		return err
	}
	tracer, opts, err := newStepTracer(trace)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, tracer.Close()) }()
	return onLoop(append(opts, coro.WithHandoff(h)), body)
}

// traceApart looks that the trace would not overwrite one of the files.
func traceApart(trace string, others ...string) error {
	for _, other := range others {
		if trace != "" && sameFile(trace, other) {
			return fmt.Errorf("--trace %s: is the same file as %s, and would overwrite it", trace, other)
		}
	}
	return nil
}

// Trace implements [coro.Tracer].
func (t *stepTracer) Trace(e coro.Event) {
	if t.err == nil {
		_, t.err = fmt.Fprintf(t.buf, "%6d  %s\n", e.Seq, e)
	}
}

// Close writes what is left. A nil tracer has nothing.
func (t *stepTracer) Close() error {
	if t == nil {
		return nil
	}
	if t.stream != nil {
		if err := errors.Join(t.stream.Close(), t.file.Close()); err != nil {
			return fmt.Errorf("writing the trace: %w", err)
		}
		return writeTrace(nil, t.path, t.format, t.whole)
	}
	if err := errors.Join(t.err, t.buf.Flush(), t.file.Close()); err != nil {
		return fmt.Errorf("writing the trace: %w", err)
	}
	return nil
}
