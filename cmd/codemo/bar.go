package main

import (
	"fmt"
	"io"

	"github.com/schollz/progressbar/v3"
)

// newBar makes a progress bar as all commands have it, to reach total, on a
// terminal.
func newBar(out io.Writer, total int64, opts ...progressbar.Option) *progressbar.ProgressBar {
	return progressbar.NewOptions64(total, append([]progressbar.Option{
		progressbar.OptionSetWriter(out),
		progressbar.OptionSetWidth(24),
		progressbar.OptionSetPredictTime(true),
		progressbar.OptionClearOnFinish(),
		progressbar.OptionSetTheme(progressbar.Theme{Saucer: "━", SaucerHead: "╸", SaucerPadding: " ", BarStart: "▕", BarEnd: "▏"}),
	}, opts...)...)
}

// clearBar takes a bar out of the way of a message.
func clearBar(out io.Writer) { fmt.Fprint(out, "\r\x1b[K") }
