// Command codemo shows what coroutines do, and measures how fast they do it.
//
//	codemo trace classic       each step of a small program, as a ladder
//	codemo trace misuse        what a mistake is told
//	codemo view t.jsonl        a trace as a page to step through
//	codemo diff a b            where two traces part
//	codemo demo                all of it in a minute
//	codemo copy a b            a copy by many coroutines; also io and map
//	codemo mirror a b          a file that moves while it is written to; also backup
//	codemo top :8080           what the coroutines of a running program do
//	codemo cow info a          an overlay; also create, check, commit and rebase
//	codemo list                the programs that can be traced
//	codemo lesson              the ideas behind coroutines, one program each
//	codemo bench-io a          how fast a file reads and writes
//	codemo bench               costs, as ratios to what Go itself needs
//
// It exits with 0 if all went well, with 1 if something failed, with 2 if it was
// asked for something that it does not have.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
)

// helpWidth is how many columns help has at most.
const helpWidth = 80

const (
	exitOK = iota
	exitFailure
	exitUsage
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// run is main without the process around it.
func run(args []string, stdout, stderr io.Writer) int {
	running := false
	root := newRoot(&running)
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(context.Background())
	if err == nil {
		return exitOK
	}
	fmt.Fprintf(stderr, "codemo: %v\n", err)
	if running && !errors.As(err, new(usageError)) {
		return exitFailure
	}
	return exitUsage
}

// A usageError is about what was asked for, not about how doing it went.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// newRoot makes the command tree. running is set when cobra has found nothing
// wrong with the arguments: whatever fails before that is a usage error, and
// cobra's are not of a type that could be told.
func newRoot(running *bool) *cobra.Command {
	root := &cobra.Command{
		Use:   "codemo",
		Short: "Watch coroutines hand over control, and measure what it costs",
		Long: `codemo runs small programs of coroutines and draws who gives control to whom,
and it measures each kind of step against what Go itself needs for it.`,
		Example: `  codemo trace                     # create, enter, yield, enter
  codemo trace misuse-reenter      # what a mistake is told
  codemo lesson setjmp             # where the idea comes from
  codemo bench --shape yield`,
		Args:                       unknownCommand,
		SilenceErrors:              true,
		SilenceUsage:               true,
		RunE:                       func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		SuggestionsMinimumDistance: 2,
		PersistentPreRun: func(*cobra.Command, []string) {
			*running = true
		},
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return fmt.Errorf("%w; see \"%s --help\"", err, cmd.CommandPath())
	})
	root.SetUsageTemplate(strings.ReplaceAll(root.UsageTemplate(), "Flags.FlagUsages ", fmt.Sprintf("Flags.FlagUsagesWrapped %d ", helpWidth)))
	root.AddCommand(newTrace(), newView(), newDiff(), newList(), newBench(), newBenchIO(), newVersion(), newParked(),
		newCopy(), newMirror(), newBackup(), newTop(), newIO(), newMap(), newCow(), newDemo(), newLesson(), newPlain())
	return root
}

// unknownCommand says what could have been meant by what is no command.
func unknownCommand(root *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	hint := "\"codemo help\" names them all"
	if near := root.SuggestionsFor(args[0]); len(near) > 0 {
		hint = fmt.Sprintf("did you mean %q? %s", near[0], hint)
	}
	return fmt.Errorf("unknown command %q; %s", args[0], hint)
}
