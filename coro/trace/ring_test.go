package trace_test

import (
	"bytes"
	"context"
	"errors"
	"runtime"
	"runtime/pprof"
	runtimetrace "runtime/trace"
	"strings"
	"sync"
	"testing"

	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/trace"
)

func yielder(self *coro.Self) {
	for {
		self.Yield()
	}
}

func TestJoin(t *testing.T) {
	a, b := trace.NewRing(4), trace.NewRing(16)
	th := coro.NewThread(coro.WithTracer(trace.Join(a, b)))
	defer th.Close()
	th.Enter(th.New(func(*coro.Self) {}))
	if a.Count() != 3 || b.Count() != 3 {
		t.Errorf("told of %d and %d steps, want 3", a.Count(), b.Count())
	}
}

func TestRingKeepsTheLast(t *testing.T) {
	eachHandoff(t, func(t *testing.T, h coro.Handoff) {
		r := trace.NewRing(5, trace.WithClock(ticks())) // makes 8 of it
		th := coro.NewThread(coro.WithHandoff(h), coro.WithTracer(r))
		defer th.Close()
		co := th.New(yielder).SetName("early")
		for range 10 {
			th.Enter(co)
		}
		co.SetName("late")
		got := r.Snapshot()
		if len(got.Records) != 8 || got.Dropped != 13 || r.Count() != 21 || !got.Timed {
			t.Fatalf("got %d records after %d of %d, want 8 after 13 of 21", len(got.Records), got.Dropped, r.Count())
		}
		if last := got.Records[7]; last.Seq != 21 || last.String() != "yield late -> leader" || last.Time != 20_000 {
			t.Errorf("last: got %d %v %v", last.Seq, last, last.Time)
		}
		// Who was made before the first step that is left is counted, too.
		if text := string(buffer(t, func(b *bytes.Buffer) error { return r.Dump(b) })); !strings.Contains(text, " 1 coroutine, 8 steps") {
			t.Errorf("Dump: got\n%s", text)
		}
		if n := len(r.Last(3).Records); n != 3 {
			t.Errorf("Last(3): got %d records", n)
		}
		if c := r.Counts()[1]; c.Kind != coro.EventEnter || c.N != 10 {
			t.Errorf("Counts: got %v, want 10 enters", c)
		}
	})
}

// TestRingIsAskedMeanwhile reads a ring that two threads write.
func TestRingIsAskedMeanwhile(t *testing.T) {
	eachHandoff(t, func(t *testing.T, h coro.Handoff) {
		r := trace.NewRing(64)
		var wg sync.WaitGroup
		for range 2 {
			wg.Go(func() {
				th := coro.NewThread(coro.WithHandoff(h), coro.WithTracer(r))
				defer th.Close()
				co := th.New(yielder)
				for range 500 {
					th.Enter(co)
				}
			})
		}
		for r.Count() < 500 {
			for _, rec := range r.Snapshot().Records {
				if rec.From.Name == "" {
					t.Errorf("a record without a doer: %+v", rec)
				}
			}
			runtime.Gosched()
		}
		wg.Wait()
		threads := map[string]bool{}
		for _, rec := range r.Snapshot().Records {
			threads[rec.Thread] = true
		}
		if threads["main"] == false {
			t.Errorf("labels of threads: got %v, want main among them", threads)
		}
	})
}

func TestRingAllocatesNothing(t *testing.T) {
	eachHandoff(t, func(t *testing.T, h coro.Handoff) {
		th := coro.NewThread(coro.WithHandoff(h), coro.WithTracer(trace.NewRing(64)))
		defer th.Close()
		co := th.New(yielder)
		th.Enter(co)
		if n := testing.AllocsPerRun(100, func() { th.Enter(co) }); n != 0 {
			t.Errorf("allocations for Enter and Yield: got %v, want 0", n)
		}
	})
}

