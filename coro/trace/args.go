package trace

import (
	"fmt"
	"io"
)

// What is missing among arguments is found before anything is done, and is called
// by its name: it would fail as a nil pointer later, in the middle of a step.

// needs panics if f was not given what.
func needs(given bool, f, what string) {
	if !given {
		panic(fmt.Sprintf("trace: %s: %s is nil", f, what))
	}
}

// needsBoth panics if f, which writes a trace, was not given where or which.
func needsBoth(f string, w io.Writer, t *Trace) {
	needs(w != nil, f, "the io.Writer")
	needs(t != nil, f, "the *Trace")
}

// apply gives to what was asked for by opts.
func apply[T any, O ~func(T)](f string, to T, opts []O) {
	for i, o := range opts {
		needs(o != nil, f, fmt.Sprintf("option %d", i+1))
		o(to)
	}
}
