package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/gohandoff/coroutine/cmd/codemo/internal/scenario"
)

func newList() *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "Name the scenarios that can be traced",
		Long:    `list names each scenario that "codemo trace" can run, with what it shows.`,
		Example: `  codemo list`,
		Args:    none,
		RunE: func(cmd *cobra.Command, _ []string) error {
			for _, s := range scenario.All() {
				if _, err := fmt.Fprintf(cmd.OutOrStdout(), "%-18s  %s\n", s.Name, s.About); err != nil {
					return err
				}
			}
			return nil
		},
	}
}
