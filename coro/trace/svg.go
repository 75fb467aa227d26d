package trace

import (
	"bufio"
	"encoding/xml"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/gohandoff/coroutine/coro"
)

// DefaultSVGSteps is how many steps [WriteSVG] draws unless [WithSteps] says
// otherwise: more than anybody reads in one picture.
const DefaultSVGSteps = 400

// An SVGOption sets up [WriteSVG].
type SVGOption func(*diagram)

// WithTheme chooses the ground; the default is [Auto].
func WithTheme(t Theme) SVGOption { return func(d *diagram) { d.theme = t } }

// WithSteps draws the first n steps and prints only, 0 draws all; the default is
// [DefaultSVGSteps].
func WithSteps(n int) SVGOption { return func(d *diagram) { d.limit = n } }

// DefaultSVGCoroutines is how many coroutines [WriteSVG] draws unless
// [WithCoroutines] says otherwise: with more, nobody finds the line that belongs
// to a name.
const DefaultSVGCoroutines = 40

// WithCoroutines draws the first n coroutines and leaders only, and no step that
// others take part in, 0 draws all; the default is [DefaultSVGCoroutines].
func WithCoroutines(n int) SVGOption { return func(d *diagram) { d.most = n } }

// WriteSVG draws a trace as a sequence diagram: time goes down, each coroutine
// that takes part is a line, each step an arrow. A bar shows who is entered: full
// while it has control, empty while it waits for one that it entered. Dashed is
// what does not move control; red is what ends badly.
func WriteSVG(w io.Writer, t *Trace, opts ...SVGOption) error {
	needsBoth("WriteSVG", w, t)
	d := &diagram{w: bufio.NewWriter(w), limit: DefaultSVGSteps, most: DefaultSVGCoroutines}
	apply("WriteSVG", d, opts)
	shown := *t
	shown.Records = d.choose(t)
	d.replay = newReplay(&shown)
	for i := range d.lanes {
		d.lanes[i].Name = d.names[d.lanes[i].key()]
	}
	d.layout()
	d.head()
	d.lifelines()
	d.bars()
	for i, r := range shown.Records {
		d.step(i, r)
	}
	d.legend()
	d.printf("</svg>\n")
	return d.w.Flush() // it keeps the first error
}

// choose returns the records to be drawn, and notes the last name of everybody,
// which may come after them.
func (d *diagram) choose(t *Trace) (chosen []Record) {
	d.names = map[Party]string{}
	drawn := map[Party]bool{}
	for _, r := range t.Records {
		parties := []Party{r.From, r.To}
		for _, p := range parties {
			if !p.Valid() {
				continue
			}
			if _, known := d.names[p.key()]; !known && (d.most <= 0 || len(drawn) < d.most) {
				drawn[p.key()] = true
			}
			d.names[p.key()] = p.Name
		}
		hidden := slices.ContainsFunc(parties, func(p Party) bool { return p.Valid() && !drawn[p.key()] })
		if hidden || d.limit > 0 && len(chosen) == d.limit {
			continue
		}
		chosen = append(chosen, r)
	}
	d.more, d.hidden = len(t.Records)-len(chosen), len(d.names)-len(drawn)
	return chosen
}

const (
	rowHeight  = 26
	kindAt     = 54 // where the kinds begin
	kindChars  = 24 // of a kind
	barWidth   = 10
	headHeight = 26
	margin     = 20
)

type diagram struct {
	*replay
	w     *bufio.Writer
	theme Theme
	limit int
	most  int

	names  map[Party]string // the last one of each party
	more   int              // steps that are not drawn
	hidden int              // coroutines that are not

	gutter        float64 // for number and kind
	column        float64 // from one line to the next
	chars         int     // of a name
	slanted       bool
	top           float64 // of the first row
	width, height float64
}

func (d *diagram) printf(format string, args ...any) { fmt.Fprintf(d.w, format, args...) }

