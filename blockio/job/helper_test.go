package job_test

import (
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

const ms = time.Millisecond

// each runs f as a task of a loop with a virtual clock: on each handoff, in order
// of readiness and in a random order.
func each(t *testing.T, f func(t *testing.T, self *coro.Self)) {
	t.Helper()
	for _, h := range []coro.Handoff{coro.Channel, coro.Direct} {
		for seed := range uint64(3) {
			t.Run(fmt.Sprintf("%v/seed=%d", h, seed), func(t *testing.T) {
				blocktest.OnLoop(t, h, seed, false, func(self *coro.Self) error {
					f(t, self)
					return nil
				})
			})
		}
	}
}

// A disk is a driver in memory that is slow and fails as a test likes it.
type disk struct {
	blockio.Filter
	lag         time.Duration
	slow        blockio.Op // only these take the time; OpNone: all
	fail        func(op blockio.Op) error
	going, most int
}

func newDisk(size int64) *disk {
	return &disk{Filter: blockio.Filter{Driver: mem.New(size, mem.WithAlignment(512))}}
}

func (d *disk) String() string { return "disk" }

// pages returns how many pages hold data.
func (d *disk) pages() int { return d.Driver.(*mem.Driver).Pages() }

func (d *disk) do(self *coro.Self, op blockio.Op, work func() error) error {
	d.going++
	d.most = max(d.most, d.going)
	defer func() { d.going-- }()
	if d.lag > 0 && (d.slow == blockio.OpNone || d.slow == op) {
		aio.Sleep(self, d.lag)
	}
	if d.fail != nil {
		if err := d.fail(op); err != nil {
			return err
		}
	}
	return work()
}

func (d *disk) ReadAt(self *coro.Self, p []byte, off int64) error {
	return d.do(self, blockio.OpRead, func() error { return d.Filter.ReadAt(self, p, off) })
}

func (d *disk) WriteAt(self *coro.Self, p []byte, off int64, flags blockio.Flags) error {
	return d.do(self, blockio.OpWrite, func() error { return d.Filter.WriteAt(self, p, off, flags) })
}

func (d *disk) WriteZeroes(self *coro.Self, off, n int64, flags blockio.Flags) error {
	return d.do(self, blockio.OpZeroes, func() error { return d.Filter.WriteZeroes(self, off, n, flags) })
}

func (d *disk) Flush(self *coro.Self) error {
	return d.do(self, blockio.OpFlush, func() error { return d.Filter.Flush(self) })
}

// failOn fails calls of one kind.
func failOn(op blockio.Op, err error) func(blockio.Op) error {
	return func(o blockio.Op) error {
		if o == op {
			return err
		}
		return nil
	}
}

// A pair is a source full of 'a' and an empty target.
type pair struct {
	from, to *disk
	src, dst *blockio.Device
}

func newPair(t *testing.T, self *coro.Self, size int64) *pair {
	t.Helper()
	p := &pair{from: newDisk(size), to: newDisk(size)}
	p.src, p.dst = open(t, self, p.from, "src"), open(t, self, p.to, "dst")
	must(t, p.src.WriteAt(self, fill(int(size), 'a'), 0))
	return p
}

func open(t *testing.T, self *coro.Self, driver blockio.Driver, name string) *blockio.Device {
	t.Helper()
	d, err := blockio.Open(self, driver, blockio.WithName(name))
	must(t, err)
	return d
}

// must fails the test if err is not nil.
func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantEqual[T any](t *testing.T, what string, want, got T) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// at runs f as a task when d of the loop's time have passed.
func at(self *coro.Self, d time.Duration, f func(self *coro.Self) error) *aio.Task {
	return aio.Go(self, func(self *coro.Self) error {
		aio.Sleep(self, d)
		return f(self)
	})
}

// elapsed returns how much of the loop's time f takes.
func elapsed(self *coro.Self, f func()) time.Duration {
	begin := aio.LoopOf(self).Now()
	f()
	return aio.LoopOf(self).Now().Sub(begin)
}

// contents reads all of a device.
func contents(t *testing.T, self *coro.Self, d *blockio.Device) string {
	t.Helper()
	p := make([]byte, d.Size())
	must(t, d.ReadAt(self, p, 0))
	return runs(p)
}

// fill returns n bytes of c.
func fill(n int, c byte) []byte {
	p := make([]byte, n)
	for i := range p {
		p[i] = c
	}
	return p
}

// runs gives what p consists of, as "4xa 2x. 1xb", "." for 0.
func runs(p []byte) (s string) {
	for len(p) > 0 {
		n := 1
		for n < len(p) && p[n] == p[0] {
			n++
		}
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
