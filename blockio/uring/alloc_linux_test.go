//go:build !race

package uring_test

import (
	"testing"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/blockio/uring"
	"github.com/gohandoff/coroutine/coro"
)

func TestAllocations(t *testing.T) {
	onLoop(t, func(t *testing.T, self *coro.Self) {
		d := open(t, self, "", uring.Options{Options: created(1 << 20)})
		defer d.Close(self)
		p := make([]byte, 4096)
		v := [][]byte{p[:100], p[100:]}
		for _, c := range []struct {
			name string
			f    func() error
		}{
			{"ReadAt", func() error { return d.ReadAt(self, p, 8192) }},
			{"WriteAt", func() error { return d.WriteAt(self, p, 8192, 0) }},
			{"WriteAt with FUA", func() error { return d.WriteAt(self, p, 8192, blockio.FUA) }},
			{"ReadVAt", func() error { return d.ReadVAt(self, v, 8192) }},
			{"WriteVAt", func() error { return d.WriteVAt(self, v, 8192, 0) }},
		} {
			got := testing.AllocsPerRun(100, func() {
				if err := c.f(); err != nil {
					t.Error(err)
				}
			})
			if got != 0 {
				t.Errorf("allocations of %s: got %v, want 0", c.name, got)
			}
		}
	})
}
