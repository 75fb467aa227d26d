package lesson_test

import (
	"bytes"
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/gohandoff/coroutine/cmd/codemo/internal/lesson"
	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/trace"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func show(t *testing.T, l lesson.Lesson, o lesson.Options) string {
	t.Helper()
	var b bytes.Buffer
	if err := l.Show(&b, o); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func each(t *testing.T, f func(t *testing.T, l lesson.Lesson)) {
	for _, l := range lesson.All() {
		t.Run(l.Name, func(t *testing.T) { f(t, l) })
	}
}

func TestHandoffsAgree(t *testing.T) {
	each(t, func(t *testing.T, l lesson.Lesson) {
		want := show(t, l, lesson.Options{Handoff: coro.Channel})
		for _, h := range []coro.Handoff{coro.Channel, coro.Direct} {
			if diff := cmp.Diff(want, show(t, l, lesson.Options{Handoff: h})); diff != "" {
				t.Errorf("%v, again (-first +now):\n%s", h, diff)
			}
		}
	})
}

// A lesson has its sections, fits into 80 columns, and tells what comes next.
func TestShape(t *testing.T) {
	headings := regexp.MustCompile(`(?m)^── (.*?) ─+$`)
	all := lesson.All()
	each(t, func(t *testing.T, l lesson.Lesson) {
		got := show(t, l, lesson.Options{})
		for s := range strings.SplitSeq(got, "\n") {
			if n := utf8.RuneCountInString(s); n > 80 {
				t.Errorf("%d columns: %s", n, s)
			}
		}
		var names []string
		for _, m := range headings.FindAllStringSubmatch(got, -1) {
			names = append(names, m[1])
		}
		if len(names) < 4 || names[0] != "The idea" || !slices.Equal(names[len(names)-2:], []string{"What differs in Go", "Try"}) {
			t.Errorf("headings: %q", names)
		}
		if !strings.Contains(got, "╭─ "+l.Name+".go\n") {
			t.Error("no source is shown")
		}
		for i := range all[:len(all)-1] {
			if next := "codemo lesson " + all[i+1].Name + " "; all[i].Name == l.Name && !strings.Contains(got, next) {
				t.Errorf("it does not lead to %q", next)
			}
		}
		for _, m := range regexp.MustCompile(`codemo lesson ([a-z]+)`).FindAllStringSubmatch(got, -1) {
			if _, ok := lesson.Find(m[1]); !ok {
				t.Errorf("there is no %q", m[0])
			}
		}
	})
}

// On a narrow terminal words go on in the next line; source is left as it is.
func TestNarrow(t *testing.T) {
	l, _ := lesson.Find("setjmp")
	got := show(t, l, lesson.Options{Width: 50})
	before, _, _ := strings.Cut(got, "    jmp_buf")
	for s := range strings.SplitSeq(before, "\n") {
		if n := utf8.RuneCountInString(s); n > 50 {
			t.Errorf("%d columns: %s", n, s)
		}
	}
}

// Each part is run, and colours change nothing but colours.
func TestColor(t *testing.T) {
	escape := regexp.MustCompile("\x1b\\[[0-9]*m")
	each(t, func(t *testing.T, l lesson.Lesson) {
		plain := show(t, l, lesson.Options{})
		if escape.MatchString(plain) {
			t.Error("escapes, although nobody asked")
		}
		painted := show(t, l, lesson.Options{Color: true})
		if diff := cmp.Diff(plain, escape.ReplaceAllString(painted, "")); diff != "" {
			t.Errorf("(-plain +painted, without escapes):\n%s", diff)
		}
		for s := range strings.SplitSeq(painted, "\n") {
			if all := escape.FindAllString(s, -1); len(all) > 0 && all[len(all)-1] != "\x1b[0m" {
				t.Errorf("a colour does not end with its line: %q", s)
			}
		}
	})
}

func TestSourceOnlyRunsNothing(t *testing.T) {
	each(t, func(t *testing.T, l lesson.Lesson) {
		got := show(t, l, lesson.Options{SourceOnly: true, Record: fail{t}})
		if !strings.Contains(got, "func ") || strings.Contains(got, "──") || strings.Contains(got, "//lesson:") {
			t.Errorf("got:\n%s", got)
		}
	})
}

type fail struct{ t *testing.T }

func (f fail) WriteRecord(r trace.Record) error {
	f.t.Errorf("a step was taken: %s", r)
	return nil
}

func TestRecordGetsEveryStep(t *testing.T) {
	l, _ := lesson.Find("ucontext")
	var rec trace.Trace
	show(t, l, lesson.Options{Record: &rec})
	threads := map[string]int{}
	for _, r := range rec.Records {
		threads[r.Thread]++
	}
	if threads["hello"] < 9 || threads["pingpong"] < 14 {
		t.Errorf("records by thread: %v", threads)
	}
}

// The prints of the first part are those of the example of cloudwu/coroutine.
func TestCloudwuPrintsWhatItsExampleDoes(t *testing.T) {
	l, _ := lesson.Find("cloudwu")
	var rec trace.Trace
	show(t, l, lesson.Options{Record: &rec})
	var got []string
	for _, r := range rec.Records {
		if r.Kind == trace.KindPrint && len(got) < 12 {
			got = append(got, r.Detail)
		}
	}
	want := []string{
		"main start", "coroutine 0 : 0", "coroutine 1 : 100", "coroutine 0 : 1", "coroutine 1 : 101",
		"coroutine 0 : 2", "coroutine 1 : 102", "coroutine 0 : 3", "coroutine 1 : 103",
		"coroutine 0 : 4", "coroutine 1 : 104", "main end",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("prints (-want +got):\n%s", diff)
	}
}

// Both ways of writing a request leave the same on the disk.
func TestCallbacksAndCoroutinesAgree(t *testing.T) {
	l, _ := lesson.Find("callbacks")
	var rec trace.Trace
	show(t, l, lesson.Options{Record: &rec})
	var got []string
	for _, r := range rec.Records {
		if strings.HasPrefix(r.Detail, "disk: ") {
			got = append(got, r.Detail)
		}
	}
	want := []string{"disk: 012345678onetwof", "disk: 012345678onetwof", "disk: 0123456789abtwof", "disk: 0123456789abtwof"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("disks (-want +got):\n%s", diff)
	}
}

func TestNames(t *testing.T) {
	for _, l := range lesson.All() {
		if got, ok := lesson.Find(l.Name); !ok || got.About != l.About {
			t.Errorf("Find(%q): got %q, %t", l.Name, got.About, ok)
		}
		if len(l.Name) > 11 || len(l.About) > 62 {
			t.Errorf("%s: a line of the list would be longer than 80 columns", l.Name)
		}
	}
	if got := lesson.Nearest("setjump"); got != "setjmp" {
		t.Errorf("Nearest(setjump): got %q", got)
	}
	if _, ok := lesson.Find("nosuch"); ok || lesson.Nearest("zzzzzzzz") != "" {
		t.Error("found what is not there")
	}
}

func TestWriteErrorIsTold(t *testing.T) {
	broken := errors.New("broken")
	for _, after := range []int{0, 100, 3000} {
		l, _ := lesson.Find("setjmp")
		if err := l.Show(&brokenWriter{after, broken}, lesson.Options{}); !errors.Is(err, broken) {
			t.Errorf("after %d bytes: got %v", after, err)
		}
	}
}

type brokenWriter struct {
	left int
	err  error
}

func (w *brokenWriter) Write(p []byte) (int, error) {
	if w.left -= len(p); w.left < 0 {
		return 0, w.err
	}
	return len(p), nil
}

// What a lesson says to try makes a cycle of callers: it must be told, and not be
// followed for ever.
func TestChainInCycle(t *testing.T) {
	if got, want := lesson.ChainInCycle(), "reader < helper < reader ..."; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
