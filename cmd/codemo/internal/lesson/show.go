package lesson

import (
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"

	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/trace"
)

// Options say how a lesson is shown.
type Options struct {
	// Width is how many columns there are; 0 is [trace.DefaultWidth].
	Width int
	// Color draws in colour.
	Color bool
	// Handoff is how control moves.
	Handoff coro.Handoff
	// Record gets each step and each line that is printed, too, if it is not
	// nil.
	Record trace.Sink
	// Measure has speeds measured, which differ on each run.
	Measure bool
	// SourceOnly shows nothing but the source, and runs nothing.
	SourceOnly bool
	// Self makes the command that runs this program again with other
	// arguments, for what would end the process that tries it. If it is nil,
	// nobody tries.
	Self func(args ...string) *exec.Cmd
}

// Show writes the lesson to out, and runs its parts on the way. The same lesson
// gives the same bytes on each run, and for both handoffs, unless Measure is set.
func (l Lesson) Show(out io.Writer, o Options) error {
	text, err := texts.ReadFile(l.Name + ".txt")
	if err != nil {
		return fmt.Errorf("lesson %s: %w", l.Name, err)
	}
	if o.Width == 0 {
		o.Width = trace.DefaultWidth
	}
	p := &page{out: out, width: max(o.Width, minWidth), color: o.Color}
	if !o.SourceOnly {
		p.title(l.Name, l.About)
	}
	for _, b := range parse(string(text)) {
		switch b.kind {
		case heading:
			if !o.SourceOnly {
				p.heading(b.text)
			}
			if b.text == "Try" && !o.SourceOnly {
				p.paragraph(fmt.Sprintf("The programs are in cmd/codemo/internal/lesson/%s.go; in a clone:", l.Name))
				p.verbatim("    go run ./cmd/codemo lesson " + l.Name)
			}
		case paragraph:
			if !o.SourceOnly {
				p.paragraph(b.text)
			}
		case verbatim:
			if !o.SourceOnly {
				p.verbatim(b.text)
			}
		case source:
			err = l.showSource(p, b.text, o)
		case run:
			err = l.run(p, b.text, o)
		case measure:
			if o.Measure {
				err = l.run(p, b.text, o)
			} else if !o.SourceOnly {
				p.paragraph("(On a terminal, or with --measure: it is not the same for every machine.)")
			}
		}
		switch {
		case p.err != nil:
			return fmt.Errorf("writing the lesson: %w", p.err)
		case err != nil:
			return fmt.Errorf("lesson %s: %w", l.Name, err)
		}
	}
	return nil
}

func (l Lesson) showSource(p *page, name string, o Options) error {
	lines, first, err := cut(l.source, name)
	if err != nil {
		return err
	}
	if o.SourceOnly {
		p.plain(lines)
		return nil
	}
	p.source(l.Name+".go", lines, first)
	return nil
}

// run runs a part and draws it.
func (l Lesson) run(p *page, name string, o Options) error {
	if o.SourceOnly {
		return nil
	}
	for _, part := range l.parts {
		if part.name == name {
			return part.record(p, o)
		}
	}
	return fmt.Errorf("there is no part %q", name)
}

func (part part) record(p *page, o Options) error {
	p.gap()
	ladder := trace.NewLadder(p, trace.WithWidth(p.width), trace.WithColor(o.Color))
	sinks := []trace.Sink{&picture{ladder: ladder}}
	if o.Record != nil {
		sinks = append(sinks, recordOnly{o.Record})
	}
	stream := trace.NewTee(sinks) // its Close closes the ladder only
	t := coro.NewThread(coro.WithName(part.name), coro.WithHandoff(o.Handoff), coro.WithTracer(stream))
	failed := part.run(&Env{Thread: t, out: stream, self: o.Self})
	closed := t.Close() // the thread's end may take steps, too
	if err := stream.Close(); err != nil {
		return err
	}
	if err := errors.Join(failed, closed); err != nil {
		return fmt.Errorf("part %s: %w", part.name, err)
	}
	return nil
}

// A picture is a ladder that does not count steps where there are none.
type picture struct {
	ladder *trace.Ladder
	steps  bool
	err    error
}

// WriteRecord implements [trace.Sink].
func (s *picture) WriteRecord(r trace.Record) error {
	s.steps = s.steps || r.Kind != trace.KindPrint
	s.err = s.ladder.WriteRecord(r)
	return s.err
}

// Close ends the picture.
func (s *picture) Close() error {
	if !s.steps {
		return s.err
	}
	return s.ladder.Close()
}

// recordOnly is a sink that outlives a stream: it has no Close.
type recordOnly struct{ trace.Sink }

// Kinds of what a text is made of.
type kind int

const (
	paragraph kind = iota
	verbatim
	heading
	source
	run
	measure
)

type block struct {
	kind kind
	text string
}

// parse cuts a lesson's text into blocks, at empty lines.
func parse(text string) (blocks []block) {
	for _, s := range strings.Split(text, "\n\n") {
		s = strings.Trim(s, "\n")
		word, rest, _ := strings.Cut(strings.TrimSuffix(s, "}"), " ")
		directive := map[string]kind{"{source": source, "{run": run, "{measure": measure}
		kind, isDirective := directive[word]
		switch {
		case s == "":
		case isDirective && strings.HasSuffix(s, "}"):
			blocks = append(blocks, block{kind, rest})
		case strings.HasPrefix(s, "# "):
			blocks = append(blocks, block{heading, s[2:]})
		case strings.HasPrefix(s, "    "), strings.HasPrefix(s, "\t"):
			blocks = append(blocks, block{verbatim, s})
		default:
			blocks = append(blocks, block{paragraph, strings.Join(strings.Fields(s), " ")})
		}
	}
	return blocks
}

// cut returns the lines of a Go file that the markers of that name enclose, and
// the number of the first.
func cut(file, name string) (lines []string, first int, err error) {
	all := strings.Split(file, "\n")
	begin := -1
	for i, s := range all {
		switch strings.TrimSpace(s) {
		case "//lesson:begin " + name:
			begin = i + 1
		case "//lesson:end":
			if begin < 0 {
				continue
			}
			for begin < i && all[begin] == "" {
				begin++
			}
			for i > begin && all[i-1] == "" {
				i--
			}
			return all[begin:i], begin + 1, nil
		}
	}
	return nil, 0, fmt.Errorf("there is no source between markers of the name %q", name)
}
