package mem_test

import (
	"fmt"
	"testing"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/blockio/blocktest"
	"github.com/gohandoff/coroutine/blockio/mem"
	"github.com/gohandoff/coroutine/coro"
)

func TestConformance(t *testing.T) {
	for _, l := range []blockio.Limits{
		{},
		{FUA: true, Alignment: 512},
		{Alignment: 4096, MemoryAlignment: 512, MaxTransfer: 8192, MaxPieces: 3, MaxDiscard: 16384, DiscardAlignment: 8192},
	} {
		t.Run(fmt.Sprintf("alignment=%d", l.Alignment), func(t *testing.T) {
			blocktest.Run(t, func(_ *testing.T, _ *coro.Self, size int64) blockio.Driver {
				return mem.New(size, mem.WithLimits(l))
			})
		})
	}
}
