package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
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

// openDevice opens a file as a device that has its path as its name.
func openDevice(self *coro.Self, path string, opts file.Options) (*blockio.Device, error) {
	dev, _, err := openLayered(self, path, opts, driverFile, layers{}, nil)
	return dev, err
}

// traceUsage tells of --trace.
const traceUsage = "write each step of the coroutines to a `FILE`: .txt, .jsonl, .html, .svg, .json for Perfetto, or .log"

// A stepTracer writes the steps of a command to a file, in the form that its
// extension says. Text and JSON lines are written as the steps happen, so that a
// command that is killed leaves them; the other forms when all is over.
//
// With a ring it keeps the last steps only, in memory that does not grow, and
// writes any form when all is over: that is for commands that take millions.
type stepTracer struct {
	stream *trace.Stream // nil with a ring
	ring   *trace.Ring
	file   *os.File
	buf    *bufio.Writer
	whole  *trace.Trace // of a form that is written at the end
	last   int          // how many steps the ring keeps, of those that it holds
	title  string
	format string
}

// lastSteps is how many steps a tracer with a ring keeps.
const lastSteps = 100_000

// newStepTracer makes the file that --trace names, and returns the option for
// the thread; without a path it returns none. If last is not 0, it keeps the last
// so many steps. An extension that means no format is an error before anything is
// made.
func newStepTracer(path string, last int) (*stepTracer, []coro.Option, error) {
	if path == "" {
		return nil, nil, nil
	}
	format, err := traceFormat("").forFlag("trace", path)
	if err != nil {
		return nil, nil, err
	}
	f, err := os.Create(path)
	if err != nil {
		return nil, nil, fileError("trace", path, err)
	}
	// Not the file's name, so that two traces of one command begin alike.
	title := "codemo"
	if len(os.Args) > 1 {
		title += " " + os.Args[1]
	}
	t := &stepTracer{file: f, buf: bufio.NewWriter(f), last: last, title: title, format: format}
	clock := trace.WithClock(trace.Since(time.Now()))
	if last > 0 {
		t.ring = trace.NewRing(last, clock)
		return t, []coro.Option{coro.WithTracer(t.ring)}, nil
	}
	var sink trace.Sink
	switch format {
	case "text":
		sink = trace.NewLadder(t.buf)
	case "jsonl":
		sink = trace.NewJSONLWriter(t.buf, title, true)
	default:
		t.whole = &trace.Trace{Title: t.title}
		sink = t.whole
	}
	t.stream = trace.NewStream(sink, clock)
	return t, []coro.Option{coro.WithTracer(t.stream)}, nil
}

// tracedLoop is onLoop with each step written to the file trace, unless that is "".
// It must be none of others.
func tracedLoop(trace string, h coro.Handoff, others []string, body func(self *coro.Self) error) error {
	return lastStepsLoop(trace, 0, h, others, body)
}

// lastStepsLoop is tracedLoop, with the last steps only if last is not 0.
func lastStepsLoop(trace string, last int, h coro.Handoff, others []string, body func(self *coro.Self) error) (err error) {
	if err := traceApart(trace, others...); err != nil {
		return err
	}
	tracer, opts, err := newStepTracer(trace, last)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, tracer.Close()) }()
	return onLoop(append(opts, coro.WithHandoff(h)), body)
}

// traceApart looks that the trace would not overwrite one of the files.
func traceApart(trace string, others ...string) error { return apart("trace", trace, others...) }

// apart looks that the file that a flag names would not overwrite one of others.
func apart(flag, file string, others ...string) error {
	for _, other := range others {
		if file != "" && file != "-" && other != "" && sameFile(file, other) {
			return fmt.Errorf("--%s %s: is the same file as %s, and would overwrite it", flag, file, other)
		}
	}
	return nil
}

// Close writes what is left. A nil tracer has nothing.
func (t *stepTracer) Close() error {
	if t == nil {
		return nil
	}
	var err error
	if t.ring != nil {
		t.whole = t.ring.Last(t.last)
		t.whole.Title = t.title
	} else {
		err = t.stream.Close()
	}
	if t.whole != nil && err == nil {
		err = writeFormat(t.buf, t.format, t.whole)
	}
	if err == nil { // else it is what Flush would say again
		err = t.buf.Flush()
	}
	if err := errors.Join(err, t.file.Close()); err != nil {
		return fmt.Errorf("writing the trace: %w", err)
	}
	return nil
}
