package tree_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/blockio/internal/tree"
	"github.com/gohandoff/coroutine/blockio/mem"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A ring says that it stands on others, itself perhaps among them.
type ring struct {
	blockio.Driver
	children []blockio.Child
}

func (r *ring) Children() []blockio.Child { return r.children }

func TestHas(t *testing.T) {
	low, other := mem.New(4096), mem.New(4096)
	filter := blockio.Filter{Driver: low}
	r := &ring{Driver: low}
	r.children = []blockio.Child{{Role: "self", Driver: r}, {Role: "below", Driver: filter}}
	for _, x := range []struct {
		driver, wanted blockio.Driver
		want           bool
	}{{low, low, true}, {filter, low, true}, {low, filter, false}, {r, low, true}, {r, r, true}, {r, other, false}} {
		if got := tree.Has(x.driver, x.wanted); got != x.want {
			t.Errorf("Has(%v, %v) = %t, want %t", x.driver, x.wanted, got, x.want)
		}
	}
}
