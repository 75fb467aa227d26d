package coro_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/gohandoff/coroutine/coro"
)

// TestMain fails the package if any test leaves a goroutine behind.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

// eachHandoff runs f once on each handoff, as subtests "channel" and "direct":
// what a program can observe is the same on both. f makes its threads with
// newThread, which closes them when the subtest ends.
func eachHandoff(t *testing.T, f func(t *testing.T, newThread func(opts ...coro.Option) *coro.Thread)) {
	t.Helper()
	for _, h := range []coro.Handoff{coro.Channel, coro.Direct} {
		t.Run(h.String(), func(t *testing.T) {
			f(t, func(opts ...coro.Option) *coro.Thread {
				thread := coro.NewThread(append([]coro.Option{coro.WithHandoff(h)}, opts...)...)
				t.Cleanup(func() {
					if err := thread.Close(); err != nil {
						t.Errorf("Close: %v", err)
					}
				})
				return thread
			})
		})
	}
}
