package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gohandoff/coroutine/cmd/codemo/internal/scenario"
	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/trace"
)

type traceFlags struct {
	handoff coro.Handoff
	color   colorMode
	file    string
	steps   uint64
	format  traceFormat
	output  string
	sites   bool
}

func newTrace() *cobra.Command {
	var f traceFlags
	cmd := &cobra.Command{
		Use:   "trace [SCENARIO]",
		Short: "Run a small program of coroutines and draw each step",
		Long: `trace runs a scenario ("codemo list" names them all) and draws each step: its
number, who acts, what it does, and to whom. What a coroutine does while it is
entered stands beside its rail; what the program prints stands between the
steps.

The picture is the same on each run and for both handoffs, byte for byte.

Other formats are a trace to keep (jsonl, which "codemo view" shows and "codemo
diff" compares), a diagram (svg), a page to step through (html), a file for
ui.perfetto.dev (perfetto), and log lines (slog).`,
		Example: `  codemo trace                                        # the classic
  codemo trace wake --handoff=direct
  codemo trace producer-consumer --file /etc/services
  codemo trace nesting --color=always | less -R
  codemo trace wake -o wake.html --sites`,
		Args:              atMostOne("SCENARIO"),
		ValidArgsFunction: completeScenarios,
		RunE: func(cmd *cobra.Command, args []string) error {
			name := "classic"
			if len(args) > 0 {
				name = args[0]
			}
			if cmd.Flags().Changed("steps") && (f.output != "" || f.format != "" && f.format != "text") {
				return usagef("--steps %d: is for the picture on the terminal; other forms and files have every step", f.steps)
			}
			return runTrace(cmd.OutOrStdout(), name, f)
		},
	}
	handoffFlag(cmd, &f.handoff)
	cmd.Flags().Var(&f.color, "color", "when to colour: `WHEN` is auto, always or never; NO_COLOR means never")
	cmd.Flags().StringVar(&f.file, "file", "", "what producer-consumer reads, a `FILE`; \"-\" is standard input")
	numberVar(cmd.Flags(), &f.steps, "steps", "", 200, 0, math.MaxUint64, "draw the first `N` steps only, and all that is printed; 0 for all")
	cmd.Flags().Var(&f.format, "format", "`FORMAT`: text, jsonl, perfetto, svg, html or slog; the default is by the file's extension, or text")
	cmd.Flags().StringVarP(&f.output, "output", "o", "", "write to a `FILE`")
	cmd.Flags().BoolVar(&f.sites, "sites", false, "keep where in the program each step happens")
	complete(cmd, "color", colorModes[:]...)
	complete(cmd, "format", formatNames()...)
	return cmd
}

func runTrace(out io.Writer, name string, f traceFlags) error {
	s, found := scenario.Find(name)
	if !found {
		return unknownScenario(name)
	}
	text, err := open(s, f.file)
	if err != nil {
		return err
	}
	defer text.Close()

	format, err := f.format.forFile(f.output)
	if err != nil {
		return err
	}
	if err := apart("output", f.output, f.file); err != nil {
		return err
	}
	if format == "text" && f.output == "" {
		l := trace.NewLadder(out, trace.WithWidth(columns(out)), trace.WithColor(f.color.on(out)), trace.WithLimit(f.steps))
		l.Heading(s.Name, s.About)
		return f.record(s, text, l)
	}
	t := &trace.Trace{Title: s.Name + ": " + s.About}
	if err := f.record(s, text, t); err != nil {
		return err
	}
	return writeTrace(out, f.output, format, t)
}

// record runs s, and hands its steps to sink.
func (f *traceFlags) record(s scenario.Scenario, text io.Reader, sink trace.Sink) error {
	stream := trace.NewStream(sink)
	opts := []coro.Option{coro.WithHandoff(f.handoff), coro.WithTracer(stream)}
	if f.sites {
		opts = append(opts, coro.WithSites())
	}
	t := coro.NewThread(opts...)
	failed := s.Run(&scenario.Env{Thread: t, Out: stream, Text: text})
	// The thread's end may take steps, too.
	closed := t.Close()
	if err := stream.Close(); err != nil {
		return fmt.Errorf("writing the trace: %w", err)
	}
	if err := errors.Join(failed, closed); err != nil {
		return fmt.Errorf("scenario %s: %w", s.Name, err)
	}
	return nil
}

// open returns what the scenario reads.
func open(s scenario.Scenario, file string) (io.ReadCloser, error) {
	switch {
	case file == "":
		return io.NopCloser(strings.NewReader(scenario.Sample)), nil
	case !s.Reads:
		return nil, usagef("--file %s: scenario %s reads no file; producer-consumer does", file, s.Name)
	case file == "-":
		return io.NopCloser(os.Stdin), nil
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, fileError("file", file, err)
	}
	info, err := f.Stat()
	if err == nil && info.IsDir() {
		err = errors.New("is a directory; want a file")
	}
	if err != nil {
		f.Close()
		return nil, fileError("file", file, err)
	}
	return f, nil
}

// fileError says what is wrong with the file that a flag names, without the
// system call that found out.
func fileError(flag, file string, err error) error {
	if pathError := (*fs.PathError)(nil); errors.As(err, &pathError) {
		err = pathError.Err
	}
	return fmt.Errorf("--%s %s: %w", flag, file, err)
}

func unknownScenario(name string) error {
	if near := scenario.Nearest(name); near != "" {
		return usagef("unknown scenario %q; did you mean %q? \"codemo list\" names them all", name, near)
	}
	return usagef("unknown scenario %q; \"codemo list\" names them all", name)
}

func completeScenarios(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	var names []cobra.Completion
	if len(args) == 0 {
		for _, s := range scenario.All() {
			names = append(names, cobra.CompletionWithDesc(s.Name, s.About))
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}
