package lesson

import (
	_ "embed" // for the source that is shown
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/cosync"
	"github.com/gohandoff/coroutine/coro/trace"
)

//go:embed backends.go
var backendsSource string

var backends = Lesson{
	Name: "backends", About: "one program, two ways to move control, one trace, two speeds",
	source: backendsSource,
	parts:  []part{{"once", once}, {"compare", compare}, {"speeds", speeds}},
}

var handoffs = [...]coro.Handoff{coro.Channel, coro.Direct}

//lesson:begin program

// program has two writers that want one page, and a third that panics.
func program(t *coro.Thread, say func(format string, args ...any)) {
	var page cosync.Mutex
	page.SetName("page")
	write := func(self *coro.Self) {
		page.Lock(self)
		defer page.Unlock(self)
		say("%v writes", self)
		self.Yield()
	}
	ann, bob := t.New(write).SetName("ann"), t.New(write).SetName("bob")
	t.Enter(ann)
	t.Enter(bob) // waits for ann
	t.Enter(ann) // and has it now
	t.Enter(bob)

	defer func() {
		caught := recover().(*coro.PanicError)
		say("recovered: %v", caught.Value)
	}()
	t.Enter(t.New(func(self *coro.Self) {
		defer say("%v cleans up", self)
		panic("out of ink")
	}).SetName("cyd"))
}

func once(e *Env) error {
	program(e.Thread, e.Say)
	return nil
}

//lesson:end

//lesson:begin compare

// record returns all that a tracer sees of the program, as JSON lines.
func record(h coro.Handoff) (lines []string, err error) {
	var b strings.Builder
	stream := trace.NewStream(trace.NewJSONLWriter(&b, "program", false))
	env := &Env{out: stream}
	t := coro.NewThread(coro.WithHandoff(h), coro.WithTracer(stream))
	program(t, env.Say)
	err = errors.Join(t.Close(), stream.Close())
	return slices.Collect(strings.Lines(b.String())), err
}

func compare(e *Env) error {
	channel, err := record(coro.Channel)
	if err != nil {
		return err
	}
	direct, err := record(coro.Direct)
	if err != nil {
		return err
	}
	e.Say("channel: %d lines", len(channel))
	e.Say("direct:  %d lines", len(direct))
	e.Say("the same, byte for byte: %t", slices.Equal(channel, direct))
	return nil
}

//lesson:end

//lesson:begin speeds

// roundTrip measures an Enter and the Yield that answers it.
func roundTrip(h coro.Handoff) time.Duration {
	const n = 10_000
	t := coro.NewThread(coro.WithHandoff(h))
	defer t.Close() //nolint:errcheck // nothing in it can fail
	co := t.New(func(self *coro.Self) {
		for {
			self.Yield()
		}
	})
	t.Enter(co)
	start := time.Now()
	for range n {
		t.Enter(co)
	}
	return time.Since(start) / n
}

func speeds(e *Env) error {
	var took [len(handoffs)][]time.Duration
	for range 11 { // by turns, so that a busy machine is unfair to both
		for i, h := range handoffs {
			took[i] = append(took[i], roundTrip(h))
		}
	}
	var median [len(handoffs)]time.Duration
	for i, h := range handoffs {
		slices.Sort(took[i])
		median[i] = took[i][len(took[i])/2]
		e.Say("%-8s %4d ns", h, median[i].Nanoseconds())
	}
	e.Say("ratio    %6.1f", float64(median[0])/float64(median[1]))
	return nil
}

//lesson:end
