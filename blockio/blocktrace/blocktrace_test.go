package blocktrace_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/blockio/blocktest"
	"github.com/gohandoff/coroutine/blockio/blocktrace"
	"github.com/gohandoff/coroutine/blockio/mem"
	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/aio"
	"github.com/gohandoff/coroutine/coro/trace"
)

func TestConformance(t *testing.T) {
	blocktest.Run(t, func(t *testing.T, _ *coro.Self, size int64) blockio.Driver {
		// Each call that begins ends, and the count is right.
		going := map[uint64]bool{}
		return blocktrace.New(mem.New(size, mem.WithAlignment(512)), func(e blocktrace.Event) {
			if going[e.Number] != e.Done {
				t.Errorf("%v: it was going on: %t", e, going[e.Number])
			}
			if going[e.Number] = !e.Done; e.Done {
				delete(going, e.Number)
			}
			if e.InFlight != len(going) {
				t.Errorf("%v: want %d in flight", e, len(going))
			}
		})
	})
}

// A slow driver takes a millisecond for each call, and fails as fail says.
type slow struct {
	blockio.Filter
	fail error
}

func (s *slow) ReadAt(self *coro.Self, p []byte, off int64) error {
	aio.Sleep(self, time.Millisecond)
	if s.fail != nil {
		return s.fail
	}
	return s.Filter.ReadAt(self, p, off)
}

func (s *slow) WriteAt(self *coro.Self, p []byte, off int64, flags blockio.Flags) error {
	aio.Sleep(self, time.Millisecond)
	return s.Filter.WriteAt(self, p, off, flags)
}

// spanLog keeps the spans of drivers.
type spanLog struct{ lines []string }

func (l *spanLog) Trace(e coro.Event) {
	p, name, _, rest := trace.SpanOf(e.Kind, e.Detail)
	if p == trace.NoSpan || !strings.HasPrefix(name, "driver-") {
		return
	}
	mark := "+"
	if p == trace.End {
		mark = "-"
	}
	l.lines = append(l.lines, mark+name+" "+rest)
}

