package trace

import (
	_ "embed"
	"strings"
)

// A Theme is the ground of a picture.
type Theme uint8

const (
	// Auto is what the viewer's system prefers, light where it does not say.
	Auto Theme = iota
	// Light is dark on light.
	Light
	// Dark is light on dark.
	Dark
)

//go:embed svg.css
var svgStyle string

// The colours of svg.css for either ground. They are put in here, rather than
// being properties of the style, because not every viewer of SVG knows those.
// Each has a contrast of 4.5 to 1 at least, and the lanes can be told apart by
// those who see red and green as one (they are Okabe and Ito's, but darker or
// lighter).
var (
	lightColors = strings.NewReplacer("$bg", "#ffffff", "$ink", "#1b2330", "$mute", "#667085", "$line", "#c9d0da",
		"$enter", "#1f5fd1", "$yield", "#47566b", "$wake", "#a05a00", "$bad", "#c81e3a",
		"$c0", "#0072b2", "$c1", "#b45f00", "$c2", "#00805e", "$c3", "#a8478a", "$c4", "#6a5acd", "$c5", "#7a6a00")
	darkColors = strings.NewReplacer("$bg", "#12161d", "$ink", "#e8ecf2", "$mute", "#97a3b6", "$line", "#3a4453",
		"$enter", "#7fb0ff", "$yield", "#aab6c8", "$wake", "#f2ae49", "$bad", "#ff6b81",
		"$c0", "#56b4e9", "$c1", "#f0a04b", "$c2", "#3ccf9f", "$c3", "#e58cc8", "$c4", "#a79bff", "$c5", "#d9c84a")
)

// laneColors is how many colours there are for lanes, here and in viewer.css.
const laneColors = 6

func (t Theme) style() string {
	switch t {
	case Light:
		return lightColors.Replace(svgStyle)
	case Dark:
		return darkColors.Replace(svgStyle)
	}
	return lightColors.Replace(svgStyle) +
		"@media (prefers-color-scheme:dark){\n" + darkColors.Replace(svgStyle) + "}\n"
}
