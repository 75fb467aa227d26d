package fault_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/blockio/blocktest"
	"github.com/gohandoff/coroutine/blockio/fault"
	"github.com/gohandoff/coroutine/blockio/mem"
	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/aio"
)

// each runs f with a device of 64 KiB under rules, on both handoffs.
func each(t *testing.T, rules []string, f func(t *testing.T, self *coro.Self, d *blockio.Device, faults *fault.Driver)) {
	t.Helper()
	for _, h := range []coro.Handoff{coro.Channel, coro.Direct} {
		t.Run(h.String(), func(t *testing.T) {
			blocktest.OnLoop(t, h, 0, false, func(self *coro.Self) error {
				faults := onMem(t, blockio.Limits{FUA: true}, 64<<10, rules...)
				d, err := blockio.Open(self, faults)
				if err != nil {
					return err
				}
				f(t, self, d, faults)
				faults.Clear(self)
				return d.Close(self)
			})
		})
	}
}

func onMem(t *testing.T, l blockio.Limits, size int64, rules ...string) *fault.Driver {
	t.Helper()
	d, err := fault.New(mem.New(size, mem.WithLimits(l)))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range rules {
		if err := d.Add(fault.MustParse(s)); err != nil {
			t.Fatal(err)
		}
	}
	return d
}

// With faults on, no request is lost, hangs, or succeeds without being done.
func TestConformanceUnderFaults(t *testing.T) {
	rules := []string{
		"read:p=0.02:errno=EIO", "read:p=0.02:short=1k:errno=EIO", "write:p=0.03:errno=ENOSPC", "write:every=7:torn=1s:errno=EIO",
		"zeroes:p=0.1:torn=4k:errno=EIO", "discard:every=5:errno=EIO", "flush:p=0.2:errno=EIO", "status:every=4:errno=EIO",
		"resize:every=2:errno=ENOSPC", "any:p=0.1:delay=3ms",
	}
	injected := func(err error) bool { return errors.Is(err, fault.ErrInjected) }
	for _, l := range []blockio.Limits{{}, {FUA: true, Alignment: 512, MaxTransfer: 8192, MaxPieces: 3}} {
		t.Run(fmt.Sprintf("alignment=%d", l.Alignment), func(t *testing.T) {
			var all []*fault.Driver
			blocktest.Run(t, func(t *testing.T, _ *coro.Self, size int64) blockio.Driver {
				d := onMem(t, l, size, rules...)
				all = append(all, d)
				return d
			}, blocktest.WithErrors(injected), blocktest.WithSeeds(2), blocktest.WithSizes(64<<10+777))
			for i, rule := range rules {
				n := 0
				for _, d := range all {
					n += d.Fired(i)
				}
				if n == 0 {
					t.Errorf("%s has never fired", rule)
				}
			}
		})
	}
}

func TestRulesChooseRequests(t *testing.T) {
	for _, x := range []struct {
		rule string
		want []bool // of writes of 512 bytes one after the other, which fail
	}{
		{"write:errno=EIO", []bool{true, true, true, true, true, true}},
		{"write:n=3:errno=EIO", []bool{false, false, true, false, false, false}},
		{"write:every=2:errno=EIO", []bool{false, true, false, true, false, true}},
		{"write:from=5:errno=EIO", []bool{false, false, false, false, true, true}},
		{"write:once:errno=EIO", []bool{true, false, false, false, false, false}},
		{"write:every=2:times=2:errno=EIO", []bool{false, true, false, true, false, false}},
		{"write:offset=1k-2k:errno=EIO", []bool{false, false, true, true, false, false}},
		{"write:offset=2049:n=1:errno=EIO", []bool{false, false, false, false, true, false}},
		{"read:errno=EIO", make([]bool, 6)},
		{"any:n=6:errno=EIO", []bool{false, false, false, false, false, true}},
	} {
		t.Run(x.rule, func(t *testing.T) {
			each(t, []string{x.rule}, func(t *testing.T, self *coro.Self, d *blockio.Device, faults *fault.Driver) {
				var got []bool
				fired := 0
				for i := range int64(len(x.want)) {
					err := d.WriteAt(self, make([]byte, 512), i*512)
					if err != nil && (!errors.Is(err, syscall.EIO) || !errors.Is(err, fault.ErrInjected)) {
						t.Errorf("got error %v, want %v and %v", err, syscall.EIO, fault.ErrInjected)
					}
					if got = append(got, err != nil); err != nil {
						fired++
					}
				}
				if diff := cmp.Diff(x.want, got); diff != "" {
					t.Errorf("who failed (-want +got):\n%s", diff)
				}
				if faults.Fired(0) != fired || len(faults.Events()) != fired {
					t.Errorf("fired %d times, with the events %v, want %d", faults.Fired(0), faults.Events(), fired)
				}
			})
		})
	}
}

