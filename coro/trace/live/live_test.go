package live_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/trace"
	"github.com/gohandoff/coroutine/coro/trace/live"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestHandler(t *testing.T) {
	ring := trace.NewRing(64)
	th := coro.NewThread(coro.WithTracer(ring))
	defer th.Close()
	th.Enter(th.New(func(self *coro.Self) { self.Yield() }).SetName("<parked>\x1b[1m"))
	src := live.Source{
		Threads: []*coro.Thread{th}, Ring: ring,
		Latencies: []live.Latency{{Name: "turn", Read: func() time.Duration { return 1500 }}},
		Numbers:   func() any { return map[string]int{"tasks<": 3} },
	}
	mux := http.NewServeMux()
	mux.Handle("/debug/coroutines/", http.StripPrefix("/debug/coroutines", live.Handler(src)))
	for _, test := range []struct {
		method, path string
		code         int
		want         string
	}{
		{"GET", "", 200, "&lt;parked&gt;\ufffd[1m: #1, suspended"},
		{"GET", "", 200, `<td class="n">1.5µs`},
		{"GET", "stats.json", 200, `"numbers": {`},
		{"GET", "", 200, `<td>tasks&lt;<td class="n">3`},
		{"HEAD", "", 200, ""},
		{"GET", "dump", 200, "<parked>\ufffd[1m: #1, suspended"},
		{"GET", "events.jsonl", 200, `"kind":"enter"`},
		{"GET", "events.jsonl?n=1", 200, `"dropped":2`},
		{"GET", "events.txt", 200, "1 coroutine, 3 steps"},
		{"GET", "events.html", 200, "<!doctype html>"},
		{"GET", "events.jsonl?n=x", 400, "want a number"},
		{"POST", "dump", 405, ""},
		{"POST", "", 405, ""},
		{"PUT", "stats.json", 405, ""},
		{"DELETE", "events.html", 405, ""},
		{"GET", "nosuch", 404, ""},
	} {
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequest(test.method, "/debug/coroutines/"+test.path, nil))
		if w.Code != test.code || !strings.Contains(w.Body.String(), test.want) {
			t.Errorf("%s %s: got %d, want %d with %q:\n%.500s", test.method, test.path, w.Code, test.code, test.want, w.Body)
		}
	}
	var st live.Stats
	if err := json.Unmarshal([]byte(live.Var(src).String()), &st); err != nil {
		t.Fatal(err)
	}
	if len(st.Threads) != 1 || st.Threads[0].Live != 1 || st.Events != 3 {
		t.Errorf("Var: got %+v", st)
	}
}

func TestHandlerOfNothing(t *testing.T) {
	for want, src := range map[string]live.Source{
		"live: Handler: Threads[1] is nil":              {Threads: []*coro.Thread{coro.NewThread(), nil}},
		`live: Handler: Latencies[0], "x", has no Read`: {Latencies: []live.Latency{{Name: "x"}}},
	} {
		func() {
			defer func() {
				if got := recover(); got != want {
					t.Errorf("got the panic %v, want %q", got, want)
				}
			}()
			live.Handler(src)
		}()
	}
}
