// Package ladder draws the trace of a thread as it happens: a line for each
// step, indented by a rail for each coroutine that is entered, with what the
// program prints in its place between the steps.
//
//	1  leader ·· create ··▸ hello
//	2  leader ── enter ──▸ hello
//	   │  some work
//	3  ╰─ hello ── yield ──▸ leader
//
// The picture holds no address, time or handoff, so that a program gives the
// same one on each run.
package ladder

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/rivo/uniseg"

	"github.com/gohandoff/coroutine/coro"
)

const (
	// DefaultWidth is that of the smallest terminal anybody still opens.
	DefaultWidth = 80
	// MinWidth leaves room for the rails and the longest step.
	MinWidth = 60

	seqWidth  = 6  // "   1  "
	railWidth = 3  // "│  "
	nameWidth = 16 // of names, where there is room
	verbWidth = len(" -- terminate --> ")
)

// A Ladder is a [coro.Tracer] that draws each step, and an [io.Writer] for what
// the traced program prints. Both are used on the line of control of one thread,
// which is why neither needs a lock.
type Ladder struct {
	out   io.Writer
	width int
	limit uint64
	paint palette

	open    []*coro.Coroutine // those entered, outermost first
	partial []byte            // a print that has not ended its line
	created *coro.Event       // not drawn yet: it gets its name after New
	steps   uint64
	made    int
	err     error
}

// An Option sets up a [Ladder].
type Option func(*Ladder)

// WithWidth fits the picture into columns, of which it needs [MinWidth] at
// least; the default is [DefaultWidth].
func WithWidth(columns int) Option {
	return func(l *Ladder) { l.width = max(columns, MinWidth) }
}

// WithColor draws in colour.
func WithColor(on bool) Option {
	return func(l *Ladder) {
		l.paint = plain
		if on {
			l.paint = colored
		}
	}
}

// WithLimit leaves out the steps after the first n, though not what is printed;
// 0 draws all.
func WithLimit(n uint64) Option { return func(l *Ladder) { l.limit = n } }

// New makes a ladder that draws to out.
func New(out io.Writer, opts ...Option) *Ladder {
	l := &Ladder{out: out, width: DefaultWidth, paint: plain}
	for _, o := range opts {
		o(l)
	}
	return l
}

// Trace implements [coro.Tracer].
func (l *Ladder) Trace(e coro.Event) {
	l.flush()
	l.steps++
	if e.Kind == coro.EventCreate {
		l.made++
	}
	switch {
	case !l.shown():
	case e.Kind == coro.EventCreate:
		l.created = &e
	default:
		l.draw(e)
	}
	switch {
	case e.Kind == coro.EventEnter || e.Kind == coro.EventKill:
		l.open = append(l.open, e.To)
	case ends(e.Kind):
		l.open = l.open[:max(len(l.open)-1, 0)]
	}
}

// draw draws a step, with the rails as they were before it.
func (l *Ladder) draw(e coro.Event) {
	depth, foot := len(l.open), ""
	if ends(e.Kind) && depth > 0 {
		depth, foot = depth-1, "╰─ "
	}
	gutter, room := l.gutter(depth)
	room -= uniseg.StringWidth(foot)
	l.line(l.paint.dim(fmt.Sprintf("%4d  ", e.Seq)) + gutter + l.paint.name(e.From, foot) + l.step(e, room))
}

// Write implements [io.Writer]: it draws each line of p beside the rails of who
// is entered, wrapped where it is too long.
func (l *Ladder) Write(p []byte) (int, error) {
	l.flushCreated()
	l.partial = append(l.partial, p...)
	for {
		line, rest, found := bytes.Cut(l.partial, []byte("\n"))
		if !found {
			break
		}
		l.print(string(line))
		l.partial = rest
	}
	return len(p), l.err
}

// Close ends the picture with what it amounts to, and returns the first error in
// drawing it.
func (l *Ladder) Close() error {
	l.flush()
	l.open = nil
	if !l.shown() {
		l.line(l.paint.dim(fmt.Sprintf("   …  %d more steps", l.steps-l.limit)))
	}
	l.line("")
	l.line(l.paint.dim(fmt.Sprintf("      %s, %s", count(l.made, "coroutine"), count(int(l.steps), "step"))))
	return l.err
}

// Heading draws a name and what it is about, above the first step.
func (l *Ladder) Heading(name, about string) {
	indent := len(name) + 2
	for i, s := range wrap(about, l.width-indent, 0) {
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

// flush draws what waits for its name or its end.
func (l *Ladder) flush() {
	l.flushCreated()
	if len(l.partial) > 0 {
		l.print(string(l.partial))
		l.partial = nil
	}
}

// flushCreated draws the creation that waits for its name. No print waits at the
// same time: a creation ends a print.
func (l *Ladder) flushCreated() {
	if e := l.created; e != nil {
		l.created = nil
		l.draw(*e)
	}
}

func (l *Ladder) line(s string) {
	if l.err == nil {
		_, l.err = io.WriteString(l.out, strings.TrimRight(s, " ")+"\n")
	}
}

func (l *Ladder) print(text string) {
	gutter, room := l.gutter(len(l.open))
	// Two more columns set a print off from a step without colours, too.
	for _, s := range wrap(clean(text), room-2, hang(text)) {
		// What is indented belongs to the line above, which is enough to see.
		if !strings.HasPrefix(s, " ") {
			s = l.paint.bold(s)
		}
		l.line(strings.Repeat(" ", seqWidth) + gutter + "  " + s)
	}
}

// gutter draws the rails of the outermost depth coroutines, and tells how many
// columns are left. Rails take a third of the width at most, so that words have
// room: deeper levels share one mark.
func (l *Ladder) gutter(depth int) (string, int) {
	var b strings.Builder
	room := l.width - seqWidth
	maxRails := room / 3 / railWidth
	for i, co := range l.open[:min(depth, maxRails)] {
		if i == maxRails-1 && depth > maxRails {
			more := fmt.Sprintf("…%d ", depth)
			b.WriteString(l.paint.dim(more))
			room -= uniseg.StringWidth(more)
			break
		}
		b.WriteString(l.paint.name(co, "│") + "  ")
		room -= railWidth
	}
	return b.String(), room
}

// step draws who does what to whom in room columns.
func (l *Ladder) step(e coro.Event, room int) string {
	half := min(nameWidth, (room-verbWidth)/2)
	from, to := clip(name(e.From), half), clip(name(e.To), half)
	tail, head := "── ", " ──▸ "
	switch e.Kind {
	case coro.EventCreate, coro.EventWake:
		tail, head = "·· ", " ··▸ " // control stays
	case coro.EventKill, coro.EventPanic:
		tail, head = "══ ", " ══▸ "
	}
	verb := string(e.Kind)
	detail := e.Detail
	if e.Kind == coro.EventTerminate && detail == "was killed" {
		detail = "killed"
	}
	plain := from + " " + tail + verb + head + to
	s := l.paint.name(e.From, from) + " " + l.paint.dim(tail) + l.paint.verb(e.Kind) +
		l.paint.dim(head) + l.paint.name(e.To, to)
	if room -= uniseg.StringWidth(plain) + len("  ()"); detail != "" && room > 3 {
		s += l.paint.dim("  (" + clip(clean(detail), room) + ")")
	}
	return s
}

// ends reports whether control comes back to the enterer by a step of this kind.
func ends(k coro.EventKind) bool {
	return k == coro.EventYield || k == coro.EventTerminate || k == coro.EventPanic
}

func name(co *coro.Coroutine) string {
	if co == nil {
		return "leader"
	}
	return co.Name()
}

func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
