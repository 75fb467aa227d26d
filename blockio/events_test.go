package blockio_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/blockio/mem"
	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/aio"
	"github.com/gohandoff/coroutine/coro/trace"
)

// spanLog keeps the spans of blockio, as "+3 block-read disk: 1 bytes at 0".
type spanLog struct{ lines []string }

func (l *spanLog) Trace(e coro.Event) {
	p, name, id, rest := trace.SpanOf(e.Kind, e.Detail)
	if p == trace.NoSpan || !strings.HasPrefix(name, "block-") {
		return
	}
	mark := "+"
	if p == trace.End {
		mark = "-"
	}
	l.lines = append(l.lines, strings.TrimSpace(fmt.Sprintf("%s%d %s %s", mark, id, name, rest)))
}

// spansOf returns the spans that f leaves behind, on each handoff.
func spansOf(t *testing.T, want []string, f func(t *testing.T, self *coro.Self)) {
	t.Helper()
	for _, h := range []coro.Handoff{coro.Channel, coro.Direct} {
		t.Run(h.String(), func(t *testing.T) {
			t.Helper()
			log := &spanLog{}
			loop := aio.NewLoop(aio.WithClock(aio.NewVirtualClock(time.Unix(0, 0))),
				aio.WithThread(coro.WithHandoff(h), coro.WithTracer(log)))
			defer loop.Close()
			loop.Go(func(self *coro.Self) error { f(t, self); return nil })
			must(t, loop.Run(context.Background()))
			if diff := cmp.Diff(want, log.lines); diff != "" {
				t.Errorf("spans (-want +got):\n%s", diff)
			}
		})
	}
}

func TestEachRequestIsASpan(t *testing.T) {
	spansOf(t, []string{
		"+1 block-write disk: 3 bytes at 1", "-1 block-write ok",
		"+2 block-flush disk", "-2 block-flush ok",
		"+3 block-read disk: 2 bytes at 4095", "-3 block-read out of range: the size is 4096",
		"+4 block-discard disk: 512 bytes at 0", "-4 block-discard ok",
		"+5 block-zeroes disk: 512 bytes at 0", "-5 block-zeroes one; two",
		"+6 block-status disk: 4096 bytes at 0", "-6 block-status ok",
		"+7 block-resize disk: to 8192 bytes", "-7 block-resize ok",
		"+8 block-drain disk", "-8 block-drain ok",
		"+9 block-work disk", "-9 block-work ok",
		"+10 block-replace disk", "-10 block-replace the driver broke its contract: it is nil",
		"+11 block-close disk", "-11 block-close ok",
	}, func(t *testing.T, self *coro.Self) {
		s := newStub(4096, blockio.Limits{Alignment: 512, DiscardAlignment: 512})
		d := open(t, self, s, blockio.WithName("disk"))
		must(t, d.WriteAt(self, []byte("abc"), 1))
		must(t, d.Flush(self))
		if err := d.ReadAt(self, make([]byte, 2), 4095); err == nil {
			t.Error("a read past the end succeeded")
		}
		must(t, d.Discard(self, 0, 512))
		s.fail = func(blockio.Op, int64, int64) error { return errors.New("one\ntwo") }
		if err := d.WriteZeroes(self, 0, 512, 0); err == nil {
			t.Error("zeroes were written by a driver that fails")
		}
		s.fail = nil
		_, _, err := d.BlockStatus(self, 0, 4096)
		must(t, err)
		must(t, d.Resize(self, 8192))
		d.DrainedBegin(self)
		d.DrainedEnd(self)
		must(t, d.Do(self, func(*coro.Self) error { return nil }))
		if err := d.Replace(self, func(*coro.Self, blockio.Driver) (blockio.Driver, error) { return nil, nil }); err == nil {
			t.Error("a driver was replaced by nil")
		}
		must(t, d.Close(self))
	})
}

