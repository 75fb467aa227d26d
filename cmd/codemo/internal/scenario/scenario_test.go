package scenario_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/gohandoff/coroutine/cmd/codemo/internal/scenario"
	"github.com/gohandoff/coroutine/coro"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// log notes every step as a line between what is printed.
type log struct{ bytes.Buffer }

func (l *log) Trace(e coro.Event) { l.WriteString(e.String() + "\n") }

func run(t *testing.T, s scenario.Scenario, h coro.Handoff) string {
	t.Helper()
	var out log
	th := coro.NewThread(coro.WithHandoff(h), coro.WithTracer(&out))
	if err := s.Run(&scenario.Env{Thread: th, Out: &out, Text: strings.NewReader(scenario.Sample)}); err != nil {
		t.Errorf("%s on %v: %v", s.Name, h, err)
	}
	if err := th.Close(); err != nil {
		t.Errorf("%s on %v: Close: %v", s.Name, h, err)
	}
	return out.String()
}

func TestHandoffsAgree(t *testing.T) {
	for _, s := range scenario.All() {
		t.Run(s.Name, func(t *testing.T) {
			want := run(t, s, coro.Channel)
			for range 3 {
				for _, h := range []coro.Handoff{coro.Channel, coro.Direct} {
					if diff := cmp.Diff(want, run(t, s, h)); diff != "" {
						t.Errorf("%v, again (-first +now):\n%s", h, diff)
					}
				}
			}
		})
	}
}

func TestTable(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range scenario.All() {
		if seen[s.Name] {
			t.Errorf("%s: there twice", s.Name)
		}
		seen[s.Name] = true
		if len(s.Name) > 18 || len(s.About) > 60 {
			t.Errorf("%s: a line of the list would be longer than 80 columns", s.Name)
		}
		if got, ok := scenario.Find(s.Name); !ok || got.About != s.About {
			t.Errorf("Find(%q): got %q, %t", s.Name, got.About, ok)
		}
	}
	if _, ok := scenario.Find("nosuch"); ok {
		t.Error("Find(nosuch): found")
	}
}

func TestNearest(t *testing.T) {
	for in, want := range map[string]string{
		"clasic": "classic", "Wake": "wake", "misuse-lock": "misuse-locks", "producer": "", "zzzzzzzz": "", "": "",
		"panik": "panic", "generater": "generator",
	} {
		if got := scenario.Nearest(in); got != want {
			t.Errorf("Nearest(%q): got %q, want %q", in, got, want)
		}
	}
}

func TestUnreadableFileFails(t *testing.T) {
	s, _ := scenario.Find("producer-consumer")
	broken := errors.New("broken")
	th := coro.NewThread()
	defer th.Close()
	err := s.Run(&scenario.Env{Thread: th, Out: new(bytes.Buffer), Text: iotest.ErrReader(broken)})
	if !errors.Is(err, broken) {
		t.Errorf("got %v, want %v", err, broken)
	}
}