func TestChanceFollowsFromTheSeed(t *testing.T) {
	run := func(seed string) (failed int, order string) {
		blocktest.OnLoop(t, coro.Direct, 0, false, func(self *coro.Self) error {
			d := onMem(t, blockio.Limits{}, 4096, "read:p=0.25:errno=EIO:seed="+seed)
			for range 1000 {
				if d.ReadAt(self, make([]byte, 1), 0) != nil {
					failed++
				}
			}
			order = fmt.Sprint(d.Events())
			return nil
		})
		return failed, order
	}
	n, one := run("1")
	if _, again := run("1"); again != one {
		t.Error("the same seed, and not the same reads fail")
	}
	if _, other := run("2"); other == one {
		t.Error("another seed, and the same reads fail")
	}
	if n < 150 || n > 350 {
		t.Errorf("%d of 1000 failed, want about 250", n)
	}
}

func TestEveryOperationCanFail(t *testing.T) {
	each(t, []string{
		"read:errno=EIO", "write:errno=EIO", "flush:errno=EIO", "discard:errno=EIO", "zeroes:errno=EIO", "status:errno=EIO",
		"resize:errno=EIO",
	}, func(t *testing.T, self *coro.Self, d *blockio.Device, faults *fault.Driver) {
		p := make([]byte, 8192)
		_, _, status := d.BlockStatus(self, 0, 100)
		for i, err := range []error{
			d.ReadAt(self, p, 0), d.WriteAt(self, p, 0), d.Flush(self), d.Discard(self, 0, 8192), d.WriteZeroes(self, 0, 8192, 0),
			status, d.Resize(self, 100),
		} {
			var e *fault.Error
			if !errors.As(err, &e) || !errors.Is(err, syscall.EIO) || faults.Fired(i) != 1 {
				t.Errorf("%v: got error %v, fired %d times", e, err, faults.Fired(i))
			}
		}
		if d.Size() != 64<<10 {
			t.Errorf("the size is %d after a failed resize", d.Size())
		}
	})
}

func TestTornWriteStoresAPart(t *testing.T) {
	each(t, []string{"write:n=1:torn=2s:errno=EIO", "read:n=1:short=1s:errno=EIO", "write:n=2:torn=1M:errno=EIO"},
		func(t *testing.T, self *coro.Self, d *blockio.Device, _ *fault.Driver) {
			a := bytes.Repeat([]byte("a"), 4096)
			if err := d.WriteVAt(self, [][]byte{a[:700], a[700:]}, 0, 0); !errors.Is(err, syscall.EIO) {
				t.Errorf("got error %v, want %v", err, syscall.EIO)
			}
			p := make([]byte, 4096)
			if err := d.ReadAt(self, p, 0); !errors.Is(err, syscall.EIO) || !bytes.Equal(p, append(bytes.Repeat([]byte("a"), 512), make([]byte, 3584)...)) {
				t.Errorf("the short read gives %q…, and error %v", p[:10], err)
			}
			if err := d.ReadAt(self, p, 0); err != nil || !bytes.Equal(p, append(bytes.Repeat([]byte("a"), 1024), make([]byte, 3072)...)) {
				t.Errorf("after the torn write: got %q…, and error %v", p[:10], err)
			}
			if err := d.WriteAt(self, a, 4096); !errors.Is(err, syscall.EIO) {
				t.Errorf("got error %v, want %v", err, syscall.EIO)
			}
			if err := d.ReadAt(self, p, 4096); err != nil || !bytes.Equal(p, a) {
				t.Errorf("a write torn behind its end is not whole: error %v", err)
			}
		})
}

func TestDelayIsByTheLoopsClock(t *testing.T) {
	each(t, []string{"flush:delay=1h"}, func(t *testing.T, self *coro.Self, d *blockio.Device, _ *fault.Driver) {
		begin := aio.LoopOf(self).Now()
		if err := d.Flush(self); err != nil {
			t.Error(err)
		}
		if took := aio.LoopOf(self).Now().Sub(begin); took != time.Hour {
			t.Errorf("the flush took %v, want 1h", took)
		}
	})
}

