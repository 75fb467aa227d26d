package bench_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"math"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/gohandoff/coroutine/cmd/codemo/internal/bench"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestMedianAndSpread(t *testing.T) {
	tests := []struct {
		values         []float64
		median, spread float64
	}{
		{nil, 0, 0},
		{[]float64{5}, 5, 0},
		{[]float64{4, 2}, 3, 1.0 / 6},
		{[]float64{3, 1, 2}, 2, 0.25},
		{[]float64{5, 1, 4, 2, 3}, 3, 1.0 / 3},
		{[]float64{1, 1, 1, 1, 1000}, 1, 0}, // one slow round changes nothing
		{[]float64{0, 0, 0}, 0, 0},
	}
	for _, tt := range tests {
		if got := bench.Median(tt.values); got != tt.median {
			t.Errorf("Median(%v): got %v, want %v", tt.values, got, tt.median)
		}
		if got := bench.Spread(tt.values); math.Abs(got-tt.spread) > 1e-12 {
			t.Errorf("Spread(%v): got %v, want %v", tt.values, got, tt.spread)
		}
	}
}

func TestMedianLeavesItsArgumentAlone(t *testing.T) {
	values := []float64{3, 1, 2}
	bench.Median(values)
	if diff := cmp.Diff([]float64{3, 1, 2}, values); diff != "" {
		t.Error(diff)
	}
}

var raw = &bench.Baseline{Name: "raw", Unit: "ns"}

func result(goal bench.Goal, values, bases []float64) bench.Result {
	s := bench.Shape{Area: "core", Name: "yield", Variant: "direct", Unit: "ns", Goal: goal}
	if bases != nil {
		s.Baseline = raw
	}
	return bench.Result{Shape: s, Values: values, Bases: bases}
}

func TestRatioIsOfTheSameRound(t *testing.T) {
	// The machine is ten times slower in the middle round: the ratio of the
	// medians would be 20/20.
	r := result(bench.Goal{}, []float64{20, 200, 20}, []float64{10, 100, 20})
	if got := r.Ratio(); got != 2 {
		t.Errorf("Ratio: got %v, want 2", got)
	}
}

func TestVerdict(t *testing.T) {
	ratio := func(g float64) bench.Goal { return bench.Goal{Ratio: g} }
	tests := []struct {
		r    bench.Result
		want string
	}{
		{result(bench.Goal{}, []float64{100}, []float64{1}), ""},
		{result(ratio(1.35), []float64{135}, []float64{100}), "ok"},
		{result(ratio(1.35), []float64{13.51}, []float64{10}), "MISSED by 1%"}, // never by 0%
		{result(ratio(2), []float64{50}, []float64{10}), "MISSED by 150%"},
		{result(bench.Goal{Value: 3000}, []float64{3000}, nil), "ok"},
		{result(bench.Goal{Value: 3000}, []float64{3300}, []float64{1}), "MISSED by 10%"},
		{result(ratio(2), []float64{math.Inf(1)}, []float64{1}), "MISSED"},
	}
	for _, tt := range tests {
		if got := tt.r.Verdict(); got != tt.want {
			t.Errorf("%+v %v/%v: got %q, want %q", tt.r.Shape.Goal, tt.r.Values, tt.r.Bases, got, tt.want)
		}
	}
}

// An absolute goal is about the values, whatever the baseline did.
func TestAbsoluteGoalBesideABaseline(t *testing.T) {
	r := result(bench.Goal{Value: 3000}, []float64{900, 1000, 1100}, []float64{100, 10, 1})
	if got := r.Share(); got != 1.0/3 {
		t.Errorf("Share: got %v, want 1/3", got)
	}
	if got := r.Spread(); got != 0.05 {
		t.Errorf("Spread: got %v, want that of the values, 0.05", got)
	}
	if got := r.Shape.Goal.Text("ns"); got != "≤ 3.00 µs" {
		t.Errorf("Text: got %q", got)
	}
}

