package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"github.com/gohandoff/coroutine/cmd/codemo/internal/bench"
	"github.com/gohandoff/coroutine/cmd/codemo/internal/shapes"
	"github.com/gohandoff/coroutine/coro"
)

type benchFlags struct {
	rounds  int
	slice   time.Duration
	shape   string
	handoff string
	long    bool
	json    bool
	csv     bool
	svg     string
	color   colorMode
}

func newBench() *cobra.Command {
	var f benchFlags
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Measure what each kind of step costs beside what Go needs",
		Long: `bench measures shapes: things a program does with coroutines. Each is timed
beside its raw baseline, in the same process and the same round; the ratio of
a round is to the baseline of that round, and what is shown is the median of
the rounds, with the spread of the middle half of them. Times drift with the
machine, ratios hardly.

A goal is the most that a ratio, or a size, should be. Missing one is no
failure.

Baselines:
  raw next     iter.Pull's next, driven by a body that only yields
  raw pair     a round trip through two one-slot channels
  plain call   a call that is not inlined
  goroutine    a plain goroutine, parked on a channel
  untraced     the same yield; "tracing off, again" is the same work once more,
               which shows how exact the measure is`,
		Example: `  codemo bench
  codemo bench --shape '^(yield|cost)' --rounds 15
  codemo bench --handoff direct --svg ratios.svg
  codemo bench --long --json > figures.json`,
		Args: none,
		RunE: func(cmd *cobra.Command, _ []string) error {
			defer shapes.Cleanup()
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt)
			defer stop()
			context.AfterFunc(ctx, stop) // a second interrupt ends the process
			return runBench(ctx, cmd.OutOrStdout(), cmd.ErrOrStderr(), f)
		},
	}
	fl := cmd.Flags()
	numberVar(fl, &f.rounds, "rounds", "", 7, 1, 1_000_000, "measure everything `N` times")
	durationVar(fl, &f.slice, "slice", 40*time.Millisecond, 1, "how `LONG` one measure takes, about")
	fl.StringVar(&f.shape, "shape", "", "only shapes whose name/handoff matches the `REGEXP`")
	fl.StringVar(&f.handoff, "handoff", "", "only one `HANDOFF`, channel or direct; both if not given")
	fl.BoolVar(&f.long, "long", false, "a million coroutines, too: takes minutes, and 3 GB")
	fl.BoolVar(&f.json, "json", false, "print JSON, with each round")
	fl.BoolVar(&f.csv, "csv", false, "print CSV")
	fl.StringVar(&f.svg, "svg", "", "draw the ratios into a `FILE`, too")
	fl.Var(&f.color, "color", "when to colour: `WHEN` is auto, always or never; NO_COLOR means never")
	complete(cmd, "handoff", coro.Channel.String(), coro.Direct.String())
	complete(cmd, "color", colorModes[:]...)
	return cmd
}

func runBench(ctx context.Context, stdout, stderr io.Writer, f benchFlags) error {
	selected, err := f.selected()
	if err != nil {
		return err
	}
	o := bench.Options{Rounds: f.rounds, Slice: f.slice}
	if isTerminal(stderr) {
		o.Progress = progress(stderr)
	}
	results, err := bench.Run(ctx, selected, o)
	if err != nil {
		if o.Progress != nil {
			clearBar(stderr)
		}
		if ctx.Err() != nil {
			err = errors.New("interrupted") // whatever that made fail
		}
		return err
	}
	if f.svg != "" {
		var b bytes.Buffer
		if err := bench.WriteSVG(&b, machine(), results); err != nil {
			return err
		}
		if err := os.WriteFile(f.svg, b.Bytes(), 0o666); err != nil {
			return fileError("svg", f.svg, err)
		}
	}
	switch {
	case f.json:
		return bench.WriteJSON(stdout, machine(), results)
	case f.csv:
		return bench.WriteCSV(stdout, results)
	}
	return f.print(stdout, results)
}

// selected returns the shapes that the flags ask for.
func (f *benchFlags) selected() ([]bench.Shape, error) {
	if f.json && f.csv {
		return nil, usagef("--json and --csv: want one of them")
	}
	names, err := regexp.Compile(f.shape)
	if err != nil {
		return nil, usagef("--shape: %w", err)
	}
	all := shapes.All()
	if f.handoff != "" {
		if err := new(coro.Handoff).UnmarshalText([]byte(f.handoff)); err != nil {
			return nil, usagef("--handoff: %w", err)
		}
		all = slices.DeleteFunc(all, func(s bench.Shape) bool { return s.Variant != f.handoff })
	}
	selected := bench.Select(all, names, f.long)
	if len(selected) > 0 {
		return selected, nil
	}
	var known []string
	for _, s := range bench.Select(all, nil, f.long) {
		if !slices.Contains(known, s.Name) {
			known = append(known, s.Name)
		}
	}
	return nil, usagef("--shape %q matches none of the shapes:\n  %s", f.shape, strings.Join(known, "\n  "))
}

func (f *benchFlags) print(out io.Writer, results []bench.Result) error {
	same := func(s string) string { return s }
	style := bench.Style{Bold: same, Dim: same, Good: same, Bad: same}
	if f.color.on(out) {
		style = bench.Style{Bold: sgr("1"), Dim: sgr("2"), Good: sgr("32"), Bad: sgr("1;31")}
	}
	if err := bench.WriteTable(out, results, style); err != nil {
		return err
	}
	note := fmt.Sprintf("%s; median of %s, ± half the quartiles' distance", machine(), rounds(f.rounds))
	for _, r := range results {
		if r.Shape.Area == "memory" {
			note += "\nmemory: " + shapes.MemorySource()
			break
		}
	}
	_, err := fmt.Fprintf(out, "\n%s\n", style.Dim(note))
	return err
}

func rounds(n int) string {
	if n == 1 {
		return "1 round"
	}
	return fmt.Sprintf("%d rounds", n)
}

func sgr(code string) func(string) string {
	return func(s string) string { return "\x1b[" + code + "m" + s + "\x1b[0m" }
}

// machine says where figures come from, as far as others may know.
func machine() string {
	return fmt.Sprintf("%s %s/%s, %d CPUs", runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU())
}

// progress shows on a terminal how far the measuring is.
func progress(out io.Writer) func(done, total int, name string) {
	var bar *progressbar.ProgressBar
	return func(done, total int, name string) {
		if bar == nil {
			bar = newBar(out, int64(total), progressbar.OptionShowCount())
		}
		bar.Describe(fmt.Sprintf("%-28s", name))
		bar.Set(done) //nolint:errcheck // nothing to be done about a bar that cannot be drawn
	}
}

// newParked is what bench runs in processes of their own.
func newParked() *cobra.Command {
	return &cobra.Command{
		Use:    shapes.ParkedCommand + " KIND N",
		Short:  "Measure the memory of N parked coroutines",
		Hidden: true,
		Args:   cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			n, err := strconv.Atoi(args[1])
			if err != nil {
				return usagef("%s: %w", shapes.ParkedCommand, err)
			}
			each, err := shapes.Parked(args[0], n)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%.1f\n", each)
			return err
		},
	}
}
