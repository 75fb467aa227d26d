package bench

import (
	"context"
	"fmt"
	"regexp"
	"runtime"
	"time"
)

// Options are how to measure.
type Options struct {
	// Rounds is how often each shape is measured; the ratio of a round is
	// to the baseline of that round.
	Rounds int
	// Slice is about how long one measure of one shape takes.
	Slice time.Duration
	// Progress, if not nil, is told before each measure: how many are done,
	// how many there are, and of what the next one is.
	Progress func(done, total int, name string)
}

// Select returns the shapes whose full name matches, without the long ones
// unless long is set. A nil expression matches everything.
func Select(all []Shape, names *regexp.Regexp, long bool) []Shape {
	var some []Shape
	for _, s := range all {
		if (long || !s.Long) && (names == nil || names.MatchString(s.FullName())) {
			some = append(some, s)
		}
	}
	return some
}

// Run measures the shapes, all of them in each round, each with its baseline
// just before it or, in every other round, just after it. It stops when ctx is
// done.
func Run(ctx context.Context, shapes []Shape, o Options) ([]Result, error) {
	tell := o.Progress
	if tell == nil {
		tell = func(int, int, string) {}
	}
	// One calibration of each, as long as a round.
	total := len(shapes) * (o.Rounds + 1)
	done := 0
	results := make([]Result, len(shapes))
	counts := make([]int, len(shapes))
	bases := map[*Baseline]int{}
	for i, s := range shapes {
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("stopped before the first round: %w", err)
		}
		tell(done, total, s.FullName())
		results[i].Shape = s
		counts[i] = s.calibrate(o.Slice)
		if b := s.Baseline; b != nil && bases[b] == 0 {
			bases[b] = b.calibrate(o.Slice)
		}
		done++
	}
	for round := range o.Rounds {
		for i := range shapes {
			if err := ctx.Err(); err != nil {
				return nil, fmt.Errorf("stopped in round %d of %d: %w", round+1, o.Rounds, err)
			}
			s := &results[i].Shape
			tell(done, total, s.FullName())
			value, base, err := s.both(counts[i], bases[s.Baseline], round%2 == 1)
			if err != nil {
				return nil, fmt.Errorf("shape %s: %w", s.FullName(), err)
			}
			results[i].add(value, base)
			done++
		}
	}
	tell(done, total, "")
	return results, nil
}

// both measures a shape and its baseline, one right after the other.
func (s *Shape) both(n, baseN int, baseLast bool) (value, base float64, err error) {
	if s.Baseline != nil && !baseLast {
		if base, err = s.Baseline.sample(baseN); err != nil {
			return 0, 0, err
		}
	}
	if value, err = s.sample(n); err != nil {
		return 0, 0, err
	}
	if s.Baseline != nil && baseLast {
		base, err = s.Baseline.sample(baseN)
	}
	return value, base, err
}

// settle collects the garbage of whoever was measured before, so that its
// collection is not charged to the next one.
func settle() { runtime.GC() }
