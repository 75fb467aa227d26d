package coro

import (
	"fmt"
	"runtime"
)

// An EventKind says what happened. Packages built on this one add kinds of their
// own.
type EventKind string

// The kinds of event of this package.
const (
	// EventCreate: From made To.
	EventCreate EventKind = "create"
	// EventEnter: From gives control to To.
	EventEnter EventKind = "enter"
	// EventYield: From gives control back to To.
	EventYield EventKind = "yield"
	// EventWake: From put To in its queue.
	EventWake EventKind = "wake"
	// EventKill: From gives control to To to unwind it.
	EventKill EventKind = "kill"
	// EventTerminate: From has ended, control is back at To. Detail tells how
	// if it did not return.
	EventTerminate EventKind = "terminate"
	// EventPanic: From has ended by a panic, which goes on in To. Detail is
	// the value.
	EventPanic EventKind = "panic"
)

// An Event is one step of a thread.
type Event struct {
	// Seq numbers the events of the thread: 1, 2, 3 ...
	Seq uint64
	// Thread is the thread that took the step.
	Thread *Thread
	// Kind is what happened.
	Kind EventKind
	// From and To are who did it and to whom; nil is the leader.
	From, To *Coroutine
	// Detail is more, in words, and may be empty. It never holds an address
	// or a time, so that the trace of a program is the same on each run.
	Detail string
	// PC is where it happened in the program, 0 if the thread does not keep
	// sites ([WithSites]); Place gives it in words.
	PC uintptr
}

// String gives the event as a line without its sequence number:
// "enter leader -> writer#1".
func (e Event) String() string {
	s := fmt.Sprintf("%s %s -> %s", e.Kind, party(e.From), party(e.To))
	if e.Detail != "" {
		s += " (" + e.Detail + ")"
	}
	return s
}

// Place returns "dir/file.go:12 (pkg.func)" for PC, or "".
func (e Event) Place() string {
	if e.PC == 0 {
		return ""
	}
	f, _ := runtime.CallersFrames([]uintptr{e.PC}).Next()
	return place(f)
}

func party(co *Coroutine) string {
	if co == nil {
		return "leader"
	}
	return co.Name()
}

// A Tracer is told of every step of a thread, in order, on the goroutine that
// takes it. Trace must not enter, yield or wake; it may look. If it panics, that
// is a panic of who took the step, and the thread tells it of no step more.
type Tracer interface {
	// Trace is told of one step.
	Trace(Event)
}

// trace tells the tracer. Call it only where modeTrace is set.
func (t *Thread) trace(kind EventKind, from, to *Coroutine, detail string, pc uintptr) {
	if t.untold.Load() {
		return
	}
	told := false
	defer func() {
		// It would fail at each attempt to unwind what is left.
		if !told {
			t.untold.Store(true)
		}
	}()
	t.tracer.Trace(Event{Seq: t.seq.Add(1), Thread: t, Kind: kind, From: from, To: to, Detail: detail, PC: pc})
	told = true
}

// Traced reports whether the thread has a tracer, so that a package built on
// this one can leave out the work for an event that nobody sees.
func (t *Thread) Traced() bool { return t.in(modeTrace) }

// Trace tells the thread's tracer, if there is one, of an event of a kind that
// another package defines: self did something, to to if that is not nil. Guard
// it with [Thread.Traced] where making detail costs something.
func (self *Self) Trace(kind EventKind, to *Coroutine, detail string) {
	if t := self.thread(); t.in(modeTrace) {
		t.trace(kind, self.co, to, detail, t.here())
	}
}
