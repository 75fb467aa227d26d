package trace

import (
	"strings"
	"unicode"
)

// wrap breaks text into lines of at most width columns, at spaces where there
// are any. All lines but the first are indented by hang columns; they keep a
// third of the width at least.
func wrap(text string, width, hang int) []string {
	hang = min(hang, width*2/3)
	var lines []string
	indent := ""
	for {
		at := breakAt(text, width-len(indent))
		if at == len(text) {
			return append(lines, indent+text)
		}
		lines = append(lines, indent+strings.TrimRight(text[:at], " "))
		text = strings.TrimLeft(text[at:], " ")
		indent = strings.Repeat(" ", hang)
		if text == "" {
			return lines
		}
	}
}

// breakAt returns the length of what of text goes on a line of room columns: all
// of it if it fits, else up to the last space that ends a word, else as much as
// there is room for, which is a character at least.
func breakAt(text string, room int) int {
	used, at, space := 0, 0, 0
	word := false
	for at < len(text) {
		size, width := nextCluster(text[at:])
		cluster := text[at : at+size]
		if cluster == " " && word {
			space = at
		}
		word = cluster != " "
		used += width
		switch {
		case used <= room:
		case space > 0:
			return space
		default:
			return max(at, size)
		}
		at += size
	}
	return len(text)
}

// hang returns where the words of a line begin that looks like one of a list: a
// label that ends in a colon, padded to a column. Wrapped lines go on there.
func hang(text string) int {
	text = clean(text)
	body := strings.TrimLeft(text, " ")
	indent := len(text) - len(body)
	if indent == 0 {
		return 2
	}
	label, rest, found := strings.Cut(body, ": ")
	if !found || strings.Contains(label, " ") {
		return indent + 2
	}
	return indent + len(label) + 2 + len(rest) - len(strings.TrimLeft(rest, " "))
}

// clip shortens s to width columns.
func clip(s string, width int) string {
	if textWidth(s) <= width {
		return s
	}
	used, at := 0, 0
	for at < len(s) {
		size, w := nextCluster(s[at:])
		if used+w > width-1 {
			break
		}
		used += w
		at += size
	}
	return s[:at] + "…"
}

// clipName shortens a name to width columns by its middle: what tells names apart
// is at their end as often as at their beginning, and is there for certain where
// that is the number of the coroutine.
func clipName(s string, width int) string {
	if textWidth(s) <= width {
		return s
	}
	last := width / 2
	if at := strings.LastIndexByte(s, '#'); at >= 0 {
		last = max(last, min(textWidth(s[at:]), width-1))
	}
	var at []int // where each character begins
	for i := 0; i < len(s); {
		at = append(at, i)
		size, _ := nextCluster(s[i:])
		i += size
	}
	tail := len(s)
	for i := len(at) - 1; i >= 0 && textWidth(s[at[i]:]) <= last; i-- {
		tail = at[i]
	}
	return clip(s, width-textWidth(s[tail:])) + s[tail:]
}

// clean makes text harmless to a terminal: tabs become two columns, and what
// could move the cursor, change colours or turn the direction of what follows
// becomes a visible mark.
func clean(text string) string {
	text = strings.ReplaceAll(text, "\t", "  ")
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return unicode.ReplacementChar
		}
		return r
	}, strings.ToValidUTF8(oneWay(text), string(unicode.ReplacementChar)))
}

// oneWay makes a visible mark of what could turn the direction of what follows.
func oneWay(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Bidi_Control, r) {
			return unicode.ReplacementChar
		}
		return r
	}, text)
}