// traced runs f on each handoff, and compares what was printed and the spans.
func traced(t *testing.T, want, wantSpans []string, f func(t *testing.T, self *coro.Self, d *blockio.Device, s *slow)) {
	t.Helper()
	for _, h := range []coro.Handoff{coro.Channel, coro.Direct} {
		t.Run(h.String(), func(t *testing.T) {
			t.Helper()
			log := &spanLog{}
			var out strings.Builder
			loop := aio.NewLoop(aio.WithClock(aio.NewVirtualClock(time.Unix(0, 0))),
				aio.WithThread(coro.WithHandoff(h), coro.WithTracer(log)))
			defer loop.Close()
			loop.Go(func(self *coro.Self) error {
				s := &slow{Filter: blockio.Filter{Driver: mem.New(8192, mem.WithAlignment(512))}}
				d, err := blockio.Open(self, blocktrace.New(s, blocktrace.NewPrinter(&out).Print))
				if err == nil {
					f(t, self, d, s)
				}
				return err
			})
			if err := loop.Run(context.Background()); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, strings.Split(strings.TrimSpace(out.String()), "\n")); diff != "" {
				t.Errorf("printed (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(wantSpans, log.lines); diff != "" {
				t.Errorf("spans (-want +got):\n%s", diff)
			}
		})
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestEachCallOfTheDriverIsTold shows the two reads and the write that become of
// an unaligned write, and what comes beside it.
func TestEachCallOfTheDriverIsTold(t *testing.T) {
	traced(t, []string{
		"0.000000 #1 read 512 bytes at 0 (1 in flight)",
		"0.000000 #2 read 512 bytes at 4096 (2 in flight)",
		"0.001000 #1 read 512 bytes at 0: ok after 1ms (1 in flight)",
		"0.001000 #3 read 512 bytes at 512 (2 in flight)",
		"0.001000 #2 read 512 bytes at 4096: ok after 1ms (1 in flight)",
		"0.002000 #3 read 512 bytes at 512: ok after 1ms (0 in flight)",
		"0.002000 #4 write 1024 bytes at 0, fua (1 in flight)",
		"0.003000 #4 write 1024 bytes at 0, fua: ok after 1ms (0 in flight)",
		"0.003000 #5 flush (1 in flight)",
		"0.003000 #5 flush: ok after 0s (0 in flight)",
		"0.003000 #6 resize to 4096 bytes (1 in flight)",
		"0.003000 #6 resize to 4096 bytes: ok after 0s (0 in flight)",
		"0.003000 #7 flush (1 in flight)",
		"0.003000 #7 flush: ok after 0s (0 in flight)",
		"0.003000 #8 close (1 in flight)",
		"0.003000 #8 close: ok after 0s (0 in flight)",
	}, []string{
		"+driver-read mem: 512 bytes at 0", "+driver-read mem: 512 bytes at 4096", "-driver-read ok",
		"+driver-read mem: 512 bytes at 512", "-driver-read ok", "-driver-read ok",
		"+driver-write mem: 1024 bytes at 0, fua", "-driver-write ok",
		"+driver-flush mem", "-driver-flush ok",
		"+driver-resize mem: to 4096 bytes", "-driver-resize ok",
		"+driver-flush mem", "-driver-flush ok", // of what the resize changed
		"+driver-close mem", "-driver-close ok",
	}, func(t *testing.T, self *coro.Self, d *blockio.Device, _ *slow) {
		write := aio.Go(self, func(self *coro.Self) error {
			return d.WriteAtFlags(self, make([]byte, 600), 100, blockio.FUA)
		})
		read := aio.Go(self, func(self *coro.Self) error { return d.ReadAt(self, make([]byte, 512), 4096) })
		must(t, errors.Join(write.Wait(self), read.Wait(self)))
		must(t, d.Flush(self))
		must(t, d.Resize(self, 4096))
		must(t, d.Close(self))
	})
}

// TestCallsThatFailOrAreKilledEnd fails one and kills another.
func TestCallsThatFailOrAreKilledEnd(t *testing.T) {
	traced(t, []string{
		"0.000000 #1 read 512 bytes at 0 (1 in flight)",
		"0.001000 #1 read 512 bytes at 0: one; two after 1ms (0 in flight)",
		"0.001000 #2 write 512 bytes at 0 (1 in flight)",
		"0.001500 #2 write 512 bytes at 0: unwound after 500µs (0 in flight)",
	}, []string{
		"+driver-read mem: 512 bytes at 0", "-driver-read one; two",
		"+driver-write mem: 512 bytes at 0", "-driver-write unwound",
	}, func(t *testing.T, self *coro.Self, d *blockio.Device, s *slow) {
		s.fail = errors.New("one\ntwo")
		if err := d.ReadAt(self, make([]byte, 512), 0); !errors.Is(err, s.fail) {
			t.Errorf("got %v, want %v", err, s.fail)
		}
		write := aio.Go(self, func(self *coro.Self) error { return d.WriteAt(self, make([]byte, 512), 0) })
		aio.Sleep(self, 500*time.Microsecond)
		self.Kill(write.Coroutine())
		_ = write.Wait(self)
	})
}

func TestTraceAllocatesNothing(t *testing.T) {
	blocktest.OnLoop(t, coro.Direct, 0, false, func(self *coro.Self) error {
		n := 0
		d, err := blockio.Open(self, blocktrace.New(mem.New(4096), func(blocktrace.Event) { n++ }))
		if err != nil {
			return err
		}
		p := make([]byte, 512)
		if a := testing.AllocsPerRun(100, func() { _ = d.ReadAt(self, p, 0) }); a != 0 || n != 202 {
			t.Errorf("got %v allocations and %d events, want 0 and 202", a, n)
		}
		return d.Close(self)
	})
}

// A full writer takes one line.
type full struct{ lines int }

func (f *full) Write(p []byte) (int, error) {
	if f.lines++; f.lines > 1 {
		return 0, errors.New("no space left")
	}
	return len(p), nil
}

func TestPrinterStopsAtTheFirstError(t *testing.T) {
	w := &full{}
	p := blocktrace.NewPrinter(w)
	for range 3 {
		p.Print(blocktrace.Event{Op: blockio.OpFlush})
	}
	if got := fmt.Sprint(p.Err(), w.lines); got != "blocktrace: no space left 2" {
		t.Errorf("got %s", got)
	}
}

func TestNewRefusesNil(t *testing.T) {
	for want, f := range map[string]func(){
		"blocktrace: New with a nil Driver":        func() { blocktrace.New(nil, nil) },
		"blocktrace: NewPrinter with a nil Writer": func() { blocktrace.NewPrinter(nil) },
	} {
		func() {
			defer func() {
				if v := recover(); v != want {
					t.Errorf("panicked with %v, want %s", v, want)
				}
			}()
			f()
		}()
	}
}
