package coro

import (
	"fmt"
	"strings"
)

// The misuses: each function here tells the story of one, and panics with it.

func (self *Self) misuseEntered(to *Self, verb string) {
	by := to.by()
	e, levels := self.usage(ErrReentered, to, verb)
	e.First = "entered by " + by.label() + to.enteredAt(by, levels)
	switch {
	case to == self && verb == "kill":
		e.Hint = "to end itself, a coroutine returns from its entry"
	case to == self:
		e.Hint = "a coroutine cannot enter itself; to let others run, it yields"
	case e.stray:
		// self waits for a coroutine that it entered, so this is not its
		// goroutine.
		e.also = ErrOutside
		e.Hint = self.ownHint(verb)
	case verb == "kill":
		e.Hint = "kill it when it has yielded; a caller cannot be killed by those it waits for"
	case verb == "wake":
		e.Hint = "it runs already; wake it when it has yielded"
	default:
		e.Hint = "enter it when it has yielded, or use EnterIfInactive"
	}
	panic(e)
}

// ownHint tells one who used the Self of somebody else to do verb what to use.
func (self *Self) ownHint(verb string) string {
	if self.id != 0 {
		return "use the Self that was handed to the entry, on the goroutine that it was handed to"
	}
	return "in a coroutine, " + verb + " with its own Self, not with the Thread or its Leader; one goroutine at a time may act as leader"
}

// enteredAt tells where by entered to, if by is in the chain of callers or the
// site was kept.
func (to *Self) enteredAt(by *Self, levels []level) string {
	for i, l := range levels {
		// The one who entered to is the next level after it.
		if l.self == by && i > 0 && levels[i-1].self == to && l.stack != nil {
			return " at " + placeOf(l.stack)
		}
	}
	return at(to.sites().entered.Load())
}

func (self *Self) usageScheduled(to *Self, verb string) *UsageError {
	e, _ := self.usage(ErrScheduled, to, verb)
	e.First = "woken"
	if by := to.waker.Load(); by != nil {
		e.First += " by " + by.label() + at(to.sites().woken.Load())
	} else {
		e.First = "scheduled by a plain goroutine"
	}
	e.First += "; it has not had its turn since"
	switch verb {
	case "enter":
		e.Hint = "do one of the two: wake it and let it have its turn, or enter it"
	default:
		e.Hint = "wake it once; its turn comes when its waker yields or terminates (Scheduled tells whether it waits)"
	}
	return e
}

func (self *Self) misuseScheduled(to *Self, verb string) { panic(self.usageScheduled(to, verb)) }

func (self *Self) usageDead(to *Self, verb string) *UsageError {
	e, _ := self.usage(ErrTerminated, to, verb)
	e.First = "it " + to.ending()
	if to.state.Load() == killed {
		e.First += " by " + to.by().label() + at(to.sites().killed.Load())
	} else {
		e.First += "; last entered by " + to.by().label() + at(to.sites().entered.Load())
	}
	e.Hint = "ask Status before, or make a new coroutine: a dead one never runs again"
	return e
}

func (self *Self) misuseDead(to *Self, verb string) { panic(self.usageDead(to, verb)) }

func (self *Self) misuseYield(t *Thread) {
	if t == nil {
		self.misuseNil(nil, "yield")
	}
	e := &UsageError{Err: ErrNoCaller, About: self.title(), Created: self.createdAt(), Second: "yielded"}
	e.addChain(self)
	switch st := self.state.Load(); {
	case self.id == 0:
		e.First = "a leader is not entered by anybody"
		e.Hint = "yield in a coroutine, with the Self that its entry was handed"
		if e.stray {
			e.also = ErrOutside
		}
	case st == entered:
		e.Err = ErrOutside
		e.First = "it waits until " + e.runner() + " yields or terminates"
		e.Hint = self.ownHint("yield")
	default:
		e.also = ErrOutside
		e.First = "nobody has entered it since it yielded"
		if st >= dead {
			e.First = "it " + self.ending()
		}
		e.Hint = self.ownHint("yield")
	}
	panic(e)
}

// runner is the name of the first of the callers.
func (e *UsageError) runner() string {
	if len(e.Callers) == 0 {
		return "nobody"
	}
	name, _, _ := strings.Cut(e.Callers[0], " at ")
	return name
}

