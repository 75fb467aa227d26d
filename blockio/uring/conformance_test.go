package uring_test

import (
	"testing"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/blockio/blocktest"
	"github.com/gohandoff/coroutine/blockio/uring"
	"github.com/gohandoff/coroutine/coro"
)

func TestConformance(t *testing.T) {
	for name, opts := range map[string]uring.Options{
		"buffered":     {},
		"direct":       {Options: direct},
		"small queues": {Entries: 2},
	} {
		t.Run(name, func(t *testing.T) {
			blocktest.Run(t, func(t *testing.T, self *coro.Self, size int64) blockio.Driver {
				opts := opts
				opts.Create, opts.Size = true, size
				return open(t, self, "", opts)
			}, blocktest.WithRealClock(), blocktest.WithSeeds(1))
		})
	}
}
