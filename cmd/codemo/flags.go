package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/trace"
)

// maxCoroutines is how many a command makes for what it does at most.
const maxCoroutines = 4096

// handoffFlag gives cmd the flag that every command has that runs coroutines.
func handoffFlag(cmd *cobra.Command, h *coro.Handoff) {
	cmd.Flags().TextVar(h, "handoff", coro.Channel, "how control moves: `HANDOFF` is channel or direct")
	complete(cmd, "handoff", coro.Channel.String(), coro.Direct.String())
}

// complete has the shell complete the values of a flag.
func complete(cmd *cobra.Command, flag string, values ...string) {
	err := cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
	if err != nil {
		panic(err) // there is no such flag: a bug here
	}
}

// A colorMode is the value of --color.
type colorMode int

const (
	colorAuto colorMode = iota
	colorAlways
	colorNever
)

var colorModes = [...]string{colorAuto: "auto", colorAlways: "always", colorNever: "never"}

// String implements pflag.Value.
func (m *colorMode) String() string { return colorModes[*m] }

// Type implements pflag.Value.
func (m *colorMode) Type() string { return "when" }

// Set implements pflag.Value.
func (m *colorMode) Set(s string) error {
	i := slices.Index(colorModes[:], s)
	if i < 0 {
		return fmt.Errorf("want %s", strings.Join(colorModes[:2], ", ")+" or "+colorModes[colorNever])
	}
	*m = colorMode(i)
	return nil
}

// on reports whether what is written to out is to be coloured: what the flag
// says, or else NO_COLOR (https://no-color.org), or else whether anybody would
// see it as colours.
func (m colorMode) on(out io.Writer) bool {
	switch m {
	case colorAlways:
		return true
	case colorNever:
		return false
	}
	return os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" && isTerminal(out)
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// columns returns how wide a picture may be: not wider on a wide terminal, so
// that it looks the same for everybody.
func columns(out io.Writer) int {
	if f, ok := out.(*os.File); ok {
		if width, _, err := term.GetSize(int(f.Fd())); err == nil && width > 0 {
			return min(width, trace.DefaultWidth)
		}
	}
	return trace.DefaultWidth
}

// atMostOne allows one argument, and says in the error what it would be.
func atMostOne(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) > 1 {
			return fmt.Errorf("%s takes one %s, but was given %d: %s", cmd.CommandPath(), what, len(args), strings.Join(args, " "))
		}
		return nil
	}
}

// exactly wants n arguments, and says in the error what they would be.
func exactly(n int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == n {
			return nil
		}
		given := fmt.Sprintf("%d arguments", len(args))
		switch len(args) {
		case 0:
			given = "none"
		case 1:
			given = "one argument"
		}
		return fmt.Errorf("%s takes %s, but was given %s", cmd.CommandPath(), what, given)
	}
}

// files wants the paths of files, which are called so.
func files(names ...string) cobra.PositionalArgs {
	count := exactly(len(names), "a "+strings.Join(names, " and a "))
	return func(cmd *cobra.Command, args []string) error {
		if err := count(cmd, args); err != nil {
			return err
		}
		for i, path := range args {
			if path == "" {
				return fmt.Errorf("%s: the %s is \"\"; want a path", cmd.CommandPath(), names[i])
			}
		}
		return nil
	}
}

// none allows no arguments.
func none(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return fmt.Errorf("%s takes no arguments, but was given: %s", cmd.CommandPath(), strings.Join(args, " "))
	}
	return nil
}
