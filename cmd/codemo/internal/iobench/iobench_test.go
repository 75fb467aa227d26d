package iobench_test

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/blockio/blocktest"
	"github.com/gohandoff/coroutine/blockio/null"
	"github.com/gohandoff/coroutine/cmd/codemo/internal/iobench"
	"github.com/gohandoff/coroutine/coro"
)

// A noted driver takes a millisecond for each request, and notes them.
type noted struct {
	blockio.Filter
	calls    []call
	fail     int // at which call
	inFlight int
	crowded  int // flushes while something was in flight
}

type call struct {
	Op  blockio.Op
	Off int64
}

func (n *noted) note(op blockio.Op, off int64) error {
	n.calls = append(n.calls, call{op, off})
	if len(n.calls) == n.fail {
		return errors.New("worn out")
	}
	return nil
}

func (n *noted) ReadAt(self *coro.Self, p []byte, off int64) error {
	n.inFlight++
	defer func() { n.inFlight-- }()
	return errors.Join(n.note(blockio.OpRead, off), n.Filter.ReadAt(self, p, off))
}

func (n *noted) WriteAt(self *coro.Self, p []byte, off int64, flags blockio.Flags) error {
	n.inFlight++
	defer func() { n.inFlight-- }()
	return errors.Join(n.note(blockio.OpWrite, off), n.Filter.WriteAt(self, p, off, flags))
}

func (n *noted) Flush(self *coro.Self) error {
	if n.inFlight > 0 {
		n.crowded++
	}
	return errors.Join(n.note(blockio.OpFlush, 0), n.Filter.Flush(self))
}

// measure runs o on a device of 64 KiB on both handoffs, on a virtual clock.
func measure(t *testing.T, fail int, o iobench.Options, look func(t *testing.T, n *noted, r iobench.Result, err error)) {
	t.Helper()
	for _, h := range []coro.Handoff{coro.Channel, coro.Direct} {
		t.Run(h.String(), func(t *testing.T) {
			blocktest.OnLoop(t, h, 0, false, func(self *coro.Self) error {
				n := &noted{Filter: blockio.Filter{Driver: null.New(64<<10, null.WithLatency(time.Millisecond))}, fail: fail}
				d, err := blockio.Open(self, n)
				if err != nil {
					return err
				}
				r, err := iobench.Run(self, d, o)
				look(t, n, r, err)
				return d.Close(self)
			})
		})
	}
}

func TestSoManyAreInFlightAndSoLongItGoesOn(t *testing.T) {
	o := iobench.Options{Depth: 8, BlockSize: 4096, Step: 4096, Reads: 100, Time: 100 * time.Millisecond}
	measure(t, 0, o, func(t *testing.T, _ *noted, r iobench.Result, err error) {
		// 8 at a time, each a millisecond, for 100 of them.
		if err != nil || r.Requests() < 800 || r.Requests() > 808 || r.Elapsed < o.Time || r.Elapsed > o.Time+time.Millisecond {
			t.Errorf("%d requests in %v, %v; want 800 or few more in 100ms", r.Requests(), r.Elapsed, err)
		}
		if mean := r.Stats.Op(blockio.OpRead).Latency.Mean(); mean != time.Millisecond {
			t.Errorf("mean latency %v, want 1ms", mean)
		}
	})
}

func TestRequestsInOrderGoRoundTheRange(t *testing.T) {
	o := iobench.Options{Depth: 1, BlockSize: 4096, Offset: 8192, Step: 20480, Reads: 100, Count: 5}
	measure(t, 0, o, func(t *testing.T, n *noted, _ iobench.Result, err error) {
		want := []call{{blockio.OpRead, 8192}, {blockio.OpRead, 28672}, {blockio.OpRead, 49152}, {blockio.OpRead, 12288}, {blockio.OpRead, 32768}}
		if diff := cmp.Diff(want, n.calls); diff != "" || err != nil {
			t.Errorf("%v, -want +got:\n%s", err, diff)
		}
	})
}

