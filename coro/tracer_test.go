package coro_test

import (
	"errors"
	"testing"

	"github.com/gohandoff/coroutine/coro"
)

type panickyTracer struct{ on coro.EventKind }

func (p panickyTracer) Trace(e coro.Event) {
	if e.Kind == p.on {
		explode("tracer")
	}
}

func TestATracerThatPanicsLeavesTheCoroutineAsItWas(t *testing.T) {
	eachHandoff(t, func(t *testing.T, newThread func(...coro.Option) *coro.Thread) {
		thread := newThread(coro.WithTracer(panickyTracer{coro.EventEnter}))
		co := thread.New(nop)
		if caught(func() { thread.Enter(co) }) == nil {
			t.Fatal("the panic was lost")
		}
		if co.Entered() {
			t.Error("it is entered for ever")
		}
		thread.Kill(co)
	})
}

// failingTracer panics with value at the first event of a kind, and counts what it is told
// of after that.
type failingTracer struct {
	on     coro.EventKind
	value  any
	failed bool
	after  int
}

func (f *failingTracer) Trace(e coro.Event) {
	if f.failed {
		f.after++
	}
	if e.Kind == f.on {
		f.failed = true
		panic(f.value)
	}
}

func TestCloseUnwindsAllThoughTheTracerPanics(t *testing.T) {
	for _, value := range []any{"words", errors.New("an error")} {
		for _, on := range []coro.EventKind{coro.EventKill, coro.EventTerminate} {
			eachHandoff(t, func(t *testing.T, newThread func(...coro.Option) *coro.Thread) {
				base := goroutinesAtRest(t)
				tracer := &failingTracer{on: on, value: value}
				thread := newThread(coro.WithTracer(tracer))
				unwound := 0
				for range 3 {
					thread.Enter(thread.New(func(self *coro.Self) {
						defer func() { unwound++ }()
						self.Yield()
					}))
				}
				if got := caught(func() { thread.Close() }); got != value {
					t.Errorf("Close: got the panic %v, want %v", got, value)
				}
				if unwound != 3 {
					t.Errorf("%d are unwound, want 3", unwound)
				}
				if tracer.after != 0 {
					t.Errorf("the tracer was told of %d steps after it had panicked", tracer.after)
				}
				goroutinesBackTo(t, base)
			})
		}
	}
}
