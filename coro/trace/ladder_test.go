package trace_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rivo/uniseg"

	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/trace"
)

// draw traces body and returns the picture.
func draw(t *testing.T, body func(th *coro.Thread, out io.Writer), opts ...trace.TextOption) string {
	t.Helper()
	var b bytes.Buffer
	l := trace.NewStream(trace.NewLadder(&b, opts...))
	th := coro.NewThread(coro.WithTracer(l))
	body(th, l)
	if err := th.Close(); err != nil {
		t.Error(err)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	return b.String()
}

func check(t *testing.T, got, want string) {
	t.Helper()
	if diff := cmp.Diff(strings.TrimPrefix(want, "\n"), got); diff != "" {
		t.Errorf("picture (-want +got):\n%s", diff)
	}
}

func TestPrintsStandInTheirPlace(t *testing.T) {
	got := draw(t, func(th *coro.Thread, out io.Writer) {
		co := th.New(func(self *coro.Self) {
			fmt.Fprint(out, "one\ntwo, unfinished")
			self.Yield()
			fmt.Fprint(out, "finished\n")
		}).SetName("co")
		th.Enter(co)
		fmt.Fprintln(out, "between")
		th.Enter(co)
	})
	check(t, got, `
   1  leader ·· create ··▸ co
   2  leader ── enter ──▸ co
      │    one
      │    two, unfinished
   3  ╰─ co ── yield ──▸ leader
        between
   4  leader ── enter ──▸ co
      │    finished
   5  ╰─ co ── terminate ──▸ leader

      1 coroutine, 5 steps
`)
}

func TestLimitKeepsPrints(t *testing.T) {
	got := draw(t, func(th *coro.Thread, out io.Writer) {
		th.Enter(th.New(func(*coro.Self) { fmt.Fprintln(out, "shown") }).SetName("a"))
		th.Enter(th.New(func(*coro.Self) { fmt.Fprintln(out, "shown, too") }).SetName("b"))
	}, trace.WithLimit(3))
	check(t, got, `
   1  leader ·· create ··▸ a
   2  leader ── enter ──▸ a
      │    shown
   3  ╰─ a ── terminate ──▸ leader
      │    shown, too
   …  3 more steps

      2 coroutines, 6 steps
`)
}

// nest enters n coroutines, each by the one before it, and runs body in the
// innermost.
func nest(th *coro.Thread, n int, body func()) {
	var entry func(i int) coro.Entry
	entry = func(i int) coro.Entry {
		return func(self *coro.Self) {
			if i == n {
				body()
				return
			}
			self.Enter(self.New(entry(i + 1)).SetName(fmt.Sprintf("a-rather-long-name-%d", i+1)))
		}
	}
	th.Enter(th.New(entry(1)).SetName("first"))
}

func TestFitsTheWidth(t *testing.T) {
	for _, width := range []int{0, trace.MinWidth, trace.DefaultWidth, 132} {
		for _, depth := range []int{1, 5, 12, 13, 40} {
			got := draw(t, func(th *coro.Thread, out io.Writer) {
				nest(th, depth, func() {
					fmt.Fprintln(out, strings.Repeat("words and 中文字 words ", 12))
					fmt.Fprintln(out, strings.Repeat("x", 300))
				})
			}, trace.WithWidth(width))
			for line := range strings.Lines(got) {
				w := uniseg.StringWidth(strings.TrimSuffix(line, "\n"))
				if w > max(width, trace.MinWidth) {
					t.Errorf("width %d, depth %d: %d columns: %s", width, depth, w, line)
				}
			}
		}
	}
}

func TestControlCharactersAreHarmless(t *testing.T) {
	got := draw(t, func(th *coro.Thread, out io.Writer) {
		fmt.Fprintln(out, "\x1b[2Jgone\r\tx\xff")
	})
	check(t, got, `
        �[2Jgone�  x�

      0 coroutines, 0 steps
`)
}

func TestColorsAddNothingElse(t *testing.T) {
	body := func(th *coro.Thread, out io.Writer) {
		co := th.New(func(self *coro.Self) {
			fmt.Fprintln(out, "words")
			self.Yield()
		}).SetName("co")
		th.Enter(co)
		th.Kill(co)
	}
	want := draw(t, body)
	colored := draw(t, body, trace.WithColor(true))
	got := colored
	for _, code := range []string{"0", "1", "2", "31", "33", "36", "35", "34", "32"} {
		got = strings.ReplaceAll(got, "\x1b["+code+"m", "")
	}
	check(t, got, want)
	if colored == want {
		t.Error("no colours")
	}
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, errFull }

var errFull = errors.New("full")

func TestFirstWriteErrorIsReported(t *testing.T) {
	l := trace.NewStream(trace.NewLadder(failing{}))
	fmt.Fprintln(l, "lost")
	if err := l.Close(); !errors.Is(err, errFull) {
		t.Errorf("Close: got %v, want %v", err, errFull)
	}
}

func TestALongTitleIsWrapped(t *testing.T) {
	out := string(buffer(t, func(b *bytes.Buffer) error {
		return trace.WriteText(b, &trace.Trace{Title: strings.Repeat("many words ", 20)})
	}))
	for line := range strings.Lines(out) {
		if len(line) > trace.DefaultWidth+1 {
			t.Errorf("a line of %d columns: %s", len(line), line)
		}
	}
	if got := strings.Count(out, "many words"); got != 20 {
		t.Errorf("got %d of 20:\n%s", got, out)
	}
}

// Prints stand where the rails are, also after ten thousand steps.
func TestLongNumbersMoveThePrints(t *testing.T) {
	leader, co := trace.Party{Thread: "main", Name: "leader"}, trace.Party{Thread: "main", ID: 1, Name: "co"}
	got := string(buffer(t, func(b *bytes.Buffer) error {
		return trace.WriteText(b, &trace.Trace{Records: []trace.Record{
			{Seq: 1234567, Thread: "main", Kind: coro.EventEnter, From: leader, To: co},
			{Thread: "main", Kind: trace.KindPrint, From: co, Detail: "hello"},
			{Seq: 1234568, Thread: "main", Kind: coro.EventYield, From: co, To: leader},
		}})
	}))
	check(t, got, `
1234567  leader ── enter ──▸ co
         │    hello
1234568  ╰─ co ── yield ──▸ leader

      1 coroutine, 2 steps
`)
}
