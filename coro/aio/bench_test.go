package aio_test

import (
	"context"
	"iter"
	"testing"

	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/aio"
)

func BenchmarkRawNext(b *testing.B) {
	next, stop := iter.Pull(func(yield func(int) bool) {
		for yield(0) {
		}
	})
	defer stop()
	for b.Loop() {
		next()
	}
}

func benchLoop(b *testing.B, h coro.Handoff, f func(self *coro.Self)) {
	l := aio.NewLoop(aio.WithThread(coro.WithHandoff(h)))
	defer l.Close()
	l.Go(func(self *coro.Self) error { f(self); return nil })
	if err := l.Run(context.Background()); err != nil {
		b.Fatal(err)
	}
}

func BenchmarkYield(b *testing.B) {
	for _, h := range []coro.Handoff{coro.Channel, coro.Direct} {
		b.Run(h.String(), func(b *testing.B) {
			benchLoop(b, h, func(self *coro.Self) {
				for b.Loop() {
					aio.Yield(self)
				}
			})
		})
	}
}
func BenchmarkCoroYield(b *testing.B) {
	for _, h := range []coro.Handoff{coro.Channel, coro.Direct} {
		b.Run(h.String(), func(b *testing.B) {
			t := coro.NewThread(coro.WithHandoff(h))
			defer t.Close()
			co := t.New(func(self *coro.Self) {
				for {
					self.Yield()
				}
			})
			for b.Loop() {
				t.Leader().Enter(co)
			}
		})
	}
}
