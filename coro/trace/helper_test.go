package trace_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/trace"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, got, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

// eachHandoff runs f once on each handoff.
func eachHandoff(t *testing.T, f func(t *testing.T, h coro.Handoff)) {
	t.Helper()
	for _, h := range []coro.Handoff{coro.Channel, coro.Direct} {
		t.Run(h.String(), func(t *testing.T) { f(t, h) })
	}
}

// ticks is a clock that moves on by a microsecond whenever it is asked.
func ticks() func() time.Duration {
	var now time.Duration
	return func() time.Duration { now += time.Microsecond; return now }
}

var request = trace.NewSpan("request")

// tour has every kind of event: a wake, a nest, a print, a span, a panic, kills.
func tour(th *coro.Thread, s *trace.Stream) {
	var b *coro.Coroutine
	reader := th.New(func(self *coro.Self) {
		request.Begin(self, 1, "4096 bytes")
		self.Yield()
		request.End(self, 1, "ok")
		self.Yield()
	}).SetName("reader")
	a := th.New(func(self *coro.Self) {
		self.Wake(b)
		fmt.Fprintln(s, "a <prints> & goes on")
		self.Enter(reader)
		self.Yield()
	}).SetName("a")
	b = th.New(func(self *coro.Self) { self.Enter(reader) }).SetName("b")
	th.Enter(a)
	func() {
		defer func() { _ = recover() }()
		th.Enter(th.New(func(*coro.Self) { panic("disk on fire") }).SetName("e"))
	}()
}

// record traces the tour.
func record(t testing.TB, h coro.Handoff, opts ...trace.Option) *trace.Trace {
	t.Helper()
	tr := &trace.Trace{Title: "tour"}
	s := trace.NewStream(tr, opts...)
	th := coro.NewThread(coro.WithHandoff(h), coro.WithTracer(s))
	tour(th, s)
	if err := th.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return tr
}

func buffer(t testing.TB, write func(b *bytes.Buffer) error) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
