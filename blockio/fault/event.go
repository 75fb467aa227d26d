package fault

import (
	"fmt"
	"slices"

	"github.com/gohandoff/coroutine/blockio"
)

// maxEvents is how many events are kept.
const maxEvents = 1024

// An Event is a rule that fired.
type Event struct {
	// Rule is the rule's place, from 0 on, in the order they were given.
	Rule int
	// Match is which of the requests that the rule is about it was, from 1.
	Match int
	// Op, Offset and Length are the request; of a resize, Length is the size.
	Op             blockio.Op
	Offset, Length int64
}

// String says it in words: "rule 0: write of 512 bytes at 4096, match 3".
func (e Event) String() string {
	what := e.Op.String()
	switch e.Op {
	case blockio.OpFlush:
	case blockio.OpResize:
		what += fmt.Sprintf(" to %d bytes", e.Length)
	default:
		what += fmt.Sprintf(" of %d bytes at %d", e.Length, e.Offset)
	}
	return fmt.Sprintf("rule %d: %s, match %d", e.Rule, what, e.Match)
}

// Events returns what has fired, oldest first: the last 1024.
func (d *Driver) Events() []Event { return slices.Clone(d.events) }

// Fired returns how often rule i, counted from 0, has fired; 0 if there is none.
func (d *Driver) Fired(i int) int {
	if i < 0 || i >= len(d.rules) {
		return 0
	}
	return d.rules[i].fired
}

func (d *Driver) note(e Event) {
	if len(d.events) == maxEvents {
		d.events = d.events[:copy(d.events, d.events[1:])]
	}
	d.events = append(d.events, e)
}
