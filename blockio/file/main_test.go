package file_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/aio"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// onLoop runs body as a task, on both handoffs.
func onLoop(t *testing.T, body func(t *testing.T, self *coro.Self)) {
	for _, h := range []coro.Handoff{coro.Channel, coro.Direct} {
		t.Run(h.String(), func(t *testing.T) {
			loop := aio.NewLoop(aio.WithThread(coro.WithHandoff(h)))
			defer loop.Close()
			loop.Go(func(self *coro.Self) error {
				body(t, self)
				return nil
			})
			if err := loop.Run(t.Context()); err != nil {
				t.Fatal(err)
			}
		})
	}
}
