package trace

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"

	"github.com/gohandoff/coroutine/coro"
)

// WritePerfetto writes a trace in the trace-event format of Chrome, as JSON: open
// it in ui.perfetto.dev or chrome://tracing.
//
// Each thread is a process there, and each coroutine a track with its name. A
// slice is a stretch for which the coroutine was entered; within it, the
// stretches for which it waited for another that it entered are slices of their
// own. Arrows lead from who entered or woke a coroutine to where it went on.
// Spans ([Span]) have tracks of their own. A trace without times shows a
// microsecond for each step.
func WritePerfetto(w io.Writer, t *Trace) error {
	needsBoth("WritePerfetto", w, t)
	p := perfetto{replay: newReplay(t), w: bufio.NewWriter(w), wakes: make(map[int][]int)}
	p.schedule()
	p.w.WriteString("{\"displayTimeUnit\":\"ns\",\"traceEvents\":[\n")
	p.metadata()
	p.slices()
	p.steps()
	p.w.WriteString("\n]}\n")
	if err := p.w.Flush(); p.err == nil {
		p.err = err
	}
	return p.err
}

type perfetto struct {
	*replay
	w     *bufio.Writer
	at    []time.Duration // of each event, and of the end
	wakes map[int][]int   // wakes that lead to a lane, to be drawn when it runs
	some  bool
	err   error
}

// A chromeEvent is one of the format; the order of the fields is that of the
// output.
type chromeEvent struct {
	Name  string         `json:"name"`
	Cat   string         `json:"cat,omitempty"`
	Phase string         `json:"ph"`
	Scope string         `json:"s,omitempty"`
	Bind  string         `json:"bp,omitempty"`
	ID    string         `json:"id,omitempty"`
	Time  json.Number    `json:"ts,omitempty"`
	Dur   json.Number    `json:"dur,omitempty"`
	PID   int            `json:"pid"`
	TID   int            `json:"tid"`
	Args  map[string]any `json:"args,omitempty"` // encoding/json sorts the keys
}

// schedule gives every event a time of its own, 2 ns at least after the one
// before: what happens at one time cannot be nested.
func (p *perfetto) schedule() {
	n := len(p.trace.Records)
	p.at = make([]time.Duration, n+1)
	last := time.Duration(-2)
	for i, r := range p.trace.Records {
		at := r.Time
		if !p.trace.Timed {
			at = time.Duration(i) * time.Microsecond
		}
		last = max(at, last+2)
		p.at[i] = last
	}
	p.at[n] = last + time.Microsecond
}

func micros(d time.Duration) json.Number {
	return json.Number(strconv.FormatFloat(float64(d)/1e3, 'f', 3, 64))
}

// track returns where a lane is drawn, and for -1 where that is drawn which nobody
// did: what was printed before the first step. Numbers start from 1: viewers take
// 0 for the idle thread of a system.
func (p *perfetto) track(lane int) (pid, tid int) {
	if lane < 0 {
		return len(p.threads) + 1, len(p.lanes) + 1
	}
	for n, t := range p.threads {
		if t == p.lanes[lane].Thread {
			pid = n + 1
		}
	}
	return pid, lane + 1
}

func (p *perfetto) put(e chromeEvent) {
	data, err := json.Marshal(e)
	if p.err == nil {
		p.err = err
	}
	if p.some {
		p.w.WriteString(",\n")
	}
	p.some = true
	p.w.Write(data)
}

func (p *perfetto) metadata() {
	for n, t := range p.threads {
		name := "thread " + t
		if p.trace.Title != "" {
			name += " (" + p.trace.Title + ")"
		}
		p.put(chromeEvent{Name: "process_name", Phase: "M", PID: n + 1, Args: map[string]any{"name": name}})
	}
	for i, l := range p.lanes {
		pid, tid := p.track(i)
		p.put(chromeEvent{Name: "thread_name", Phase: "M", PID: pid, TID: tid, Args: map[string]any{"name": l.Name}})
		p.put(chromeEvent{Name: "thread_sort_index", Phase: "M", PID: pid, TID: tid, Args: map[string]any{"sort_index": i}})
	}
	if slices.Contains(p.from, -1) {
		pid, tid := p.track(-1)
		p.put(chromeEvent{Name: "process_name", Phase: "M", PID: pid, Args: map[string]any{"name": "program"}})
		p.put(chromeEvent{Name: "thread_name", Phase: "M", PID: pid, TID: tid, Args: map[string]any{"name": "no coroutine"}})
	}
}

