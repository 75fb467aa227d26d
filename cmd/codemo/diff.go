package main

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/gohandoff/coroutine/coro/trace"
)

// errDiffer is why diff exits with 1; what differs has been printed.
var errDiffer = errors.New("the traces differ")

func newDiff() *cobra.Command {
	context := 3
	cmd := &cobra.Command{
		Use:   "diff A.jsonl B.jsonl",
		Short: "Show where two traces part",
		Long: `diff compares two traces that were written as JSON lines, by what happened and
in which order; times and places do not count. It shows the first step at
which they part, with some before and after, and exits with 1. If they are the
same, it prints nothing and exits with 0.`,
		Example: `  codemo trace wake -o a.jsonl
  codemo trace wake -o b.jsonl --handoff=direct
  codemo diff a.jsonl b.jsonl`,
		Args: exactly(2, "A.jsonl B.jsonl"),
		RunE: func(cmd *cobra.Command, args []string) error {
			a, err := readTrace(args[0])
			if err != nil {
				return err
			}
			b, err := readTrace(args[1])
			if err != nil {
				return err
			}
			if err := trace.WriteDiff(cmd.OutOrStdout(), a, b, context); err != nil {
				return err
			}
			if trace.Diff(a, b) >= 0 {
				return errDiffer
			}
			return nil
		},
	}
	numberVar(cmd.Flags(), &context, "context", "", context, 0, 1_000_000, "show `N` steps before and after")
	return cmd
}
