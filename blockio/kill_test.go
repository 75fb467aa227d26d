package blockio_test

import (
	"errors"
	"testing"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/aio"
)

// TestKilledRequestLeavesNothingBehind kills a coroutine in every state that a
// request can be in. On a device with one place for requests (that of the limit)
// or many, what comes after must go on as if it had not been there, and what
// waited for it must not wait for ever: that would be a deadlock, and fail.
func TestKilledRequestLeavesNothingBehind(t *testing.T) {
	write := func(n int, off int64) func(d *blockio.Device, self *coro.Self) error {
		return func(d *blockio.Device, self *coro.Self) error { return d.WriteAt(self, fill(n, 'x'), off) }
	}
	flush := func(d *blockio.Device, self *coro.Self) error { return d.Flush(self) }
	drain := func(d *blockio.Device, self *coro.Self) error {
		d.DrainedBegin(self)
		defer d.DrainedEnd(self)
		aio.Sleep(self, 10*ms)
		return nil
	}
	// The victim starts at 5 ms, each call of the driver takes 10 ms, the
	// kill is at the time given.
	for _, x := range []struct {
		name   string
		before func(d *blockio.Device, self *coro.Self) error // from 0 ms on
		victim func(d *blockio.Device, self *coro.Self) error
		kill   int
		max    int
	}{
		{"reading for a read-modify-write", nil, write(1, 1), 10, 9},
		{"writing for a read-modify-write", nil, write(1, 1), 20, 9},
		{"writing", nil, write(512, 0), 10, 9},
		{"waiting for one that overlaps", write(1, 0), write(1, 1), 10, 9},
		{"waiting for a place", write(1, 0), write(1, 1), 10, 1},
		{"held by a drained section", drain, write(1, 1), 7, 9},
		{"draining", write(1, 0), drain, 10, 9},
		{"in a drained section", nil, drain, 8, 9},
		{"flushing", nil, flush, 10, 9},
		{"waiting for another flush", flush, func(d *blockio.Device, self *coro.Self) error {
			return errors.Join(d.WriteAtFlags(self, fill(512, 'x'), 0, blockio.FUA), d.Flush(self))
		}, 16, 9},
		{"resizing", nil, func(d *blockio.Device, self *coro.Self) error { return d.Resize(self, 4096) }, 10, 9},
		{"waiting to resize", write(512, 4096), func(d *blockio.Device, self *coro.Self) error { return d.Resize(self, 4096) }, 8, 9},
		{"woken, at the same time", write(1, 0), write(1, 1), 20, 9},
		{"let in, at the same time", write(1, 0), write(1, 1), 20, 1},
	} {
		t.Run(x.name, func(t *testing.T) {
			each(t, func(t *testing.T, self *coro.Self) {
				s := newStub(8192, blockio.Limits{Alignment: 512})
				s.lag = 10 * ms
				d := open(t, self, s, blockio.WithMaxInFlight(x.max))
				var tasks []*aio.Task
				if x.before != nil {
					tasks = append(tasks, at(self, 0, func(self *coro.Self) error { return x.before(d, self) }))
				}
				victim := at(self, 5*ms, func(self *coro.Self) error { return x.victim(d, self) })
				after := func(self *coro.Self) error {
					return errors.Join(d.WriteAt(self, fill(1, 'b'), 2), d.Flush(self))
				}
				tasks = append(tasks, at(self, 6*ms, after),
					at(self, 0, func(self *coro.Self) error {
						for range x.kill {
							aio.Sleep(self, ms)
						}
						self.Kill(victim.Coroutine())
						return nil
					}))
				wait(t, self, tasks...)
				if err := victim.Wait(self); err == nil && x.kill != 20 {
					t.Error("the victim was done before it was killed")
				}
				d.DrainedBegin(self)
				wantEqual(t, "requests in flight", 0, d.Stats().InFlight)
				wantEqual(t, "calls of the driver", 0, s.going)
				d.DrainedEnd(self)
				wantEqual(t, "byte 2", byte('b'), contents(t, self, d)[2])
				must(t, d.Close(self))
			})
		})
	}
}

func TestPanicOfADriverLeavesNothingBehind(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		s := newStub(8192, blockio.Limits{Alignment: 512})
		d := open(t, self, s)
		s.fail = func(blockio.Op, int64, int64) error { panic("bug") }
		func() {
			defer func() { wantEqual(t, "panic", any("bug"), recover()) }()
			_ = d.WriteAt(self, fill(1, 'a'), 1)
		}()
		s.fail = nil
		must(t, d.WriteAt(self, fill(1, 'a'), 1))
		wantEqual(t, "requests in flight", 0, d.Stats().InFlight)
		wantEqual(t, "killed", 1, d.Stats().Op(blockio.OpWrite).Killed)
	})
}