// slices draws the stretches for which each lane was entered, and within them
// those for which it waited.
func (p *perfetto) slices() {
	type stretch struct{ from, to int }
	whole := make([][]stretch, len(p.lanes))
	for _, s := range p.segments {
		w := whole[s.lane]
		if n := len(w); n > 0 && !s.first && w[n-1].to == s.from {
			w[n-1].to = s.to
		} else {
			whole[s.lane] = append(w, stretch{s.from, s.to})
		}
	}
	for lane, w := range whole {
		for _, s := range w {
			name := p.lanes[lane].Name
			p.slice(lane, name, "run", s.from, s.to)
		}
	}
	for _, s := range p.segments {
		if s.state == segWaits {
			p.slice(s.lane, "waits for "+p.trace.Records[s.from].To.Name, "wait", s.from, s.to)
		}
	}
}

func (p *perfetto) slice(lane int, name, cat string, from, to int) {
	pid, tid := p.track(lane)
	p.put(chromeEvent{
		Name: name, Cat: cat, Phase: "X", PID: pid, TID: tid,
		Time: micros(p.at[from]), Dur: micros(p.at[to] - p.at[from]), Args: p.args(from),
	})
}

func (p *perfetto) args(i int) map[string]any {
	if i >= len(p.trace.Records) {
		return nil
	}
	r := p.trace.Records[i]
	args := map[string]any{}
	if r.Seq != 0 { // a print has none
		args["seq"] = r.Seq
	}
	if r.Site != "" {
		args["site"] = r.Site
	}
	if r.Detail != "" {
		args["detail"] = r.Detail
	}
	return args
}

// steps draws events that are no slices, and the arrows.
func (p *perfetto) steps() {
	for i, r := range p.trace.Records {
		from, to := p.from[i], p.to[i]
		if from < 0 {
			p.instant(i, r, from)
			continue
		}
		phase, name, id, rest := SpanOf(r.Kind, r.Detail)
		switch {
		case enters(r.Kind):
			p.flow(string(r.Kind), i, from, to, i, i)
			for _, wake := range p.wakes[to] {
				p.flow("wake", wake, p.from[wake], to, wake, i)
			}
			delete(p.wakes, to)
		case phase != NoSpan:
			pid, tid := p.track(from)
			e := chromeEvent{Name: name, Cat: name, ID: strconv.FormatUint(id, 10), Time: micros(p.at[i]), PID: pid, TID: tid}
			e.Phase = "b"
			if phase == End {
				e.Phase = "e"
			}
			e.Args = map[string]any{"by": r.From.Name}
			if rest != "" {
				e.Args["detail"] = rest
			}
			p.put(e)
		case ends(r.Kind) && r.Kind != coro.EventPanic:
		default:
			if r.Kind == coro.EventWake && to >= 0 {
				p.wakes[to] = append(p.wakes[to], i)
			}
			p.instant(i, r, from)
		}
	}
}

func (p *perfetto) instant(i int, r Record, lane int) {
	pid, tid := p.track(lane)
	name := r.String()
	p.put(chromeEvent{
		Name: name, Cat: string(r.Kind), Phase: "i", Scope: "t",
		Time: micros(p.at[i]), PID: pid, TID: tid, Args: p.args(i),
	})
}

// flow draws an arrow from a lane at one event to a lane at another. Each end
// must lie in a slice of its track. A doer has one there: it had control.
func (p *perfetto) flow(cat string, n, from, to, at, until int) {
	if to < 0 {
		return
	}
	id := fmt.Sprintf("%s%d", cat, n)
	pid, tid := p.track(from)
	p.put(chromeEvent{Name: cat, Cat: cat, Phase: "s", ID: id, Time: micros(p.at[at]), PID: pid, TID: tid})
	pid, tid = p.track(to)
	p.put(chromeEvent{Name: cat, Cat: cat, Phase: "f", Bind: "e", ID: id, Time: micros(p.at[until]), PID: pid, TID: tid})
}
