package coro

import (
	"fmt"

	"github.com/gohandoff/coroutine/internal/handoff"
)

// New makes a coroutine on the same thread; see [Thread.New].
func (self *Self) New(entry Entry) *Coroutine {
	t := self.thread()
	if t == nil {
		self.misuseNil(nil, "create a coroutine")
	}
	return t.create(self, entry, funcPC(entry))
}

// NewFor is [Self.New] for a package that wraps an entry of its own around a
// caller's function; see [Thread.NewFor].
func (self *Self) NewFor(fn any, entry Entry) *Coroutine {
	t := self.thread()
	if t == nil {
		self.misuseNil(nil, "create a coroutine")
	}
	return t.create(self, entry, funcPC(fn))
}

// InCoroutine reports whether self is a coroutine's; a leader's is not.
func (self *Self) InCoroutine() bool { return self.id != 0 }

// Coroutine returns the handle of the coroutine that self acts as, nil for a
// leader.
func (self *Self) Coroutine() *Coroutine { return self.coroutine() }

// Thread returns the thread on which self runs.
func (self *Self) Thread() *Thread { return self.thread() }

// String returns the coroutine's name, or "leader of" and the thread's name.
func (self *Self) String() string { return self.label() }

// Park is [Self.Yield] for a lock, a queue or a timer: it notes what the
// coroutine waits for, which a dump and a deadlock report show. on is anything
// whose String method says it; see also [Waiting].
func (self *Self) Park(on any) {
	w := self.w
	if w == nil {
		self.Yield() // panics
	}
	w.park = on
	self.Yield()
	w.park = nil
}

// CheckYield panics as [Self.Yield] would if self could not yield now: it is a
// leader's, does not run, is being killed, or is locked to its OS thread. It is
// for a package that puts down that a coroutine waits before it parks it.
func (self *Self) CheckYield() {
	t, w := self.thread(), self.w
	if t == nil || w == nil || t.current != self || w.killing {
		self.beforeYield(t) // panics
	}
	if w.Direct && handoff.OSThreadLocked() {
		self.misuseLocked()
	}
}

// Waiting is what Park may be given for more than a name: a thing that somebody
// holds, so that a cycle of waiting can be found.
type Waiting interface {
	fmt.Stringer
	// Holders returns the coroutines that must act before the wait can
	// end, as far as they are known.
	Holders() []*Coroutine
}

// WaitsFor returns what the coroutine was parked on with [Self.Park], nil if it
// is not. It must be called on the coroutine's thread.
func (co *Coroutine) WaitsFor() any {
	if w := co.self.w; w != nil {
		return w.park
	}
	return nil
}

// parkedOn says what was given to Park.
func parkedOn(on any) string {
	if on == nil {
		return ""
	}
	return fmt.Sprint(on)
}

// HoldLocks counts n more locks as held by the coroutine, fewer if n is
// negative, for a package of locks: a coroutine that terminates while the count
// is not zero is diagnosed ([ErrLocksHeld]). Locks of a leader are not counted.
func (self *Self) HoldLocks(n int) {
	if w := self.w; w != nil {
		w.locks += int32(n)
	}
}

// SetTag keeps v with the running coroutine until it ends, for a package built
// on this one that has something of its own for each coroutine, as an event loop
// has its task. A leader has no tag.
func (self *Self) SetTag(v any) {
	if w := self.w; w != nil {
		w.tag = v
	}
}

// Tag returns what SetTag was given by this coroutine or, where it has none, by
// the nearest of its callers that has; nil if none has.
func (self *Self) Tag() any {
	for s := self; s != nil && s.w != nil; s = s.by() {
		if s.w.tag != nil {
			return s.w.tag
		}
	}
	return nil
}

// Unwinding reports whether the coroutine is being killed, or unwound by
// [Self.Unwind]: its deferred calls run, and must not yield. It is for self's own
// coroutine to ask; a leader is never unwound.
func (self *Self) Unwinding() bool { return self.w != nil && self.w.killing }

// Unwind ends the running coroutine as Kill would: it does not return, the
// deferred calls run, and the enterer goes on as after a kill. It panics with a
// [*UsageError] if self is a leader or does not run.
func (self *Self) Unwind() {
	if t := self.thread(); t == nil || t.current != self || self.w == nil {
		self.misuseYield(t)
	}
	self.w.killing = true
	panic(ErrKilled)
}
