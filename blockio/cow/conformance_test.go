package cow_test

import (
	"fmt"
	"testing"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/blockio/blocktest"
	"github.com/gohandoff/coroutine/blockio/cow"
	"github.com/gohandoff/coroutine/blockio/mem"
	"github.com/gohandoff/coroutine/coro"
)

// An overlay is a driver like any other: over nothing and over zeroes, of each
// size of clusters, in a storage that yields at random.
func TestConformance(t *testing.T) {
	for _, c := range []struct {
		cluster int
		align   int
		backing int64 // of the size; -1 is none

		seeds, requests int
	}{
		{4 << 10, 1, -1, 1, 20},
		{4 << 10, 512, 1, 1, 20},
		{64 << 10, 512, 1, 1, 20},
		{64 << 10, 4096, 2, 1, 20},
		{2 << 20, 512, 1, 1, 10},
	} {
		t.Run(fmt.Sprintf("cluster=%d/align=%d/backing=%d", c.cluster, c.align, c.backing), func(t *testing.T) {
			blocktest.Run(t, func(t *testing.T, self *coro.Self, size int64) blockio.Driver {
				opts := cow.CreateOptions{Size: size, ClusterSize: c.cluster}
				if c.backing >= 0 {
					below := blocktest.Check(t, mem.New(size*c.backing+100, mem.WithAlignment(512)), 3)
					opts.Backing = device(t, self, below, blockio.WithReadOnly())
				}
				storage := newLasting(0, mem.WithAlignment(c.align))
				create(t, self, storage, opts)
				return openDriver(t, self, blocktest.Check(t, storage, 2), opts.Backing, cow.Options{})
			}, blocktest.WithSeeds(c.seeds), blocktest.WithRequests(c.requests))
		})
	}
}