// layout finds room: columns get narrower, and names slanted, when there are
// many. Long names get wider columns, up to a bound.
func (d *diagram) layout() {
	n := len(d.lanes)
	d.gutter = 118
	for _, r := range d.trace.Records {
		if r.Kind != KindPrint {
			d.gutter = max(d.gutter, kindAt+12+6.7*float64(min(textWidth(string(r.Kind)), kindChars)))
		}
	}
	longest := 0
	for i := range d.lanes {
		longest = max(longest, textWidth(clean(d.label(i))))
	}
	boxed := func(chars int) float64 { return 30 + 8.5*float64(min(longest, chars)) }
	switch {
	case n <= 6:
		d.chars = 24
		d.column = max(132, boxed(d.chars))
	case n <= 10:
		d.chars = 16
		d.column = max(100, boxed(d.chars))
	case n <= 40:
		d.column, d.chars, d.slanted = 46, 20, true
	default:
		d.column, d.chars, d.slanted = 22, 20, true
	}
	d.top = 58 + headHeight
	right := d.column / 2
	if d.slanted {
		right = 16 + 5.6*float64(min(longest, d.chars)) // of a name at 45 degrees
		d.top = 50 + right
	}
	d.width = d.gutter + d.column/2 + d.column*float64(max(n-1, 0)) + right + margin
	for i, r := range d.trace.Records {
		if end := d.x(max(d.from[i], 0)) + 16 + 7.6*float64(textWidth(d.said(r))); end > d.width {
			d.width = end
		}
	}
	// The legend needs this much, and the title must fit.
	d.width = max(d.width, 830, 2*margin+11.5*float64(textWidth(d.title())))
	d.height = d.y(len(d.trace.Records)) + 74
}

func (d *diagram) x(lane int) float64 { return d.gutter + d.column/2 + d.column*float64(lane) }
func (d *diagram) y(i int) float64    { return d.top + 20 + rowHeight*float64(i) }

// said is the text that stands beside the line of who does the step. What indents
// it would not be seen.
func (d *diagram) said(r Record) string {
	if r.Kind == KindPrint || !r.To.Valid() || r.Kind == coro.EventPanic {
		return clip(strings.Join(strings.Fields(clean(r.Detail)), " "), 100)
	}
	return ""
}

func (d *diagram) head() {
	d.printf("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" height=\"%.0f\" viewBox=\"0 0 %.0f %.0f\" role=\"img\" aria-labelledby=\"title desc\">\n",
		d.width, d.height, d.width, d.height)
	d.printf("<title id=\"title\">%s</title>\n", escape(d.title()))
	d.printf("<desc id=\"desc\">A sequence diagram of %s and %s.</desc>\n",
		countOfThings(len(d.lanes), "line"), countOfThings(len(d.trace.Records), "step"))
	d.printf("<style>\n%s</style>\n<defs>\n", d.theme.style())
	for _, class := range []string{"enter", "yield", "wake", "bad"} {
		d.printf("<marker id=\"m-%s\" class=\"%s\" viewBox=\"0 0 10 10\" refX=\"9\" refY=\"5\" markerWidth=\"10\" markerHeight=\"9\" markerUnits=\"userSpaceOnUse\" orient=\"auto\"><path d=\"M0 1L10 5L0 9Z\"/></marker>\n", class, class)
	}
	d.printf("</defs>\n<rect class=\"ground\" width=\"100%%\" height=\"100%%\"/>\n")
	d.printf("<text class=\"title\" x=\"%d\" y=\"34\">%s</text>\n", margin, escape(d.title()))
}

// title returns the trace's title, not longer than a line.
func (d *diagram) title() string {
	if d.trace.Title == "" {
		return "A trace of coroutines"
	}
	return clip(clean(d.trace.Title), 80)
}

// colorOf gives coroutines colours in turn, by id; leaders have none.
func (d *diagram) colorOf(lane int) string {
	if l := d.lanes[lane]; l.ID != 0 {
		return fmt.Sprintf("c%d", (l.ID-1)%laneColors)
	}
	return "leader"
}

func (d *diagram) lifelines() {
	for i, l := range d.lanes {
		x, from, to := d.x(i), d.top, d.y(len(d.trace.Records))
		if l.ended >= 0 {
			to = d.y(l.ended)
		}
		d.printf("<line class=\"life\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>\n", x, from, x, to)
		name := escape(clipName(clean(d.label(i)), d.chars))
		if d.slanted {
			d.printf("<text class=\"name %s\" transform=\"translate(%.1f %.1f) rotate(-45)\">%s</text>\n", d.colorOf(i), x, d.top-6, name)
			continue
		}
		w := d.column - 14
		d.printf("<g class=\"%s\"><rect class=\"head\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%d\" rx=\"6\"/>", d.colorOf(i), x-w/2, d.top-headHeight, w, headHeight)
		d.printf("<text class=\"name\" text-anchor=\"middle\" x=\"%.1f\" y=\"%.1f\">%s</text></g>\n", x, d.top-headHeight+17, name)
	}
}

// label names a lane, with its thread where there are several.
func (d *diagram) label(i int) string {
	l := d.lanes[i]
	if len(d.threads) > 1 && l.Leader() {
		return l.Thread
	}
	return l.Name
}

