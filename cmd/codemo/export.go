package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/gohandoff/coroutine/coro/trace"
)

// A traceFormat is the value of --format, "" if it was not given.
type traceFormat string

// formats are what a trace can be written as, each with the extensions that
// mean it.
var formats = []struct {
	name  string
	exts  []string
	write func(w io.Writer, t *trace.Trace) error
}{
	{"text", []string{".txt"}, func(w io.Writer, t *trace.Trace) error { return trace.WriteText(w, t) }},
	{"jsonl", []string{".jsonl"}, trace.WriteJSONL},
	{"perfetto", []string{".json"}, trace.WritePerfetto},
	{"svg", []string{".svg"}, func(w io.Writer, t *trace.Trace) error { return trace.WriteSVG(w, t) }},
	{"html", []string{".html", ".htm"}, trace.WriteHTML},
	{"slog", []string{".log"}, writeSlog},
}

func formatNames() (names []string) {
	for _, f := range formats {
		names = append(names, f.name)
	}
	return names
}

// String implements pflag.Value.
func (f *traceFormat) String() string { return string(*f) }

// Type implements pflag.Value.
func (f *traceFormat) Type() string { return "format" }

// Set implements pflag.Value.
func (f *traceFormat) Set(s string) error {
	for _, known := range formats {
		if known.name == s {
			*f = traceFormat(s)
			return nil
		}
	}
	return fmt.Errorf("want one of %s", strings.Join(formatNames(), ", "))
}

// forFile returns the format, if need be by the extension of the file.
func (f traceFormat) forFile(file string) (string, error) {
	if f != "" {
		return string(f), nil
	}
	ext := strings.ToLower(filepath.Ext(file))
	for _, known := range formats {
		for _, e := range known.exts {
			if e == ext {
				return known.name, nil
			}
		}
	}
	if file == "" {
		return "text", nil
	}
	return "", usagef("--output %s: the extension tells no format; give one with --format", file)
}

// writeTrace writes t to a file, or to out if there is none.
func writeTrace(out io.Writer, file, format string, t *trace.Trace) error {
	var b bytes.Buffer
	for _, f := range formats {
		if f.name == format {
			if err := f.write(&b, t); err != nil {
				return err
			}
		}
	}
	if file != "" && file != "-" {
		if err := os.WriteFile(file, b.Bytes(), 0o666); err != nil {
			return fileError("output", file, err)
		}
		return nil
	}
	if _, err := out.Write(b.Bytes()); err != nil {
		return fmt.Errorf("writing the trace: %w", err)
	}
	return nil
}

// writeSlog writes log lines without a time, which would differ on each run.
func writeSlog(w io.Writer, t *trace.Trace) error {
	noTime := func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}
	sink := trace.Slog(slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{ReplaceAttr: noTime})), slog.LevelInfo)
	for _, r := range t.Records {
		if err := sink.WriteRecord(r); err != nil {
			return err
		}
	}
	return nil
}

// readTrace reads a trace as JSON lines; "-" is standard input.
func readTrace(file string) (*trace.Trace, error) {
	if file == "-" {
		return trace.ReadJSONL(os.Stdin)
	}
	f, err := os.Open(file)
	if err == nil {
		defer f.Close()
		var t *trace.Trace
		if t, err = trace.ReadJSONL(f); err == nil {
			return t, nil
		}
	}
	if pathError := (*os.PathError)(nil); errors.As(err, &pathError) {
		err = pathError.Err
	}
	return nil, fmt.Errorf("%s: %w", file, err)
}