func TestGuardDumpsWhatEndsBadly(t *testing.T) {
	stuck := errors.New("Deadlock: all wait")
	for name, test := range map[string]struct {
		f    func() error
		want bool
	}{
		"good":   {func() error { return nil }, false},
		"error":  {func() error { return stuck }, true},
		"panic":  {func() error { panic("x") }, true},
		"goexit": {func() error { runtime.Goexit(); return nil }, true},
	} {
		r := trace.NewRing(8)
		th := coro.NewThread(coro.WithTracer(r))
		th.Enter(th.New(func(*coro.Self) {}).SetName("a"))
		var b bytes.Buffer
		var err error
		done := make(chan any)
		go func() {
			var v any
			defer func() { done <- v }()
			defer func() { v = recover() }()
			err = r.Guard(&b, test.f)
		}()
		if v := <-done; (v == "x") != (name == "panic") {
			t.Errorf("%s: recovered %v", name, v)
		}
		if name == "error" && !errors.Is(err, stuck) {
			t.Errorf("%s: got %v", name, err)
		}
		if got := strings.Contains(b.String(), "enter"); got != test.want {
			t.Errorf("%s: dumped: %v, want %v", name, got, test.want)
		}
		th.Close()
	}
}

// TestTasks looks for the names of coroutines in an execution trace.
func TestTasks(t *testing.T) {
	if runtimetrace.IsEnabled() {
		t.Skip("somebody takes a trace already")
	}
	eachHandoff(t, func(t *testing.T, h coro.Handoff) {
		var b bytes.Buffer
		if err := runtimetrace.Start(&b); err != nil {
			t.Fatal(err)
		}
		tasks := trace.NewTasks()
		th := coro.NewThread(coro.WithHandoff(h), coro.WithTracer(tasks))
		entry := coro.Entry(func(self *coro.Self) { self.Yield() })
		left := th.NewFor(entry, tasks.Entry(entry)).SetName("killed-worker")
		done := th.NewFor(entry, tasks.Entry(entry)).SetName("done-worker")
		th.Enter(left)
		th.Enter(done)
		th.Enter(done)
		if err := th.Close(); err != nil {
			t.Error(err)
		}
		if err := tasks.Close(); err != nil {
			t.Error(err)
		}
		runtimetrace.Stop()
		for _, want := range []string{"killed-worker", "done-worker", "enter leader -> done-worker"} {
			if !bytes.Contains(b.Bytes(), []byte(want)) {
				t.Errorf("the execution trace does not have %q", want)
			}
		}
	})
}

func TestLabels(t *testing.T) {
	eachHandoff(t, func(t *testing.T, h coro.Handoff) {
		th := coro.NewThread(coro.WithHandoff(h))
		defer th.Close()
		var b bytes.Buffer
		profile := func(*coro.Self) { pprof.Lookup("goroutine").WriteTo(&b, 1) }
		th.Enter(th.NewFor(profile, trace.Labels(profile)).SetName("hot"))
		if !strings.Contains(b.String(), `"coroutine":"hot"`) {
			t.Errorf("no label in the profile:\n%s", b.String())
		}
		// The goroutine goes on as another coroutine, without the labels.
		b.Reset()
		th.Enter(th.New(profile).SetName("next"))
		if strings.Contains(b.String(), `"coroutine":"hot"`) {
			t.Errorf("the label stayed:\n%s", b.String())
		}
		pprof.SetGoroutineLabels(context.Background())
	})
}

func BenchmarkTracing(b *testing.B) {
	for _, h := range []coro.Handoff{coro.Direct, coro.Channel} {
		for _, tr := range []struct {
			name   string
			tracer coro.Tracer
		}{
			{"off", nil},
			{"ring", trace.NewRing(1024)},
			{"clock", trace.NewRing(1024, trace.WithClock(ticks()))},
			{"jsonl", trace.NewStream(trace.NewJSONLWriter(discard{}, "", false))},
		} {
			b.Run(h.String()+"/"+tr.name, func(b *testing.B) {
				th := coro.NewThread(coro.WithHandoff(h), coro.WithTracer(tr.tracer))
				defer th.Close()
				co := th.New(yielder)
				b.ReportAllocs()
				for b.Loop() {
					th.Enter(co)
				}
			})
		}
	}
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }
