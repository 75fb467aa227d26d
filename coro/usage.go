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
	// ErrClosed: a coroutine was created, or first entered, on a closed
	// thread.
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
	// first, each with the place where it is. If a Self was used that does
	// not run, it is the chain of the one that does.
	Callers []string
	// Hint says what would be right.
	Hint string

	also  error // a second sentinel that applies
	stray bool  // Callers is of the one that runs, not of who did it
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
		switch {
		case i == 0 && e.stray:
			line("running:", c)
		case i == 0:
			line("callers:", c)
		default:
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

// addChain completes e with where the caller is and with the chain of callers:
// self's, each member asked for its stack where it waits. If self does not run,
// nobody may be asked; then it is the chain of the one that does run, with the
// places that WithSites kept.
//
// Whether self runs is told from atomic fields only, because the loser of a race
// to enter comes here while the winner writes the others. A leader is not asked
// whether it runs: it has no callers, so the answer would make no difference.
func (e *UsageError) addChain(self *Self) []level {
	here := stackHere()
	if e.Second != "" {
		e.Second += " at " + placeOf(here)
	}
	t := self.thread()
	if t == nil {
		return nil
	}
	levels := []level{{self, here}}
	switch runs := t.runs(); {
	case self.id == 0 && runs == self:
	case runs == self:
		levels = self.chain()
	default:
		e.stray = true
		levels = runs.chainOfNames()
	}
	for i, l := range levels {
		c := l.self.label()
		switch {
		case l.stack != nil:
			c += " at " + placeOf(l.stack)
		case i > 0 && levels[i-1].self.sites().entered.Load() != 0:
			c += " at " + placeOfPC(levels[i-1].self.sites().entered.Load())
		}
		e.Callers = append(e.Callers, c)
	}
	return levels
}

// runs returns the Self that runs, by looking for the entered coroutine that has
// not entered another. It may be called by any goroutine; to one of another line
// of control the answer is stale at once.
func (t *Thread) runs() *Self {
	t.mu.Lock()
	defer t.mu.Unlock()
	waits := map[*Self]bool{} // only looked up
	var live []*Self
	for w := t.workers; w != nil; w = w.next {
		if s := w.self.Load(); s != nil && s.state.Load() == entered {
			live = append(live, s)
			waits[s.by()] = true
		}
	}
	for _, s := range live {
		if !waits[s] {
			return s
		}
	}
	return &t.leader
}

// chainOfNames is chain without the stacks, for one who may not ask.
func (self *Self) chainOfNames() []level {
	var levels []level
	for s := self; s != nil; s = s.by() {
		levels = append(levels, level{s, nil})
		if s.id == 0 {
			break
		}
	}
	return levels
}

// usage starts a UsageError about to, by self, who was about to do verb. A nil
// self is a plain goroutine.
func (self *Self) usage(err error, to *Self, verb string) (*UsageError, []level) {
	e := &UsageError{Err: err, About: to.title(), Created: to.createdAt()}
	if self == nil {
		e.Second = past(verb) + " by a plain goroutine at " + placeOf(stackHere())
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
	case "schedule":
		return "scheduled"
	}
	return verb + "ed"
}

// title is label with the id, also where the program gave it a name of its own.
func (s *Self) title() string {
	if s.id != 0 && s.sites().name.Load() != nil {
		return fmt.Sprintf("%s (#%d)", s.label(), s.id)
	}
	return s.label()
}

// sites returns what is kept of s in some modes, all zero if nothing is.
func (s *Self) sites() *extra {
	if x := s.extra.Load(); x != nil {
		return x
	}
	return new(extra)
}

// at gives " at" and the place of pc, or says how to learn it.
func at(pc uintptr) string {
	if pc == 0 {
		return " (where: run it again with coro.WithSites)"
	}
	return " at " + placeOfPC(pc)
}

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
