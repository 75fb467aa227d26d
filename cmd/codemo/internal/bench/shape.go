// Package bench measures shapes: things a program does with coroutines, each
// against a baseline that is timed beside it. Absolute times drift by a third on
// a machine that is shared; the ratio of two that were taken a moment apart does
// not, which is why goals and verdicts are about ratios.
package bench

import (
	"fmt"
	"time"
)

// A Shape is one thing to measure.
type Shape struct {
	// Area groups shapes in tables and pictures: "core", "locks".
	Area string
	// Name is what is done; Variant how, mostly the handoff, and may be
	// empty.
	Name, Variant string
	// Unit is of the values: "ns", "B".
	Unit string
	// Baseline is what the shape is measured against; nil for none.
	Baseline *Baseline
	// Goal is what is aimed at; the zero Goal is none.
	Goal Goal
	// Long marks a shape that takes minutes or gigabytes.
	Long bool
	Runner
}

// A Baseline is what Go itself needs for the like of a shape. Shapes with the
// same one point to the same Baseline; it is measured beside each of them.
type Baseline struct {
	// Name and Unit are as in the table: "raw next", "ns".
	Name, Unit string
	Runner
}

// A Runner does the work of a shape or a baseline: Setup and what it returns if
// it is to be timed, Measure if it takes its own measure.
type Runner struct {
	// Lap is how many operations make up a whole; Setup's op is called with
	// multiples of it. 0 means 1.
	Lap int
	// Setup prepares, untimed, for op to do n operations, any number of
	// times; done, which may be nil, cleans up.
	Setup func() (op func(n int), done func())
	// Measure takes one measure, in units.
	Measure func() (float64, error)
}

// A Goal is what a shape is to reach: at most so much. One of the two is set.
type Goal struct {
	// Ratio is the most that the shape may cost, as a multiple of its
	// baseline.
	Ratio float64
	// Value is the most that it may cost in its own unit.
	Value float64
}

// FullName returns the name and the variant: "yield/direct".
func (s *Shape) FullName() string {
	if s.Variant == "" {
		return s.Name
	}
	return s.Name + "/" + s.Variant
}

// sample takes one measure: of n operations if it is timed.
func (r *Runner) sample(n int) (float64, error) {
	if r.Measure != nil {
		return r.Measure()
	}
	op, done := r.Setup()
	if done != nil {
		defer done()
	}
	op(max(r.Lap, 1)) // caches and branch predictors
	settle()
	start := time.Now()
	op(n)
	return float64(time.Since(start).Nanoseconds()) / float64(n), nil
}

// calibrate returns how many operations take about slice.
func (r *Runner) calibrate(slice time.Duration) int {
	if r.Measure != nil {
		return 1
	}
	op, done := r.Setup()
	if done != nil {
		defer done()
	}
	lap := max(r.Lap, 1)
	op(lap)
	for n := lap; ; {
		start := time.Now()
		op(n)
		took := time.Since(start)
		if took >= slice/4 || n > 1<<30 {
			return scale(n, lap, took, slice)
		}
		n *= 4
	}
}

// scale returns how many operations take want, in whole laps, if n took took.
func scale(n, lap int, took, want time.Duration) int {
	laps := float64(n) * float64(want) / float64(max(took, 1)) / float64(lap)
	return lap * max(int(laps), 1)
}

// Text gives the goal as "≤ 1.35 ×" or "≤ 3.20 KiB", "" if there is none.
func (g Goal) Text(unit string) string {
	switch {
	case g.Ratio > 0:
		return fmt.Sprintf("≤ %.2f ×", g.Ratio)
	case g.Value > 0:
		return "≤ " + Short(g.Value, unit)
	}
	return ""
}
