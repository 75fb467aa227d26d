package cow_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/blockio/cow"
	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/aio"
)

// TestACancelledTaskClosesWhatItHasOpenedInOrder: what was written to the overlay is
// flushed before the storage is closed, also if nothing may wait in the deferred
// calls that do so.
func TestACancelledTaskClosesWhatItHasOpenedInOrder(t *testing.T) {
	for _, h := range []coro.Handoff{coro.Channel, coro.Direct} {
		t.Run(h.String(), func(t *testing.T) {
			loop := aio.NewLoop(aio.WithThread(coro.WithHandoff(h)), aio.WithClock(aio.NewVirtualClock(time.Time{})))
			defer loop.Close()
			storage := newStorage()
			ctx, cancel := context.WithCancel(t.Context())
			loop.Go(func(self *coro.Self) error {
				below := device(t, self, storage)
				defer below.Close(self)
				must(t, cow.Create(self, below, cow.CreateOptions{Size: 1 << 20}))
				o, err := cow.Open(self, below, nil, cow.Options{})
				must(t, err)
				d, err := blockio.Open(self, o)
				must(t, err)
				defer d.Close(self)
				must(t, d.WriteAt(self, []byte("precious"), 0))
				cancel()
				aio.Sleep(self, time.Hour)
				return nil
			})
			if err := loop.Run(ctx); err == nil || errors.Is(err, blockio.ErrClosed) {
				t.Errorf("Run: %v", err)
			}
			loop.Go(func(self *coro.Self) error {
				d := device(t, self, openDriver(t, self, storage, nil, cow.Options{}))
				defer d.Close(self)
				got := make([]byte, 8)
				must(t, d.ReadAt(self, got, 0))
				wantEqual(t, "contents", "precious", string(got))
				return nil
			})
			must(t, loop.Run(t.Context()))
		})
	}
}
