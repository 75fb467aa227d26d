package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gohandoff/coroutine/cmd/codemo/internal/lesson"
	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/trace"
)

type lessonFlags struct {
	handoff    coro.Handoff
	color      colorMode
	trace      string
	all        bool
	sourceOnly bool
	measure    bool
}

func newLesson() *cobra.Command {
	var f lessonFlags
	cmd := &cobra.Command{
		Use:   "lesson [NAME]",
		Short: "Learn the ideas behind coroutines, one program each",
		Long: `lesson explains an idea that this project stands on: what it is, the source of
a program that shows it, the run of that program with each step, and what
differs in Go from where the idea comes from. Without a name it lists the
lessons, in the order in which to read them.

The source that is shown is the source that runs. A lesson reads the same on
each run and for both handoffs, byte for byte, but for speeds, which are
measured on a terminal only, or with --measure.`,
		Example: `  codemo lesson                    # the list
  codemo lesson setjmp
  codemo lesson qemu --handoff=direct --trace qemu.html
  codemo lesson --all --color=always | less -R
  codemo lesson cloudwu --source-only`,
		Args:              atMostOne("NAME"),
		ValidArgsFunction: completeLessons,
		RunE: func(cmd *cobra.Command, args []string) error {
			out := cmd.OutOrStdout()
			if !cmd.Flags().Changed("measure") {
				f.measure = isTerminal(out)
			}
			return runLesson(out, args, f)
		},
	}
	handoffFlag(cmd, &f.handoff)
	cmd.Flags().Var(&f.color, "color", "when to colour: `WHEN` is auto, always or never; NO_COLOR means never")
	cmd.Flags().StringVar(&f.trace, "trace", "", "write the steps of all runs to a `FILE` too: .jsonl, .html, .svg, .json, .log or .txt")
	cmd.Flags().BoolVar(&f.all, "all", false, "show all lessons, one after the other")
	cmd.Flags().BoolVar(&f.sourceOnly, "source-only", false, "show the source only, without package and imports, and run nothing")
	cmd.Flags().BoolVar(&f.measure, "measure", false, "measure speeds; the default is to do so on a terminal")
	complete(cmd, "color", colorModes[:]...)
	return cmd
}

func runLesson(out io.Writer, args []string, f lessonFlags) error {
	lessons := lesson.All()
	switch {
	case f.all && len(args) > 0:
		return usagef("--all and %s: want one of them", args[0])
	case len(args) > 0:
		l, found := lesson.Find(args[0])
		if !found {
			return unknownLesson(args[0])
		}
		lessons = []lesson.Lesson{l}
	case !f.all && (f.sourceOnly || f.trace != ""):
		return usagef("--source-only and --trace want the NAME of a lesson, or --all")
	case !f.all:
		return listLessons(out, lessons)
	}
	if f.trace == "" {
		return showLessons(out, lessons, f, nil)
	}
	if f.sourceOnly {
		return usagef("--trace %s: with --source-only nothing runs", f.trace)
	}
	format, err := traceFormat("").forFile(f.trace)
	if err != nil {
		return usagef("--trace %s: want a name that ends in .jsonl, .html, .svg, .json, .log or .txt", f.trace)
	}
	// A name that cannot be is told before the lesson, not after it.
	file, err := os.Create(f.trace)
	if err != nil {
		return fileError("trace", f.trace, err)
	}
	file.Close()
	t := &trace.Trace{Title: lessonTitle(lessons)}
	if err := showLessons(out, lessons, f, t); err != nil {
		return err
	}
	return writeTrace(nil, f.trace, format, t)
}

func showLessons(out io.Writer, lessons []lesson.Lesson, f lessonFlags, record trace.Sink) error {
	o := lesson.Options{
		Width: columns(out), Color: f.color.on(out), Handoff: f.handoff,
		Record: record, Measure: f.measure, SourceOnly: f.sourceOnly, Self: self,
	}
	for i, l := range lessons {
		if i > 0 {
			fmt.Fprint(out, "\n\n") // Show meets the error again
		}
		if err := l.Show(out, o); err != nil {
			return err
		}
	}
	return nil
}

// self makes the command that runs this program again.
func self(args ...string) *exec.Cmd {
	path, err := os.Executable()
	cmd := exec.Command(path, args...)
	if err != nil {
		cmd.Err = err
	}
	cmd.Args[0] = os.Args[0]
	return cmd
}

// newPlain is what a lesson runs in a process of its own, to see how it dies.
func newPlain() *cobra.Command {
	return &cobra.Command{
		Use:       lesson.PlainCommand + " [" + lesson.PlainTicker + "]",
		Short:     "Never return",
		Hidden:    true,
		Args:      cobra.MatchAll(cobra.MaximumNArgs(1), cobra.OnlyValidArgs),
		ValidArgs: []cobra.Completion{lesson.PlainTicker},
		Run:       func(_ *cobra.Command, args []string) { lesson.PlainDeadlock(len(args) > 0) },
	}
}

func lessonTitle(lessons []lesson.Lesson) string {
	var names []string
	for _, l := range lessons {
		names = append(names, l.Name)
	}
	return "lesson " + strings.Join(names, ", ")
}

func listLessons(out io.Writer, lessons []lesson.Lesson) error {
	var b strings.Builder
	b.WriteString("The ideas behind coroutines, in the order in which to read them:\n\n")
	for i, l := range lessons {
		fmt.Fprintf(&b, "%3d  %-11s %s\n", i+1, l.Name, l.About)
	}
	fmt.Fprintf(&b, "\nStart with \"codemo lesson %s\"; \"codemo lesson --all\" shows them all.\n", lessons[0].Name)
	_, err := io.WriteString(out, b.String())
	return err
}

func unknownLesson(name string) error {
	const all = `"codemo lesson" names them all`
	if near := lesson.Nearest(name); near != "" {
		return usagef("unknown lesson %q; did you mean %q? %s", name, near, all)
	}
	return usagef("unknown lesson %q; %s", name, all)
}

func completeLessons(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	var names []cobra.Completion
	if len(args) == 0 {
		for _, l := range lesson.All() {
			names = append(names, cobra.CompletionWithDesc(l.Name, l.About))
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}
