package coro

import (
	"cmp"
	"fmt"

	"github.com/gohandoff/coroutine/internal/handoff"
)

// An Option sets up a [Thread] in [NewThread].
type Option func(*Thread)

// A Handoff is a way to move control between a coroutine and its enterer. All
// that a program can observe is the same for both, except the time it takes.
type Handoff uint8

const (
	// Channel parks goroutines on pairs of one-slot channels: about 300 ns
	// for Enter and Yield. It works everywhere, and is the default.
	Channel Handoff = iota
	// Direct uses the runtime's own coroutine switch, through iter.Pull:
	// three to four times faster. A coroutine must not yield while its goroutine is
	// locked to an OS thread (that panics, with [ErrLocked]); a leader that
	// is so locked works, at some 10 µs an Enter. On architectures other
	// than amd64 and arm64 it is the same as Channel.
	Direct
)

// String returns "channel" or "direct".
func (h Handoff) String() string {
	switch h {
	case Channel:
		return "channel"
	case Direct:
		return "direct"
	}
	return fmt.Sprintf("Handoff(%d)", uint8(h))
}

// MarshalText is String as bytes.
func (h Handoff) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalText sets h from "channel" or "direct".
func (h *Handoff) UnmarshalText(text []byte) error {
	for _, x := range []Handoff{Channel, Direct} {
		if string(text) == x.String() {
			*h = x
			return nil
		}
	}
	return fmt.Errorf("coro: unknown handoff %q (want %q or %q)", text, Channel, Direct)
}

// WithHandoff chooses how control moves; the default is [Channel]. It panics if
// h is neither Channel nor Direct.
func WithHandoff(h Handoff) Option {
	if h > Direct {
		panic(fmt.Sprintf("coro: WithHandoff(%v): want coro.Channel or coro.Direct", h))
	}
	return func(t *Thread) {
		t.handoff, t.kind = Channel, handoff.Channel
		if h == Direct && handoff.DirectAvailable() {
			t.handoff, t.kind = Direct, handoff.Direct
		}
	}
}

// DefaultPool is how many idle goroutines a thread keeps unless [WithPool] says
// otherwise; QEMU's pool has 64 as its unit, too.
const DefaultPool = 64

// WithPool sets how many idle goroutines the thread keeps for coroutines to
// come; the default is [DefaultPool], 0 keeps none. It panics if n is negative.
func WithPool(n int) Option {
	if n < 0 {
		panic(fmt.Sprintf("coro: WithPool(%d): want 0 or more", n))
	}
	return func(t *Thread) { t.pool = n }
}

// WithName names the thread in messages, dumps and traces; the default, also for
// an empty name, is "main".
func WithName(name string) Option { return func(t *Thread) { t.name = cmp.Or(name, "main") } }

// WithTracer has tr told of every step of the thread. Without a tracer, tracing
// costs nothing. A nil tr is none. A thread has one: of several options the last
// counts; trace.Join makes one of several.
func WithTracer(tr Tracer) Option {
	return func(t *Thread) {
		t.tracer = tr
		t.modes &^= modeTrace
		if tr != nil {
			t.set(modeTrace, "WithTracer")
		}
	}
}

// WithSites keeps the file:line of every New, Enter, Wake and Kill, so that
// messages, dumps and events name the exact place also where it could not be
// asked for later (a wake, or an Enter on another thread). It costs half a
// microsecond a step.
func WithSites() Option { return func(t *Thread) { t.set(modeSites, "WithSites") } }

// A Scheduler brings coroutines home: an event loop. Schedule may be called by
// any goroutine; it arranges for co to be entered by the leader of its thread,
// soon.
type Scheduler interface {
	// Schedule has the leader of co's thread enter co, soon.
	Schedule(co *Coroutine)
}

// Scheduler returns what [WithScheduler] gave the thread, nil if nothing.
func (t *Thread) Scheduler() Scheduler { return t.scheduler }

// WithScheduler gives the thread an event loop. A [Self.Wake] of one of its
// coroutines on another thread goes there.
func WithScheduler(s Scheduler) Option { return func(t *Thread) { t.scheduler = s } }
