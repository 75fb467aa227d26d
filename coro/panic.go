package coro

import (
	"fmt"
	"slices"
	"strings"
)

// A PanicError is what Enter panics with when a coroutine panicked: the value,
// and the stack where it happened, which the enterer's own stack does not show.
// A panic that goes through a nest of coroutines unwinds each of them in turn
// and stays one PanicError, about the innermost.
type PanicError struct {
	// Value is what the coroutine panicked with.
	Value any
	// Stack is the coroutine's stack at that moment, as text, innermost
	// frame first.
	Stack []byte
	// Coroutine is the name of the coroutine that panicked.
	Coroutine string
	// Through names the coroutines that the panic went through on its way
	// out, innermost first.
	Through []string
}

// newPanicError describes the failure of to, which ran on w.
func newPanicError(to *Self, w *worker) *PanicError {
	value, pcs := w.Failure()
	return panicError(to.label(), value, pcs)
}

// CaughtPanic describes a panic that the caller has just recovered, on the
// goroutine that panicked and in the deferred call that recovered, as Enter
// would describe it: for a package that brings panics from one place to another.
// who names the coroutine, or what else panicked.
func CaughtPanic(who string, value any) *PanicError {
	return panicError(who, value, stackHere())
}

func panicError(who string, value any, pcs []uintptr) *PanicError {
	if inner, ok := value.(*PanicError); ok {
		outer := *inner
		outer.Through = append(slices.Clone(inner.Through), who)
		return &outer
	}
	var b strings.Builder
	for _, f := range frames(pcs) {
		fmt.Fprintf(&b, "%s(...)\n\t%s:%d\n", f.Function, f.File, f.Line)
	}
	return &PanicError{Value: value, Stack: []byte(b.String()), Coroutine: who}
}

// short gives the panic in one line.
func (e *PanicError) short() string {
	value := fmt.Sprint(e.Value)
	if i := strings.IndexByte(value, '\n'); i >= 0 {
		value = value[:i]
	}
	return value
}

// Error returns the value, the coroutines and the stack.
func (e *PanicError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "coro: panic in %s", e.Coroutine)
	for _, name := range e.Through {
		fmt.Fprintf(&b, ", through %s", name)
	}
	fmt.Fprintf(&b, ": %v\n\n%s", e.Value, e.Stack)
	return b.String()
}

// Unwrap returns Value if it is an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}
