package aio_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/aio"
)

// TestMain fails the package if any test leaves a goroutine behind.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

// newLoop makes loops that are closed when the test ends.
type newLoop func(opts ...aio.Option) *aio.Loop

// eachHandoff runs f once on each handoff, as subtests "channel" and "direct":
// what a program can observe is the same on both.
func eachHandoff(t *testing.T, f func(t *testing.T, loop newLoop)) {
	t.Helper()
	for _, h := range []coro.Handoff{coro.Channel, coro.Direct} {
		t.Run(h.String(), func(t *testing.T) { f(t, loopsOn(t, h)) })
	}
}

func loopsOn(t testing.TB, h coro.Handoff) newLoop {
	return func(opts ...aio.Option) *aio.Loop {
		l := aio.NewLoop(append([]aio.Option{aio.WithThread(coro.WithHandoff(h))}, opts...)...)
		t.Cleanup(func() {
			if err := l.Close(); err != nil {
				t.Errorf("Close: %v", err)
			}
		})
		return l
	}
}

// virtual gives a loop a clock that starts at epoch.
func virtual() aio.Option { return aio.WithClock(aio.NewVirtualClock(epoch)) }

var epoch = time.Date(2000, time.January, 1, 0, 0, 0, 0, time.UTC)

// run runs l, which must end because nothing is left.
func run(t testing.TB, l *aio.Loop) {
	t.Helper()
	if err := l.Run(context.Background()); err != nil {
		t.Fatalf("Run: got %v, want nil", err)
	}
}

// A journal is what a test writes down while control moves about, to be compared
// with what should have happened.
type journal []string

func (j *journal) add(format string, args ...any) {
	*j = append(*j, fmt.Sprintf(format, args...))
}

func (j *journal) want(t testing.TB, want ...string) {
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
func wantMisuse(t testing.TB, sentinel error, f func()) {
	t.Helper()
	v := caught(f)
	e, ok := v.(*coro.UsageError)
	if !ok || !errors.Is(e, sentinel) {
		t.Errorf("got panic value %T: %v, want a *UsageError for %q", v, v, sentinel)
	}
}

// wantIs checks an error.
func wantIs(t testing.TB, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("got error %v, want %v", err, want)
	}
}

// sleepFor gives a task that sleeps and returns nil. Inlined, its closure would
// have another name in the golden files.
//
//go:noinline
func sleepFor(d time.Duration) func(self *coro.Self) error {
	return func(self *coro.Self) error {
		aio.Sleep(self, d)
		return nil
	}
}

// stuck parks for ever.
func stuck(self *coro.Self) error {
	self.Yield()
	return nil
}

// exits runs f on a goroutine of its own and reports whether it ended that
// goroutine by runtime.Goexit, and what it panicked with.
func exits(f func()) (exited bool, value any) {
	done := make(chan struct{})
	returned := false
	go func() {
		defer close(done)
		defer func() { value = recover() }()
		f()
		returned = true
	}()
	<-done
	return !returned && value == nil, value
}
