package live

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// A number is one line of the table that the page has of [Source.Numbers].
type number struct{ Name, Value string }

// flatten makes a table of what Numbers returned. What is within something else is
// called by the way to it, "loop.tasks", or by its place, "1.tasks". Numbers are
// foreign: what has no simple form is shown as fmt does, and what is too deep is
// cut off.
func flatten(v any) []number { return appendNumbers(nil, "", reflect.ValueOf(v), 0) }

// maxDepth keeps a value that contains itself from going on for ever.
const maxDepth = 8

func appendNumbers(to []number, name string, v reflect.Value, depth int) []number {
	within := func(part string) string { return strings.TrimPrefix(name+"."+part, ".") }
	for v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface {
		if depth++; v.IsNil() || depth > maxDepth {
			return to
		}
		v = v.Elem()
	}
	if !v.IsValid() || depth > maxDepth {
		return to
	}
	if v.CanInterface() {
		switch x := v.Interface().(type) {
		case time.Duration:
			return append(to, number{name, Duration(x)})
		case fmt.Stringer:
			return append(to, number{name, x.String()})
		}
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() {
				to = appendNumbers(to, within(words(f.Name)), v.Field(i), depth+1)
			}
		}
		return to
	case reflect.Map:
		keys := v.MapKeys()
		slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
		for _, k := range keys {
			to = appendNumbers(to, within(fmt.Sprint(k)), v.MapIndex(k), depth+1)
		}
		return to
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			to = appendNumbers(to, within(strconv.Itoa(i+1)), v.Index(i), depth+1)
		}
		return to
	}
	return append(to, number{name, fmt.Sprint(v)})
}

// words makes "max latency" of "MaxLatency".
func words(name string) string {
	var b strings.Builder
	for i, r := range name {
		if i > 0 && unicode.IsUpper(r) && unicode.IsLower(rune(name[i-1])) {
			b.WriteByte(' ')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

// Duration gives d as the page does, with two decimals of a unit that fits it:
// "1.23ms", "45.6µs".
func Duration(d time.Duration) string {
	for unit := time.Duration(1); unit < time.Second; unit *= 1000 {
		if abs := max(d, -d); abs < 1000*unit {
			return d.Round(max(unit/100, 1)).String()
		}
	}
	return d.Round(10 * time.Millisecond).String()
}
