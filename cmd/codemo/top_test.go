package main

import (
	"bytes"
	"context"
	"math"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/aio"
	"github.com/gohandoff/coroutine/coro/trace"
	livepage "github.com/gohandoff/coroutine/coro/trace/live"
)

// serveTest serves h until the test is over.
func serveTest(t *testing.T, h http.Handler) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

func TestTopOnce(t *testing.T) {
	ring := trace.NewRing(16)
	th := coro.NewThread(coro.WithTracer(ring), coro.WithName("disk\x1b[2J"))
	defer th.Close()
	th.Enter(th.New(func(self *coro.Self) { self.Yield() }))
	loop := aio.Stats{Name: "main", Doing: "sleeps", Tasks: 3, OffloadsQueued: 2, Latency: 1500, MaxLatency: 12 * time.Millisecond}
	for name, test := range map[string]struct {
		numbers any
		want    string
	}{
		"loop":   {loop, `main +sleeps +3 +0 +0 +0 +2 +1\.5µs +12ms`},
		"list":   {[]aio.Stats{{Name: "a"}, loop}, `(?s)LOOP.* a .*main +sleeps +3`},
		"map":    {map[string]aio.Stats{"disk loop": loop}, `disk loop +sleeps +3`},
		"other":  {map[string]any{"depth": 7}, `NUMBERS *\n *depth +7 *\n`},
		"mixed":  {map[string]any{"depth": 7, "a\x1b[31m": []any{loop, "x", 1e7}}, `(?s) a\[31m\.1\.Doing +sleeps\n.* a\[31m\.2 +x\n.* a\[31m\.3 +10000000\n.* depth +7\n`},
		"absent": {nil, `THREAD`},
	} {
		mux := http.NewServeMux()
		mux.Handle("/debug/c/", http.StripPrefix("/debug/c", livepage.Handler(livepage.Source{
			Threads: []*coro.Thread{th}, Ring: ring, Numbers: func() any { return test.numbers },
			Latencies: []livepage.Latency{{Name: "turn", Read: func() time.Duration { return 2500 }}},
		})))
		var out, errOut bytes.Buffer
		if code := run([]string{"top", "--once", serveTest(t, mux) + "/debug/c"}, &out, &errOut); code != exitOK {
			t.Fatalf("%s: exit %d: %s", name, code, errOut.String())
		}
		for _, want := range []string{test.want, `disk\[2J +channel +1\n`, `turn +2\.5µs\n`, `enter +1 `, `together +3 `} {
			if !regexp.MustCompile(want).MatchString(out.String()) {
				t.Errorf("%s: no %q in:\n%s", name, want, out.String())
			}
		}
		if strings.Contains(out.String(), "\x1b") {
			t.Errorf("%s: an escape of the program's comes through: %q", name, out.String())
		}
	}
}

// TestTopGoesOn: it shows rates, and says that the program is gone when it is.
func TestTopGoesOn(t *testing.T) {
	left := 3
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if left--; left < 0 {
			panic(http.ErrAbortHandler)
		}
		w.Write([]byte(`{"threads":[],"events":` + strings.Repeat("9", 3-left) + `,"counts":[{"kind":"enter","n":` + strings.Repeat("9", 3-left) + `}]}`))
	}))
	defer s.Close()
	var out, errOut bytes.Buffer
	if code := run([]string{"top", "--interval", "10ms", s.URL}, &out, &errOut); code != exitFailure {
		t.Errorf("exit %d, want %d", code, exitFailure)
	}
	if want := "the program answers no more: " + s.URL + "/: EOF"; !strings.Contains(errOut.String(), want) {
		t.Errorf("got %q, want %q in it", errOut.String(), want)
	}
	if got := strings.Count(out.String(), "EVENTS"); got != 3 {
		t.Errorf("%d tables, want 3:\n%s", got, out.String())
	}
	if !regexp.MustCompile(`(?m)enter +999 +[1-9][0-9]* *$`).MatchString(out.String()) {
		t.Errorf("no rate in:\n%s", out.String())
	}
}