func (d *diagram) bars() {
	w := min(barWidth, d.column/2)
	for _, s := range d.segments {
		class := "runs"
		if s.state == segWaits {
			class = "waits"
		}
		d.printf("<rect class=\"%s %s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" rx=\"1.5\"/>\n",
			class, d.colorOf(s.lane), d.x(s.lane)-w/2, d.y(s.from), w, d.y(s.to)-d.y(s.from))
	}
}

// looks returns the class of a step's arrow.
func looks(k coro.EventKind) string {
	switch {
	case k == coro.EventKill || k == coro.EventPanic:
		return "bad"
	case enters(k):
		return "enter"
	case ends(k):
		return "yield"
	}
	return "wake"
}

func (d *diagram) step(i int, r Record) {
	y, class := d.y(i), looks(r.Kind)
	from, to := d.from[i], d.to[i]
	if r.Kind == KindPrint {
		// Before the first step nobody is known to have control.
		d.printf("<text class=\"print\" x=\"%.1f\" y=\"%.1f\">%s</text>\n", d.x(max(from, 0))+12, y+4, escape(d.said(r)))
		return
	}
	d.printf("<g class=\"step\"><title>%s</title>", escape(clean(fmt.Sprintf("%d  %v  %s", r.Seq, r, r.Site))))
	d.printf("<text class=\"seq\" text-anchor=\"end\" x=\"46\" y=\"%.1f\">%d</text>", y+4, r.Seq)
	d.printf("<text class=\"kind %s\" x=\"%d\" y=\"%.1f\">%s</text>", class, kindAt, y+4, escape(clip(clean(string(r.Kind)), kindChars)))
	switch {
	case from >= 0 && to >= 0 && from != to:
		// Arrows go from edge to edge of the bars.
		x1, x2, edge := d.x(from), d.x(to), min(barWidth, d.column/2)/2
		if x2 < x1 {
			edge = -edge
		}
		d.printf("<path class=\"arrow %s\" marker-end=\"url(#m-%s)\" d=\"M%.1f %.1fH%.1f\"/>", class, class, x1+edge, y, x2-edge)
	case from >= 0:
		d.printf("<circle class=\"dot %s\" cx=\"%.1f\" cy=\"%.1f\" r=\"4\"/>", class, d.x(from), y)
	}
	if said := d.said(r); said != "" && from >= 0 {
		base := y + 4
		if to > from {
			base = y - 6 // over its arrow, which goes where it stands
		}
		d.printf("<text class=\"said %s\" x=\"%.1f\" y=\"%.1f\">%s</text>", class, d.x(from)+12, base, escape(said))
	}
	if from >= 0 && d.lanes[from].ended == i {
		x := d.x(from)
		d.printf("<path class=\"end %s\" d=\"M%.1f %.1fl10 10m0 -10l-10 10\"/>", class, x-5, y-5)
	}
	d.printf("</g>\n")
}

func (d *diagram) legend() {
	y := d.height - 30
	if d.more > 0 {
		left := "… " + countOfThings(d.more, "more step")
		if d.hidden > 0 {
			left += ", and " + countOfThings(d.hidden, "more coroutine")
		}
		d.printf("<text class=\"seq\" x=\"%d\" y=\"%.1f\">%s</text>\n", margin, y-26, left)
	}
	x := float64(margin)
	for _, e := range []struct{ class, text string }{
		{"enter", "enter"}, {"yield", "yield, end"}, {"wake", "wake, create"}, {"bad", "kill, panic"},
	} {
		d.printf("<path class=\"arrow %s\" marker-end=\"url(#m-%s)\" d=\"M%.1f %.1fh34\"/>", e.class, e.class, x, y-4)
		d.printf("<text class=\"key\" x=\"%.1f\" y=\"%.1f\">%s</text>\n", x+42, y, e.text)
		x += 42 + 7*float64(len(e.text)) + 22
	}
	for _, e := range []struct{ class, text string }{{"runs", "has control"}, {"waits", "waits for one it entered"}} {
		d.printf("<rect class=\"%s c0\" x=\"%.1f\" y=\"%.1f\" width=\"10\" height=\"14\" rx=\"1.5\"/>", e.class, x, y-11)
		d.printf("<text class=\"key\" x=\"%.1f\" y=\"%.1f\">%s</text>\n", x+16, y, e.text)
		x += 16 + 6.5*float64(len(e.text)) + 18
	}
}

// escape makes s text of XML.
func escape(s string) string {
	var b strings.Builder
	xml.EscapeText(&b, []byte(s)) // a Builder takes everything
	return b.String()
}
