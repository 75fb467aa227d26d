package trace_test

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"

	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/trace"
)

func ExampleRing() {
	ring := trace.NewRing(1024)
	t := coro.NewThread(coro.WithTracer(ring))
	defer t.Close()

	worker := t.New(func(self *coro.Self) { self.Yield() }).SetName("worker")
	t.Enter(worker)
	t.Enter(worker)
	ring.Dump(os.Stdout)
	// Output:
	//    1  leader ·· create ··▸ worker
	//    2  leader ── enter ──▸ worker
	//    3  ╰─ worker ── yield ──▸ leader
	//    4  leader ── enter ──▸ worker
	//    5  ╰─ worker ── terminate ──▸ leader
	//
	//       1 coroutine, 5 steps
}

func ExampleRing_Guard() {
	ring := trace.NewRing(1024)
	t := coro.NewThread(coro.WithTracer(ring))
	defer t.Close()

	err := ring.Guard(os.Stdout, func() error {
		t.Enter(t.New(func(self *coro.Self) { self.Yield() }).SetName("worker"))
		return errors.New("the loop has come to a deadlock")
	})
	fmt.Println(err)
	// Output:
	//    1  leader ·· create ··▸ worker
	//    2  leader ── enter ──▸ worker
	//    3  ╰─ worker ── yield ──▸ leader
	//
	//       1 coroutine, 3 steps
	// the loop has come to a deadlock
}

func ExampleStream() {
	ladder := trace.NewStream(trace.NewLadder(os.Stdout))
	t := coro.NewThread(coro.WithTracer(ladder))
	t.Enter(t.New(func(self *coro.Self) {
		fmt.Fprintln(ladder, "what the program prints")
	}).SetName("hello"))
	t.Close()
	ladder.Close()
	// Output:
	//    1  leader ·· create ··▸ hello
	//    2  leader ── enter ──▸ hello
	//       │    what the program prints
	//    3  ╰─ hello ── terminate ──▸ leader
	//
	//       1 coroutine, 3 steps
}

// hello is a small trace.
func hello() *trace.Trace {
	recorded := &trace.Trace{Title: "hello"}
	s := trace.NewStream(recorded)
	t := coro.NewThread(coro.WithTracer(s))
	t.Enter(t.New(func(*coro.Self) {}).SetName("hello"))
	t.Close()
	s.Close()
	return recorded
}

func ExampleWriteJSONL() {
	trace.WriteJSONL(os.Stdout, hello())
	// Output:
	// {"format":"coroutine-trace","version":1,"title":"hello"}
	// {"seq":1,"thread":"main","kind":"create","from":{"id":0,"name":"leader"},"to":{"id":1,"name":"hello"}}
	// {"seq":2,"thread":"main","kind":"enter","from":{"id":0,"name":"leader"},"to":{"id":1,"name":"hello"}}
	// {"seq":3,"thread":"main","kind":"terminate","from":{"id":1,"name":"hello"},"to":{"id":0,"name":"leader"}}
}

func ExampleSlog() {
	plain := &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}
	logger := slog.New(slog.NewTextHandler(os.Stdout, plain))
	s := trace.NewStream(trace.Slog(logger, slog.LevelInfo))
	t := coro.NewThread(coro.WithTracer(s))
	t.Enter(t.New(func(*coro.Self) {}).SetName("hello"))
	t.Close()
	s.Close()
	// Output:
	// level=INFO msg=create thread=main seq=1 from=leader from_id=0 to=hello to_id=1
	// level=INFO msg=enter thread=main seq=2 from=leader from_id=0 to=hello to_id=1
	// level=INFO msg=terminate thread=main seq=3 from=hello from_id=1 to=leader to_id=0
}

// written tells what of a file's text there is.
func written(write func(b *strings.Builder) error, parts ...string) {
	var b strings.Builder
	err := write(&b)
	for _, p := range parts {
		fmt.Println(p, strings.Contains(b.String(), p))
	}
	fmt.Println(err)
}

func ExampleWritePerfetto() {
	written(func(b *strings.Builder) error { return trace.WritePerfetto(b, hello()) }, `"traceEvents"`)
	// Output:
	// "traceEvents" true
	// <nil>
}

func ExampleWriteSVG() {
	written(func(b *strings.Builder) error { return trace.WriteSVG(b, hello(), trace.WithTheme(trace.Dark)) }, "<svg")
	// Output:
	// <svg true
	// <nil>
}

func ExampleWriteHTML() {
	written(func(b *strings.Builder) error { return trace.WriteHTML(b, hello()) }, "<!doctype html>")
	// Output:
	// <!doctype html> true
	// <nil>
}

func ExampleSpan() {
	read := trace.NewSpan("read")
	s := trace.NewStream(trace.NewLadder(os.Stdout))
	t := coro.NewThread(coro.WithTracer(s))
	t.Enter(t.New(func(self *coro.Self) {
		read.Begin(self, 7, "4096 bytes at 0")
		read.End(self, 7, "ok")
	}).SetName("reader"))
	t.Close()
	s.Close()
	// Output:
	//    1  leader ·· create ··▸ reader
	//    2  leader ── enter ──▸ reader
	//    3  │  reader ·· read-begin  (7 4096 bytes at 0)
	//    4  │  reader ·· read-end  (7 ok)
	//    5  ╰─ reader ── terminate ──▸ leader
	//
	//       1 coroutine, 5 steps
}
