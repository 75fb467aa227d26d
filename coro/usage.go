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
