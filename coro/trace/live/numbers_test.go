package live_test

import (
	"net/http/httptest"
	"regexp"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gohandoff/coroutine/coro/trace/live"
)

func TestDuration(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0s", 999: "999ns", 1500: "1.5µs", 1234567: "1.23ms", -45678: "-45.68µs",
		1234567890: "1.23s", time.Hour + time.Millisecond: "1h0m0s",
	} {
		if got := live.Duration(d); got != want {
			t.Errorf("Duration(%d): got %s, want %s", d, got, want)
		}
	}
}

// TestNumbersAreATable: whatever form numbers have, the page shows a line for each.
func TestNumbersAreATable(t *testing.T) {
	type loop struct {
		Name       string
		MaxLatency time.Duration
		hidden     int
	}
	self := &struct{ Self any }{}
	self.Self = self // must not go on for ever
	for _, test := range []struct {
		numbers any
		want    []string
	}{
		{nil, nil},
		{loop{"disk", 1500 * time.Microsecond, 1}, []string{"name disk", "max latency 1.5ms"}},
		{&loop{"a", 0, 1}, []string{"name a", "max latency 0s"}},
		{[]loop{{Name: "a"}, {Name: "b"}}, []string{"1.name a", "1.max latency 0s", "2.name b", "2.max latency 0s"}},
		{map[string]any{"b": 2, "a": loop{Name: "x"}, "none": nil}, []string{"a.name x", "a.max latency 0s", "b 2"}},
		{3.5, []string{" 3.5"}},
		{(*loop)(nil), nil},
		{self, nil},
	} {
		w := httptest.NewRecorder()
		live.Handler(live.Source{Numbers: func() any { return test.numbers }}).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
		var got []string
		for _, m := range regexp.MustCompile(`<tr><td>(.*)<td class="n">(.*)</tr>`).FindAllStringSubmatch(w.Body.String(), -1) {
			got = append(got, m[1]+" "+m[2])
		}
		if diff := cmp.Diff(test.want, got); diff != "" || w.Code != 200 {
			t.Errorf("%v: %d (-want +got):\n%s", test.numbers, w.Code, diff)
		}
	}
}
