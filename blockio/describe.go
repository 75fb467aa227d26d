package blockio

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// Describe draws the drivers of a device as a tree, each with its size, what it
// asks for and what it can do:
//
//	disk: overlay: 1048576 bytes, fua, discard
//	├── file = file disk.img: 1048576 bytes, alignment 512, fua, discard, status
//	└── backing = mem: 1048576 bytes, read-only, status, vectored
//
// It panics if d is nil.
func Describe(d *Device) string {
	mustBe(d, "Describe: the device")
	var b strings.Builder
	flags := ""
	if d.opt.readOnly && !d.driver.Limits().ReadOnly {
		flags += ", opened read-only"
	}
	if d.opt.aligned {
		flags += ", aligned requests only"
	}
	if d.opt.name != "" {
		fmt.Fprintf(&b, "%s: ", d.opt.name)
	}
	describe(&b, d.driver, nil, "", flags)
	return b.String()
}

// describe draws a driver, which stands below those of above, and its children.
func describe(b *strings.Builder, driver Driver, above []Driver, indent, flags string) {
	if ability(driver) == nil {
		b.WriteString("nil\n")
		return
	}
	if reflect.ValueOf(driver).Comparable() && slices.Contains(above, driver) {
		fmt.Fprintf(b, "%s, which stands on itself\n", driver)
		return
	}
	above = append(above, driver)
	fmt.Fprintf(b, "%s: %s%s\n", driver, traits(driver), flags)
	p, ok := driver.(Parent)
	if !ok {
		return
	}
	children := p.Children()
	for i, c := range children {
		branch, next := "├── ", "│   "
		if i == len(children)-1 {
			branch, next = "└── ", "    "
		}
		fmt.Fprintf(b, "%s%s%s = ", indent, branch, c.Role)
		describe(b, c.Driver, above, indent+next, "")
	}
}

// traits says what a driver asks for and what it can do besides.
func traits(driver Driver) string {
	l := driver.Limits()
	t := []string{fmt.Sprintf("%d bytes", driver.Size())}
	number := func(name string, n int64) {
		if n > 1 {
			t = append(t, fmt.Sprintf("%s %d", name, n))
		}
	}
	number("alignment", int64(l.Alignment))
	number("memory alignment", int64(l.MemoryAlignment))
	number("max transfer", int64(l.MaxTransfer))
	number("max pieces", int64(l.MaxPieces))
	number("max discard", l.MaxDiscard)
	number("discard alignment", int64(l.DiscardAlignment))
	has := func(name string, ok bool) {
		if ok {
			t = append(t, name)
		}
	}
	able := ability(driver)
	_, discard := able.(Discarder)
	_, zeroes := able.(ZeroWriter)
	_, status := able.(StatusReporter)
	_, vector := able.(VectorDriver)
	_, writeback := able.(Writebacker)
	_, resize := able.(Resizer)
	has("read-only", l.ReadOnly)
	has("fua", l.FUA)
	has("discard", discard)
	has("write-zeroes", zeroes)
	has("status", status)
	has("vectored", vector)
	has("writeback", writeback)
	has("resize", resize)
	return strings.Join(t, ", ")
}
