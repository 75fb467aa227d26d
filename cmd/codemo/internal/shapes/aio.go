package shapes

import (
	"context"
	"time"

	"github.com/gohandoff/coroutine/cmd/codemo/internal/bench"
	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/aio"
)

// loops measures event loops. What goes from one goroutine to another and back
// takes the operating system's time as well as Go's, more or less of it as the
// cores are asleep or awake; so the goals there are absolute.
func loops() []bench.Shape {
	within := bench.Goal{Value: float64(3 * time.Microsecond)}
	var all []bench.Shape
	for _, h := range handoffs {
		for _, s := range []bench.Shape{
			{Name: "schedule and run", Goal: only(h, 2.5), Runner: bench.Runner{Setup: onLoop(h, yieldToLoop)}},
			{Name: "timer, virtual clock", Runner: bench.Runner{Setup: onLoop(h, sleep, aio.WithClock(aio.NewVirtualClock(time.Time{})))}},
			{Name: "offload and back", Goal: within, Runner: bench.Runner{Setup: onLoop(h, offload)}},
			// A lap goes there and back; one operation is one way.
			{Name: "hop between loops", Goal: within, Runner: bench.Runner{Lap: 2, Setup: hop(h)}},
		} {
			s.Area, s.Variant, s.Unit, s.Baseline = "loops", h.String(), "ns", rawSwitch(h)
			all = append(all, s)
		}
	}
	return all
}

// onLoop makes a Setup whose op is run by a task on a loop of its own. Starting
// the task and the loop is paid once for all n operations.
func onLoop(h coro.Handoff, op func(self *coro.Self, n int), opts ...aio.Option) func() (func(int), func()) {
	return func() (func(int), func()) {
		l := newLoop(h, opts...)
		return func(n int) { runTask(l, n, op) }, func() { closeLoop(l) }
	}
}

func newLoop(h coro.Handoff, opts ...aio.Option) *aio.Loop {
	return aio.NewLoop(append(opts, aio.WithThread(coro.WithHandoff(h)))...)
}

// runTask runs op in a task on l, with the calling goroutine as the leader.
func runTask(l *aio.Loop, n int, op func(self *coro.Self, n int)) {
	l.Go(func(self *coro.Self) error {
		op(self, n)
		return nil
	})
	runLoop(l)
}

// runLoop and closeLoop panic where they fail: no shape has a task that could.
func runLoop(l *aio.Loop) {
	if err := l.Run(context.Background()); err != nil {
		panic(err)
	}
}

func closeLoop(l *aio.Loop) {
	if err := l.Close(); err != nil {
		panic(err)
	}
}

// yieldToLoop: a coroutine schedules itself and yields, and the loop enters it.
func yieldToLoop(self *coro.Self, n int) {
	for range n {
		aio.Yield(self)
	}
}

// sleep: a timer is armed and fires at once, as nothing else is to be done.
func sleep(self *coro.Self, n int) {
	for range n {
		aio.Sleep(self, time.Second)
	}
}

// offload: a worker calls a function that does nothing.
func offload(self *coro.Self, n int) {
	for range n {
		aio.Offload(self, noWork) //nolint:errcheck // it has no error
	}
}

func noWork() (struct{}, error) { return struct{}{}, nil }

// hop: a coroutine moves from the loop of the calling goroutine to one that
// another goroutine runs, and back. Both wait for it meanwhile, asleep.
func hop(h coro.Handoff) func() (func(int), func()) {
	return func() (func(int), func()) {
		home, away := newLoop(h), newLoop(h)
		release := away.Hold()
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			runLoop(away)
		}()
		return func(n int) {
				stay := home.Hold()
				runTask(home, n, func(self *coro.Self, n int) {
					defer stay()
					for range n / 2 {
						aio.Reschedule(self, away)
						aio.Reschedule(self, home)
					}
				})
			}, func() {
				release()
				<-ended
				closeLoop(home)
				closeLoop(away)
			}
	}
}
