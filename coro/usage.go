package coro

import (
	"errors"
	"fmt"
	"strings"
)

// The misuses, for errors.Is. The texts start like QEMU's where QEMU has one.
var (
	// ErrReentered: a coroutine was entered, woken or killed that is entered.
	ErrReentered = errors.New("Co-routine re-entered recursively")
	// ErrNoCaller: a leader yielded, or a coroutine that nobody has entered.
	ErrNoCaller = errors.New("Co-routine is yielding to no one")
	// ErrScheduled: a coroutine was woken, scheduled or entered that waits
	// for its turn in a queue already.
	ErrScheduled = errors.New("Co-routine was already scheduled")
	// ErrTerminated: a dead coroutine was entered or woken.
	ErrTerminated = errors.New("Co-routine is terminated")
	// ErrLocksHeld: a coroutine terminated while it held locks.
	ErrLocksHeld = errors.New("Co-routine terminated holding locks")
	// ErrOutside: a Self was used while its coroutine was not the one that
	// runs.
	ErrOutside = errors.New("Self used outside its coroutine")
	// ErrKilledYield: a deferred call of a coroutine that is being killed
	// yielded.
	ErrKilledYield = errors.New("Co-routine yielded while being killed")
	// ErrLocked: a coroutine on a Direct thread yielded while its goroutine
	// was locked to an OS thread.
	ErrLocked = errors.New("Co-routine is yielding while locked to an OS thread")
	// ErrNoScheduler: a coroutine of another thread was woken, and that
	// thread has no event loop.
	ErrNoScheduler = errors.New("Co-routine of another thread cannot be woken")
	// ErrEntered: a thread was closed while a coroutine of it was entered.
	ErrEntered = errors.New("Thread closed with a coroutine entered")
	// ErrClosed: a coroutine was created on a closed thread.
	ErrClosed = errors.New("Thread is closed")
	// ErrNilEntry: a coroutine was created without an entry.
	ErrNilEntry = errors.New("Co-routine has a nil entry")
	// ErrNil: a nil *Coroutine, or a Self that no thread made, was used.
	ErrNil = errors.New("Co-routine is nil")
)

// A UsageError is what a misuse panics with: a bug in the calling program. The
// state of all coroutines is as before the misuse, so that a recovered one does
// no harm.
type UsageError struct {
	// Err is one of the sentinels; errors.Is finds it.
	Err error
	// About names the coroutine or thread that was misused.
	About string
	// Created tells where About was created: the call of New if the thread
	// has [WithSites], else the place of its entry function.
	Created string
	// First tells who did the first thing, with which the second does not go
	// together, and where.
	First string
	// Second tells who did the second thing, the misuse, and where.
	Second string
	// Callers is the chain of callers of who did the second thing, itself
	// first, each with the place where it is.
	Callers []string
	// Hint says what would be right.
	Hint string

	also error // a second sentinel that applies
}

// Error returns the words of the misuse, the coroutine, and then a line for each
// thing that is known.
func (e *UsageError) Error() string {
	var b strings.Builder
	b.WriteString(e.Err.Error())
	if e.About != "" {
		b.WriteString(": " + e.About)
	}
	line := func(label, text string) {
		if text != "" {
			fmt.Fprintf(&b, "\n\t%-8s %s", label, text)
		}
	}
	line("created:", e.Created)
	line("first:", e.First)
	line("then:", e.Second)
	for i, c := range e.Callers {
		if i == 0 {
			line("callers:", c)
		} else {
			line("", "< "+c)
		}
	}
	line("instead:", e.Hint)
	return b.String()
}

// Unwrap returns the sentinels.
func (e *UsageError) Unwrap() []error {
	if e.also != nil {
		return []error{e.Err, e.also}
	}
	return []error{e.Err}
}