func TestScaleGivesWholeLaps(t *testing.T) {
	tests := []struct {
		n, lap     int
		took, want time.Duration
		scaled     int
	}{
		{100, 1, time.Millisecond, 10 * time.Millisecond, 1000},
		{1000, 1000, 10 * time.Millisecond, 35 * time.Millisecond, 3000},
		{1000, 1000, time.Second, time.Millisecond, 1000}, // one at least
		{1, 1, 0, time.Microsecond, 1000},                 // a clock that stands still
	}
	for _, tt := range tests {
		if got := bench.Scale(tt.n, tt.lap, tt.took, tt.want); got != tt.scaled {
			t.Errorf("scale(%d, %d, %v, %v): got %d, want %d", tt.n, tt.lap, tt.took, tt.want, got, tt.scaled)
		}
	}
}

func TestSelect(t *testing.T) {
	all := []bench.Shape{{Name: "yield", Variant: "direct"}, {Name: "yield", Variant: "channel"}, {Name: "raw"}, {Name: "huge", Long: true}}
	names := func(shapes []bench.Shape) (names []string) {
		for _, s := range shapes {
			names = append(names, s.FullName())
		}
		return names
	}
	tests := []struct {
		expr string
		long bool
		want []string
	}{
		{"", false, []string{"yield/direct", "yield/channel", "raw"}},
		{"", true, []string{"yield/direct", "yield/channel", "raw", "huge"}},
		{"/direct$", false, []string{"yield/direct"}},
		{"huge", false, nil},
	}
	for _, tt := range tests {
		if diff := cmp.Diff(tt.want, names(bench.Select(all, regexp.MustCompile(tt.expr), tt.long))); diff != "" {
			t.Errorf("Select(%q, %t) (-want +got):\n%s", tt.expr, tt.long, diff)
		}
	}
}

// measures gives values one after the other, and notes that it was asked.
func measures(calls *[]string, name string, values ...float64) bench.Runner {
	return bench.Runner{Measure: func() (float64, error) {
		*calls = append(*calls, name)
		v := values[0]
		values = values[1:]
		return v, nil
	}}
}

