package shapes

import (
	"fmt"
	"iter"

	"github.com/gohandoff/coroutine/cmd/codemo/internal/bench"
	"github.com/gohandoff/coroutine/coro"
)

// rawNext is iter.Pull's next, driven by a body that does nothing but yield: the
// runtime's own coroutine switch, there and back.
var rawNext = &bench.Baseline{Name: "raw next", Unit: "ns", Runner: bench.Runner{
	Setup: func() (func(int), func()) {
		next, stop := iter.Pull(yields)
		return func(n int) {
			for range n {
				next()
			}
		}, stop
	},
}}

func yields(yield func(struct{}) bool) {
	for yield(struct{}{}) {
	}
}

// rawPair is a round trip through two one-slot channels to a goroutine that does
// nothing but answer.
var rawPair = &bench.Baseline{Name: "raw pair", Unit: "ns", Runner: bench.Runner{
	Setup: func() (func(int), func()) {
		p := newPair()
		return func(n int) {
			for range n {
				p.down <- struct{}{}
				<-p.up
			}
		}, p.close
	},
}}

// rawCall is a call that the compiler may not inline.
var rawCall = &bench.Baseline{Name: "plain call", Unit: "ns", Runner: bench.Runner{
	Setup: func() (func(int), func()) {
		return func(n int) {
			for range n {
				call()
			}
		}, nil
	},
}}

//go:noinline
func call() {}

type pair struct{ down, up chan struct{} }

func newPair() pair {
	p := pair{make(chan struct{}, 1), make(chan struct{}, 1)}
	go func() {
		defer close(p.up)
		for range p.down {
			p.up <- struct{}{}
		}
	}()
	return p
}

// close returns when the goroutine is on its way out.
func (p pair) close() {
	close(p.down)
	<-p.up
}

// rawRobin enters n of what the handoff is made of, in turn.
func rawRobin(h coro.Handoff, n int) *bench.Baseline {
	if h == coro.Direct {
		return &bench.Baseline{Name: "raw next " + short(n), Unit: "ns", Runner: bench.Runner{Lap: n, Setup: func() (func(int), func()) {
			nexts := make([]func() (struct{}, bool), n)
			stops := make([]func(), n)
			for i := range nexts {
				nexts[i], stops[i] = iter.Pull(yields)
			}
			return func(ops int) {
					for range ops / n {
						for _, next := range nexts {
							next()
						}
					}
				}, func() {
					for _, stop := range stops {
						stop()
					}
				}
		}}}
	}
	return &bench.Baseline{Name: "raw pair " + short(n), Unit: "ns", Runner: bench.Runner{Lap: n, Setup: func() (func(int), func()) {
		pairs := make([]pair, n)
		for i := range pairs {
			pairs[i] = newPair()
		}
		return func(ops int) {
				for range ops / n {
					for _, p := range pairs {
						p.down <- struct{}{}
						<-p.up
					}
				}
			}, func() {
				for _, p := range pairs {
					p.close()
				}
			}
	}}}
}

// short gives a number of coroutines: "30k", "1M".
func short(n int) string {
	if n%1_000_000 == 0 {
		return fmt.Sprintf("%dM", n/1_000_000)
	}
	return fmt.Sprintf("%dk", n/1000)
}