func TestBreakpointHoldsUntilItIsReleased(t *testing.T) {
	each(t, []string{"write:break=b"}, func(t *testing.T, self *coro.Self, d *blockio.Device, faults *fault.Driver) {
		write := func(self *coro.Self) error { return d.WriteAt(self, []byte("x"), 0) }
		first, second := aio.Go(self, write), aio.Go(self, write)
		for faults.Held("b") < 2 {
			aio.Yield(self)
		}
		if err := faults.Wait(self, "b"); err != nil {
			t.Error(err)
		}
		p := make([]byte, 1)
		if err := d.ReadAt(self, p, 0); err != nil || p[0] != 0 {
			t.Errorf("while it is held: read %q, error %v", p, err)
		}
		second.Cancel(nil) // leaves the breakpoint
		for faults.Held("b") > 1 {
			aio.Yield(self)
		}
		if err := second.Wait(self); !errors.Is(err, context.Canceled) {
			t.Errorf("got error %v, want %v", err, context.Canceled)
		}
		if n := faults.Release(self, "b"); n != 1 {
			t.Errorf("released %d, want 1", n)
		}
		if err := first.Wait(self); err != nil {
			t.Error(err)
		}
		third := aio.Go(self, write) // held again
		if err := faults.Wait(self, "b"); err != nil {
			t.Error(err)
		}
		faults.Remove(self, "b")
		if err := errors.Join(third.Wait(self), write(self)); err != nil {
			t.Error(err)
		}
		if err := faults.Wait(self, "b"); !errors.Is(err, fault.ErrNoBreakpoint) {
			t.Errorf("got error %v, want %v", err, fault.ErrNoBreakpoint)
		}
		if n := faults.Release(self, "b"); n != 0 || d.Stats().InFlight != 0 {
			t.Errorf("released %d, want 0; %d are in flight", n, d.Stats().InFlight)
		}
	})
}

func TestWaitEndsWhenTheBreakpointIsRemoved(t *testing.T) {
	each(t, []string{"write:break=b"}, func(t *testing.T, self *coro.Self, _ *blockio.Device, faults *fault.Driver) {
		watcher := aio.Go(self, func(self *coro.Self) error { return faults.Wait(self, "b") })
		aio.Yield(self)
		faults.Clear(self)
		if err := watcher.Wait(self); !errors.Is(err, fault.ErrNoBreakpoint) {
			t.Errorf("got error %v, want %v", err, fault.ErrNoBreakpoint)
		}
	})
}

func TestEventsTellTheLast(t *testing.T) {
	each(t, []string{"read:delay=1ns", "any:n=1500:errno=EIO"}, func(t *testing.T, self *coro.Self, d *blockio.Device, faults *fault.Driver) {
		var err error
		for i := range int64(1500) {
			err = d.ReadAt(self, make([]byte, 1), i)
		}
		want := "blockio: read of 1 bytes at 1499 on fault read:delay=1ns any:n=1500:errno=EIO: " + syscall.EIO.Error() + " (any:n=1500:errno=EIO)"
		if err == nil || err.Error() != want {
			t.Errorf("got error\n%v, want\n%s", err, want)
		}
		events := faults.Events()
		if last := events[len(events)-1].String(); len(events) != 1024 || last != "rule 1: read of 1 bytes at 1499, match 1500" {
			t.Errorf("got %d events, the last is %q", len(events), last)
		}
	})
}

func TestBreakpointIsNamedInADeadlock(t *testing.T) {
	loop := aio.NewLoop(aio.WithIsolated())
	defer loop.Close()
	faults := onMem(t, blockio.Limits{}, 4096, "write:break=here", "read:break=there")
	loop.Go(func(self *coro.Self) error { return faults.WriteAt(self, []byte("x"), 0, 0) })
	loop.Go(func(self *coro.Self) error { return faults.Wait(self, "there") })
	err := loop.Run(context.Background())
	for _, want := range []string{`waits for queue "breakpoint here"`, `waits for queue "a request at breakpoint there"`} {
		if !errors.Is(err, aio.ErrDeadlock) || !strings.Contains(err.Error(), want) {
			t.Errorf("got error %v, want %s in it", err, want)
		}
	}
}

func TestNewWithNothingBelow(t *testing.T) {
	defer func() {
		if v := recover(); v != "fault: New with a nil Driver" {
			t.Errorf("panicked with %v, want words", v)
		}
	}()
	fault.New(nil) //nolint:errcheck // it panics
}
