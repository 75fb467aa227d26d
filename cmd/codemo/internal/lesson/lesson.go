// Package lesson holds the ideas that this project stands on, each as prose, as
// a program that shows it, with the source that is run, and with the trace of
// the run.
//
// A lesson is a Go file with the program and a text of the same name with the
// prose. The text is plain: paragraphs, headings after "# ", lines that start
// with a tab or four spaces are left as they are, and on lines of their own
//
//	{source NAME}   the lines of the Go file between //lesson:begin NAME and
//	                //lesson:end
//	{run NAME}      what the part NAME prints, between its steps
//	{measure NAME}  the same, but only if somebody wants to measure
//
// The Go file embeds itself, so that what is shown is what runs. To add a
// lesson, write the two files, put it into [All], and give it a script
// lesson-NAME.txtar in cmd/codemo/testdata/script.
package lesson

import (
	"embed"
	"fmt"
	"io"
	"os/exec"

	"github.com/gohandoff/coroutine/cmd/codemo/internal/nearest"
	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/aio"
)

//go:embed *.txt
var texts embed.FS

// A Lesson is one idea.
type Lesson struct {
	// Name is what the command line calls it.
	Name string
	// About says in one line what it teaches.
	About string

	source string // its Go file
	parts  []part
}

// A part is a program of a lesson.
type part struct {
	name string
	run  func(e *Env) error
}

// All returns the lessons, in the order in which to read them.
func All() []Lesson {
	return []Lesson{setjmp, ucontext, cloudwu, qemu, generators, callbacks, deadlock, backends}
}

// Find returns the lesson of that name.
func Find(name string) (Lesson, bool) {
	for _, l := range All() {
		if l.Name == name {
			return l, true
		}
	}
	return Lesson{}, false
}

// Nearest returns the name that is most like name, "" if none is like it.
func Nearest(name string) string {
	var names []string
	for _, l := range All() {
		names = append(names, l.Name)
	}
	return nearest.Of(name, names)
}

// An Env is what a part of a lesson runs in: as the leader of a thread, which is
// closed when the part has returned.
type Env struct {
	*coro.Thread

	out  io.Writer // a coro.Tracer, too, which is told of all steps
	self func(args ...string) *exec.Cmd
}

// Say prints a line.
func (e *Env) Say(format string, args ...any) { fmt.Fprintf(e.out, format+"\n", args...) }

// Loop makes an event loop like e's thread.
func (e *Env) Loop(opts ...aio.Option) *aio.Loop {
	tracer, _ := e.out.(coro.Tracer)
	return aio.NewLoop(append(opts, aio.WithThread(coro.WithHandoff(e.Handoff()), coro.WithTracer(tracer)))...)
}
