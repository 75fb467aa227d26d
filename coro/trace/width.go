package trace

import (
	"unicode"
	"unicode/utf8"
)

// wide are the ranges of what takes two columns of a terminal: East Asian wide
// and full-width characters, and emoji. Whole blocks are good enough here: an
// unassigned character in one of them breaks a line early, nothing else.
var wide = &unicode.RangeTable{
	R16: []unicode.Range16{
		{0x1100, 0x115f, 1},
		{0x231a, 0x231b, 1},
		{0x23e9, 0x23ec, 1},
		{0x2614, 0x2615, 1},
		{0x26a1, 0x26a1, 1},
		{0x2705, 0x2705, 1},
		{0x274c, 0x274c, 1},
		{0x2e80, 0x303e, 1},
		{0x3041, 0xa4cf, 1},
		{0xa960, 0xa97f, 1},
		{0xac00, 0xd7a3, 1},
		{0xf900, 0xfaff, 1},
		{0xfe30, 0xfe6f, 1},
		{0xff01, 0xff60, 1},
		{0xffe0, 0xffe6, 1},
	},
	R32: []unicode.Range32{
		{0x16fe0, 0x18aff, 1},
		{0x1b000, 0x1b2ff, 1},
		{0x1f004, 0x1f004, 1},
		{0x1f0cf, 0x1f0cf, 1},
		{0x1f18e, 0x1f18e, 1},
		{0x1f191, 0x1f19a, 1},
		{0x1f200, 0x1f64f, 1},
		{0x1f680, 0x1f6ff, 1},
		{0x1f7e0, 0x1f7eb, 1},
		{0x1f90c, 0x1f9ff, 1},
		{0x1fa70, 0x1faff, 1},
		{0x20000, 0x3fffd, 1},
	},
}

func runeWidth(r rune) int {
	switch {
	case r < 0x300:
		return 1 // nearly all there is
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		return 0
	case unicode.Is(wide, r):
		return 2
	}
	return 1
}

// textWidth returns how many columns s takes.
func textWidth(s string) (w int) {
	for _, r := range s {
		w += runeWidth(r)
	}
	return w
}

// nextCluster returns the length and width of the first character of s with the
// marks that belong on it. A sequence of joined emoji counts as several, which
// may break it at the end of a line.
func nextCluster(s string) (size, width int) {
	r, size := utf8.DecodeRuneInString(s)
	width = runeWidth(r)
	for size < len(s) {
		r, n := utf8.DecodeRuneInString(s[size:])
		if runeWidth(r) != 0 {
			break
		}
		size += n
	}
	return size, width
}
