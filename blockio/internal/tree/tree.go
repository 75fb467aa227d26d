// Package tree looks at what drivers stand on.
package tree

import (
	"reflect"

	"github.com/gohandoff/coroutine/blockio"
)

// Has reports whether wanted is driver, or something that it stands on, as far as
// that says so; see [blockio.Parent].
func Has(driver, wanted blockio.Driver) bool {
	if reflect.ValueOf(driver).Comparable() && driver == wanted {
		return true
	}
	parent, ok := driver.(blockio.Parent)
	if !ok {
		return false
	}
	for _, c := range parent.Children() {
		if Has(c.Driver, wanted) {
			return true
		}
	}
	return false
}
