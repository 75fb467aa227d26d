package powercut

import (
	"errors"
	"fmt"
	"strings"
)

// What else can be wrong, for errors.Is with a [*Failure].
var (
	// ErrNotRepeatable: a run with a seed did not do the same as the one
	// before with that seed, so a cut could not be placed. Something in it
	// depends on more than the seed: the real clock, another goroutine, the
	// order of a map, what an earlier run left in a variable.
	ErrNotRepeatable = errors.New("a run is not as the one before with the same seed")
	// ErrPanic: a function of the Case panicked.
	ErrPanic = errors.New("panic")
)

// A Failure is a cut after which something was wrong.
type Failure struct {
	// Seed and Cut repeat it, as those of [Options].
	Seed uint64
	// Cut is the step in which the power failed; 0 if it was not the cut, but
	// the workload, that failed.
	Cut int
	// Again is the step of Check in which the power failed once more; 0 if
	// it did not.
	Again int
	// Steps is how many steps the workload has with this seed without a cut.
	Steps int
	// Trace is the last requests that changed the disk before the cut, and
	// what became of each; behind a line that says so, those of Check before
	// the other cut.
	Trace []string
	// Err is what was wrong: what Check returned.
	Err error
}

// Error tells all of it.
func (f *Failure) Error() string {
	var b strings.Builder
	switch {
	case f.Cut == 0:
		fmt.Fprintf(&b, "powercut: seed %d, without a cut", f.Seed)
	case f.Steps > 0:
		fmt.Fprintf(&b, "powercut: seed %d, cut %d of %d", f.Seed, f.Cut, f.Steps+1)
	default:
		fmt.Fprintf(&b, "powercut: seed %d, cut %d", f.Seed, f.Cut)
	}
	if f.Again > 0 {
		fmt.Fprintf(&b, ", and another in step %d of the check", f.Again)
	}
	fmt.Fprintf(&b, ": %v", f.Err)
	if len(f.Trace) > 0 {
		b.WriteString("\n   step  the last changes, and what the cut left of them")
		for _, line := range f.Trace {
			b.WriteString("\n" + line)
		}
	}
	fmt.Fprintf(&b, "\nrepeat it with powercut.Options{Seed: %d, Cut: %d}", f.Seed, f.Cut)
	return b.String()
}

// Unwrap returns Err.
func (f *Failure) Unwrap() error { return f.Err }
