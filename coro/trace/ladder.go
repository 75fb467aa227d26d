package trace

import (
	"fmt"
	"io"
	"strings"

	"github.com/gohandoff/coroutine/coro"
)

const (
	// DefaultWidth is that of the smallest terminal anybody still opens.
	DefaultWidth = 80
	// MinWidth leaves room for the rails and the longest step.
	MinWidth = 60

	seqWidth  = 6  // "   1  ", or more for a number of five digits
	railWidth = 3  // "│  "
	nameWidth = 16 // of names, where there is room
	verbWidth = len(" -- terminate --> ")
)

// A Ladder draws a trace as text: a line for each step, indented by a rail for
// each coroutine that is entered, with what the program printed in its place
// between the steps. It is a [Sink] for a [Stream]; for a trace that has been
// recorded, use [WriteText].
//
//	1  leader ·· create ··▸ hello
//	2  leader ── enter ──▸ hello
//	   │    some work
//	3  ╰─ hello ── yield ──▸ leader
//
// Dots are steps by which control stays where it is, double lines those that end
// badly. The picture holds no address, time or handoff, so that a program gives
// the same one on each run.
type Ladder struct {
	out   io.Writer
	width int
	limit uint64
	paint palette

	open   map[string][]Party // by thread: those entered, outermost first
	thread string             // whose step was drawn last
	some   bool               // something was
	indent int                // columns of the last number drawn, with what follows it
	steps  uint64
	seen   map[Party]bool // the coroutines that took part
	err    error
}

// A TextOption sets up a [Ladder].
type TextOption func(*Ladder)

// WithWidth fits the picture into columns, of which it needs [MinWidth] at
// least; the default is [DefaultWidth].
func WithWidth(columns int) TextOption {
	return func(l *Ladder) { l.width = max(columns, MinWidth) }
}

// WithColor draws in colour, by the escape sequences of terminals.
func WithColor(on bool) TextOption {
	return func(l *Ladder) {
		l.paint = plain
		if on {
			l.paint = colored
		}
	}
}

// WithLimit leaves out the steps after the first n, though not what is printed;
// 0 draws all.
func WithLimit(n uint64) TextOption { return func(l *Ladder) { l.limit = n } }

// NewLadder makes a ladder that draws to out.
func NewLadder(out io.Writer, opts ...TextOption) *Ladder {
	needs(out != nil, "NewLadder", "the io.Writer")
	l := &Ladder{out: out, width: DefaultWidth, indent: seqWidth, paint: plain, open: make(map[string][]Party), seen: make(map[Party]bool)}
	apply("NewLadder", l, opts)
	return l
}

// WriteText draws a whole trace as a [Ladder] does.
func WriteText(w io.Writer, t *Trace, opts ...TextOption) error {
	needsBoth("WriteText", w, t)
	l := NewLadder(w, opts...)
	if t.Title != "" {
		l.Heading(t.Title, "")
	}
	if t.Dropped > 0 {
		l.line(l.paint.dim("   …  " + countOfThings(int(t.Dropped), "step") + " before these"))
	}
	for _, r := range t.Records {
		l.WriteRecord(r) // Close returns the first error
	}
	return l.Close()
}

// WriteRecord implements [Sink].
func (l *Ladder) WriteRecord(r Record) error {
	if r.Thread == "" {
		r.Thread = l.thread // printed before the first event
	}
	if l.some && r.Thread != l.thread {
		l.line(l.paint.dim(strings.Repeat(" ", l.indent) + "┄ " + clip(clean(r.Thread), l.width-l.indent-2)))
	}
	l.thread, l.some = r.Thread, r.Thread != ""
	if r.Kind == KindPrint {
		l.print(r.Detail)
		return l.err
	}
	l.steps++
	for _, p := range []Party{r.From, r.To} {
		if p.ID != 0 {
			l.seen[p.key()] = true
		}
	}
	if l.shown() {
		l.draw(r)
	}
	open := l.open[r.Thread]
	switch {
	case enters(r.Kind):
		l.open[r.Thread] = append(open, r.To)
	case ends(r.Kind):
		l.open[r.Thread] = open[:max(len(open)-1, 0)]
	}
	return l.err
}