// TestTopIsInterrupted: a context that is done ends it without an error.
func TestTopIsInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	url, err := topAddress(serveTest(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	})))
	if err != nil {
		t.Fatal(err)
	}
	f := topFlags{interval: time.Second}
	if err := f.run(ctx, new(bytes.Buffer), newTopClient(url)); err != nil {
		t.Errorf("got %v, want nil", err)
	}
}

func TestTopErrors(t *testing.T) {
	gone := httptest.NewServer(nil)
	gone.Close()
	page := serveTest(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("<html>")) }))
	empty := serveTest(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("{}")) }))
	for _, test := range []struct {
		arg, want string
		code      int
	}{
		{gone.URL, "refused", exitFailure},
		{serveTest(t, http.NotFoundHandler()), "answers 404 Not Found: is no handler of coro/trace/live", exitFailure},
		{
			serveTest(t, livepage.Handler(livepage.Source{Numbers: func() any { return math.NaN() }})),
			"answers 500 Internal Server Error: json: unsupported value: NaN", exitFailure,
		},
		{page, "answers something else than its numbers", exitFailure},
		{empty, "answers something else than its numbers", exitFailure},
		{"foo", "it has no port; want HOST:PORT", exitUsage},
		{"ftp://x", `"ftp" is no scheme`, exitUsage},
		{"http://", "it names no host", exitUsage},
		{"a b:1", "invalid character", exitUsage},
		{"--interval=1ms", "from 10ms to 2562047h", exitUsage},
	} {
		var out, errOut bytes.Buffer
		code := run([]string{"top", "--once", test.arg}, &out, &errOut)
		if code != test.code || !strings.Contains(errOut.String(), test.want) || out.Len() > 0 {
			t.Errorf("top %s: exit %d, %q; want %d, %q", test.arg, code, errOut.String(), test.code, test.want)
		}
	}
}

func TestTopInPlace(t *testing.T) {
	var out bytes.Buffer
	for i := range 2 {
		if err := showTop(&out, "a\nb\n", true, i == 0); err != nil {
			t.Fatal(err)
		}
	}
	if want := "\x1b[?7l\x1b[2J\x1b[Ha\nb\n\x1b[?7h" + "\x1b[?7l\x1b[Ha\x1b[K\nb\x1b[K\n\x1b[J\x1b[?7h"; out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
}

// TestTopFits: on a small terminal the beginning of the table is seen.
func TestTopFits(t *testing.T) {
	const table = "a long line\nb\nc\nd\n"
	for _, test := range []struct {
		width, height int
		want          string
	}{
		{80, 5, table},
		{80, 4, "a long line\nb\n... 2 more lines; the terminal is too low\n"},
		{6, 5, "a lon…\nb\nc\nd\n"},
		{6, 2, "... 4…\n"},
		{1, 0, "…\n"},
	} {
		if got := fitTop(table, test.width, test.height); got != test.want {
			t.Errorf("%d by %d: got %q, want %q", test.width, test.height, got, test.want)
		}
	}
}

func TestLiveAddress(t *testing.T) {
	for addr, want := range map[string]string{
		":0": "localhost:0", "localhost:80": "localhost:80", "0.0.0.0:80": "0.0.0.0:80", "[::1]:80": "[::1]:80",
		"80": "", "localhost:": "", "localhost:99999": "", "": "",
	} {
		got, err := liveAddress(addr)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q: got %q, %v; want %q", addr, got, err, want)
		}
	}
}

// TestLiveServer: while a loop runs it can be asked, and afterwards nothing is left.
func TestLiveServer(t *testing.T) {
	server, opts, err := newLiveServer("localhost:0", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	var out, errOut, said bytes.Buffer
	err = onLoop(opts, func(self *coro.Self) error {
		server.Serve(aio.LoopOf(self), &said)
		_, url, _ := strings.Cut(strings.TrimSpace(said.String()), "live: ")
		_, err := aio.Offload(self, func() (int, error) { return run([]string{"top", "--once", url}, &out, &errOut), nil })
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Close(); err != nil {
		t.Error(err)
	}
	if !regexp.MustCompile(`loop +(sleeps|runs) +1 `).MatchString(out.String()) {
		t.Errorf("no loop with 1 task: %s%s", out.String(), errOut.String())
	}
}