func TestRunMeasuresEachBesideItsBaseline(t *testing.T) {
	var calls []string
	base := &bench.Baseline{Name: "base", Runner: measures(&calls, "base", 10, 10, 20, 20)}
	shapes := []bench.Shape{
		{Name: "a", Baseline: base, Runner: measures(&calls, "a", 30, 40)},
		{Name: "b", Baseline: base, Runner: measures(&calls, "b", 50, 60)},
	}
	var told []int
	results, err := bench.Run(context.Background(), shapes, bench.Options{Rounds: 2, Progress: func(done, total int, _ string) {
		told = append(told, done)
		if total != 6 {
			t.Errorf("total: got %d, want 6", total)
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"base", "a", "base", "b", "a", "base", "b", "base"}, calls); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]float64{3, 2}, results[0].Ratios()); diff != "" {
		t.Errorf("ratios (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]int{0, 1, 2, 3, 4, 5, 6}, told); diff != "" {
		t.Errorf("progress (-want +got):\n%s", diff)
	}
}

func TestRunCallsOpWithWholeLaps(t *testing.T) {
	done := 0
	shape := bench.Shape{Name: "laps", Runner: bench.Runner{Lap: 7, Setup: func() (func(int), func()) {
		return func(n int) {
			if n == 0 || n%7 != 0 {
				t.Errorf("op(%d): want a multiple of 7", n)
			}
		}, func() { done++ }
	}}}
	if _, err := bench.Run(context.Background(), []bench.Shape{shape}, bench.Options{Rounds: 2, Slice: time.Microsecond}); err != nil {
		t.Fatal(err)
	}
	if done != 3 {
		t.Errorf("done was called %d times, want 3", done)
	}
}

func TestRunStops(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	shape := bench.Shape{Name: "s", Runner: bench.Runner{Measure: func() (float64, error) { cancel(); return 1, nil }}}
	if _, err := bench.Run(ctx, []bench.Shape{shape}, bench.Options{Rounds: 2}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
	broken := errors.New("broken")
	shape.Measure = func() (float64, error) { return 0, broken }
	_, err := bench.Run(context.Background(), []bench.Shape{shape}, bench.Options{Rounds: 1})
	if !errors.Is(err, broken) || !strings.Contains(err.Error(), "shape s") {
		t.Errorf("got %v, want the shape's error with its name", err)
	}
}

func TestShort(t *testing.T) {
	for _, tt := range []struct {
		v    float64
		unit string
		want string
	}{
		{1.234, "ns", "1.23 ns"},
		{65.24, "ns", "65.2 ns"},
		{345.6, "ns", "346 ns"},
		{1234, "ns", "1.23 µs"},
		{2.5e6, "ns", "2.50 ms"},
		{512, "B", "512 B"},
		{3277, "B", "3.20 KiB"},
	} {
		if got := bench.Short(tt.v, tt.unit); got != tt.want {
			t.Errorf("Short(%v, %s): got %q, want %q", tt.v, tt.unit, got, tt.want)
		}
	}
}

func sample() []bench.Result {
	fast := result(bench.Goal{Ratio: 1.35}, []float64{90, 91, 92}, []float64{70, 70, 70})
	slow := result(bench.Goal{Ratio: 1.5}, []float64{200}, []float64{100})
	slow.Shape.Name, slow.Shape.Variant = "a <b> & c", "channel"
	far := result(bench.Goal{Ratio: 90}, []float64{9000}, []float64{100})
	far.Shape.Area = "far"
	alone := result(bench.Goal{}, []float64{3}, nil)
	alone.Shape.Name, alone.Shape.Variant = "alone", ""
	return []bench.Result{fast, slow, far, alone}
}

func TestTable(t *testing.T) {
	same := func(s string) string { return s }
	var b bytes.Buffer
	if err := bench.WriteTable(&b, sample(), bench.Style{Bold: same, Dim: same, Good: same, Bad: same}); err != nil {
		t.Fatal(err)
	}
	want := `
shape        handoff     each    ratio  spread  to   goal       verdict

core
  yield      direct   91.0 ns   1.30 ×     ±1%  raw  ≤ 1.35 ×   ok
  a <b> & c  channel   200 ns   2.00 ×     ±0%  raw  ≤ 1.50 ×   MISSED by 33%

far
  yield      direct   9.00 µs  90.00 ×     ±0%  raw  ≤ 90.00 ×  ok

core
  alone               3.00 ns              ±0%

baselines
  raw                 70.0 ns             ±21%
`
	if diff := cmp.Diff(strings.TrimPrefix(want, "\n"), b.String()); diff != "" {
		t.Errorf("table (-want +got):\n%s", diff)
	}
}

func TestSVGIsWellFormed(t *testing.T) {
	for name, results := range map[string][]bench.Result{"some": sample(), "none": nil} {
		var b bytes.Buffer
		if err := bench.WriteSVG(&b, "go <1>", results); err != nil {
			t.Fatal(err)
		}
		d := xml.NewDecoder(&b)
		for {
			if _, err := d.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
	}
}

func TestFilesCanBeRead(t *testing.T) {
	var b bytes.Buffer
	if err := bench.WriteJSON(&b, "machine", sample()); err != nil {
		t.Fatal(err)
	}
	var got struct {
		Machine string
		Shapes  []struct {
			Name    string
			Ratio   float64
			Verdict string
			Values  []float64
		}
	}
	if err := json.Unmarshal(b.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if s := got.Shapes[1]; got.Machine != "machine" || s.Name != "a <b> & c" || s.Ratio != 2 || s.Verdict != "MISSED by 33%" || len(s.Values) != 1 {
		t.Errorf("JSON: got %+v", got)
	}
	b.Reset()
	if err := bench.WriteCSV(&b, sample()); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&b).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"core", "a <b> & c", "channel", "ns", "200", "raw", "100", "2", "", "1.5", "", "MISSED by 33%"}
	if diff := cmp.Diff(want, rows[2]); diff != "" {
		t.Errorf("CSV (-want +got):\n%s", diff)
	}
}