func TestAStepAsLongAsCanBe(t *testing.T) {
	blocktest.OnLoop(t, coro.Direct, 0, false, func(self *coro.Self) error {
		d, err := blockio.Open(self, null.New(7<<60))
		if err != nil {
			return err
		}
		r, err := iobench.Run(self, d, iobench.Options{Depth: 1, BlockSize: 4096, Step: 6 << 60, Reads: 100, Count: 10})
		if err != nil || r.Requests() != 10 {
			t.Errorf("%d requests, %v; want 10", r.Requests(), err)
		}
		return d.Close(self)
	})
}

func TestRandomRequestsAreTheSameForOneSeed(t *testing.T) {
	var first []call
	o := iobench.Options{Depth: 4, BlockSize: 4096, Offset: 4096, Random: true, Reads: 30, Count: 1000, Seed: 7}
	measure(t, 0, o, func(t *testing.T, n *noted, r iobench.Result, err error) {
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = n.calls
		}
		if diff := cmp.Diff(first, n.calls); diff != "" {
			t.Errorf("-first +second:\n%s", diff)
		}
		if reads := r.Stats.Op(blockio.OpRead).Requests; reads < 250 || reads > 350 {
			t.Errorf("%d of 1000 were reads, want some 300", reads)
		}
		for _, c := range n.calls {
			if c.Off < 4096 && c.Op != blockio.OpFlush || c.Off%4096 != 0 || c.Off > 60<<10 {
				t.Fatalf("%v at %d: want a multiple of 4096 from 4096 on", c.Op, c.Off)
			}
		}
	})
}

func TestFlushComesAfterSoManyWrites(t *testing.T) {
	for _, noDrain := range []bool{false, true} {
		// The device drops flushes that would have nothing to flush, but there
		// is always something.
		o := iobench.Options{Depth: 4, BlockSize: 4096, Step: 4096, Count: 14, FlushEvery: 4, NoDrain: noDrain}
		measure(t, 0, o, func(t *testing.T, n *noted, r iobench.Result, err error) {
			if got := r.Stats.Op(blockio.OpFlush).Requests; got != 3 || err != nil {
				t.Errorf("%d flushes for 14 writes, %v; want 3", got, err)
			}
			if noDrain != (n.crowded > 0) {
				t.Errorf("with no drain %v, %d flushes were not alone", noDrain, n.crowded)
			}
		})
	}
}

// TestMoreFlushesThanAreInFlight: several coroutines want to flush at a time.
func TestMoreFlushesThanAreInFlight(t *testing.T) {
	o := iobench.Options{Depth: 8, BlockSize: 4096, Step: 4096, Count: 100, FlushEvery: 2, Time: time.Hour}
	measure(t, 0, o, func(t *testing.T, n *noted, r iobench.Result, err error) {
		if got := r.Stats.Op(blockio.OpFlush).Requests; got != 50 || err != nil || n.crowded > 0 || r.Elapsed > time.Minute {
			t.Errorf("%d flushes for 100 writes, %d of them not alone, in %v, %v; want 50, each alone", got, n.crowded, r.Elapsed, err)
		}
	})
}

func TestAFailureEndsIt(t *testing.T) {
	o := iobench.Options{Depth: 4, BlockSize: 4096, Step: 4096, Reads: 100, Count: 1000}
	measure(t, 10, o, func(t *testing.T, n *noted, _ iobench.Result, err error) {
		if oe := (*blockio.OpError)(nil); !errors.As(err, &oe) || oe.Offset != 9*4096 || len(n.calls) > 18 {
			t.Errorf("after %d calls: %v; want the error of the tenth", len(n.calls), err)
		}
	})
}

func TestAContextEndsIt(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	o := iobench.Options{Depth: 4, BlockSize: 4096, Step: 4096, Reads: 100, Time: time.Hour, Context: ctx}
	o.Progress = func(p iobench.Progress) {
		if p.Elapsed > time.Second {
			cancel()
		}
	}
	measure(t, 0, o, func(t *testing.T, _ *noted, r iobench.Result, err error) {
		if err != nil || !r.Stopped || r.Elapsed > 2*time.Second {
			t.Errorf("stopped: %v after %v, %v", r.Stopped, r.Elapsed, err)
		}
	})
}