// draw draws a step, with the rails as they were before it.
func (l *Ladder) draw(r Record) {
	depth, foot := len(l.open[r.Thread]), ""
	if ends(r.Kind) && depth > 0 {
		depth, foot = depth-1, "╰─ "
	}
	seq := fmt.Sprintf("%4d  ", r.Seq)
	l.indent = len(seq)
	gutter, room := l.gutter(depth)
	room -= textWidth(foot)
	l.line(l.paint.dim(seq) + gutter + l.paint.name(r.From, foot) + l.step(r, room))
}

// Close ends the picture with what it amounts to, and returns the first error in
// drawing it.
func (l *Ladder) Close() error {
	if !l.shown() {
		l.line(l.paint.dim(fmt.Sprintf("   …  %d more steps", l.steps-l.limit)))
	}
	l.line("")
	l.line(l.paint.dim(fmt.Sprintf("      %s, %s", countOfThings(len(l.seen), "coroutine"), countOfThings(int(l.steps), "step"))))
	return l.err
}

// Heading draws a name and what it is about, above the first step.
func (l *Ladder) Heading(name, about string) {
	name = clean(name)
	if about == "" {
		for _, s := range wrap(name, l.width, 0) {
			l.line(l.paint.bold(s))
		}
		l.line("")
		return
	}
	indent := textWidth(name) + 2
	for i, s := range wrap(clean(about), l.width-indent, 0) {
		if i == 0 {
			l.line(l.paint.bold(name) + "  " + s)
		} else {
			l.line(strings.Repeat(" ", indent) + s)
		}
	}
	l.line("")
}

// shown reports whether the step that was counted last is to be drawn.
func (l *Ladder) shown() bool { return l.limit == 0 || l.steps <= l.limit }

func (l *Ladder) line(s string) {
	if l.err != nil {
		return
	}
	s = strings.TrimRight(s, " ") + "\n"
	var n int
	if n, l.err = io.WriteString(l.out, s); l.err == nil && n < len(s) {
		l.err = io.ErrShortWrite
	}
}

func (l *Ladder) print(text string) {
	gutter, room := l.gutter(len(l.open[l.thread]))
	// Two more columns set a print off from a step without colours, too.
	for _, s := range wrap(clean(text), room-2, hang(text)) {
		// What is indented belongs to the line above, which is enough to see.
		if !strings.HasPrefix(s, " ") {
			s = l.paint.bold(s)
		}
		l.line(strings.Repeat(" ", l.indent) + gutter + "  " + s)
	}
}

// gutter draws the rails of the outermost depth coroutines, and tells how many
// columns are left. Rails take a third of the width at most, so that words have
// room: deeper levels share one mark.
func (l *Ladder) gutter(depth int) (string, int) {
	var b strings.Builder
	room := l.width - l.indent
	maxRails := room / 3 / railWidth
	for i, co := range l.open[l.thread][:min(depth, maxRails)] {
		if i == maxRails-1 && depth > maxRails {
			more := fmt.Sprintf("…%d ", depth)
			b.WriteString(l.paint.dim(more))
			room -= textWidth(more)
			break
		}
		b.WriteString(l.paint.name(co, "│") + "  ")
		room -= railWidth
	}
	return b.String(), room
}

// step draws who does what to whom in room columns.
func (l *Ladder) step(r Record, room int) string {
	half := min(nameWidth, (room-verbWidth)/2)
	from, to := clipName(clean(r.From.Name), half), clipName(clean(r.To.Name), half)
	tail, head := "── ", " ──▸ "
	switch r.Kind {
	case coro.EventKill, coro.EventPanic:
		tail, head = "══ ", " ══▸ "
	default:
		if !enters(r.Kind) && !ends(r.Kind) {
			tail, head = "·· ", " ··▸ " // control stays
		}
	}
	if !r.To.Valid() {
		head = ""
	}
	verb := clip(clean(string(r.Kind)), max(room-textWidth(from+tail+head+to)-1, 3))
	plain := from + " " + tail + verb + head + to
	s := l.paint.name(r.From, from) + " " + l.paint.dim(tail) + l.paint.verb(r.Kind, verb) +
		l.paint.dim(head) + l.paint.name(r.To, to)
	if room -= textWidth(plain) + len("  ()"); r.Detail != "" && room > 3 {
		s += l.paint.dim("  (" + clip(clean(r.Detail), room) + ")")
	}
	return s
}

func countOfThings(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