// NewUsageError describes a misuse of something built on this package, such as
// a lock: err is its sentinel, about the thing misused, first and second who
// did what (the place of second is added), hint what would be right. self is
// who did the second thing, and must run; its chain of callers is added.
func NewUsageError(self *Self, err error, about, first, second, hint string) *UsageError {
	e := &UsageError{Err: err, About: about, First: first, Second: second, Hint: hint}
	e.addChain(self)
	return e
}

// addChain completes e with where self is and who called it. Where self does
// not run, the chain cannot be asked.
func (e *UsageError) addChain(self *Self) []level {
	t := self.thread()
	var levels []level
	if t != nil && t.current == self {
		levels = self.chain()
	} else {
		levels = []level{{self, stackHere()}}
	}
	if e.Second != "" {
		e.Second += " at " + placeOf(levels[0].stack)
	}
	for _, l := range levels {
		c := l.self.label()
		if l.stack != nil {
			c += " at " + placeOf(l.stack)
		}
		e.Callers = append(e.Callers, c)
	}
	return levels
}

// usage starts a UsageError about to, by self, who was about to do verb.
func (self *Self) usage(err error, to *Self, verb string) (*UsageError, []level) {
	e := &UsageError{Err: err, About: to.label(), Created: to.createdAt()}
	if self == nil {
		e.Second = verb + "d by a plain goroutine at " + placeOf(stackHere())
		return e, nil
	}
	e.Second = past(verb) + " by " + self.label()
	return e, e.addChain(self)
}

// past gives the past tense of the few verbs used here.
func past(verb string) string {
	switch verb {
	case "wake":
		return "woken"
	case "yield":
		return "yielded"
	case "enter", "kill":
		return verb + "ed"
	case "schedule":
		return "scheduled"
	}
	return verb
}

func (self *Self) misuseEntered(to *Self, verb string) {
	by := to.by()
	e, levels := self.usage(ErrReentered, to, verb)
	e.First = "entered"
	if by != nil {
		e.First += " by " + by.label()
		if at := to.enteredAt(by, levels); at != "" {
			e.First += " at " + at
		}
	}
	switch {
	case to == self:
		e.Hint = "a coroutine cannot enter itself; to let others run, yield"
	default:
		e.Hint = "wait until it has yielded, or use EnterIfInactive"
	}
	panic(e)
}

// enteredAt tells where by entered to, if by is in the chain of callers or the
// site was kept.
func (to *Self) enteredAt(by *Self, levels []level) string {
	if x := to.extra.Load(); x != nil {
		if pc := x.entered.Load(); pc != 0 {
			return placeOfPC(pc)
		}
	}
	for i, l := range levels {
		// The one who entered to is the next level after it.
		if l.self == by && i > 0 && levels[i-1].self == to && l.stack != nil {
			return placeOf(l.stack)
		}
	}
	if by.thread() != nil && len(levels) > 0 && by.thread() != levels[0].self.thread() {
		return "a place that only WithSites keeps, on thread " + by.thread().name
	}
	return ""
}

func (self *Self) usageScheduled(to *Self, verb string) *UsageError {
	e, _ := self.usage(ErrScheduled, to, verb)
	e.First = "woken"
	if by := to.waker.Load(); by != nil {
		e.First += " by " + by.label()
	}
	if x := to.extra.Load(); x != nil {
		if pc := x.woken.Load(); pc != 0 {
			e.First += " at " + placeOfPC(pc)
		}
	}
	e.First += ", and has not run since"
	e.Hint = "leave it to its turn, which comes when its waker yields"
	return e
}

func (self *Self) misuseScheduled(to *Self, verb string) { panic(self.usageScheduled(to, verb)) }

func (self *Self) usageDead(to *Self, verb string) *UsageError {
	e, _ := self.usage(ErrTerminated, to, verb)
	e.First = to.ending()
	if by := to.by(); by != nil && to.state.Load() == killed {
		e.First += " by " + by.label()
		if x := to.extra.Load(); x != nil && x.killed.Load() != 0 {
			e.First += " at " + placeOfPC(x.killed.Load())
		}
	} else if by != nil {
		e.First += ", last entered by " + by.label()
	}
	e.Hint = "look at Status first, or make a new coroutine"
	return e
}

