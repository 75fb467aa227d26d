// Package nearest finds what somebody may have meant who made a slip of the
// finger.
package nearest

import (
	"cmp"
	"slices"
)

// Of returns the one of names that is most like name, the first of those that
// are equally so; "" if none is like it.
func Of(name string, names []string) string {
	if len(names) == 0 {
		return ""
	}
	near := slices.MinFunc(names, func(a, b string) int {
		return cmp.Compare(distance(name, a), distance(name, b))
	})
	// More than half of the letters wrong is not a slip of the finger.
	if distance(name, near) > max(len(name), 2)/2 {
		return ""
	}
	return near
}

// distance counts the letters to insert, delete or change to make b from a
// (Levenshtein's distance).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
