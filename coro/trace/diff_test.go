package trace_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/trace"
)

// Nothing that a trace says reaches the terminal as it is.
func TestTextHasNoControlCharacters(t *testing.T) {
	const bad = "\x1b[31m\r\u202e\x07"
	p := trace.Party{Thread: bad, ID: 1, Name: bad}
	tr := &trace.Trace{Title: bad, Records: []trace.Record{
		{Seq: 1, Thread: bad, Kind: bad, From: p, To: p, Detail: bad, Site: bad},
		{Thread: "other", Kind: trace.KindPrint, From: p, Detail: bad},
	}}
	for name, write := range map[string]func(b *bytes.Buffer) error{
		"WriteText": func(b *bytes.Buffer) error { return trace.WriteText(b, tr) },
		"WriteDiff": func(b *bytes.Buffer) error { return trace.WriteDiff(b, tr, new(trace.Trace), 3) },
		"WriteSVG":  func(b *bytes.Buffer) error { return trace.WriteSVG(b, tr) },
		"WriteHTML": func(b *bytes.Buffer) error { return trace.WriteHTML(b, tr) },
	} {
		if out := string(buffer(t, write)); strings.ContainsAny(out, bad[:1]+bad[5:]) {
			t.Errorf("%s: got\n%q", name, out)
		}
	}
}

// Two steps that differ in no more than a number or a thread are told so that
// this can be seen, and nothing that a record says reaches the terminal as it is.
func TestWriteDiffTellsWhatDiffers(t *testing.T) {
	step := trace.Record{
		Seq: 1, Thread: "main", Kind: coro.EventEnter,
		From: trace.Party{Thread: "main", Name: "leader"}, To: trace.Party{Thread: "main", ID: 1, Name: "b"},
	}
	with := func(change func(r *trace.Record)) *trace.Trace {
		r := step
		change(&r)
		return &trace.Trace{Records: []trace.Record{r}}
	}
	same := with(func(*trace.Record) {})
	const full = `-     1  on "main": "enter" "leader" (0 of "main") -> "b" (1 of "main")`
	for _, test := range []struct {
		name   string
		change func(r *trace.Record)
		want   []string
	}{
		{"kind", func(r *trace.Record) { r.Kind = "kill" }, []string{"-     1  enter leader -> b", "+     1  kill leader -> b"}},
		{"id", func(r *trace.Record) { r.To.ID = 2 }, []string{full, `-> "b" (2 of "main")`}},
		{"thread", func(r *trace.Record) { r.Thread = "x" }, []string{full, `+     1  on "x": `}},
		{"home", func(r *trace.Record) { r.From.Thread = "x" }, []string{full, `"leader" (0 of "x")`}},
		{"nobody", func(r *trace.Record) { r.From, r.Detail = trace.Party{}, "x" }, []string{"+     1  enter  -> b (x)"}},
		{"control", func(r *trace.Record) { r.Detail = "\x1b[31m\n" }, []string{"(\ufffd[31m\ufffd)"}},
		{"controls", func(r *trace.Record) { r.To.Name = "b\x1b" }, []string{"-> b\ufffd\n"}},
	} {
		got := string(buffer(t, func(b *bytes.Buffer) error { return trace.WriteDiff(b, same, with(test.change), 1) }))
		for _, want := range test.want {
			if !strings.Contains(got, want) {
				t.Errorf("%s: want %s in\n%q", test.name, want, got)
			}
		}
		if lines := strings.Split(strings.TrimSpace(got), "\n"); len(lines) != 3 || lines[1][1:] == lines[2][1:] {
			t.Errorf("%s: want three lines, the last two not the same, in\n%s", test.name, got)
		}
	}
}
