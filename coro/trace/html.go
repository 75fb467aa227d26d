package trace

import (
	"bufio"
	_ "embed"
	"encoding/json"
	"html"
	"io"
	"strings"
)

var (
	//go:embed viewer.html
	viewerHTML string
	//go:embed viewer.css
	viewerCSS string
	//go:embed viewer.js
	viewerJS string
	//go:embed viewer_panel.js
	viewerPanelJS string
)

// WriteHTML writes a trace as one page that needs nothing else, no network and
// no server: a timeline to zoom and pan, to search by coroutine and to step
// through, with who did what, where, and the chain of callers at each step. It
// stays fluid with 100,000 events.
func WriteHTML(w io.Writer, t *Trace) error {
	needsBoth("WriteHTML", w, t)
	// The encoder escapes <, > and &, so that no detail can end the script.
	data, err := json.Marshal(newView(newReplay(t)))
	if err != nil {
		return err
	}
	title := t.Title
	if title == "" {
		title = "A trace of coroutines"
	}
	out := bufio.NewWriter(w)
	parts := strings.NewReplacer("{{title}}", html.EscapeString(clean(title)), "{{css}}", viewerCSS, "{{js}}", viewerJS+viewerPanelJS)
	before, after, _ := strings.Cut(viewerHTML, "{{data}}")
	parts.WriteString(out, before)
	out.Write(data)
	parts.WriteString(out, after)
	return out.Flush() // it keeps the first error
}

// A view is what the page is told: columns, since a hundred thousand objects
// would take it seconds to read, and numbers into tables for all that repeats.
type view struct {
	Title   string     `json:"title"`
	Timed   bool       `json:"timed"`
	Dropped uint64     `json:"dropped"`
	Threads []string   `json:"threads"`
	Lanes   []viewLane `json:"lanes"`
	Kinds   []string   `json:"kinds"`
	Looks   []string   `json:"looks"` // of kinds
	Words   []string   `json:"words"` // details and sites

	// Of each event.
	Seq    []uint64 `json:"seq"`
	On     []int    `json:"on"` // the thread
	Time   []int64  `json:"time,omitempty"`
	Kind   []int    `json:"kind"`
	From   []int    `json:"from"`
	To     []int    `json:"to"`
	Detail []int    `json:"detail"`
	Site   []int    `json:"site"`
	Chain  []int    `json:"chain"`

	// Each link is a lane and the link of its caller; each segment a lane,
	// the events from and to, and a state.
	Links    [][2]int `json:"links"`
	Segments [][4]int `json:"segments"`
}

type viewLane struct {
	Name    string `json:"name"`
	ID      uint64 `json:"id"`
	Thread  int    `json:"thread"`
	Created int    `json:"created"`
	Ended   int    `json:"ended"`
}

func newView(p *replay) *view {
	v := &view{
		Title: oneWay(p.trace.Title), Timed: p.trace.Timed, Dropped: p.trace.Dropped,
		Words: []string{""}, From: p.from, To: p.to, Chain: p.chain,
		// Not nil: the page wants lists, also of nothing.
		Threads: []string{}, Lanes: []viewLane{}, Kinds: []string{}, Looks: []string{},
		Seq: []uint64{}, On: []int{}, Kind: []int{}, Detail: []int{}, Site: []int{},
		Links: [][2]int{}, Segments: [][4]int{},
	}
	threads := make(map[string]int)
	thread := func(name string) int {
		i, ok := threads[name]
		if !ok {
			i = len(v.Threads)
			threads[name] = i
			v.Threads = append(v.Threads, oneWay(name))
		}
		return i
	}
	for _, name := range p.threads {
		thread(name)
	}
	for _, l := range p.lanes {
		v.Lanes = append(v.Lanes, viewLane{oneWay(l.Name), l.ID, thread(l.Thread), l.created, l.ended})
	}
	words, kinds := map[string]int{"": 0}, map[string]int{}
	word := func(s string) int {
		i, ok := words[s]
		if !ok {
			i = len(v.Words)
			words[s] = i
			v.Words = append(v.Words, oneWay(s))
		}
		return i
	}
	for _, r := range p.trace.Records {
		k, ok := kinds[string(r.Kind)]
		if !ok {
			k = len(v.Kinds)
			kinds[string(r.Kind)] = k
			v.Kinds = append(v.Kinds, oneWay(string(r.Kind)))
			look := looks(r.Kind)
			if !ours(r.Kind) {
				look = "note"
			}
			v.Looks = append(v.Looks, look)
		}
		v.Kind = append(v.Kind, k)
		v.Seq = append(v.Seq, r.Seq)
		on := 0
		if r.Seq > 0 { // what is printed has none
			on = thread(r.Thread)
		}
		v.On = append(v.On, on)
		if v.Timed {
			v.Time = append(v.Time, int64(r.Time))
		}
		v.Detail = append(v.Detail, word(r.Detail))
		v.Site = append(v.Site, word(r.Site))
	}
	for _, l := range p.links {
		v.Links = append(v.Links, [2]int{l.lane, l.up})
	}
	for _, s := range p.segments {
		v.Segments = append(v.Segments, [4]int{s.lane, s.from, s.to, int(s.state)})
	}
	return v
}
