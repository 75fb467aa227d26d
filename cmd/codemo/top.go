package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

type topFlags struct {
	interval time.Duration
	once     bool
}

func newTop() *cobra.Command {
	var f topFlags
	cmd := &cobra.Command{
		Use:   "top ADDRESS",
		Short: "Watch what the coroutines of a running program do",
		Long: `top asks a running program for its numbers, again and again, and shows them as
a table: its threads, how many events of each kind there are a second, and the
numbers of its event loops. On a terminal the table stays in its place, and is
cut to fit.

The program must serve live.Handler of package coro/trace/live. ADDRESS is
where: a HOST:PORT, or the URL of the handler's page. codemo mirror and codemo
backup serve it with --live.

The latency of a loop is how long what is ready waits for its turn. top ends
when the program does, or when it is interrupted.`,
		Example: `  codemo top localhost:8080
  codemo top --once http://localhost:6060/debug/coroutines/
  codemo top --interval 200ms localhost:8080`,
		Args: exactly(1, "the address of a program"),
		RunE: func(cmd *cobra.Command, args []string) error {
			base, err := topAddress(args[0])
			if err != nil {
				return err
			}
			ctx, stop := interruptible(cmd.Context(), cmd.ErrOrStderr())
			defer stop()
			return f.run(ctx, cmd.OutOrStdout(), newTopClient(base))
		},
	}
	fl := cmd.Flags()
	durationVar(fl, &f.interval, "interval", time.Second, 10*time.Millisecond, "ask every so `LONG`")
	fl.BoolVar(&f.once, "once", false, "show the numbers once, without rates")
	return cmd
}

// run shows one table after another, until ctx is done.
func (f *topFlags) run(ctx context.Context, out io.Writer, c *topClient) error {
	inPlace := !f.once && isTerminal(out)
	var last *topSample
	for tick := time.NewTicker(f.interval); ; {
		now, err := c.ask(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil && last != nil:
			return fmt.Errorf("the program answers no more: %w", err)
		case err != nil:
			return err
		}
		var b bytes.Buffer
		writeTop(&b, c.base, now, last)
		table := b.String()
		if f, ok := out.(*os.File); ok && inPlace {
			if width, height, err := term.GetSize(int(f.Fd())); err == nil {
				table = fitTop(table, width, height)
			}
		}
		if err := showTop(out, table, inPlace, last == nil); err != nil || f.once {
			tick.Stop()
			return err
		}
		last = now
		select {
		case <-tick.C:
		case <-ctx.Done():
			tick.Stop()
			return nil
		}
	}
}

// fitTop cuts a table to a terminal of width columns and height rows, of which the
// last stays free: the end of a line there would scroll.
func fitTop(table string, width, height int) string {
	lines := strings.Split(strings.TrimSuffix(table, "\n"), "\n")
	if rows := max(height-1, 1); len(lines) > rows {
		left := len(lines) - rows + 1
		lines = append(lines[:rows-1], fmt.Sprintf("... %d more lines; the terminal is too low", left))
	}
	for i, line := range lines {
		if r := []rune(line); len(r) > width {
			lines[i] = string(r[:max(width-1, 0)]) + "…"
		}
	}
	return strings.Join(lines, "\n") + "\n"
}

// showTop writes a table, in place of the one before if that can be done.
func showTop(out io.Writer, table string, inPlace, first bool) error {
	const (
		home, clear, toEndOfLine, below = "\x1b[H", "\x1b[2J", "\x1b[K", "\x1b[J"
		cutLines, wrapLines             = "\x1b[?7l", "\x1b[?7h" // at the edge
	)
	switch {
	case inPlace && first:
		table = cutLines + clear + home + table + wrapLines
	case inPlace:
		// Over the old one, without an empty screen in between.
		table = cutLines + home + strings.ReplaceAll(table, "\n", toEndOfLine+"\n") + below + wrapLines
	case !first:
		table = "\n" + table
	}
	_, err := io.WriteString(out, table)
	return err
}