func (self *Self) misuseOutside(t *Thread, to *Self, verb string) {
	e := &UsageError{
		Err: ErrOutside, About: self.title(), Created: self.createdAt(),
		Second: fmt.Sprintf("used to %s %s", verb, to.label()),
		Hint:   self.ownHint(verb),
	}
	e.addChain(self)
	switch st := self.state.Load(); {
	case !e.stray: // only Typed.Yield comes here for one that runs
		e.First = "it is not " + to.label()
		e.Hint = "yield with the Self of the coroutine that answers"
	case st >= dead:
		e.First = "it " + self.ending()
	case st == suspended:
		e.First = "nobody has entered it since it yielded"
	default:
		e.First = "it waits until " + e.runner() + " yields or terminates"
	}
	panic(e)
}

func (self *Self) misuseLocked() {
	e, _ := self.usage(ErrLocked, self, "yield")
	e.First = "its goroutine called runtime.LockOSThread, or runs in a cgo callback"
	e.Hint = "unlock before yielding, or use coro.WithHandoff(coro.Channel)"
	panic(e)
}

func (self *Self) misuseKilledYield() {
	e, levels := self.usage(ErrKilledYield, self, "yield")
	if len(levels) > 1 {
		e.First = "killed by " + levels[1].self.label()
		if stack := levels[1].stack; stack != nil {
			e.First += " at " + placeOf(stack)
		}
	}
	e.Hint = "a deferred call must not wait when its coroutine is killed (recover returns ErrKilled then)"
	panic(e)
}

func (self *Self) misuseLocksHeld(to *Self, locks int32) {
	e, _ := self.usage(ErrLocksHeld, to, "enter")
	e.First = "it " + to.ending() + ", holding " + count(int(locks), "lock")
	if to.state.Load() == killed {
		e.Second = "kill" + strings.TrimPrefix(e.Second, "enter")
	}
	e.Hint = "unlock in a deferred call, which also runs when the coroutine is killed"
	panic(e)
}

func (self *Self) misuseClosed(to *Self, verb string) {
	e, _ := self.usage(ErrClosed, to, verb)
	e.First = "its thread " + to.thread().name + " was closed before it ever ran"
	e.Hint = "close the thread when nothing is left to enter"
	panic(e)
}

func (self *Self) misuseNoScheduler(home *Thread, to *Self) {
	e, _ := self.usage(ErrNoScheduler, to, "wake")
	e.First = "its thread " + home.name + " has no event loop that would give it its turn"
	e.Hint = "make that thread with coro.WithScheduler, or enter the coroutine from there"
	panic(e)
}

func (self *Self) misuseNil(co *Coroutine, verb string) {
	e := &UsageError{Err: ErrNil, About: "asked to " + verb}
	switch {
	case self.thread() == nil:
		e.About = "asked to " + verb + " with a Self that no thread made"
		e.Second = "used at " + placeOf(stackHere())
		e.Hint = "use the Self that was handed to the entry, or Thread.Leader"
	case co == nil || co.self == nil:
		e.About = self.label() + " was asked to " + verb + " a nil *Coroutine"
		e.Second = "asked"
		e.Hint = "make it with New before"
		e.addChain(self)
	}
	panic(e)
}

// misuseNew is about a New by by, without an entry or on a closed thread.
func (t *Thread) misuseNew(err error, by *Self) {
	e := &UsageError{Err: err, About: "New on thread " + t.name, Second: "called"}
	e.Hint = "pass New the function that the coroutine is to run"
	if err == ErrClosed {
		e.Hint = "make coroutines before Close, or a new thread"
	}
	e.addChain(by)
	panic(e)
}

func (t *Thread) misuseClose() {
	e := &UsageError{
		Err: ErrEntered, About: "thread " + t.name,
		Second: "closed",
		Hint:   "close the thread from its leader, when every Enter has returned",
	}
	e.addChain(&t.leader)
	e.First = e.runner() + " runs"
	panic(e)
}

// misuseStray is found by the goroutine of a coroutine whose entry has returned
// although it does not run: another goroutine has yielded in its place. The next
// Enter brings it to light.
func (self *Self) misuseStray() {
	panic(&UsageError{
		Err: ErrOutside, About: self.title(), Created: self.createdAt(),
		First:  "another goroutine yielded with its Self",
		Second: "its entry returned, though nobody had entered it again",
		Hint:   "use the Self that was handed to the entry, on the goroutine that it was handed to",
	})
}
