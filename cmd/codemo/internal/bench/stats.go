package bench

import (
	"fmt"
	"math"
	"slices"
)

// A Result is what was measured of a shape, round by round.
type Result struct {
	// Shape is what was measured.
	Shape Shape
	// Values are in the shape's unit, Bases in the baseline's; Bases is
	// empty if there is none.
	Values, Bases []float64
}

func (r *Result) add(value, base float64) {
	r.Values = append(r.Values, value)
	if r.Shape.Baseline != nil {
		r.Bases = append(r.Bases, base)
	}
}

// Value returns the median of the values.
func (r *Result) Value() float64 { return Median(r.Values) }

// Base returns the median of the baseline's values, 0 if there is none.
func (r *Result) Base() float64 { return Median(r.Bases) }

// Ratios returns each round's value over that round's baseline.
func (r *Result) Ratios() []float64 {
	var ratios []float64
	for i, base := range r.Bases {
		if base > 0 {
			ratios = append(ratios, r.Values[i]/base)
		}
	}
	return ratios
}

// Ratio returns the median of the ratios, 0 if there is no baseline. It is not
// the ratio of the medians: a round in which the whole machine was slow counts
// for no more than any other.
func (r *Result) Ratio() float64 { return Median(r.Ratios()) }

// Spread returns the spread of what the goal is about: the ratios if there is a
// baseline, else the values.
func (r *Result) Spread() float64 {
	if len(r.Bases) > 0 && r.Shape.Goal.Value == 0 {
		return Spread(r.Ratios())
	}
	return Spread(r.Values)
}

// Share returns what was measured as a share of the goal: 0.9 is a tenth better
// than was aimed at, 0 means that there is no goal.
func (r *Result) Share() float64 {
	switch g := r.Shape.Goal; {
	case g.Ratio > 0:
		return r.Ratio() / g.Ratio
	case g.Value > 0:
		return r.Value() / g.Value
	}
	return 0
}

// Verdict returns "ok", or "MISSED by 7%" with at least 1%, or "" without a
// goal.
func (r *Result) Verdict() string {
	share := r.Share()
	switch {
	case share == 0:
		return ""
	case share <= 1:
		return "ok"
	case math.IsInf(share, 0) || math.IsNaN(share):
		return "MISSED"
	}
	return fmt.Sprintf("MISSED by %.0f%%", max(math.Round(100*(share-1)), 1))
}

// Median returns the middle value, or the mean of the two in the middle; 0 of
// none.
func Median(values []float64) float64 { return quantile(values, 0.5) }

// Spread returns half the distance between the quartiles, over the median: half
// of all rounds lie about so far off. It is 0 of fewer than two values.
func Spread(values []float64) float64 {
	m := Median(values)
	if m == 0 || len(values) < 2 {
		return 0
	}
	return (quantile(values, 0.75) - quantile(values, 0.25)) / 2 / m
}

// quantile interpolates between the two values next to q.
func quantile(values []float64, q float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	at := q * float64(len(sorted)-1)
	below := int(at)
	above := min(below+1, len(sorted)-1)
	part := at - float64(below)
	return sorted[below]*(1-part) + sorted[above]*part
}
