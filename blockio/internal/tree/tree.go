// Package tree looks at what drivers stand on.
package tree

import (
	"reflect"
	"slices"

	"github.com/gohandoff/coroutine/blockio"
)

// Has reports whether wanted is driver, or something that it stands on, as far as
// that says so; see [blockio.Parent].
func Has(driver, wanted blockio.Driver) bool { return has(driver, wanted, nil) }

// has is Has for a driver that those of above stand on: one of these is not looked
// at again.
func has(driver, wanted blockio.Driver, above []blockio.Driver) bool {
	if reflect.ValueOf(driver).Comparable() {
		if driver == wanted {
			return true
		}
		if slices.Contains(above, driver) {
			return false
		}
		above = append(above, driver)
	}
	parent, ok := driver.(blockio.Parent)
	if !ok {
		return false
	}
	for _, c := range parent.Children() {
		if has(c.Driver, wanted, above) {
			return true
		}
	}
	return false
}
