package scenario

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/aio"
	"github.com/gohandoff/coroutine/coro/cosync"
)

var loops = []Scenario{
	{Name: "timeout", About: "what takes too long is unwound, and its defers run", Run: timeout},
	{Name: "offload", About: "a worker computes, while the loop runs another coroutine", Run: offload},
	{Name: "two-loops", About: "a coroutine moves to another loop's thread, and back", Run: twoLoops},
	{Name: "deadlock-report", About: "all wait, nothing can wake them: the loop says who for what", Run: deadlockReport},
}

// tracer returns who is told the steps of loops: nil for nobody.
func (e *Env) tracer() coro.Tracer {
	t, _ := e.Out.(coro.Tracer)
	return t
}

// loop makes an event loop with the handoff of e's thread.
func (e *Env) loop(tracer coro.Tracer, opts ...aio.Option) *aio.Loop {
	return aio.NewLoop(append(opts, aio.WithThread(coro.WithHandoff(e.Handoff()), coro.WithTracer(tracer)))...)
}

// run runs l to its end on the calling goroutine, and closes it.
func run(l *aio.Loop) error {
	return errors.Join(l.Run(context.Background()), l.Close())
}

// virtual gives a loop time that only passes when there is nothing else to do:
// the scenario takes no time, and is the same on each run.
func virtual() aio.Option { return aio.WithClock(aio.NewVirtualClock(time.Time{})) }

// A watch prints with the time that has passed on a loop's clock.
type watch struct {
	e     *Env
	loop  *aio.Loop
	start time.Time
}

func (w watch) say(what string) { w.e.Say("%v: %s", w.loop.Now().Sub(w.start), what) }

// download takes longer than anybody waits for. It is a method so that the
// coroutine has a name that says something, though nobody can give it one
// before it runs.
func (w watch) download(self *coro.Self) error {
	defer w.say("the download closes its file")
	for part := 1; ; part++ {
		w.say(fmt.Sprintf("the download waits for part %d", part))
		aio.Sleep(self, 1500*time.Millisecond)
	}
}

// timeout gives a download two seconds.
func timeout(e *Env) error {
	l := e.loop(e.tracer(), virtual())
	w := watch{e, l, l.Now()}
	l.Go(func(self *coro.Self) error {
		err := aio.Timeout(self, 2*time.Second, w.download)
		if !errors.Is(err, aio.ErrTimeout) {
			return fmt.Errorf("want a timeout, got: %w", err)
		}
		w.say(err.Error())
		return nil
	}).SetName("patient")
	return run(l)
}

// offload keeps the loop's thread free: the ticker runs while the worker
// computes, which it does not do before the ticker has had its say.
func offload(e *Env) error {
	l := e.loop(e.tracer())
	ticked := make(chan struct{})
	hash := func() ([sha256.Size]byte, error) {
		<-ticked // a worker may wait as it likes
		return sha256.Sum256([]byte(Sample)), nil
	}
	l.Go(func(self *coro.Self) error {
		e.Say("hands its work to a worker")
		sum, err := aio.Offload(self, hash)
		e.Say("has the hash, %x...", sum[:8])
		return err
	}).SetName("hasher")
	l.Go(func(self *coro.Self) error {
		defer close(ticked)
		for i := range 3 {
			e.Say("tick %d", i+1)
			aio.Yield(self)
		}
		return nil
	}).SetName("ticker")
	return run(l)
}

// deadlockReport has two tasks that wait for each other's end, and a third one
// for news that nobody brings. The loop unwinds them, and tells.
func deadlockReport(e *Env) error {
	l := e.loop(e.tracer(), virtual())
	var news cosync.Queue
	news.SetName("news")
	var chicken, egg *aio.Task
	chicken = l.Go(func(self *coro.Self) error {
		defer e.Say("chicken is unwound")
		return egg.Wait(self)
	}).SetName("chicken")
	egg = l.Go(func(self *coro.Self) error {
		defer e.Say("egg is unwound")
		return chicken.Wait(self)
	}).SetName("egg")
	l.Go(func(self *coro.Self) error {
		defer e.Say("reader is unwound")
		news.Wait(self, nil)
		return nil
	}).SetName("reader")

	err := run(l)
	if !errors.Is(err, aio.ErrDeadlock) {
		return fmt.Errorf("want a deadlock, got: %w", err)
	}
	e.Say("%v", err)
	return nil
}

// twoLoops runs each loop on a goroutine of its own. One coroutine goes to and
// fro, so that at any time one of the loops sleeps: what is printed and traced
// has one order, although two goroutines do it.
func twoLoops(e *Env) error {
	m := &merged{tracer: e.tracer()}
	north := e.loop(m, aio.WithName("north"))
	south := e.loop(m, aio.WithName("south"))
	// A loop ends when it has nothing to do. Both are to stay until the
	// traveller is done.
	leaveNorth, leaveSouth := north.Hold(), south.Hold()
	north.Go(func(self *coro.Self) error {
		defer leaveNorth()
		defer leaveSouth()
		for _, next := range []*aio.Loop{south, north, south} {
			e.Say("on %s, off to %s", aio.LoopOf(self).Name(), next.Name())
			aio.Reschedule(self, next)
		}
		e.Say("stays on %s", aio.LoopOf(self).Name())
		return nil
	}).SetName("traveller")

	ended := make(chan error)
	go func() { ended <- run(south) }()
	return errors.Join(run(north), <-ended)
}

// merged makes one trace of two threads that take their steps by turns: it
// numbers the steps of both, and tells on which one a coroutine is entered.
// It has no lock, for the turns have an order.
type merged struct {
	tracer coro.Tracer
	steps  uint64
}

// Trace implements [coro.Tracer].
func (m *merged) Trace(ev coro.Event) {
	if m.tracer == nil {
		return
	}
	m.steps++
	ev.Seq = m.steps
	if ev.Kind == coro.EventEnter && ev.Detail == "" {
		ev.Detail = "on " + ev.Thread.Name()
	}
	m.tracer.Trace(ev)
}