// TestWaitsOfARequestAreSpansWithinIt has a request wait for each thing that
// there is to wait for.
func TestWaitsOfARequestAreSpansWithinIt(t *testing.T) {
	for _, x := range []struct {
		name, why     string
		before, after func(d *blockio.Device, self *coro.Self) error
	}{
		{
			"drained", "for a drained section to end",
			func(d *blockio.Device, self *coro.Self) error {
				d.DrainedBegin(self)
				defer d.DrainedEnd(self)
				aio.Sleep(self, 10*ms)
				return nil
			},
			func(d *blockio.Device, self *coro.Self) error { return d.WriteAt(self, fill(512, 'a'), 0) },
		},
		{
			"overlap", "for a request that overlaps",
			func(d *blockio.Device, self *coro.Self) error { return d.WriteAt(self, fill(1, 'a'), 0) },
			func(d *blockio.Device, self *coro.Self) error { return d.WriteAt(self, fill(1, 'a'), 1) },
		},
		{
			"flush", "for another flush",
			func(d *blockio.Device, self *coro.Self) error { return d.Flush(self) },
			func(d *blockio.Device, self *coro.Self) error { return d.Flush(self) },
		},
		{
			"drain", "until nothing is in flight",
			func(d *blockio.Device, self *coro.Self) error { return d.WriteAt(self, fill(512, 'a'), 0) },
			func(d *blockio.Device, self *coro.Self) error {
				d.DrainedBegin(self)
				d.DrainedEnd(self)
				return nil
			},
		},
	} {
		t.Run(x.name, func(t *testing.T) {
			log := &spanLog{}
			loop := aio.NewLoop(aio.WithClock(aio.NewVirtualClock(time.Unix(0, 0))), aio.WithThread(coro.WithTracer(log)))
			defer loop.Close()
			loop.Go(func(self *coro.Self) error {
				s := newStub(4096, blockio.Limits{Alignment: 512})
				s.lag = 10 * ms
				d := open(t, self, s, blockio.WithName("disk"))
				wait(t, self,
					at(self, 0, func(self *coro.Self) error { return x.before(d, self) }),
					at(self, 5*ms, func(self *coro.Self) error { return x.after(d, self) }))
				return nil
			})
			must(t, loop.Run(context.Background()))
			all := strings.Join(log.lines, "\n")
			begin := strings.Index(all, "+2 block-wait disk: "+x.why)
			end := strings.LastIndex(all, "-2 block-wait")
			if request := strings.LastIndex(all, "-2 block-"); begin < 0 || end < begin || request < end {
				t.Errorf("request 2 has no wait %q that begins and ends in it:\n%s", x.why, all)
			}
		})
	}
}

// TestKilledRequestEndsItsSpans kills one in the driver and one that waits for it.
func TestKilledRequestEndsItsSpans(t *testing.T) {
	spansOf(t, []string{
		"+1 block-write disk: 1 bytes at 0",
		"+2 block-write disk: 1 bytes at 1", "+2 block-wait disk: for a request that overlaps",
		"-2 block-wait", "-2 block-write unwound",
		"-1 block-write unwound",
	}, func(t *testing.T, self *coro.Self) {
		s := newStub(4096, blockio.Limits{Alignment: 512})
		s.lag = 10 * ms
		d := open(t, self, s, blockio.WithName("disk"))
		first := at(self, 0, func(self *coro.Self) error { return d.WriteAt(self, fill(1, 'a'), 0) })
		second := at(self, 1*ms, func(self *coro.Self) error { return d.WriteAt(self, fill(1, 'a'), 1) })
		aio.Sleep(self, 5*ms)
		self.Kill(second.Coroutine())
		self.Kill(first.Coroutine())
		_, _ = first.Wait(self), second.Wait(self)
	})
}

// TestSpansOfOneLoopHaveNumbersOfTheirOwn has a request of one device do one of
// another of the same kind.
func TestSpansOfOneLoopHaveNumbersOfTheirOwn(t *testing.T) {
	spansOf(t, []string{
		"+1 block-read upper: 4 bytes at 0", "+2 block-read mem: 4 bytes at 0",
		"-2 block-read ok", "-1 block-read ok",
	}, func(t *testing.T, self *coro.Self) {
		below := open(t, self, mem.New(4096))
		d := open(t, self, veiled{below}, blockio.WithName("upper"))
		must(t, d.ReadAt(self, make([]byte, 4), 0))
	})
}
