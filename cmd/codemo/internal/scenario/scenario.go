// Package scenario holds small programs that show one thing each about
// coroutines, to be traced. They print to a writer, so that their words come out
// at the right place between the steps, and are the same on each run.
//
// To add one, write its function and an entry in the table of its file. The
// order of the tables below is the order in which a reader meets them.
package scenario

import (
	"fmt"
	"io"
	"slices"

	"github.com/gohandoff/coroutine/cmd/codemo/internal/nearest"
	"github.com/gohandoff/coroutine/coro"
)

// An Env is what a scenario runs in.
type Env struct {
	*coro.Thread
	// Out takes what the scenario prints. If it is a coro.Tracer, too, it is
	// told the steps of the loops that a scenario makes, which have threads
	// of their own.
	Out io.Writer
	// Text is what producer-consumer reads.
	Text io.Reader
}

// Say prints a line.
func (e *Env) Say(format string, args ...any) { fmt.Fprintf(e.Out, format+"\n", args...) }

// make creates a named coroutine.
func (e *Env) make(name string, entry coro.Entry) *coro.Coroutine {
	return e.New(entry).SetName(name)
}

// A Scenario is one program.
type Scenario struct {
	// Name is what the command line calls it.
	Name string
	// About says in one line what it shows.
	About string
	// Run runs it on the calling goroutine, as the leader of env's thread,
	// which its caller makes and closes.
	Run func(env *Env) error
	// Reads is whether it reads Env.Text.
	Reads bool
}

// All returns every scenario, the simplest first.
func All() []Scenario { return slices.Concat(basic, values, endings, locks, loops, misuses) }

// Find returns the scenario of that name.
func Find(name string) (Scenario, bool) {
	for _, s := range All() {
		if s.Name == name {
			return s, true
		}
	}
	return Scenario{}, false
}

// Nearest returns the name that is most like name, "" if none is like it.
func Nearest(name string) string {
	var names []string
	for _, s := range All() {
		names = append(names, s.Name)
	}
	return nearest.Of(name, names)
}
