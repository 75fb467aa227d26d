// Package handofftest holds every kind of handoff.Line to the promises of
// package handoff. Whatever can be observed through a Line must be the same for
// all kinds, so there is one suite, and the kind is its parameter.
//
// A subtest is named by the promise it checks. The subtests count the
// goroutines of all lines, so that no line may be used beside them: neither Run
// nor the test that calls it may be parallel.
package handofftest

import (
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gohandoff/coroutine/internal/handoff"
)

// Run checks that kind, which makes a zero Line a line of its kind, keeps every
// promise of package handoff.
func Run(t *testing.T, kind func(*handoff.Line)) {
	for _, group := range []struct {
		name  string
		tests []test
	}{
		{"control", controlTests},
		{"end", endTests},
		{"ask", askTests},
		{"enterer", entererTests},
		{"locked", lockedTests},
		{"model", modelTests},
	} {
		t.Run(group.name, func(t *testing.T) {
			for _, tt := range group.tests {
				t.Run(tt.promise, func(t *testing.T) {
					s := &suite{T: t, kind: kind}
					// Also the ones that failed or were skipped must not
					// disturb the next one's count.
					defer s.wantGoroutines(0)
					tt.check(s)
				})
			}
		})
	}
}

type test struct {
	promise string
	check   func(*suite)
}

// A suite is what one subtest works with.
type suite struct {
	*testing.T
	kind   func(*handoff.Line)
	bubble bool // in a synctest bubble
}

// line makes a line of the kind under test.
func (s *suite) line() *handoff.Line {
	l := new(handoff.Line)
	s.kind(l)
	return l
}

// work is a handoff.Work made of a function.
type work func() (keep bool)

func (w work) Run() (keep bool) { return w() }

// patience bounds every wait of the suite. It is only used up by a failure.
const patience = 10 * time.Second

// wantGoroutines checks that the lines have come to have n goroutines. A
// goroutine ends some time after the last thing that it tells anybody, so this
// yields the processor until the count is right. In a bubble it does nothing:
// the clock there stands still while somebody polls, and the bubble's end tells.
func (s *suite) wantGoroutines(n int) {
	s.Helper()
	if s.bubble {
		return
	}
	deadline := time.Now().Add(patience)
	for {
		got, dump := goroutines()
		if got == n {
			return
		}
		if time.Now().After(deadline) {
			s.Errorf("goroutines of lines: got %d, want %d\n%s", got, n, dump)
			return
		}
		runtime.Gosched()
	}
}

// goroutines counts the goroutines that package handoff has made, itself or
// through iter.Pull. All of them, as runtime.NumGoroutine has it, will not do:
// there may be one among them of a subtest that is over but for its goroutine's
// last steps.
func goroutines() (n int, dump string) {
	buf := make([]byte, 1<<18)
	dump = string(buf[:runtime.Stack(buf, true)])
	for line := range strings.Lines(dump) {
		creator, ok := strings.CutPrefix(line, "created by ")
		if ok && (strings.Contains(creator, "/internal/handoff.") || strings.HasPrefix(creator, "iter.Pull")) {
			n++
		}
	}
	return n, dump
}

// apart runs fn on a goroutine of its own and waits until it has ended, by
// return or by runtime.Goexit.
func apart(fn func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		fn()
	}()
	<-done
}

// wantSignal checks what came up or down.
func (s *suite) wantSignal(what string, got, want handoff.Signal) {
	s.Helper()
	if got != want {
		s.Errorf("%s: got signal %v, want %v", what, got, want)
	}
}

// want compares what was seen, in order, with what was promised.
func want[T any](s *suite, what string, got, want T) {
	s.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		s.Errorf("%s: (-want +got)\n%s", what, diff)
	}
}

// stack returns the names of the functions on the calling goroutine's stack,
// innermost first.
func stack() []string {
	pcs := make([]uintptr, 200)
	return names(pcs[:runtime.Callers(2, pcs)])
}

func names(pcs []uintptr) (names []string) {
	frames := runtime.CallersFrames(pcs)
	for {
		f, more := frames.Next()
		names = append(names, f.Function)
		if !more {
			return names
		}
	}
}

// wantOn checks that a stack holds the function called on and not the one
// called off.
func (s *suite) wantOn(what string, stack []string, on, off string) {
	s.Helper()
	has := func(name string) bool {
		for _, f := range stack {
			if strings.HasSuffix(f, "."+name) {
				return true
			}
		}
		return false
	}
	if !has(on) || has(off) {
		s.Errorf("%s: got the stack below, want one with %s and without %s\n%s",
			what, on, off, strings.Join(stack, "\n"))
	}
}