func (self *Self) misuseDead(to *Self, verb string) { panic(self.usageDead(to, verb)) }

func (self *Self) misuseYield(t *Thread) {
	if t == nil {
		self.misuseNil(nil, "yield")
	}
	e := &UsageError{Err: ErrNoCaller, About: self.label(), Created: self.createdAt(), Second: "yielded"}
	switch st := self.state.Load(); {
	case self.id == 0:
		e.Second = "yielded by the leader"
		e.Hint = "only a coroutine can yield; a leader returns to whoever called it"
		if t.current != self {
			e.also = ErrOutside
		}
	case st == entered:
		e.Err = ErrOutside
		e.First = "runs: " + t.current.label()
		e.Hint = "use the Self that was handed to the entry, on the goroutine that it was handed to"
	default:
		e.also = ErrOutside
		e.First = "it is not entered"
		if st >= dead {
			e.First = "it " + self.ending()
		}
		e.Hint = "use the Self that was handed to the entry, on the goroutine that it was handed to"
	}
	e.addChain(self)
	panic(e)
}

func (self *Self) misuseOutside(t *Thread, to *Self, verb string) {
	e := &UsageError{
		Err: ErrOutside, About: self.label(), Created: self.createdAt(),
		First:  t.current.label() + " runs on thread " + t.name,
		Second: fmt.Sprintf("used to %s %s", verb, to.label()),
		Hint:   "use the Self that was handed to the entry, and in a coroutine self." + strings.ToUpper(verb[:1]) + verb[1:] + " instead of the thread's",
	}
	e.addChain(self)
	panic(e)
}

func (self *Self) misuseLocked() {
	e, _ := self.usage(ErrLocked, self, "yield")
	e.First = "its goroutine was locked by runtime.LockOSThread, or runs in a cgo callback"
	e.Hint = "unlock before yielding, or use coro.Channel, which can"
	panic(e)
}

func (self *Self) misuseKilledYield() {
	e, _ := self.usage(ErrKilledYield, self, "yield")
	if by := self.by(); by != nil {
		e.First = "killed by " + by.label()
	}
	e.Hint = "a deferred call that runs when a coroutine is killed must not wait"
	panic(e)
}

func (self *Self) misuseLocksHeld(to *Self, locks int32) {
	e, _ := self.usage(ErrLocksHeld, to, "enter")
	e.First = fmt.Sprintf("it %s, holding %d", to.ending(), locks)
	e.Hint = "unlock in a deferred call"
	panic(e)
}

func (self *Self) misuseNoScheduler(home *Thread, to *Self) {
	e, _ := self.usage(ErrNoScheduler, to, "wake")
	e.First = "its thread " + home.name + " has no event loop"
	e.Hint = "give that thread one, or enter the coroutine from there"
	panic(e)
}

func (self *Self) misuseNil(co *Coroutine, verb string) {
	e := &UsageError{Err: ErrNil, About: "asked to " + verb}
	switch {
	case self.thread() == nil:
		e.First = "the Self is a zero value"
		e.Hint = "use the Self that was handed to the entry, or Thread.Leader"
		e.Second = "used at " + placeOf(stackHere())
	case co == nil:
		e.About = self.label() + " was asked to " + verb + " a nil coroutine"
		e.Second = "asked"
		e.addChain(self)
	}
	panic(e)
}

func (t *Thread) misuseClose() {
	e := &UsageError{
		Err: ErrEntered, About: "thread " + t.name, First: t.current.label() + " is running",
		Second: "closed at " + placeOf(stackHere()),
		Hint:   "close the thread from its leader, when every Enter has returned",
	}
	panic(e)
}
