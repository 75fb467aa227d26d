package trace_test

import (
	"bytes"
	"fmt"
	"io"
	"testing"

	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/trace"
)

// What is missing or makes no sense is told in words, before anything is done.
func TestArguments(t *testing.T) {
	none := new(trace.Trace)
	ring := trace.NewRing(1)
	out := new(bytes.Buffer)
	for want, f := range map[string]func(){
		"NewStream: the Sink is nil":                                      func() { trace.NewStream(nil) },
		"NewTee: sink 2 is nil":                                           func() { trace.NewTee([]trace.Sink{none, nil}) },
		"NewTee: option 1 is nil":                                         func() { trace.NewTee(nil, nil) },
		"NewLadder: the io.Writer is nil":                                 func() { trace.NewLadder(nil) },
		"NewJSONLWriter: the io.Writer is nil":                            func() { trace.NewJSONLWriter(nil, "", false) },
		"Slog: the *slog.Logger is nil":                                   func() { trace.Slog(nil, 0) },
		"Labels: the coro.Entry is nil":                                   func() { trace.Labels(nil) },
		"Tasks.Entry: the coro.Entry is nil":                              func() { trace.NewTasks().Entry(nil) },
		"NewRing(0): want 1 to 16777216":                                  func() { trace.NewRing(0) },
		"NewRing(1073741824): want 1 to 16777216":                         func() { trace.NewRing(1 << 30) },
		"Join: tracer 2 is nil":                                           func() { trace.Join(ring, nil) },
		"NewRing: option 1 is nil":                                        func() { trace.NewRing(1, nil) },
		"Ring.Dump: the io.Writer is nil":                                 func() { ring.Dump(nil) },
		"Ring.Guard: the io.Writer is nil":                                func() { ring.Guard(nil, func() error { return nil }) },
		"Ring.Guard: the function is nil":                                 func() { ring.Guard(out, nil) },
		"Ring.DumpOnSignal: the io.Writer is nil":                         func() { ring.DumpOnSignal(nil) },
		"WriteText: the io.Writer is nil":                                 func() { trace.WriteText(nil, none) },
		"WriteText: the *Trace is nil":                                    func() { trace.WriteText(out, nil) },
		"WriteJSONL: the *Trace is nil":                                   func() { trace.WriteJSONL(out, nil) },
		"WritePerfetto: the *Trace is nil":                                func() { trace.WritePerfetto(out, nil) },
		"WriteSVG: the *Trace is nil":                                     func() { trace.WriteSVG(out, nil) },
		"WriteSVG: option 1 is nil":                                       func() { trace.WriteSVG(out, none, nil) },
		"WriteHTML: the *Trace is nil":                                    func() { trace.WriteHTML(out, nil) },
		"ReadJSONL: the io.Reader is nil":                                 func() { trace.ReadJSONL(nil) },
		"Diff: a *Trace is nil":                                           func() { trace.Diff(none, nil) },
		"WriteDiff: a *Trace is nil":                                      func() { trace.WriteDiff(out, nil, none, 0) },
		"WriteDiff: context is -5: want 0 or more":                        func() { trace.WriteDiff(out, none, none, -5) },
		`NewSpan(""): want a word without spaces`:                         func() { trace.NewSpan("") },
		`NewSpan("a b"): want a word without spaces`:                      func() { trace.NewSpan("a b") },
		"Ring.DumpOnSignal: no signal: want one or more, such as SIGQUIT": func() { ring.DumpOnSignal(out)() },
	} {
		func() {
			defer func() {
				if got := fmt.Sprint(recover()); got != "trace: "+want {
					t.Errorf("got the panic %q, want %q", got, "trace: "+want)
				}
			}()
			f()
		}()
	}
	if out.Len() > 0 {
		t.Errorf("written meanwhile: %q", out)
	}
}

// half writes half of what it is given, and says nothing of it.
type half struct{ io.Writer }

func (h half) Write(p []byte) (int, error) { return h.Writer.Write(p[:len(p)/2]) }

func TestShortWrites(t *testing.T) {
	a, b := record(t, coro.Channel), new(trace.Trace)
	w := half{io.Discard}
	for name, err := range map[string]error{
		"WriteText": trace.WriteText(w, a), "WriteJSONL": trace.WriteJSONL(w, a), "WritePerfetto": trace.WritePerfetto(w, a),
		"WriteSVG": trace.WriteSVG(w, a), "WriteHTML": trace.WriteHTML(w, a), "WriteDiff": trace.WriteDiff(w, a, b, 1),
	} {
		if err != io.ErrShortWrite {
			t.Errorf("%s: got %v, want a short write", name, err)
		}
	}
}
