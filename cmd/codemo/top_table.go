package main

import (
	"fmt"
	"io"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	livepage "github.com/gohandoff/coroutine/coro/trace/live"
)

// writeTop writes now as a table. With an earlier sample it has rates.
func writeTop(out io.Writer, base *url.URL, now, last *topSample) {
	fmt.Fprintf(out, "%s at %s\n\n", base, now.at.Format(time.TimeOnly))
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	defer w.Flush() // into a buffer, which takes everything

	fmt.Fprintln(w, "THREAD\tHANDOFF\tCOROUTINES\t")
	for _, t := range now.stats.Threads {
		fmt.Fprintf(w, "%s\t%s\t%d\t\n", printable(t.Name), printable(t.Handoff), t.Live)
	}
	if len(now.loops) > 0 {
		fmt.Fprintln(w, "\nLOOP\tDOES\tTASKS\tREADY\tTIMERS\tOFFLOADS\tQUEUED\tLATENCY\tLONGEST\t")
		for _, l := range now.loops {
			fmt.Fprintf(w, "%s\t%s\t%d\t%d\t%d\t%d\t%d\t%s\t%s\t\n", printable(l.name), printable(l.Doing), l.Tasks, l.Ready, l.Timers,
				l.OffloadsRunning, l.OffloadsQueued, livepage.Duration(l.Latency), livepage.Duration(l.MaxLatency))
		}
	}
	if now.numbers != nil {
		fmt.Fprintln(w, "\nNUMBERS\t\t")
		writeNumbers(w, "", now.numbers)
	}
	if len(now.stats.Latencies) > 0 {
		fmt.Fprintln(w, "\nLATENCY OF\t\t")
		for _, l := range now.stats.Latencies {
			fmt.Fprintf(w, "%s\t%s\t\n", printable(l.Name), livepage.Duration(time.Duration(l.NS)))
		}
	}
	writeEvents(w, now, last)
}

// writeNumbers writes a line for each number, with the way to it: "disk.depth".
func writeNumbers(w io.Writer, name string, v any) {
	within := func(part string) string { return strings.TrimPrefix(name+"."+part, ".") }
	switch v := v.(type) {
	case nil:
	case map[string]any:
		for _, k := range sortedKeys(v) {
			writeNumbers(w, within(k), v[k])
		}
	case []any:
		for i, x := range v {
			writeNumbers(w, within(strconv.Itoa(i+1)), x)
		}
	default:
		fmt.Fprintf(w, "%s\t%s\t\n", printable(name), printable(fmt.Sprint(v)))
	}
}

func writeEvents(w io.Writer, now, last *topSample) {
	was := map[string]uint64{}
	if last != nil {
		for _, c := range last.stats.Counts {
			was[c.Kind] = c.N
		}
		was[""] = last.stats.Events
	}
	rate := func(kind string, n uint64) string {
		if last == nil {
			return ""
		}
		// A program that was restarted begins again with nothing.
		delta := n - min(n, was[kind])
		return fmt.Sprintf("%.0f", float64(delta)/max(now.at.Sub(last.at).Seconds(), 1e-3))
	}
	fmt.Fprintf(w, "\nEVENTS\tALL\tA SECOND\t\n")
	for _, c := range now.stats.Counts {
		fmt.Fprintf(w, "%s\t%d\t%s\t\n", printable(c.Kind), c.N, rate(c.Kind, c.N))
	}
	fmt.Fprintf(w, "together\t%d\t%s\t\n", now.stats.Events, rate("", now.stats.Events))
}

// printable is s without what could move a cursor or turn the direction of what
// follows: it comes from elsewhere.
func printable(s string) string {
	return string(slices.DeleteFunc([]rune(s), func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) }))
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
