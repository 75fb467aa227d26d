package ioshell

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/aio"
)

// defaultPattern is what is written if no pattern is given; qemu-io's.
const defaultPattern = 0xcd

// A request is a read or a write that was asked for.
type request struct {
	name   string
	write  bool
	off, n int64
	v      [][]byte // pieces; nil for zeroes, which need no buffer
	vector bool
	flags  blockio.Flags

	check, dump, quiet bool // of a read: verify the pattern, print; of both: do not report
	pattern            byte

	took time.Duration
	task *aio.Task // if it is in flight
}

// newRequest makes one of a command: off, len, and more lens if it is a vector.
func newRequest(s *Shell, name string, write, vector bool, a args) (*request, error) {
	r := &request{name: name, write: write, vector: vector, check: a.has('P'), dump: a.has('v'), quiet: a.has('q')}
	var err error
	if r.off, err = a.size(0); err != nil {
		return nil, err
	}
	if r.pattern, err = a.pattern('P', defaultPattern); err != nil {
		return nil, err
	}
	if a.has('f') {
		r.flags |= blockio.FUA
	}
	if a.has('u') {
		r.flags |= blockio.MayUnmap
	}
	zeroes := write && a.has('z')
	switch {
	case zeroes && a.has('P'):
		return nil, fmt.Errorf("-z and -P: want one of them")
	case a.has('u') && !zeroes:
		return nil, fmt.Errorf("-u goes with -z only")
	}
	for i := 1; i < len(a.rest); i++ {
		n, err := a.size(i)
		if err != nil {
			return nil, err
		}
		if r.n += n; !zeroes && (n > s.Limit || r.n > s.Limit) {
			return nil, fmt.Errorf("%d bytes: want at most %d in one request", r.n, s.Limit)
		}
		if !zeroes {
			p := make([]byte, n)
			if write {
				fill(p, r.pattern)
			}
			r.v = append(r.v, p)
		}
	}
	return r, nil
}

func fill(p []byte, b byte) {
	for i := range p {
		p[i] = b
	}
}

// do does it. It runs in a coroutine of its own if the command was aio_...
func (r *request) do(self *coro.Self, dev *blockio.Device) error {
	begin := aio.LoopOf(self).Now()
	defer func() { r.took = aio.LoopOf(self).Now().Sub(begin) }()
	switch {
	case r.write && r.v == nil:
		return dev.WriteZeroes(self, r.off, r.n, r.flags)
	case r.write && r.vector:
		return dev.WriteVAt(self, r.v, r.off, r.flags)
	case r.write:
		return dev.WriteAtFlags(self, r.v[0], r.off, r.flags)
	case r.vector:
		return dev.ReadVAt(self, r.v, r.off)
	default:
		return dev.ReadAt(self, r.v[0], r.off)
	}
}

// tell says what came of it.
func (r *request) tell(s *Shell) error {
	verb := "wrote"
	if !r.write {
		verb = "read"
		data := bytes.Join(r.v, nil)
		if r.check {
			if i := differs(data, r.pattern); i >= 0 {
				err := s.fail("Pattern verification failed at offset %d, %d bytes: byte %d is %#02x, want %#02x",
					r.off, r.n, r.off+int64(i), data[i], r.pattern)
				if err != nil {
					return err
				}
			}
		}
		if r.dump {
			if err := dump(s, data, r.off); err != nil {
				return err
			}
		}
	}
	if r.quiet {
		return nil
	}
	return s.report(verb, r.off, r.n, 1, r.took)
}

// differs returns the place of the first byte of p that is not b, -1 if all are.
func differs(p []byte, b byte) int {
	for i, c := range p {
		if c != b {
			return i
		}
	}
	return -1
}

// dump prints p, which lies at off, sixteen bytes a line.
func dump(s *Shell, p []byte, off int64) error {
	for len(p) > 0 {
		line := p[:min(16, len(p))]
		text := bytes.Map(func(c rune) rune {
			if c < ' ' || c > '~' {
				return '.'
			}
			return c
		}, latin1(line))
		octets := ""
		for _, c := range line {
			octets += " " + hex.EncodeToString([]byte{c})
		}
		if err := s.print("%08x: %s  %s\n", off, octets, text); err != nil {
			return err
		}
		p, off = p[len(line):], off+int64(len(line))
	}
	return nil
}

// latin1 makes each byte a character.
func latin1(p []byte) []byte {
	var b []rune
	for _, c := range p {
		b = append(b, rune(c))
	}
	return []byte(string(b))
}
