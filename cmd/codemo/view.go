package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/gohandoff/coroutine/coro/trace"
)

func newView() *cobra.Command {
	var format traceFormat
	var output string
	var port uint16
	cmd := &cobra.Command{
		Use:   "view TRACE.jsonl",
		Short: "Show a trace as a page, or convert it",
		Long: `view reads a trace that was written as JSON lines ("-" is standard input) and
serves it as a page to step through, on this machine only, until it is
interrupted. With --output or --format it writes the trace in another form
instead: text, jsonl, perfetto, svg, html or slog.

Of a trace whose last line is cut short, as by a program that was killed, it
shows what comes before, and says so.`,
		Example: `  codemo view wake.jsonl
  codemo view wake.jsonl -o wake.svg
  codemo view wake.jsonl --format=text`,
		Args: exactly(1, "TRACE.jsonl"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if cmd.Flags().Changed("port") && (output != "" || format != "") {
				return usagef("--port %d: is for the page; with --output or --format there is none", port)
			}
			name, err := format.forFile(output)
			if err != nil {
				return err
			}
			if err := apart("output", output, args[0]); err != nil {
				return err
			}
			t, err := readCut(cmd.ErrOrStderr(), args[0])
			if err != nil {
				return err
			}
			if output != "" || format != "" {
				return writeTrace(cmd.OutOrStdout(), output, name, t)
			}
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt)
			defer stop()
			return serve(ctx, cmd.OutOrStdout(), strconv.Itoa(int(port)), t)
		},
	}
	cmd.Flags().Var(&format, "format", "`FORMAT`: text, jsonl, perfetto, svg, html or slog; the default is by the file's extension")
	cmd.Flags().StringVarP(&output, "output", "o", "", "write to a `FILE`")
	numberVar(cmd.Flags(), &port, "port", "", 0, 0, math.MaxUint16, "serve on this `PORT`; 0 is any that is free")
	complete(cmd, "format", formatNames()...)
	return cmd
}

// serve serves t's page on the loopback interface until ctx is done.
func serve(ctx context.Context, out io.Writer, port string, t *trace.Trace) error {
	var page bytes.Buffer
	if err := trace.WriteHTML(&page, t); err != nil {
		return err
	}
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", port))
	if err != nil {
		if op := (*net.OpError)(nil); errors.As(err, &op) {
			err = op.Err
		}
		return fmt.Errorf("--port %s: %w", port, err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Write(page.Bytes())
	})
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	done := make(chan struct{})
	go func() {
		defer close(done)
		<-ctx.Done()
		server.Close()
	}()
	fmt.Fprintf(out, "http://%s/\n", l.Addr())
	err = server.Serve(l)
	if errors.Is(err, http.ErrServerClosed) && ctx.Err() != nil {
		<-done
		return nil
	}
	return err
}
