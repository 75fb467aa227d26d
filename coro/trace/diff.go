package trace

import (
	"bufio"
	"fmt"
	"io"
)

// Diff returns the first record at which two traces of one program part, by
// what happened: times and sites do not count. It is -1 if there is none. An
// index at the end of one of them means that the other one goes on.
func Diff(a, b *Trace) int {
	needs(a != nil && b != nil, "Diff", "a *Trace")
	for i := range min(len(a.Records), len(b.Records)) {
		if !same(a.Records[i], b.Records[i]) {
			return i
		}
	}
	if len(a.Records) != len(b.Records) {
		return min(len(a.Records), len(b.Records))
	}
	return -1
}

func same(a, b Record) bool {
	a.Time, a.Site, b.Time, b.Site = 0, "", 0, ""
	return a == b
}

// WriteDiff writes where a and b part, with up to context records before that
// and after it, marked as unified diffs mark them; it writes nothing if they do
// not part. Steps that differ in what a line does not say, such as a coroutine's
// number, are told in full. It panics if context is negative.
func WriteDiff(w io.Writer, a, b *Trace, context int) error {
	needs(w != nil, "WriteDiff", "the io.Writer")
	needs(a != nil && b != nil, "WriteDiff", "a *Trace")
	if context < 0 {
		panic(fmt.Sprintf("trace: WriteDiff: context is %d: want 0 or more", context))
	}
	at := Diff(a, b)
	if at < 0 {
		return nil
	}
	out := bufio.NewWriter(w)
	words := Record.String
	if at < len(a.Records) && at < len(b.Records) {
		x, y := a.Records[at], b.Records[at]
		if x.Seq == y.Seq && clean(x.String()) == clean(y.String()) {
			words = inFull
		}
	}
	line := func(mark string, r Record) {
		site := ""
		if r.Site != "" {
			site = "  at " + r.Site
		}
		fmt.Fprintf(out, "%s%5d  %s\n", mark, r.Seq, clean(words(r)+site))
	}
	fmt.Fprintf(out, "the traces part at record %d\n", at+1)
	for _, r := range a.Records[max(0, at-context):at] {
		line("  ", r)
	}
	for _, side := range []struct {
		mark string
		t    *Trace
	}{{"- ", a}, {"+ ", b}} {
		rest := side.t.Records[at:]
		if len(rest) == 0 {
			fmt.Fprintf(out, "%s       ends here\n", side.mark)
		} else {
			rest = rest[:min(len(rest)-1, context)+1]
		}
		for _, r := range rest {
			line(side.mark, r)
		}
	}
	return out.Flush() // it keeps the first error
}

// inFull gives a record as a line with all that two of them can differ in.
func inFull(r Record) string {
	s := fmt.Sprintf("on %q: %q %s", r.Thread, string(r.Kind), r.From.inFull())
	if r.To.Valid() {
		s += " -> " + r.To.inFull()
	}
	if r.Detail != "" {
		s += fmt.Sprintf(" (%q)", r.Detail)
	}
	return s
}

func (p Party) inFull() string {
	if !p.Valid() {
		return "nobody"
	}
	return fmt.Sprintf("%q (%d of %q)", p.Name, p.ID, p.Thread)
}
