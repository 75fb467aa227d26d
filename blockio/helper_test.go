package blockio_test

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/blockio/blocktest"
	"github.com/gohandoff/coroutine/blockio/mem"
	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/aio"
)

// each runs f as a task of a loop with a virtual clock: on each handoff, in
// order of readiness and in some random orders.
func each(t *testing.T, f func(t *testing.T, self *coro.Self)) {
	t.Helper()
	for _, h := range []coro.Handoff{coro.Channel, coro.Direct} {
		for seed := range uint64(4) {
			t.Run(fmt.Sprintf("%v/seed=%d", h, seed), func(t *testing.T) {
				blocktest.OnLoop(t, h, seed, false, func(self *coro.Self) error {
					f(t, self)
					return nil
				})
			})
		}
	}
}

// A stub is a driver in memory that tells what it is asked, is slow, and fails,
// as a test likes it.
type stub struct {
	*mem.Driver
	calls []string
	lag   time.Duration
	fail  func(op blockio.Op, off, n int64) error
	// after is called when a call has done its work.
	after func(self *coro.Self, op blockio.Op)
	going int // calls under way
}

func newStub(size int64, l blockio.Limits) *stub {
	return &stub{Driver: mem.New(size, mem.WithLimits(l))}
}

// do is one call: it is noted, takes its time, and fails or is done at its end.
func (s *stub) do(self *coro.Self, op blockio.Op, off, n int64, work func() error) error {
	s.calls = append(s.calls, fmt.Sprintf("%v %d+%d", op, off, n))
	s.going++
	defer func() { s.going-- }()
	if s.lag > 0 {
		aio.Sleep(self, s.lag)
	}
	if s.fail != nil {
		if err := s.fail(op, off, n); err != nil {
			return err
		}
	}
	err := work()
	if s.after != nil {
		s.after(self, op)
	}
	return err
}

func (s *stub) ReadAt(self *coro.Self, p []byte, off int64) error {
	return s.do(self, blockio.OpRead, off, int64(len(p)), func() error { return s.Driver.ReadAt(self, p, off) })
}

func (s *stub) WriteAt(self *coro.Self, p []byte, off int64, flags blockio.Flags) error {
	return s.do(self, blockio.OpWrite, off, int64(len(p)), func() error { return s.Driver.WriteAt(self, p, off, flags) })
}

func (s *stub) Flush(self *coro.Self) error {
	return s.do(self, blockio.OpFlush, 0, 0, func() error { return nil })
}

func (s *stub) Discard(self *coro.Self, off, n int64) error {
	return s.do(self, blockio.OpDiscard, off, n, func() error { return s.Driver.Discard(self, off, n) })
}

func (s *stub) WriteZeroes(self *coro.Self, off, n int64, flags blockio.Flags) error {
	return s.do(self, blockio.OpZeroes, off, n, func() error { return s.Driver.WriteZeroes(self, off, n, flags) })
}

func (s *stub) BlockStatus(self *coro.Self, off, n int64) (st blockio.Status, k int64, err error) {
	err = s.do(self, blockio.OpStatus, off, n, func() error {
		st, k, err = s.Driver.BlockStatus(self, off, n)
		return err
	})
	return st, k, err
}

func (s *stub) Writeback(self *coro.Self, off, n int64) error {
	return s.do(self, blockio.OpWriteback, off, n, func() error { return nil })
}

func (s *stub) Resize(self *coro.Self, n int64) error {
	return s.do(self, blockio.OpResize, 0, n, func() error { return s.Driver.Resize(self, n) })
}

func (s *stub) Close(self *coro.Self) error {
	return s.do(self, blockio.OpClose, 0, 0, func() error { return nil })
}

// wantCalls compares what the driver was asked since the last time.
func (s *stub) wantCalls(t *testing.T, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, s.calls); diff != "" {
		t.Errorf("calls of the driver (-want +got):\n%s", diff)
	}
	s.calls = nil
}

// basic hides what a driver can do besides.
type basic struct{ blockio.Driver }

// open opens a driver, which must work. The test need not close it.
func open(t *testing.T, self *coro.Self, driver blockio.Driver, opts ...blockio.Option) *blockio.Device {
	t.Helper()
	d, err := blockio.Open(self, driver, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// must fails the test if err is not nil.
func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// at runs f as a task when d of the loop's time have passed.
func at(self *coro.Self, d time.Duration, f func(self *coro.Self) error) *aio.Task {
	return aio.Go(self, func(self *coro.Self) error {
		if d > 0 {
			aio.Sleep(self, d)
		}
		return f(self)
	})
}

// wait waits for tasks, which must succeed.
func wait(t *testing.T, self *coro.Self, tasks ...*aio.Task) {
	t.Helper()
	for _, task := range tasks {
		must(t, task.Wait(self))
	}
}

// contents reads all of a device.
func contents(t *testing.T, self *coro.Self, d *blockio.Device) []byte {
	t.Helper()
	p := make([]byte, d.Size())
	must(t, d.ReadAt(self, p, 0))
	return p
}

// fill returns n bytes of c.
func fill(n int, c byte) []byte {
	return bytes.Repeat([]byte{c}, n)
}

// runs gives what p consists of, as "4xa 2x. 1xb", "." for 0.
func runs(p []byte) (s string) {
	for len(p) > 0 {
		n := len(p) - len(bytes.TrimLeft(p, string(p[:1])))
		c := string(rune(p[0]))
		if p[0] == 0 {
			c = "."
		}
		if s != "" {
			s += " "
		}
		s += fmt.Sprintf("%dx%s", n, c)
		p = p[n:]
	}
	return s
}

func wantEqual[T any](t *testing.T, what string, want, got T) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

const ms = time.Millisecond

// elapsed returns how much of the loop's time f takes.
func elapsed(self *coro.Self, f func()) time.Duration {
	loop := aio.LoopOf(self)
	t := loop.Now()
	f()
	return loop.Now().Sub(t)
}

// blockChecked puts what looks for illegal calls on a driver.
func blockChecked(t *testing.T, driver blockio.Driver) blockio.Driver {
	return blocktest.Check(t, driver, 0)
}
