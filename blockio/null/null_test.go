package null_test

import (
	"testing"
	"time"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/blockio/blocktest"
	"github.com/gohandoff/coroutine/blockio/null"
	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/aio"
)

func TestNullReadsZeroesAndDropsWrites(t *testing.T) {
	blocktest.OnLoop(t, coro.Direct, 0, false, func(self *coro.Self) error {
		d, err := blockio.Open(self, blocktest.Check(t, null.New(1<<40, null.WithLatency(time.Second)), 0))
		if err != nil {
			return err
		}
		start := aio.LoopOf(self).Now()
		p := []byte{1, 2, 3}
		if err := d.WriteAt(self, p, 1<<39); err != nil {
			return err
		}
		if err := d.ReadAt(self, p, 1<<39); err != nil {
			return err
		}
		if p[0]+p[1]+p[2] != 0 {
			t.Errorf("got %v, want zeroes", p)
		}
		if s, n, err := d.BlockStatus(self, 0, 100); s != blockio.Zero || n != 100 || err != nil {
			t.Errorf("got status %v of %d bytes, error %v, want all zero", s, n, err)
		}
		if took := aio.LoopOf(self).Now().Sub(start); took != 3*time.Second {
			t.Errorf("got %v for three requests, want a second each", took)
		}
		if err := d.Resize(self, 10); err != nil {
			return err
		}
		return d.Close(self)
	})
}
