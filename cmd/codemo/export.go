package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
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

// forFile returns the format, if need be by the extension of what --output
// names; "-" is standard output.
func (f traceFormat) forFile(file string) (string, error) {
	if f == "" && (file == "" || file == "-") {
		return "text", nil
	}
	return f.forFlag("output", file)
}

// forFlag is forFile for what another flag names.
func (f traceFormat) forFlag(flag, file string) (string, error) {
	if f != "" {
		return string(f), nil
	}
	ext := strings.ToLower(filepath.Ext(file))
	var all []string
	for _, known := range formats {
		if slices.Contains(known.exts, ext) {
			return known.name, nil
		}
		all = append(all, known.exts[0])
	}
	if info, err := os.Stat(file); err == nil && info.IsDir() {
		return "", usagef("--%s %s: is a directory; want a file", flag, file)
	}
	hint := "want a name that ends in " + strings.Join(all, ", ")
	if flag == "output" {
		hint += ", or give a --format"
	}
	return "", usagef("--%s %s: the extension tells no format; %s", flag, file, hint)
}

// writeFormat writes t to w.
func writeFormat(w io.Writer, format string, t *trace.Trace) error {
	for _, f := range formats {
		if f.name == format {
			return f.write(w, t)
		}
	}
	return fmt.Errorf("no format %q", format) // a bug: flags have been checked
}

// writeTrace writes t to a file, or to out if there is none.
func writeTrace(out io.Writer, file, format string, t *trace.Trace) error {
	var b bytes.Buffer
	if err := writeFormat(&b, format, t); err != nil {
		return err
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

// readTrace reads a trace as JSON lines; "-" is standard input. With its error
// comes what there is before it, if anything.
func readTrace(file string) (*trace.Trace, error) {
	in := os.Stdin
	if file == "-" {
		file = "standard input"
	} else {
		f, err := os.Open(file)
		if pathError := (*os.PathError)(nil); errors.As(err, &pathError) {
			err = pathError.Err
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		defer f.Close()
		in = f
	}
	t, err := trace.ReadJSONL(in)
	if pathError := (*os.PathError)(nil); errors.As(err, &pathError) {
		err = pathError.Err
	}
	if err != nil {
		err = fmt.Errorf("%s: %w", file, err)
	}
	return t, err
}

// readCut is readTrace for who takes a trace whose last line is cut short, as by
// a program that was killed: a line on warn says so.
func readCut(warn io.Writer, file string) (*trace.Trace, error) {
	t, err := readTrace(file)
	if err == nil || t == nil || len(t.Records) == 0 || !errors.Is(err, io.ErrUnexpectedEOF) {
		return t, err
	}
	fmt.Fprintf(warn, "codemo: %v: the last line is cut short; showing what comes before it\n", err)
	return t, nil
}
