package iobench

import (
	_ "embed" // for the template
	"fmt"
	"html"
	"io"
	"math"
	"text/template"
	"time"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/cmd/codemo/internal/size"
)

//go:embed latency.svg.tmpl
var pictureText string

var pictureTemplate = template.Must(template.New("latency").Funcs(template.FuncMap{"esc": html.EscapeString}).Parse(pictureText))

// The layout, in the picture's own units.
const (
	picWidth   = 920.0
	picLeft    = 56.0
	picRight   = 884.0
	panelTop   = 142.0 // of the first panel
	plotHeight = 170.0
	panelGap   = 104.0
	markWidth  = 100.0 // more than the text of a mark
)

type picture struct {
	What, Summary, Machine string
	Width, Height          float64
	Panels                 []panel
}

// A panel is the histogram of one operation.
type panel struct {
	Title, Figures string
	Left, Right    float64
	Top, Bottom    float64
	Bars           []rect
	Ticks, Shares  []mark
	Marks          []mark // of the quantiles
	Class          string
	axis           axis
}

type rect struct {
	X, Y, W, H float64
	Title      string
}

type mark struct {
	X, Y float64
	Text string
	Lift float64 // how far from the top of the panel the text is, downwards
	End  bool    // the text ends there
}

// An axis is logarithmic: from one power of ten to another, which need not be
// whole. All panels have the same, so that they can be compared.
type axis struct{ from, to float64 }

// WriteSVG draws the latencies as histograms over a logarithmic axis, with the
// quantiles marked, for a light and for a dark ground.
func WriteSVG(w io.Writer, what, machine string, r *Result) error {
	pic := picture{What: what, Machine: machine, Width: picWidth}
	pic.Summary = fmt.Sprintf("%s requests in %.2f s: %s IOPS, %s", grouped(r.Requests()), r.Elapsed.Seconds(),
		grouped(int64(float64(r.Requests())/max(r.Elapsed.Seconds(), 1e-9))), size.Rate(r.Bytes(), r.Elapsed.Seconds()))
	top, scale := panelTop, axisOf(r)
	for i, op := range operations[:2] {
		s := r.Stats.Op(op)
		if s.Latency.Count() == 0 {
			continue
		}
		pic.Panels = append(pic.Panels, newPanel(op, s, top, i, scale))
		top += plotHeight + panelGap
	}
	pic.Height = max(top-panelGap+90, 180)
	return pictureTemplate.Execute(w, pic)
}

func newPanel(op blockio.Op, s *blockio.OpStats, top float64, class int, scale axis) panel {
	h := &s.Latency
	p := panel{
		Title: fmt.Sprintf("%ss", op), Class: fmt.Sprintf("c%d", class),
		Left: picLeft, Right: picRight, Top: top, Bottom: top + plotHeight,
		axis:    scale,
		Figures: fmt.Sprintf("%s requests, mean %v, max %v", grouped(int64(s.Requests)), short(h.Mean()), short(h.Max())),
	}
	cells := quarters(h)
	p.ticks()
	p.bars(cells, h.Count())
	for _, q := range []struct {
		name string
		at   float64
	}{{"p50", 0.5}, {"p99", 0.99}, {"p99.9", 0.999}} {
		d := h.Quantile(q.at)
		m := mark{X: p.x(float64(d)), Text: fmt.Sprintf("%s %v", q.name, short(d)), Lift: -4}
		m.End = m.X > p.Right-markWidth
		for _, other := range p.Marks {
			if math.Abs(other.X-m.X) < markWidth || m.End && m.X-other.X < 2*markWidth {
				m.Lift = min(m.Lift, other.Lift-13)
			}
		}
		m.Y = p.Top + m.Lift
		p.Marks = append(p.Marks, m)
	}
	return p
}

// A cell is a quarter of a power of two.
type cell struct {
	from, to float64 // ns
	n        uint64
}

// quarters returns the histogram in cells, four to each power of two, without
// those that are empty.
func quarters(h *blockio.Histogram) (cells []cell) {
	for start, n := range h.Buckets() {
		k := math.Floor(4*math.Log2(max(float64(start), 1)) + 1e-9)
		from, to := math.Exp2(k/4), math.Exp2((k+1)/4)
		if len(cells) == 0 || cells[len(cells)-1].from != from {
			cells = append(cells, cell{from: from, to: to})
		}
		cells[len(cells)-1].n += n
	}
	return cells
}

// axisOf returns an axis that all of r fits on.
func axisOf(r *Result) axis {
	a := axis{math.Inf(1), math.Inf(-1)}
	for _, op := range operations[:2] {
		for _, c := range quarters(&r.Stats.Op(op).Latency) {
			a.from, a.to = min(a.from, math.Log10(c.from)), max(a.to, math.Log10(c.to))
		}
	}
	if a.to-a.from < 1 {
		a.from, a.to = a.from-0.5, a.to+0.5
	}
	return a
}

// ticks marks 1, 2 and 5 of each power of ten, or only 1 if there are many.
func (p *panel) ticks() {
	steps := []float64{1, 2, 5}
	if p.axis.to-p.axis.from > 5 {
		steps = steps[:1]
	}
	for dec := math.Floor(p.axis.from); dec <= p.axis.to; dec++ {
		for _, s := range steps {
			if at := dec + math.Log10(s); at >= max(p.axis.from, 0) && at <= p.axis.to {
				p.Ticks = append(p.Ticks, mark{X: p.x(math.Pow(10, at)), Text: time.Duration(math.Round(math.Pow(10, at))).String()})
			}
		}
	}
}

// x returns the place of a duration.
func (p *panel) x(ns float64) float64 {
	return round(p.Left + (math.Log10(max(ns, 1))-p.axis.from)/(p.axis.to-p.axis.from)*(p.Right-p.Left))
}

// bars draws the cells, and the scale of their shares.
func (p *panel) bars(cells []cell, total uint64) {
	most := 0.0
	for _, c := range cells {
		most = max(most, float64(c.n)/float64(total))
	}
	for _, share := range []float64{0.5, 1} {
		p.Shares = append(p.Shares, mark{
			Y:    round(p.Bottom - share*plotHeight),
			Text: fmt.Sprintf("%.3g %%", share*most*100),
		})
	}
	for _, c := range cells {
		share := float64(c.n) / float64(total)
		h := max(share/most*plotHeight, 0.8) // so that one in a million is seen
		p.Bars = append(p.Bars, rect{
			X: p.x(c.from), Y: round(p.Bottom - h), W: round(max(p.x(c.to)-p.x(c.from)-1, 0.5)), H: round(h),
			Title: fmt.Sprintf("%v to %v: %s requests, %.3g %%", short(time.Duration(c.from)), short(time.Duration(c.to)), grouped(int64(c.n)), 100*share),
		})
	}
}

// round keeps the picture's text short.
func round(f float64) float64 { return math.Round(f*10) / 10 }
