package trace_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/trace"
)

// TestGoldens holds what each exporter makes of one program, timed and not, on
// both handoffs, against files.
func TestGoldens(t *testing.T) {
	eachHandoff(t, func(t *testing.T, h coro.Handoff) {
		tr := record(t, h)
		golden(t, "tour.txt", buffer(t, func(b *bytes.Buffer) error { return trace.WriteText(b, tr) }))
		golden(t, "tour.jsonl", buffer(t, func(b *bytes.Buffer) error { return trace.WriteJSONL(b, tr) }))
		golden(t, "tour.json", buffer(t, func(b *bytes.Buffer) error { return trace.WritePerfetto(b, tr) }))
		golden(t, "tour.svg", buffer(t, func(b *bytes.Buffer) error { return trace.WriteSVG(b, tr) }))
		timed := record(t, h, trace.WithClock(ticks()))
		golden(t, "timed.jsonl", buffer(t, func(b *bytes.Buffer) error { return trace.WriteJSONL(b, timed) }))
	})
}

func TestJSONLRoundTrip(t *testing.T) {
	want := record(t, coro.Channel, trace.WithClock(ticks()))
	want.Dropped = 7
	data := buffer(t, func(b *bytes.Buffer) error { return trace.WriteJSONL(b, want) })
	got, err := trace.ReadJSONL(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("read back (-want +got):\n%s", diff)
	}
}

// A diagram of many coroutines draws some, says how many are left out, and names
// each as it was called in the end.
func TestSVGOfManyCoroutines(t *testing.T) {
	tr := &trace.Trace{Title: strings.Repeat("a long title ", 10)}
	leader := trace.Party{Thread: "main", Name: "leader"}
	for id := uint64(1); id <= 500; id++ {
		tr.Records = append(tr.Records, trace.Record{
			Seq: id, Thread: "main", Kind: coro.EventCreate, From: leader, To: trace.Party{Thread: "main", ID: id, Name: "unnamed"},
		})
	}
	for id := uint64(1); id <= 500; id++ {
		tr.Records = append(tr.Records, trace.Record{
			Seq: 500 + id, Thread: "main", Kind: coro.EventWake, From: leader, To: trace.Party{Thread: "main", ID: id, Name: fmt.Sprintf("copy %d", id)},
		})
	}
	data := buffer(t, func(b *bytes.Buffer) error { return trace.WriteSVG(b, tr, trace.WithCoroutines(5), trace.WithSteps(6)) })
	text := string(data)
	for _, want := range []string{">copy 4</text>", "… 994 more steps, and 496 more coroutines</text>", ">501</text>"} {
		if !strings.Contains(text, want) {
			t.Errorf("want %q in:\n%s", want, text)
		}
	}
	for _, not := range []string{">copy 5</text>", ">unnamed</text>", ">507</text>"} {
		if strings.Contains(text, not) {
			t.Errorf("%q is drawn", not)
		}
	}
	all := buffer(t, func(b *bytes.Buffer) error { return trace.WriteSVG(b, tr, trace.WithCoroutines(0), trace.WithSteps(0)) })
	if !strings.Contains(string(all), ">copy 500</text>") || strings.Contains(string(all), "more step") {
		t.Error("not all is drawn")
	}
}

func TestReadJSONLErrors(t *testing.T) {
	const head = `{"format":"coroutine-trace","version":1}` + "\n"
	for name, test := range map[string]struct {
		in   string
		want error
		text string
	}{
		"empty":        {"", trace.ErrFormat, "line 1: it is empty"},
		"other":        {`{"a":1}`, trace.ErrFormat, `format is ""`},
		"version":      {`{"format":"coroutine-trace","version":2}`, trace.ErrFormat, "version is 2, and this program reads up to 1"},
		"list":         {`[]`, trace.ErrFormat, "trace: not a coroutine trace: line 1: it is array, want an object"},
		"no kind":      {head + `{"thread":"main"}`, nil, "trace: line 2: it has no kind"},
		"cut short":    {head + `{"thread":"main","ki`, io.ErrUnexpectedEOF, "line 2"},
		"cut, goes on": {head + `{"thread":"main","ki` + "\n" + `{"kind":"enter"}`, nil, "trace: line 2: "},
		"two on one":   {head + "\n" + `{"kind":"enter"}{"kind":"enter"}` + "\n", nil, "trace: line 3: invalid character '{'"},
		"wrong types":  {head + `{"thread":5,"kind":"enter"}`, nil, "trace: line 2: thread is number, want a string"},
		"no number":    {head + `{"seq":"x","kind":"enter"}`, nil, "trace: line 2: seq is string, want a whole number from 0"},
		"negative":     {head + `{"kind":"enter","from":{"id":-1}}`, nil, "trace: line 2: from.id is number -1, want a whole number from 0"},
	} {
		_, err := trace.ReadJSONL(strings.NewReader(test.in))
		if err == nil || errors.Is(err, trace.ErrFormat) != (test.want == trace.ErrFormat) || test.want != nil && !errors.Is(err, test.want) || !strings.Contains(err.Error(), test.text) {
			t.Errorf("%s: got error %v, want one with %q", name, err, test.text)
		}
	}
}

