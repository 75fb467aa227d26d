package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/gohandoff/coroutine/blockio/file"
	"github.com/gohandoff/coroutine/cmd/codemo/internal/ioshell"
	"github.com/gohandoff/coroutine/coro"
)

func newMap() *cobra.Command {
	asJSON, trace := false, ""
	isCow := false
	cmd := &cobra.Command{
		Use:   "map FILE",
		Short: "Print which parts of a file are data, and which are holes",
		Long: `map prints each extent of a file or block device: where it starts, how long it
is, and whether it is data or a hole. With --json, the names are those of
"qemu-img map --output=json".`,
		Example: `  codemo map disk.img
  codemo map --json disk.img`,
		Args: files("file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			var all []ioshell.Extent
			err := tracedLoop(trace, coro.Channel, args, func(self *coro.Self) (err error) {
				dev, err := openAs(self, args[0], file.Options{ReadOnly: true}, isCow)
				if err != nil {
					return err
				}
				defer func() { err = errors.Join(err, dev.Close(self)) }()
				return ioshell.Extents(self, dev, func(e ioshell.Extent) error {
					all = append(all, e)
					return nil
				})
			})
			if err != nil {
				return err
			}
			if asJSON {
				return mapJSON(cmd.OutOrStdout(), all)
			}
			return mapText(cmd.OutOrStdout(), all)
		},
	}
	cmd.Flags().StringVar(&trace, "trace", "", traceUsage)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cowFlag(cmd, &isCow)
	return cmd
}

func mapText(out io.Writer, all []ioshell.Extent) error {
	if _, err := fmt.Fprintf(out, "%-18s %-18s %s\n", "start", "length", "what"); err != nil {
		return err
	}
	for _, e := range all {
		if _, err := fmt.Fprintf(out, "%-#18x %-#18x %s\n", e.Start, e.Length, e.Kind()); err != nil {
			return err
		}
	}
	return nil
}

// mapJSON prints an array with a line for each extent.
func mapJSON(out io.Writer, all []ioshell.Extent) error {
	text := []byte("[")
	for i, e := range all {
		if i > 0 {
			text = append(text, ",\n"...)
		}
		line, err := json.Marshal(e)
		if err != nil {
			return err
		}
		text = append(text, line...)
	}
	_, err := out.Write(append(text, "]\n"...))
	return err
}
