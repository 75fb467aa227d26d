// Package ioshell is a small language for exercising a block device by hand, with
// the commands and the answers of qemu-io. A command that ends in an error says
// so and leaves the shell as it was.
package ioshell

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/cmd/codemo/internal/size"
	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/aio"
)

// ErrQuit is what Do returns for the command quit.
var ErrQuit = errors.New("quit")

// A Shell does commands on a device. It is used by one coroutine.
type Shell struct {
	// Device is what commands are about.
	Device *blockio.Device
	// Out is where answers go.
	Out io.Writer
	// Times has answers tell how long a request took, which differs from run
	// to run.
	Times bool
	// Limit is the most bytes that one request may have a buffer for.
	Limit int64

	failed  bool
	pending []*request // started by aio_read and aio_write, in that order
}

// Failed reports whether a command has failed.
func (s *Shell) Failed() bool { return s.failed }

// Do does one line: a command and its arguments. Empty lines and lines that
// begin with # do nothing. What goes wrong is told on Out; the only errors
// returned are ErrQuit and those of writing to Out.
func (s *Shell) Do(self *coro.Self, line string) error {
	words := strings.Fields(line)
	if len(words) == 0 || strings.HasPrefix(words[0], "#") {
		return nil
	}
	c := find(words[0])
	if c == nil {
		return s.fail("command %q not found; \"help\" lists them all", words[0])
	}
	a, err := parse(c, words[1:])
	if err == nil {
		err = c.do(s, self, a)
	}
	var broken *writeError
	switch {
	case err == nil:
		return nil
	case err == ErrQuit, errors.As(err, &broken):
		return err
	}
	return s.fail("%s failed: %s", c.name, strings.TrimPrefix(err.Error(), "blockio: "))
}

// Finish waits for what is in flight. It is to be called at the end.
func (s *Shell) Finish(self *coro.Self) error {
	return s.settle(self)
}

func (s *Shell) fail(format string, args ...any) error {
	s.failed = true
	return s.print(format+"\n", args...)
}

// A writeError is one of writing to Out: nobody listens any more.
type writeError struct{ error }

func (e *writeError) Unwrap() error { return e.error }

func (s *Shell) print(format string, args ...any) error {
	if _, err := fmt.Fprintf(s.Out, format, args...); err != nil {
		return &writeError{err}
	}
	return nil
}

// report tells what a request of n bytes did.
func (s *Shell) report(verb string, off, n int64, ops int, took time.Duration) error {
	if err := s.print("%s %d/%d bytes at offset %d\n", verb, n, n, off); err != nil {
		return err
	}
	if !s.Times {
		return s.print("%s, %d ops\n", size.Format(n), ops)
	}
	sec := max(took.Seconds(), 1e-9)
	return s.print("%s, %d ops; %.4f sec (%s and %.4f ops/sec)\n",
		size.Format(n), ops, sec, size.Rate(n, sec), float64(ops)/sec)
}

// settle waits for the requests in flight and tells of them in the order in
// which they were started, so that the answers are the same on each run.
func (s *Shell) settle(self *coro.Self) error {
	pending := s.pending
	s.pending = nil
	for _, r := range pending {
		err := r.task.Wait(self)
		if err != nil {
			err = s.fail("%s failed: %s", r.name, strings.TrimPrefix(err.Error(), "blockio: "))
		} else {
			err = r.tell(s)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// background starts r.
func (s *Shell) background(self *coro.Self, r *request) {
	r.task = aio.Go(self, func(self *coro.Self) error { return r.do(self, s.Device) })
	r.task.SetName(r.name)
	s.pending = append(s.pending, r)
}

// find returns the command of that name, nil if there is none.
func find(name string) *command {
	i := slices.IndexFunc(commands, func(c *command) bool { return c.name == name || c.alias == name })
	if i < 0 {
		return nil
	}
	return commands[i]
}
