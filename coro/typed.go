package coro

import (
	"iter"

	"github.com/gohandoff/coroutine/internal/handoff"
)

// A Typed is a coroutine that is sent a value with each Enter and answers with
// one: an In goes in, an Out comes out. A generator is a Typed whose In is
// struct{}, a consumer one whose Out is; a dialogue uses both.
//
// It is a handle for those who enter it and, together with its [Self], the means
// of answering for its body. A round trip allocates nothing.
type Typed[In, Out any] struct {
	co  *Coroutine
	in  In
	out Out
}

// An Outcome tells what an Enter of a [Typed] came back with.
type Outcome uint8

const (
	// Yielded: the value was passed to Yield; there may be more.
	Yielded Outcome = iota
	// Returned: the value is what the body returned; there are no more.
	Returned
	// Killed: the coroutine was killed; the value is zero.
	Killed
)

// String returns the outcome in one lower-case word.
func (o Outcome) String() string {
	switch o {
	case Yielded:
		return "yielded"
	case Returned:
		return "returned"
	case Killed:
		return "killed"
	}
	return "unknown outcome"
}

// A Creator makes coroutines: a [*Thread] or a [*Self].
type Creator interface {
	// New makes a coroutine that will run entry.
	New(entry Entry) *Coroutine
	// NewFor makes one that is named after another function, fn.
	NewFor(fn any, entry Entry) *Coroutine
}

// NewTyped makes a coroutine on on that will run body with the value of its
// first Enter. What body returns is the last value that comes out.
func NewTyped[In, Out any](on Creator, body func(self *Self, c *Typed[In, Out], first In) Out) *Typed[In, Out] {
	if body == nil {
		on.New(nil) // panics, with the words for it
	}
	c := new(Typed[In, Out])
	c.co = on.NewFor(body, func(self *Self) { c.out = body(self, c, c.take()) })
	return c
}

// FromSeq makes a generator of the values of seq. The sequence runs in a
// coroutine of its own, as with iter.Pull, but under the rules of this package:
// names, traces, dumps. Where the coroutine is killed, as by a loop that ends
// early, its yield returns false.
func FromSeq[V any](on Creator, seq iter.Seq[V]) *Typed[struct{}, V] {
	c := new(Typed[struct{}, V])
	c.co = on.NewFor(seq, func(self *Self) {
		seq(func(v V) bool {
			c.out = v
			return self.offer()
		})
	})
	return c
}

// Coroutine returns the handle, to kill the coroutine, name it or look at it. To
// enter it without a value sends the zero value.
func (c *Typed[In, Out]) Coroutine() *Coroutine { return c.co }

// Enter sends in to the coroutine, as the result of its Yield or as the argument
// of its body, and returns what comes back: a yielded value, the returned one,
// or none because the coroutine was killed, now or earlier. Otherwise it is
// [Self.Enter], with its panics.
func (c *Typed[In, Out]) Enter(self *Self, in In) (Out, Outcome) {
	if c.co.self.state.Load() == killed {
		var none Out
		return none, Killed
	}
	// The steps of Enter, with the values handed over where nobody can come in
	// between: in when the coroutine is ours, and out before those have their
	// turn whom it woke, for they may enter it, too.
	t, to := self.thread(), c.co.self
	if t == nil {
		self.misuseNil(c.co, "enter")
	}
	self.claim(to, "enter")
	if t.current != self {
		to.unclaim()
		self.misuseOutside(t, to, "enter")
	}
	c.in = in
	woken := self.step(t, to, handoff.Enter, queue{})
	out, outcome := c.takeOut(), Yielded
	switch st := to.state.Load(); {
	case st == killed:
		outcome = Killed
	case st >= dead:
		outcome = Returned
	}
	if woken.head != nil || t.leftover.head != nil {
		self.drainAfter(t, woken)
	}
	return out, outcome
}

// Yield answers the Enter that is waiting with out, and returns what the next
// Enter sends. self must be the Self of the coroutine itself; the panics are
// those of [Self.Yield], and a [*UsageError] for [ErrOutside] if it is not.
func (c *Typed[In, Out]) Yield(self *Self, out Out) In {
	if self.thread() != nil && self != c.co.self {
		self.misuseOutside(self.thread(), c.co.self, "yield for")
	}
	c.out = out
	self.Yield()
	return c.take()
}

// All enters the coroutine, with the zero In, for one value after another, as
// long as it yields; the value that it returns is not among them. A loop that
// ends early kills the coroutine, and leaks nothing. self is who ranges.
func (c *Typed[In, Out]) All(self *Self) iter.Seq[Out] {
	return func(yield func(Out) bool) {
		defer func() {
			if s := c.co.self.state.Load(); s == suspended || s == asked {
				self.Kill(c.co)
			}
		}()
		for {
			var in In
			out, outcome := c.Enter(self, in)
			if outcome != Yielded || !yield(out) {
				return
			}
		}
	}
}

// take hands over the value that was sent, and lets go of it.
func (c *Typed[In, Out]) take() In {
	var none In
	in := c.in
	c.in = none
	return in
}

// takeOut hands over the answer, and lets go of it.
func (c *Typed[In, Out]) takeOut() Out {
	var none Out
	out := c.out
	c.out = none
	return out
}
