package ioshell

import (
	"fmt"
	"time"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/cmd/codemo/internal/size"
	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/aio"
)

// A command is one of the shell's.
type command struct {
	name, alias string
	options     string // as for getopt
	args        string // for the usage
	min, max    int    // how many arguments, without options; max -1: any number
	about       string
	do          func(s *Shell, self *coro.Self, a args) error
}

func (c *command) usage() string {
	text := c.name
	if c.args != "" {
		text += " " + c.args
	}
	return text
}

var commands []*command

// It is filled in here because help refers to it.
func init() {
	commands = []*command{
		rw("read", "r", "P:vq", "[-P pattern] [-qv] off len", "read; -P compares with a byte, -v prints", false, false, false),
		rw("readv", "", "P:vq", "[-P pattern] [-qv] off len [len...]", "read into several buffers", false, true, false),
		rw("write", "w", "P:fquz", "[-P pattern | -z [-u]] [-fq] off len", "write; -z zeroes (-u: as a hole), -f durably", true, false, false),
		rw("writev", "", "P:fq", "[-P pattern] [-fq] off len [len...]", "write from several buffers", true, true, false),
		rw("aio_read", "", "P:vq", "[-P pattern] [-qv] off len", "start a read, and go on", false, false, true),
		rw("aio_write", "", "P:fquz", "[-P pattern | -z [-u]] [-fq] off len", "start a write, and go on", true, false, true),
		{
			name: "aio_flush", about: "wait for all that aio_... started, and tell of it",
			do: func(s *Shell, self *coro.Self, _ args) error { return s.settle(self) },
		},
		{
			name: "flush", alias: "f", about: "have the disk confirm what was written",
			do: func(s *Shell, self *coro.Self, _ args) error { return s.Device.Flush(self) },
		},
		{name: "discard", alias: "d", options: "q", args: "[-q] off len", min: 2, max: 2, about: "tell that a range is not needed", do: discard},
		{
			name: "map", about: "print what is allocated",
			do: func(s *Shell, self *coro.Self, _ args) error {
				return Extents(self, s.Device, func(e Extent) error {
					return s.print("%-15s %s\n", fmt.Sprintf("%#x+%#x", e.Start, e.Length), e.Kind())
				})
			},
		},
		{name: "alloc", alias: "a", args: "off [len]", min: 1, max: 2, about: "count what of a range is allocated", do: alloc},
		{
			name: "length", alias: "l", about: "print the size",
			do: func(s *Shell, _ *coro.Self, _ args) error { return s.print("%s\n", size.Format(s.Device.Size())) },
		},
		{
			name: "truncate", alias: "t", args: "size", min: 1, max: 1, about: "change the size",
			do: func(s *Shell, self *coro.Self, a args) error {
				n, err := a.size(0)
				if err != nil {
					return err
				}
				return s.Device.Resize(self, n)
			},
		},
		{name: "stats", about: "count what was done so far", do: stats},
		{name: "sleep", args: "milliseconds", min: 1, max: 1, about: "let what is in flight go on for a while", do: sleep},
		{name: "help", alias: "?", args: "[command]", max: 1, about: "list the commands", do: help},
		{
			name: "quit", alias: "q", about: "end",
			do: func(*Shell, *coro.Self, args) error { return ErrQuit },
		},
	}
}

// rw makes a command that reads or writes.
func rw(name, alias, options, usage, about string, write, vector, background bool) *command {
	c := &command{name: name, alias: alias, options: options, args: usage, min: 2, max: 2, about: about}
	if vector {
		c.max = -1
	}
	c.do = func(s *Shell, self *coro.Self, a args) error {
		r, err := newRequest(s, name, write, vector, a)
		if err != nil {
			return err
		}
		if background {
			s.background(self, r)
			return nil
		}
		if err := r.do(self, s.Device); err != nil {
			return err
		}
		return r.tell(s)
	}
	return c
}

func discard(s *Shell, self *coro.Self, a args) error {
	off, err := a.size(0)
	if err != nil {
		return err
	}
	n, err := a.size(1)
	if err != nil {
		return err
	}
	begin := aio.LoopOf(self).Now()
	if err := s.Device.Discard(self, off, n); err != nil || a.has('q') {
		return err
	}
	return s.report("discard", off, n, 1, aio.LoopOf(self).Now().Sub(begin))
}

func alloc(s *Shell, self *coro.Self, a args) error {
	off, err := a.size(0)
	if err != nil {
		return err
	}
	n := int64(512) // a sector, as qemu-io has it
	if len(a.rest) > 1 {
		if n, err = a.size(1); err != nil {
			return err
		}
	}
	if off > s.Device.Size()-n {
		return fmt.Errorf("%d bytes at %d: the device has %d", n, off, s.Device.Size())
	}
	sum := int64(0)
	for pos := off; pos < off+n; {
		status, l, err := s.Device.BlockStatus(self, pos, off+n-pos)
		if err != nil {
			return err
		}
		if status&blockio.Data != 0 {
			sum += l
		}
		pos += l
	}
	return s.print("%d/%d bytes allocated at offset %s\n", sum, n, size.Format(off))
}

func stats(s *Shell, _ *coro.Self, _ args) error {
	st := s.Device.Stats()
	for op := blockio.OpRead; op <= blockio.OpResize; op++ {
		if o := st.Op(op); o.Requests > 0 {
			if err := s.print("%-12s  %d requests, %d failed, %d bytes\n", op, o.Requests, o.Errors, o.Bytes); err != nil {
				return err
			}
		}
	}
	return s.print("%-12s  %d\n", "in flight", st.InFlight)
}

func sleep(_ *Shell, self *coro.Self, a args) error {
	n, err := a.size(0)
	if err != nil || n > int64(time.Hour/time.Millisecond) {
		return fmt.Errorf("%s: want milliseconds, an hour at most", a.rest[0])
	}
	aio.Sleep(self, time.Duration(n)*time.Millisecond)
	return nil
}

func help(s *Shell, _ *coro.Self, a args) error {
	if len(a.rest) > 0 {
		c := find(a.rest[0])
		if c == nil {
			return fmt.Errorf("command %q not found", a.rest[0])
		}
		return s.print("%s -- %s\n", c.usage(), c.about)
	}
	for _, c := range commands {
		if err := s.print("%s\n    %s\n", c.usage(), c.about); err != nil {
			return err
		}
	}
	return s.print("Numbers are bytes, 0x... is hexadecimal, k, M, G and T are powers of 1024.\n")
}
