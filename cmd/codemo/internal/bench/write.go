package bench

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
)

// A row is a Result in the words of a file that others read.
type row struct {
	Area      string    `json:"area"`
	Name      string    `json:"name"`
	Variant   string    `json:"variant,omitempty"`
	Unit      string    `json:"unit"`
	Value     float64   `json:"value"`
	Baseline  string    `json:"baseline,omitempty"`
	Base      float64   `json:"baseline_value,omitempty"`
	Ratio     float64   `json:"ratio,omitempty"`
	Spread    float64   `json:"spread"`
	GoalRatio float64   `json:"goal_ratio,omitempty"`
	GoalValue float64   `json:"goal_value,omitempty"`
	Verdict   string    `json:"verdict,omitempty"`
	Values    []float64 `json:"values"`
	Ratios    []float64 `json:"ratios,omitempty"`
}

func (r *Result) row() row {
	s := &r.Shape
	out := row{
		Area: s.Area, Name: s.Name, Variant: s.Variant, Unit: s.Unit,
		Value: r.Value(), Spread: r.Spread(),
		GoalRatio: s.Goal.Ratio, GoalValue: s.Goal.Value, Verdict: r.Verdict(),
		Values: r.Values, Ratios: r.Ratios(),
	}
	if s.Baseline != nil {
		out.Baseline, out.Base, out.Ratio = s.Baseline.Name, r.Base(), r.Ratio()
	}
	return out
}

// WriteJSON writes the results, rounds included, as one JSON object with the
// machine they come from.
func WriteJSON(w io.Writer, machine string, results []Result) error {
	rows := make([]row, len(results))
	for i := range results {
		rows[i] = results[i].row()
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(struct {
		Machine string `json:"machine"`
		Shapes  []row  `json:"shapes"`
	}{machine, rows})
}

// WriteCSV writes the results, a line each under a heading.
func WriteCSV(w io.Writer, results []Result) error {
	c := csv.NewWriter(w)
	c.Write([]string{"area", "name", "variant", "unit", "value", "baseline", "baseline_value", "ratio", "spread", "goal_ratio", "goal_value", "verdict"})
	for i := range results {
		r := results[i].row()
		c.Write([]string{r.Area, r.Name, r.Variant, r.Unit, number(r.Value), r.Baseline, number(r.Base), number(r.Ratio), number(r.Spread), number(r.GoalRatio), number(r.GoalValue), r.Verdict})
	}
	c.Flush()
	return c.Error()
}

// number gives four digits, which is more than can be measured; "" for 0, which
// is what does not apply.
func number(f float64) string {
	if f == 0 {
		return ""
	}
	return strconv.FormatFloat(f, 'g', 4, 64)
}

// Short gives a value in its unit to three digits: "65.2 ns", "1.25 µs",
// "2.71 KiB".
func Short(v float64, unit string) string {
	switch {
	case unit == "ns" && v >= 1e6:
		return digits(v/1e6) + " ms"
	case unit == "ns" && v >= 1e3:
		return digits(v/1e3) + " µs"
	case unit == "B" && v >= 1024:
		return digits(v/1024) + " KiB"
	}
	return digits(v) + " " + unit
}

func digits(v float64) string {
	switch {
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}
