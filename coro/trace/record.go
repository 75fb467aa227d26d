package trace

import (
	"fmt"
	"time"

	"github.com/gohandoff/coroutine/coro"
)

// KindPrint is the kind of a [Record] that is no event of a thread but a line
// that the traced program printed to a [Stream]: Detail is the line, From is who
// had control.
const KindPrint coro.EventKind = "print"

// A Party is a coroutine or a leader, in words. Parties of one trace that are
// equal but for their names are the same one.
type Party struct {
	// Thread is the label of the thread that the ID counts on: the one that
	// made the coroutine.
	Thread string
	// ID is the coroutine's number on Thread, 0 for the leader.
	ID uint64
	// Name is the coroutine's, or "leader".
	Name string
}

// Valid reports whether there is somebody: an event of another package need not
// have a second party.
func (p Party) Valid() bool { return p.Name != "" }

// Leader reports whether p is a thread's leader.
func (p Party) Leader() bool { return p.Valid() && p.ID == 0 }

// key is what does not change when somebody is renamed.
func (p Party) key() Party { return Party{Thread: p.Thread, ID: p.ID} }

// A Record is an event in words: it holds no handle, so that it can be kept,
// written and read back.
type Record struct {
	// Seq is the number of the event on its thread; 0 for a print.
	Seq uint64
	// Time is when it happened, by the recorder's clock, counted from its first
	// event; always 0 without a clock.
	Time time.Duration
	// Thread is the label of the thread that took the step: its name, with a
	// number behind it if another thread was there before under that name.
	Thread string
	// Kind is what happened.
	Kind coro.EventKind
	// From did it, to To. To is not valid where nobody is meant.
	From, To Party
	// Detail is more, in words.
	Detail string
	// Site is "dir/file.go:12 (pkg.func)", "" where it was not kept.
	Site string
}

// String gives the record as a line without its number:
// "enter leader -> writer".
func (r Record) String() string {
	if r.Kind == KindPrint {
		return "print " + r.Detail
	}
	s := fmt.Sprintf("%s %s", r.Kind, r.From.Name)
	if r.To.Valid() {
		s += " -> " + r.To.Name
	}
	if r.Detail != "" {
		s += " (" + r.Detail + ")"
	}
	return s
}

// A Trace is a run of records, in order. It is a [Sink] for a [Stream].
type Trace struct {
	// Title says what was traced; it may be empty.
	Title string
	// Timed tells whether the records have times.
	Timed bool
	// Dropped is how many records came before the first, and are lost.
	Dropped uint64
	// Records are the records.
	Records []Record
}

// WriteRecord implements [Sink].
func (t *Trace) WriteRecord(r Record) error {
	t.Timed = t.Timed || r.Time != 0
	t.Records = append(t.Records, r)
	return nil
}

// enters reports whether a step of this kind gives control to To from above.
func enters(k coro.EventKind) bool { return k == coro.EventEnter || k == coro.EventKill }

// ends reports whether control comes back to the enterer by a step of this kind.
func ends(k coro.EventKind) bool {
	return k == coro.EventYield || k == coro.EventTerminate || k == coro.EventPanic
}

// ours reports whether package coro defines the kind: to those a nil party is a
// leader, to all others nobody.
func ours(k coro.EventKind) bool {
	return enters(k) || ends(k) || k == coro.EventCreate || k == coro.EventWake
}
