package coro_test

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gohandoff/coroutine/coro"
)

// A journal is what a test writes down while control moves about, to be compared
// with what should have happened.
type journal []string

func (j *journal) add(format string, args ...any) {
	*j = append(*j, fmt.Sprintf(format, args...))
}

func (j *journal) want(t *testing.T, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, []string(*j)); diff != "" {
		t.Errorf("what happened (-want +got):\n%s", diff)
	}
	*j = nil
}

// caught runs f and returns what it panicked with, nil if it returned.
func caught(f func()) (value any) {
	defer func() { value = recover() }()
	f()
	return nil
}

// wantMisuse runs f, which must panic with a *UsageError for sentinel.
func wantMisuse(t *testing.T, sentinel error, f func()) *coro.UsageError {
	t.Helper()
	v := caught(f)
	e, ok := v.(*coro.UsageError)
	if !ok || !errors.Is(e, sentinel) {
		t.Fatalf("got panic value %T: %v, want a *UsageError for %q", v, v, sentinel)
	}
	return e
}

// wantPanic runs f, which must panic with a *PanicError that holds value.
func wantPanic(t *testing.T, value any, f func()) *coro.PanicError {
	t.Helper()
	v := caught(f)
	e, ok := v.(*coro.PanicError)
	if !ok || e.Value != value {
		t.Fatalf("got panic value %T: %v, want a *PanicError that holds %v", v, v, value)
	}
	return e
}

// wantStatus compares the status of co.
func wantStatus(t *testing.T, co *coro.Coroutine, want coro.Status) {
	t.Helper()
	if got := co.Status(); got != want {
		t.Errorf("status of %v: got %v, want %v", co, got, want)
	}
}

// exits runs f on a goroutine of its own and reports whether it ended that
// goroutine by runtime.Goexit. A panic of f is passed on.
func exits(t *testing.T, f func()) bool {
	t.Helper()
	returned, value := false, any(nil)
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() { value = recover() }()
		f()
		returned = true
	}()
	<-done
	if value != nil {
		t.Fatalf("got panic value %T: %v, want none", value, value)
	}
	return !returned
}

// goroutinesAtRest returns how many goroutines there are once those of earlier
// tests are gone, which is when there are left the main one and one for each
// level of the test.
func goroutinesAtRest(t *testing.T) int {
	t.Helper()
	return waitForGoroutines(2+strings.Count(t.Name(), "/"), time.Second)
}

// goroutinesBackTo waits until no more than want goroutines exist. A goroutine
// that has reported its end still needs a few instructions to be gone, and on a
// busy machine its turn to run them.
func goroutinesBackTo(t *testing.T, want int) {
	t.Helper()
	if got := waitForGoroutines(want, 10*time.Second); got > want {
		t.Errorf("goroutines: got %d, want %d", got, want)
	}
}

func waitForGoroutines(want int, atMost time.Duration) (got int) {
	for deadline := time.Now().Add(atMost); time.Now().Before(deadline); runtime.Gosched() {
		if got = runtime.NumGoroutine(); got <= want {
			break
		}
	}
	return got
}

// yielder is an entry that yields for ever.
func yielder(self *coro.Self) {
	for {
		self.Yield()
	}
}

// nop is an entry that does nothing.
func nop(*coro.Self) {}

// fileOf returns the file name in a place as the package writes it:
// "dir/file.go:12 (function)".
func fileOf(place string) string {
	file, _, _ := strings.Cut(place, ":")
	return file[strings.LastIndexByte(file, '/')+1:]
}
