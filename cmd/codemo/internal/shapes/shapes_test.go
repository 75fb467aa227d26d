package shapes_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/gohandoff/coroutine/cmd/codemo/internal/bench"
	"github.com/gohandoff/coroutine/cmd/codemo/internal/shapes"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// once does one lap twice, and cleans up: that each shape works, not how fast.
func once(t *testing.T, r bench.Runner) {
	t.Helper()
	if r.Setup == nil {
		return // Measure: memory, of a process that is not this one
	}
	op, done := r.Setup()
	for range 2 {
		op(max(r.Lap, 1))
	}
	if done != nil {
		done()
	}
}

func TestEachShapeRuns(t *testing.T) {
	shapes.SmallFiles()
	defer shapes.Cleanup()
	seen := map[string]bool{}
	for _, s := range shapes.All() {
		if seen[s.FullName()] {
			t.Errorf("%s: there twice", s.FullName())
		}
		seen[s.FullName()] = true
		if s.Area == "" || s.Unit == "" || (s.Setup == nil) == (s.Measure == nil) {
			t.Errorf("%s: incomplete", s.FullName())
		}
		if s.Goal.Ratio > 0 && s.Baseline == nil {
			t.Errorf("%s: has a goal for a ratio, and no baseline", s.FullName())
		}
		if s.Long || s.Lap > 10_000 {
			continue // the same code as the shorter ones
		}
		t.Run(s.FullName(), func(t *testing.T) {
			once(t, s.Runner)
			if s.Baseline != nil {
				once(t, s.Baseline.Runner)
			}
		})
	}
}