// A party is told by its thread and id: one without a name is somebody, too.
func TestJSONLPartyWithoutAName(t *testing.T) {
	tr, err := trace.ReadJSONL(strings.NewReader(`{"format":"coroutine-trace","version":1}` + "\n\n" +
		`{"seq":1,"thread":"main","kind":"enter","from":{"id":0},"to":{"id":7}}` + "\n"))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := tr.Records[0].String(), "enter leader -> #7"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func FuzzReadJSONL(f *testing.F) {
	f.Add([]byte(`{"format":"coroutine-trace","version":1}` + "\n" +
		`{"seq":2,"thread":"m","kind":"yield","from":{"id":3,"name":"x","thread":"o"}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		tr, err := trace.ReadJSONL(bytes.NewReader(data))
		if err != nil {
			return
		}
		// Whatever can be read can be shown.
		for _, write := range []func(w io.Writer, t *trace.Trace) error{
			trace.WriteJSONL, trace.WritePerfetto, trace.WriteHTML,
			func(w io.Writer, t *trace.Trace) error { return trace.WriteText(w, t) },
			func(w io.Writer, t *trace.Trace) error { return trace.WriteSVG(w, t) },
		} {
			if err := write(io.Discard, tr); err != nil {
				t.Errorf("writing %q: %v", data, err)
			}
		}
	})
}

// What a program prints before its first step belongs to nobody, and is shown.
func TestPrintsOfNobody(t *testing.T) {
	tr := new(trace.Trace)
	s := trace.NewStream(tr)
	fmt.Fprintln(s, "hello from nowhere")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for name, write := range map[string]func(io.Writer, *trace.Trace) error{
		"WritePerfetto": trace.WritePerfetto, "WriteHTML": trace.WriteHTML,
		"WriteSVG": func(w io.Writer, t *trace.Trace) error { return trace.WriteSVG(w, t) },
	} {
		if out := buffer(t, func(b *bytes.Buffer) error { return write(b, tr) }); !bytes.Contains(out, []byte("hello from nowhere")) {
			t.Errorf("%s: the print is missing in\n%s", name, out)
		}
	}
	checkPerfetto(t, tr)
}

// Kinds and names are drawn so that they can be told apart.
func TestSVGTellsKindsAndNamesApart(t *testing.T) {
	tr := new(trace.Trace)
	s := trace.NewStream(tr)
	th := coro.NewThread(coro.WithTracer(s))
	defer th.Close()
	for i := range 2 {
		th.Enter(th.New(func(self *coro.Self) {
			span := trace.NewSpan("block-status")
			span.Begin(self, 1, "")
			span.End(self, 1, "")
		}).SetName(fmt.Sprintf("worker with a rather long name %d", i+1)))
	}
	text := string(buffer(t, func(b *bytes.Buffer) error { return trace.WriteSVG(b, tr) }))
	for _, want := range []string{">block-status-begin</text>", ">block-status-end</text>", "name 1</text>", "name 2</text>"} {
		if !strings.Contains(text, want) {
			t.Errorf("want %s in\n%s", want, text)
		}
	}
}

type chromeEvent struct {
	Name, Ph, ID, Cat string
	TS, Dur           float64
	PID, TID          int
}

func TestPerfetto(t *testing.T) {
	for _, timed := range []bool{false, true} {
		var opts []trace.Option
		if timed {
			opts = append(opts, trace.WithClock(ticks()))
		}
		flows, async := checkPerfetto(t, record(t, coro.Direct, opts...))
		wakes := 0
		for _, ends := range flows {
			if ends[0].Cat == "wake" {
				wakes++
			}
		}
		if wakes != 1 || len(flows) < 6 {
			t.Errorf("got %d arrows, %d of wakes; want more than 5, and 1", len(flows), wakes)
		}
		if len(async) != 1 || async["request1"] != 0 {
			t.Errorf("spans: got %v, want one that begins and ends", async)
		}
	}
}

// What a ring has kept begins anywhere, and what a killed program has left ends
// anywhere: slices nest and arrows have two ends all the same.
func TestPerfettoOfPartOfATrace(t *testing.T) {
	whole := record(t, coro.Direct, trace.WithClock(ticks()))
	for from := range whole.Records {
		checkPerfetto(t, &trace.Trace{Timed: true, Dropped: uint64(from), Records: whole.Records[from:]})
		checkPerfetto(t, &trace.Trace{Timed: true, Records: whole.Records[:from]})
		if t.Failed() {
			t.Fatalf("of %d records, cut at %d", len(whole.Records), from)
		}
	}
}

// checkPerfetto reads back what WritePerfetto makes of tr: slices nest, and arrows
// go from a slice to a slice, forwards. It returns the arrows, and how many more
// spans of each kind and id begin than end.
func checkPerfetto(t *testing.T, tr *trace.Trace) (flows map[string][]chromeEvent, async map[string]int) {
	t.Helper()
	var file struct{ TraceEvents []chromeEvent }
	data := buffer(t, func(b *bytes.Buffer) error { return trace.WritePerfetto(b, tr) })
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	type track struct{ pid, tid int }
	slicesOf := map[track][]chromeEvent{}
	last := map[track]float64{} // of instants and spans, which are written in order
	flows, async = map[string][]chromeEvent{}, map[string]int{}
	for _, e := range file.TraceEvents {
		k := track{e.PID, e.TID}
		if e.PID < 1 || e.TS < 0 || e.Dur < 0 {
			t.Errorf("%+v: want a process, no time before 0", e)
		}
		switch e.Ph {
		case "X":
			slicesOf[k] = append(slicesOf[k], e)
		case "s", "f":
			flows[e.ID] = append(flows[e.ID], e)
		case "b":
			async[e.Cat+e.ID]++
		case "e":
			async[e.Cat+e.ID]--
		}
		if slices.Contains([]string{"i", "b", "e"}, e.Ph) {
			if e.TS <= last[k] && last[k] > 0 {
				t.Errorf("track %v: %+v is not after %v", k, e, last[k])
			}
			last[k] = e.TS
		}
	}
	for k, all := range slicesOf {
		for i, a := range all {
			for _, b := range all[i+1:] {
				apart := a.TS+a.Dur <= b.TS || b.TS+b.Dur <= a.TS
				within := a.TS <= b.TS && b.TS+b.Dur <= a.TS+a.Dur || b.TS <= a.TS && a.TS+a.Dur <= b.TS+b.Dur
				if !apart && !within {
					t.Errorf("track %v: %+v and %+v overlap", k, a, b)
				}
			}
		}
	}
	for id, ends := range flows {
		if len(ends) != 2 || ends[0].Ph != "s" || ends[1].Ph != "f" || ends[0].TS > ends[1].TS {
			t.Errorf("flow %s: got %+v, want a start and then an end", id, ends)
		}
		for _, e := range ends {
			if !slices.ContainsFunc(slicesOf[track{e.PID, e.TID}], func(s chromeEvent) bool {
				return s.TS <= e.TS && e.TS <= s.TS+s.Dur
			}) {
				t.Errorf("flow %s: %+v is in no slice", id, e)
			}
		}
	}
	return flows, async
}

func wellFormed(t *testing.T, data []byte) {
	t.Helper()
	dec := xml.NewDecoder(bytes.NewReader(data))
	for {
		if _, err := dec.Token(); err == io.EOF {
			return
		} else if err != nil {
			t.Fatalf("not well-formed: %v", err)
		}
	}
}

func TestSVGIsWellFormed(t *testing.T) {
	for _, theme := range []trace.Theme{trace.Auto, trace.Light, trace.Dark} {
		tr := record(t, coro.Channel)
		tr.Title = "<script>\x01&"
		data := buffer(t, func(b *bytes.Buffer) error { return trace.WriteSVG(b, tr, trace.WithTheme(theme), trace.WithSteps(4)) })
		wellFormed(t, data)
		if !bytes.Contains(data, []byte("more steps")) || bytes.Contains(data, []byte("<script>")) {
			t.Errorf("theme %d: no word of the steps left out, or the title is not escaped", theme)
		}
	}
}

func TestHTMLCarriesNothingOutside(t *testing.T) {
	tr := record(t, coro.Channel)
	tr.Title = "</script><b>"
	tr.Records[0].Detail = "</script><script>alert(1)</script>"
	page := string(buffer(t, func(b *bytes.Buffer) error { return trace.WriteHTML(b, tr) }))
	for _, bad := range []string{"http://", "https://", "{{", "src=", "alert(1)</script>"} {
		if strings.Contains(page, bad) {
			t.Errorf("the page has %q", bad)
		}
	}
	if got := strings.Count(page, "</script>"); got != 2 {
		t.Errorf("scripts: got %d ends, want 2", got)
	}
}

func TestTracesOfOneProgramAreTheSame(t *testing.T) {
	a, b := record(t, coro.Channel, trace.WithClock(ticks())), record(t, coro.Direct)
	if at := trace.Diff(a, b); at != -1 {
		t.Errorf("Diff: got %d, want -1", at)
	}
	b.Records = b.Records[:5]
	if at := trace.Diff(a, b); at != 5 {
		t.Errorf("Diff with one cut short: got %d, want 5", at)
	}
	out := string(buffer(t, func(w *bytes.Buffer) error { return trace.WriteDiff(w, a, b, 1) }))
	if !strings.Contains(out, "part at record 6") || !strings.Contains(out, "+        ends here") {
		t.Errorf("WriteDiff: got\n%s", out)
	}
}
