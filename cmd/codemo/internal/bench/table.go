package bench

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/rivo/uniseg"
)

// A Style paints the words of a table.
type Style struct {
	// Each returns its argument painted.
	Bold, Dim, Good, Bad func(string) string
}

// A cell is a word of a table with how to paint it.
type cell struct {
	text  string
	paint func(string) string
	right bool
}

// WriteTable writes the results as a table of some 90 columns, one block an
// area, and below it what the baselines took.
func WriteTable(w io.Writer, results []Result, style Style) error {
	rows := [][]cell{heading(style)}
	area := ""
	for i := range results {
		r := &results[i]
		if r.Shape.Area != area {
			area = r.Shape.Area
			rows = append(rows, nil, []cell{{text: area, paint: style.Bold}})
		}
		rows = append(rows, r.cells(style))
	}
	rows = append(rows, nil, []cell{{text: "baselines", paint: style.Bold}})
	for _, b := range baselines(results) {
		rows = append(rows, []cell{
			{text: "  " + b.name},
			{},
			{text: Short(Median(b.values), b.unit), right: true},
			{},
			{text: "±" + percent(Spread(b.values)), paint: style.Dim, right: true},
		})
	}
	return write(w, rows)
}

func heading(style Style) []cell {
	var cells []cell
	for i, h := range []string{"shape", "handoff", "each", "ratio", "spread", "to", "goal", "verdict"} {
		cells = append(cells, cell{text: h, paint: style.Dim, right: i >= 2 && i <= 4})
	}
	return cells
}

func (r *Result) cells(style Style) []cell {
	s := &r.Shape
	ratio, to := "", ""
	if s.Baseline != nil {
		ratio, to = fmt.Sprintf("%.2f ×", r.Ratio()), s.Baseline.Name
	}
	verdict := cell{text: r.Verdict(), paint: style.Good}
	if verdict.text != "ok" {
		verdict.paint = style.Bad
	}
	return []cell{
		{text: "  " + s.Name},
		{text: s.Variant},
		{text: Short(r.Value(), s.Unit), right: true},
		{text: ratio, paint: style.Bold, right: true},
		{text: "±" + percent(r.Spread()), paint: style.Dim, right: true},
		{text: to, paint: style.Dim},
		{text: s.Goal.Text(s.Unit)},
		verdict,
	}
}

func percent(f float64) string { return fmt.Sprintf("%.0f%%", 100*f) }

// A measured is a baseline with all that was measured of it, beside whatever
// shape.
type measured struct {
	name, unit string
	values     []float64
}

// baselines returns the baselines of the results, in the order in which they
// first occur.
func baselines(results []Result) []*measured {
	var all []*measured
	at := map[*Baseline]*measured{}
	for _, r := range results {
		b := r.Shape.Baseline
		if b == nil {
			continue
		}
		if at[b] == nil {
			at[b] = &measured{name: b.Name, unit: b.Unit}
			all = append(all, at[b])
		}
		at[b].values = append(at[b].values, r.Bases...)
	}
	return all
}

// write aligns the cells of each column; a row of one cell is a title, which
// counts for no column, and an empty row an empty line.
func write(w io.Writer, rows [][]cell) error {
	var widths []int
	for _, row := range rows {
		for i, c := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			if len(row) > 1 {
				widths[i] = max(widths[i], uniseg.StringWidth(c.text))
			}
		}
	}
	var b strings.Builder
	for _, row := range rows {
		last := len(row) - 1 - slices.IndexFunc(reversed(row), func(c cell) bool { return c.text != "" })
		for i, c := range row {
			if i > last {
				break
			}
			pad := strings.Repeat(" ", max(widths[i]-uniseg.StringWidth(c.text), 0))
			text := c.text
			if c.paint != nil && text != "" {
				text = c.paint(text)
			}
			switch {
			case c.right:
				text = pad + text
			case i < last:
				text += pad
			}
			if i > 0 {
				b.WriteString("  ")
			}
			b.WriteString(text)
		}
		b.WriteByte('\n')
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func reversed(row []cell) []cell {
	r := slices.Clone(row)
	slices.Reverse(r)
	return r
}
