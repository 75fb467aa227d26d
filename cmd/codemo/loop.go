package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
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

// errInterrupted is the cause of a context of interruptible that is done.
var errInterrupted = errors.New("interrupted")

// interruptible returns a context that the first interrupt ends. A second one
// ends the process.
func interruptible(ctx context.Context) (context.Context, func()) {
	signals, stop := signal.NotifyContext(ctx, os.Interrupt)
	ours, cancel := context.WithCancelCause(ctx)
	unwatch := context.AfterFunc(signals, func() {
		cancel(errInterrupted)
		stop()
	})
	return ours, func() {
		unwatch()
		stop()
		cancel(nil)
	}
}

// openDevice opens a file as a device that has its path as its name.
func openDevice(self *coro.Self, path string, opts file.Options) (*blockio.Device, error) {
	driver, err := file.Open(self, path, opts)
	if err != nil {
		return nil, err
	}
	dev, err := blockio.Open(self, driver, blockio.WithName(path))
	if err != nil {
		return nil, errors.Join(err, driver.Close(self))
	}
	return dev, nil
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