// TestAContextEndsRequestsThatTakeLong also has the time be over before: to wait
// for the rest must not be without an end.
func TestAContextEndsRequestsThatTakeLong(t *testing.T) {
	for h, limit := range map[coro.Handoff]time.Duration{coro.Channel: 0, coro.Direct: 10 * time.Millisecond} {
		blocktest.OnLoop(t, h, 0, false, func(self *coro.Self) error {
			d, err := blockio.Open(self, null.New(64<<10, null.WithLatency(time.Hour)))
			if err != nil {
				return err
			}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			o := iobench.Options{Depth: 4, BlockSize: 4096, Step: 4096, Time: limit, FlushEvery: 1, Context: ctx}
			o.Progress = func(p iobench.Progress) {
				if p.Elapsed > time.Second {
					cancel()
				}
			}
			r, err := iobench.Run(self, d, o)
			if err != nil || !r.Stopped || r.Elapsed > 2*time.Second || r.Requests() != 0 {
				t.Errorf("stopped: %v after %v with %d requests, %v; want it stopped after a second, with none", r.Stopped, r.Elapsed, r.Requests(), err)
			}
			var text, doc, svg strings.Builder
			if err := errors.Join(iobench.WriteText(&text, &r), iobench.WriteJSON(&doc, "", &r), iobench.WriteSVG(&svg, "", "", &r)); err != nil {
				t.Error(err)
			}
			if !strings.Contains(text.String(), "requests    0 in 1.") || !json.Valid([]byte(doc.String())) || len(elements(t, svg.String())) == 0 {
				t.Errorf("reports of nothing:\n%s\n%s\n%s", &text, &doc, &svg)
			}
			return d.Close(self)
		})
	}
}

func TestReports(t *testing.T) {
	o := iobench.Options{Depth: 2, BlockSize: 4096, Step: 4096, Reads: 50, Count: 100, FlushEvery: 10}
	measure(t, 0, o, func(t *testing.T, _ *noted, r iobench.Result, err error) {
		if err != nil {
			t.Fatal(err)
		}
		var text, doc, svg strings.Builder
		if err := errors.Join(iobench.WriteText(&text, &r), iobench.WriteJSON(&doc, "x & y", &r), iobench.WriteSVG(&svg, "x & y", "here", &r)); err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"requests    100 in 0.0", "reads took\n", "writes took\n", "\n   500µs to 1ms     96.43 %  ████"} {
			if !strings.Contains(text.String(), want) {
				t.Errorf("want %q in:\n%s", want, text.String())
			}
		}
		var got struct {
			What       string
			Requests   int
			Operations map[string]struct {
				P50     int `json:"p50_ns"`
				Buckets []struct {
					From     int `json:"from_ns"`
					Requests int
				}
			}
		}
		if err := json.Unmarshal([]byte(doc.String()), &got); err != nil {
			t.Fatal(err)
		}
		read := got.Operations["read"]
		if got.What != "x & y" || got.Requests != 100 || len(read.Buckets) != 2 || read.Buckets[0].From > 1e6 || read.Buckets[0].Requests != 54 || read.P50 < 0.98e6 || read.P50 > 1.02e6 {
			t.Errorf("JSON: got %+v", got)
		}
		if names := elements(t, svg.String()); !slices.Contains(names, "rect") || !slices.Contains(names, "title") {
			t.Errorf("SVG has %q", names)
		}
	})
}

// elements returns the names of all elements, and fails unless it is XML.
func elements(t *testing.T, text string) (names []string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(text))
	for {
		switch token, err := d.Token(); e := token.(type) {
		case nil:
			if err != io.EOF {
				t.Fatal(err)
			}
			return names
		case xml.StartElement:
			names = append(names, e.Name.Local)
		}
	}
}
