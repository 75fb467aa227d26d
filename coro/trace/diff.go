package trace

import (
	"fmt"
	"io"
)

// Diff returns the first record at which two traces of one program part, by
// what happened: times and sites do not count. It is -1 if there is none. An
// index at the end of one of them means that the other one goes on.
func Diff(a, b *Trace) int {
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
// not part.
func WriteDiff(w io.Writer, a, b *Trace, context int) error {
	at := Diff(a, b)
	if at < 0 {
		return nil
	}
	var err error
	line := func(mark string, r Record) {
		if err != nil {
			return
		}
		site := ""
		if r.Site != "" {
			site = "  at " + r.Site
		}
		_, err = fmt.Fprintf(w, "%s%5d  %v%s\n", mark, r.Seq, r, site)
	}
	if _, err = fmt.Fprintf(w, "the traces part at record %d\n", at+1); err != nil {
		return err
	}
	for _, r := range a.Records[max(0, at-context):at] {
		line("  ", r)
	}
	for _, side := range []struct {
		mark string
		t    *Trace
	}{{"- ", a}, {"+ ", b}} {
		rest := side.t.Records[at:]
		for _, r := range rest[:min(len(rest), context+1)] {
			line(side.mark, r)
		}
		if len(rest) == 0 && err == nil {
			_, err = fmt.Fprintf(w, "%s       ends here\n", side.mark)
		}
	}
	return err
}
