package aio

import "github.com/gohandoff/coroutine/coro"

// The kinds of event that a loop adds to those of package coro. All are traced
// on the loop's own line of control, so that a tracer needs no lock, and in an
// order that depends on nothing but the program, if its clock is virtual.
const (
	// EventSchedule: From has put To into the loop's queue. What another
	// goroutine scheduled is told, as from the leader, when its turn comes.
	EventSchedule coro.EventKind = "schedule"
	// EventPost: the loop calls a bottom half.
	EventPost coro.EventKind = "post"
	// EventTimer: a timer that To waits for has run out.
	EventTimer coro.EventKind = "timer"
	// EventOffload: From hands a function to a worker.
	EventOffload coro.EventKind = "offload"
	// EventCancel: the loop cancels the task To.
	EventCancel coro.EventKind = "cancel"
	// EventMove: From leaves for another loop, which Detail names.
	EventMove coro.EventKind = "move"
)

// trace tells the tracer, if there is one, what the leader does.
func (l *Loop) trace(kind coro.EventKind, to *coro.Coroutine) {
	if l.thread.Traced() {
		l.thread.Leader().Trace(kind, to, "")
	}
}

// NextNumber returns 1, 2, 3 and so on: for the spans of packages that trace what
// they do on this loop, none of which may have the number of another. It belongs
// to the loop's coroutines, and does not yield.
func (l *Loop) NextNumber() uint64 {
	l.numbers++
	return l.numbers
}
