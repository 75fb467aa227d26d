package throttle_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/blockio/blocktest"
	"github.com/gohandoff/coroutine/blockio/null"
	"github.com/gohandoff/coroutine/blockio/throttle"
	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/aio"
)

const ms = time.Millisecond

// each runs f as a task of a loop with a virtual clock, on each handoff.
func each(t *testing.T, f func(t *testing.T, self *coro.Self)) {
	t.Helper()
	for _, h := range []coro.Handoff{coro.Channel, coro.Direct} {
		t.Run(h.String(), func(t *testing.T) {
			blocktest.OnLoop(t, h, 0, false, func(self *coro.Self) error {
				f(t, self)
				return nil
			})
		})
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func equal[T any](t *testing.T, what string, want, got T) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// parse reads limits that make sense.
func parse(t testing.TB, s string) throttle.Limits {
	t.Helper()
	l, err := throttle.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// open makes a device that does nothing, under a throttle.
func open(t *testing.T, self *coro.Self, g *throttle.Group, opts ...blockio.Option) *blockio.Device {
	t.Helper()
	d, err := blockio.Open(self, throttle.New(null.New(1<<40), g), opts...)
	must(t, err)
	return d
}

// A history notes who did what at which time.
type history struct {
	loop  *aio.Loop
	start time.Time
	lines []string
}

func newHistory(self *coro.Self) *history {
	loop := aio.LoopOf(self)
	return &history{loop: loop, start: loop.Now()}
}

func (h *history) note(what string) {
	h.lines = append(h.lines, h.loop.Now().Sub(h.start).String()+" "+what)
}

// do has requests in coroutines of their own, which come in this order.
func (h *history) do(t *testing.T, self *coro.Self, what string, f func(self *coro.Self) error) *aio.Task {
	t.Helper()
	return aio.Go(self, func(self *coro.Self) error {
		if err := f(self); err != nil {
			return err
		}
		h.note(what)
		return nil
	})
}

func wait(t *testing.T, self *coro.Self, tasks ...*aio.Task) {
	t.Helper()
	for _, task := range tasks {
		must(t, task.Wait(self))
	}
}

// reads and writes are requests of n bytes.
func reads(d *blockio.Device, n int) func(self *coro.Self) error {
	return func(self *coro.Self) error { return d.ReadAt(self, make([]byte, n), 0) }
}

func writes(d *blockio.Device, n int) func(self *coro.Self) error {
	return func(self *coro.Self) error { return d.WriteAt(self, make([]byte, n), 0) }
}
