package iobench

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/cmd/codemo/internal/size"
)

// operations are what a run may have done, in the order of reports.
var operations = []blockio.Op{blockio.OpRead, blockio.OpWrite, blockio.OpFlush}

// WriteText writes a report for people: what was done, what it cost, how long
// requests took.
func WriteText(w io.Writer, r *Result) error {
	var b strings.Builder
	n, seconds := r.Requests(), r.Elapsed.Seconds()
	t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "  requests\t%s in %.3f s\n", grouped(n), seconds)
	fmt.Fprintf(t, "  IOPS\t%s\n", grouped(int64(float64(n)/max(seconds, 1e-9))))
	fmt.Fprintf(t, "  throughput\t%s\n", size.Rate(r.Bytes(), seconds))
	if r.CPU && n > 0 {
		each := func(d time.Duration) time.Duration { return short(d / time.Duration(n)) }
		fmt.Fprintf(t, "  CPU\t%v a request (%v user, %v system)\n", each(r.User+r.System), each(r.User), each(r.System))
	}
	t.Flush()
	b.WriteByte('\n')
	t = tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "  latency\trequests\tmean\tp50\tp99\tp99.9\tmax\t")
	for _, op := range operations {
		s := r.Stats.Op(op)
		if s.Requests == 0 {
			continue
		}
		l := &s.Latency
		fmt.Fprintf(t, "  %v\t%s\t%v\t%v\t%v\t%v\t%v\t\n", op, grouped(int64(s.Requests)),
			short(l.Mean()), short(l.Quantile(0.5)), short(l.Quantile(0.99)), short(l.Quantile(0.999)), short(l.Max()))
	}
	t.Flush()
	for _, op := range operations[:2] {
		if l := &r.Stats.Op(op).Latency; l.Count() > 0 {
			fmt.Fprintf(&b, "\n  %ss took\n", op)
			distribution(&b, l)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// barWidth is how many columns the longest bar has.
const barWidth = 40

// distribution draws how many requests took how long, in steps of 1, 2, 5, 10.
func distribution(b *strings.Builder, l *blockio.Histogram) {
	rows := steps(l)
	most := uint64(0)
	for _, s := range rows {
		most = max(most, s.n)
	}
	for _, s := range rows {
		part := fmt.Sprintf("%6.2f", 100*float64(s.n)/float64(l.Count()))
		if s.n > 0 && part == "  0.00" {
			part = " <0.01"
		}
		line := fmt.Sprintf("  %6v to %-6v %s %%  %s", s.from, s.to, part, bar(float64(s.n)/float64(most)*barWidth))
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
}

// A step is a range of durations.
type step struct {
	from, to time.Duration
	n        uint64
}

// steps returns the histogram in steps of 1, 2, 5, 10 and so on, from the first
// that is not empty to the last. A bucket belongs to the step in which it begins.
func steps(l *blockio.Histogram) (rows []step) {
	current := step{from: 0, to: 1}
	for start, n := range l.Buckets() {
		for start >= current.to {
			if current.n > 0 || len(rows) > 0 {
				rows = append(rows, current)
			}
			current = step{from: current.to, to: following(current.to)}
		}
		current.n += n
	}
	return append(rows, current)
}

// following returns the end of the step that begins at d, which is 1, 2 or 5 times
// a power of ten.
func following(d time.Duration) time.Duration {
	for ten := time.Duration(1); ; ten *= 10 {
		switch d {
		case ten:
			return 2 * ten
		case 2 * ten:
			return 5 * ten
		case 5 * ten:
			return 10 * ten
		}
	}
}

// bar draws a bar of so many columns, to the eighth of one.
func bar(columns float64) string {
	eighths := int(columns*8 + 0.5)
	s := strings.Repeat("█", eighths/8)
	if rest := eighths % 8; rest > 0 {
		s += string([]rune("▏▎▍▌▋▊▉")[rest-1])
	}
	return s
}

// short rounds to three digits: a histogram tells no more.
func short(d time.Duration) time.Duration {
	unit := time.Duration(1)
	for d/unit >= 1000 {
		unit *= 10
	}
	return d.Round(unit)
}

// grouped writes a number with a comma after each three digits.
func grouped(n int64) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
