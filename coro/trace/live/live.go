// Package live serves what a running program's coroutines do: a page and JSON
// over HTTP, and metrics for expvar. It only reads. It is a package of its own so
// that package trace does not bring net/http into programs that serve nothing.
package live

import (
	"bytes"
	"encoding/json"
	"expvar"
	"fmt"
	"html/template"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"

	_ "embed"

	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/trace"
)

// A Source is what a [Handler] shows. All fields may be left out.
type Source struct {
	// Threads are dumped.
	Threads []*coro.Thread
	// Ring has the last events and their counts.
	Ring *trace.Ring
	// Latencies are hooks, such as an event loop's: how long what is ready
	// has to wait for its turn. They are called at each request, by any
	// goroutine.
	Latencies []Latency
	// Numbers returns more numbers, of any form that JSON takes, such as an
	// event loop's aio.Stats, or a list or a map of those, which codemo top
	// shows, too. In JSON a duration is in nanoseconds. It is called at each
	// request, by any goroutine.
	Numbers func() any
}

// A Latency is a named hook.
type Latency struct {
	// Name says what is measured.
	Name string
	// Read returns the latest value.
	Read func() time.Duration
}

//go:embed page.html
var pageHTML string

var page = template.Must(template.New("page").Funcs(template.FuncMap{
	"ns": func(ns int64) string { return Duration(time.Duration(ns)) },
}).Parse(pageHTML))

// Handler serves src below any path that ends in a slash, beside that of
// net/http/pprof:
//
//	mux.Handle("/debug/coroutines/", http.StripPrefix("/debug/coroutines", live.Handler(src)))
//
// It has a page at its root; "dump", the dump of every thread; "stats.json"; and
// the last events as "events.jsonl", "events.txt" and "events.html", with ?n= for
// how many. It answers GET and HEAD only, and asks nobody who they are: do not
// serve it to the world.
//
// It panics if a thread, or what reads a latency, is nil.
func Handler(src Source) http.Handler {
	src.check("Handler")
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		var b bytes.Buffer
		st := src.stats()
		err := page.Execute(&b, map[string]any{"Stats": st, "Numbers": flatten(st.Numbers), "Dump": src.dump(), "Events": src.events(30)})
		reply(w, "text/html; charset=utf-8", &b, err)
	})
	mux.HandleFunc("GET /dump", func(w http.ResponseWriter, _ *http.Request) {
		reply(w, "text/plain; charset=utf-8", bytes.NewBufferString(src.dump()), nil)
	})
	mux.HandleFunc("GET /stats.json", func(w http.ResponseWriter, _ *http.Request) {
		var b bytes.Buffer
		enc := json.NewEncoder(&b)
		enc.SetIndent("", "  ")
		reply(w, "application/json", &b, enc.Encode(src.stats()))
	})
	for _, f := range []struct {
		ext, mime string
		write     func(w *bytes.Buffer, t *trace.Trace) error
	}{
		{"jsonl", "application/jsonl", func(b *bytes.Buffer, t *trace.Trace) error { return trace.WriteJSONL(b, t) }},
		{"txt", "text/plain; charset=utf-8", func(b *bytes.Buffer, t *trace.Trace) error { return trace.WriteText(b, t) }},
		{"html", "text/html; charset=utf-8", func(b *bytes.Buffer, t *trace.Trace) error { return trace.WriteHTML(b, t) }},
	} {
		mux.HandleFunc("GET /events."+f.ext, func(w http.ResponseWriter, r *http.Request) {
			n := 1 << 20
			if s := r.FormValue("n"); s != "" {
				var err error
				if n, err = strconv.Atoi(s); err != nil || n < 1 {
					http.Error(w, "n: want a number from 1", http.StatusBadRequest)
					return
				}
			}
			var b bytes.Buffer
			reply(w, f.mime, &b, f.write(&b, src.last(n)))
		})
	}
	return mux
}

// reply sends b, which is complete: an error must not come after half a page.
func reply(w http.ResponseWriter, mime string, b *bytes.Buffer, err error) {
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", mime)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	w.Write(b.Bytes())
}

// Stats are the numbers of a [Source].
type Stats struct {
	// Threads are the threads, in the order of the source.
	Threads []ThreadStats `json:"threads"`
	// Events is how many there have been.
	Events uint64 `json:"events"`
	// Counts are the events by kind.
	Counts []KindCount `json:"counts,omitempty"`
	// Latencies are the hooks' values.
	Latencies []LatencyStats `json:"latencies,omitempty"`
	// Numbers are what the source's Numbers returned.
	Numbers any `json:"numbers,omitempty"`
}

// ThreadStats are the numbers of a thread.
type ThreadStats struct {
	Name    string `json:"name"`    // of the thread
	Handoff string `json:"handoff"` // how it moves control
	Live    int    `json:"live"`    // coroutines that have run and are not dead
}

// KindCount is how many events there were of a kind.
type KindCount struct {
	Kind string `json:"kind"` // what happened
	N    uint64 `json:"n"`    // how often
}

// LatencyStats is the value of a hook.
type LatencyStats struct {
	Name string `json:"name"` // of the hook
	NS   int64  `json:"ns"`   // what it read, in nanoseconds
}

func (s Source) stats() Stats {
	st := Stats{Threads: []ThreadStats{}}
	for _, t := range s.Threads {
		st.Threads = append(st.Threads, ThreadStats{t.Name(), t.Handoff().String(), t.Live()})
	}
	if s.Ring != nil {
		st.Events = s.Ring.Count()
		for _, c := range s.Ring.Counts() {
			st.Counts = append(st.Counts, KindCount{string(c.Kind), c.N})
		}
	}
	for _, l := range s.Latencies {
		st.Latencies = append(st.Latencies, LatencyStats{l.Name, int64(l.Read())})
	}
	if s.Numbers != nil {
		st.Numbers = s.Numbers()
	}
	return st
}

func (s Source) dump() string {
	var b bytes.Buffer
	for i, t := range s.Threads {
		if i > 0 {
			b.WriteString("\n")
		}
		t.Dump(&b) // a Buffer takes everything
	}
	// Names are the program's, and the dump may be read in a terminal.
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return unicode.ReplacementChar
		}
		return r
	}, b.String())
}

func (s Source) last(n int) *trace.Trace {
	if s.Ring == nil {
		return new(trace.Trace)
	}
	return s.Ring.Last(n)
}

func (s Source) events(n int) string {
	var b bytes.Buffer
	trace.WriteText(&b, s.last(n)) // a Buffer takes everything
	return b.String()
}

// Var returns the numbers of src as a variable for expvar:
//
//	expvar.Publish("coroutines", live.Var(src))
//
// It panics if a thread, or what reads a latency, is nil.
func Var(src Source) expvar.Var {
	src.check("Var")
	return expvar.Func(func() any { return src.stats() })
}

func (s Source) check(f string) {
	for i, t := range s.Threads {
		if t == nil {
			panic(fmt.Sprintf("live: %s: Threads[%d] is nil", f, i))
		}
	}
	for i, l := range s.Latencies {
		if l.Read == nil {
			panic(fmt.Sprintf("live: %s: Latencies[%d], %q, has no Read", f, i, l.Name))
		}
	}
}
