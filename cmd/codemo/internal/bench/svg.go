package bench

import (
	_ "embed" // for the template
	"fmt"
	"html"
	"io"
	"math"
	"slices"
	"text/template"
)

//go:embed chart.svg.tmpl
var chartText string

var chartTemplate = template.Must(template.New("chart").Funcs(template.FuncMap{"esc": html.EscapeString}).Parse(chartText))

// The layout of the picture, in its own units.
const (
	chartWidth = 960.0
	plotLeft   = 196.0
	plotRight  = 684.0
	barHeight  = 13.0
	barStep    = 18.0
	groupGap   = 9.0
	areaGap    = 34.0
	chartTop   = 124.0
	chartFoot  = 46.0
)

// chart is what the template draws.
type chart struct {
	Machine       string
	Width, Height float64
	Left, Right   float64
	Top, Bottom   float64
	One           float64 // where the ratio is 1
	Ticks         []tick
	Areas, Names  []label
	Bars          []bar
	Variants      []string
}

type tick struct {
	X    float64
	Text string
}

type label struct {
	Y    float64
	Text string
}

// A bar is one shape: as long as its ratio, up to the goal in its own colour and
// beyond in that of a miss.
type bar struct {
	Y, Mid, Height      float64
	Class               string
	Good, Over          float64 // lengths
	Broken              float64 // where the bar is cut off, 0 if it is not
	Goal                float64 // where the goal is, 0 if there is none
	Beyond              string  // the goal in words, if it is beyond the edge
	Low, High           float64 // the quartiles
	Ratio, Value, Short string
	Missed              bool
}

// WriteSVG draws the ratios as a bar chart with the goals marked, for a light
// and for a dark ground. Shapes without a ratio or on a scale of their own (in a
// unit other than "ns") are left to the table.
func WriteSVG(w io.Writer, machine string, results []Result) error {
	shown := slices.DeleteFunc(slices.Clone(results), func(r Result) bool {
		return r.Ratio() == 0 || r.Shape.Variant == ""
	})
	most := axis(shown)
	c := chart{Machine: machine, Width: chartWidth, Left: plotLeft, Right: plotRight, Top: chartTop}
	x := func(ratio float64) float64 {
		return round(plotLeft + (plotRight-plotLeft)*min(ratio, most)/most)
	}
	c.One = x(1)
	for i := 0.0; i <= most; i += step(most) {
		c.Ticks = append(c.Ticks, tick{x(i), fmt.Sprintf("%g×", i)})
	}
	y := chartTop
	area, name := "", ""
	for _, r := range pairUp(shown) {
		s := &r.Shape
		switch {
		case s.Area != area:
			y += areaGap
			c.Areas = append(c.Areas, label{y - 12, s.Area})
		case s.Name != name:
			y += groupGap
		}
		if s.Area != area || s.Name != name {
			c.Names = append(c.Names, label{y + barHeight - 2.5, s.Name})
		}
		area, name = s.Area, s.Name
		if !slices.Contains(c.Variants, s.Variant) {
			c.Variants = append(c.Variants, s.Variant)
		}
		c.Bars = append(c.Bars, r.bar(y, most, slices.Index(c.Variants, s.Variant), x))
		y += barStep
	}
	c.Bottom = y + 4
	c.Height = c.Bottom + chartFoot
	return chartTemplate.Execute(w, c)
}

func (r *Result) bar(y, most float64, variant int, x func(float64) float64) bar {
	ratio, goal := r.Ratio(), r.Shape.Goal.Ratio
	if v := r.Shape.Goal.Value; v > 0 && r.Base() > 0 {
		goal = v / r.Base() // on the same axis
	}
	b := bar{
		Y: y, Mid: y + barHeight/2, Height: barHeight, Class: fmt.Sprintf("v%d", variant%3),
		Good:  x(ratio) - plotLeft,
		Ratio: fmt.Sprintf("%.2f×", ratio),
		Value: Short(r.Value(), r.Shape.Unit),
		Short: r.Verdict(),
	}
	if r.Share() > 1 {
		b.Missed = true
		b.Short = "over by" + b.Short[len("MISSED by"):]
	}
	switch {
	case goal > most:
		b.Beyond = fmt.Sprintf("goal %.3g×", goal)
	case goal > 0:
		b.Goal = x(goal)
		if ratio > goal {
			b.Good, b.Over = x(goal)-plotLeft, round(x(ratio)-x(goal))
		}
	}
	if ratio > most {
		b.Broken = x(most) - 26
	} else {
		b.Low, b.High = x(quantile(r.Ratios(), 0.25)), x(quantile(r.Ratios(), 0.75))
	}
	return b
}

// pairUp sorts the variants of a shape next to each other, and leaves shapes in
// the order in which they first occur.
func pairUp(results []Result) []Result {
	first := map[[2]string]int{}
	for i, r := range results {
		k := [2]string{r.Shape.Area, r.Shape.Name}
		if _, ok := first[k]; !ok {
			first[k] = i
		}
	}
	sorted := slices.Clone(results)
	slices.SortStableFunc(sorted, func(a, b Result) int {
		return first[[2]string{a.Shape.Area, a.Shape.Name}] - first[[2]string{b.Shape.Area, b.Shape.Name}]
	})
	return sorted
}

// axis returns how far the axis goes: as far as nine bars and goals in ten, so
// that one long bar, which is cut, does not make the rest too short to compare.
func axis(results []Result) float64 {
	var ends []float64
	for i := range results {
		ends = append(ends, results[i].Ratio(), results[i].Shape.Goal.Ratio)
	}
	return max(math.Ceil(quantile(ends, 0.9)*1.05), 2)
}

// step returns the distance of the ticks on an axis.
func step(most float64) float64 {
	for _, s := range []float64{0.5, 1, 2, 5, 10, 20, 50} {
		if most/s <= 8 {
			return s
		}
	}
	return most / 4
}

// round keeps the picture's text short.
func round(f float64) float64 { return math.Round(f*10) / 10 }
