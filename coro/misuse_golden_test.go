package coro_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gohandoff/coroutine/coro"
	"github.com/google/go-cmp/cmp"
)

var updateGolden = flag.Bool("update", false, "rewrite the golden files in testdata")

// golden compares got with a file in testdata, or rewrites the file if -update
// is given.
func golden(t *testing.T, file, got string) {
	t.Helper()
	file = filepath.Join("testdata", filepath.FromSlash(file))
	if *updateGolden {
		if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o666); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v (go test ./coro -update writes it)", err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
		t.Errorf("%s differs (-want +got; go test ./coro -update rewrites it):\n%s", file, diff)
	}
}

// A misuseProgram commits one misuse and goes on.
type misuseProgram struct {
	name       string
	want, also error // sentinels
	directOnly bool
	run        func(p *misuseProbe)
}

// misusePrograms is the table; the programs are in misuse_programs_test.go.
var misusePrograms = []misuseProgram{
	{name: "enters-itself", want: coro.ErrReentered, run: entersItself},
	{name: "enters-its-caller", want: coro.ErrReentered, run: entersItsCaller},
	{name: "enters-its-grand-caller", want: coro.ErrReentered, run: entersItsGrandCaller},
	{name: "enters-the-one-in-between", want: coro.ErrReentered, run: entersTheOneInBetween},
	{name: "thread-enter-inside", want: coro.ErrOutside, run: threadEnterInside},
	{name: "thread-enter-inside-of-itself", want: coro.ErrReentered, also: coro.ErrOutside, run: threadEnterInsideOfItself},
	{name: "entered-on-another-thread", want: coro.ErrReentered, run: enteredOnAnotherThread},
	{name: "entered-in-another-goroutine", want: coro.ErrReentered, also: coro.ErrOutside, run: enteredInAnotherGoroutine},
	{name: "wakes-twice", want: coro.ErrScheduled, run: wakesTwice},
	{name: "wakes-what-another-woke", want: coro.ErrScheduled, run: wakesWhatAnotherWoke},
	{name: "enters-a-woken-one", want: coro.ErrScheduled, run: entersAWokenOne},
	{name: "wakes-itself", want: coro.ErrReentered, run: wakesItself},
	{name: "wakes-its-caller", want: coro.ErrReentered, run: wakesItsCaller},
	{name: "enters-one-that-returned", want: coro.ErrTerminated, run: entersOneThatReturned},
	{name: "enters-one-that-was-killed", want: coro.ErrTerminated, run: entersOneThatWasKilled},
	{name: "enters-one-that-panicked", want: coro.ErrTerminated, run: entersOneThatPanicked},
	{name: "enters-one-that-exited", want: coro.ErrTerminated, run: entersOneThatExited},
	{name: "wakes-a-dead-one", want: coro.ErrTerminated, run: wakesADeadOne},
	{name: "leader-yields", want: coro.ErrNoCaller, run: leaderYields},
	{name: "leader-yields-inside", want: coro.ErrNoCaller, also: coro.ErrOutside, run: leaderYieldsInside},
	{name: "suspended-self-yields", want: coro.ErrNoCaller, also: coro.ErrOutside, run: suspendedSelfYields},
	{name: "suspended-self-enters", want: coro.ErrOutside, run: suspendedSelfEnters},
	{name: "callers-self-yields", want: coro.ErrOutside, run: callersSelfYields},
	{name: "callers-self-wakes", want: coro.ErrOutside, run: callersSelfWakes},
	{name: "self-yields-after-death", want: coro.ErrNoCaller, also: coro.ErrOutside, run: selfYieldsAfterDeath},
	{name: "self-enters-after-death", want: coro.ErrOutside, run: selfEntersAfterDeath},
	{name: "returns-holding-locks", want: coro.ErrLocksHeld, run: returnsHoldingLocks},
	{name: "killed-holding-locks", want: coro.ErrLocksHeld, run: killedHoldingLocks},
	{name: "yields-while-killed", want: coro.ErrKilledYield, run: yieldsWhileKilled},
	{name: "kills-itself", want: coro.ErrReentered, run: killsItself},
	{name: "kills-its-caller", want: coro.ErrReentered, run: killsItsCaller},
	{name: "thread-kill-inside", want: coro.ErrOutside, run: threadKillInside},
	{name: "yields-locked-to-an-os-thread", want: coro.ErrLocked, directOnly: true, run: yieldsLockedToAnOsThread},
	{name: "wakes-on-a-thread-without-a-loop", want: coro.ErrNoScheduler, run: wakesOnAThreadWithoutALoop},
	{name: "closes-while-entered", want: coro.ErrEntered, run: closesWhileEntered},
	{name: "creates-on-a-closed-thread", want: coro.ErrClosed, run: createsOnAClosedThread},
	{name: "creates-without-an-entry", want: coro.ErrNilEntry, run: createsWithoutAnEntry},
	{name: "enters-nil", want: coro.ErrNil, run: entersNil},
	{name: "wakes-nil", want: coro.ErrNil, run: wakesNil},
	{name: "kills-nil", want: coro.ErrNil, run: killsNil},
	{name: "zero-self-yields", want: coro.ErrNil, run: zeroSelfYields},
	{name: "zero-self-enters", want: coro.ErrNil, run: zeroSelfEnters},
	{name: "zero-self-creates", want: coro.ErrNil, run: zeroSelfCreates},
	{name: "answers-for-another", want: coro.ErrOutside, run: answersForAnother},
	{name: "enters-a-scheduled-one", want: coro.ErrScheduled, run: entersAScheduledOne},
	{name: "schedules-twice", want: coro.ErrScheduled, run: schedulesTwice},
}

// A misuseProbe is what a misuse program runs with.
type misuseProbe struct {
	*testing.T
	thread *coro.Thread
	create func(opts ...coro.Option) *coro.Thread
	caught []any
}

func (p *misuseProbe) newThread(name string) *coro.Thread { return p.create(coro.WithName(name)) }

// misuse runs f, which must panic, and keeps what it panics with.
func (p *misuseProbe) misuse(f func()) { p.caught = append(p.caught, p.panics(f)) }

// panics runs f, which must panic, and returns what it panics with.
func (p *misuseProbe) panics(f func()) (v any) {
	defer func() {
		if v = recover(); v == nil {
			p.Errorf("no panic")
		}
	}()
	f()
	return nil
}

// goes runs f as another goroutine; the channel is closed when that has ended.
func (p *misuseProbe) goes(f func()) <-chan bool {
	done := make(chan bool)
	go func() {
		defer close(done)
		f()
	}()
	return done
}

func (p *misuseProbe) mustBe(co *coro.Coroutine, want coro.Status) {
	p.Helper()
	if got := co.Status(); got != want {
		p.Errorf("%v is %v, want %v", co, got, want)
	}
}

func (p *misuseProbe) mustEqual(what string, got, want any) {
	p.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		p.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func (p *misuseProbe) noError(err error) {
	p.Helper()
	if err != nil {
		p.Error(err)
	}
}

// finish enters co until it has ended, which it must, soon, by returning.
func (p *misuseProbe) finish(co *coro.Coroutine) {
	p.Helper()
	for range 3 {
		if co.Status() == coro.Dead {
			return
		}
		p.thread.Enter(co)
	}
	p.mustBe(co, coro.Dead)
}

// TestMisuse runs every program twice, without and with kept sites, and holds
// the full text of each misuse against one golden file for both handoffs.
func TestMisuse(t *testing.T) {
	eachHandoff(t, func(t *testing.T, newThread func(opts ...coro.Option) *coro.Thread) {
		for _, prog := range misusePrograms {
			t.Run(prog.name, func(t *testing.T) {
				if prog.directOnly && newThread().Handoff() != coro.Direct {
					t.Skip("a misuse on Direct only")
				}
				var b strings.Builder
				for _, sites := range []bool{false, true} {
					create := newThread
					if sites {
						b.WriteString("\nWithSites:\n\n")
						create = func(opts ...coro.Option) *coro.Thread {
							return newThread(append(opts, coro.WithSites())...)
						}
					}
					p := &misuseProbe{T: t, create: create}
					p.thread = p.newThread("main")
					prog.run(p)
					b.WriteString(p.verify(prog))
				}
				golden(t, "misuse/"+prog.name+".txt", b.String())
			})
		}
	})
}

// verify checks the one misuse that was caught, and returns its text.
func (p *misuseProbe) verify(prog misuseProgram) string {
	p.Helper()
	if len(p.caught) != 1 {
		p.Fatalf("%d misuses caught, want 1", len(p.caught))
	}
	err, ok := p.caught[0].(error)
	if !ok {
		p.Fatalf("panicked with %v, want an error", p.caught[0])
	}
	var usage *coro.UsageError
	if !errors.As(err, &usage) {
		p.Fatalf("panicked with %v, want a *coro.UsageError", err)
	}
	for _, want := range []error{prog.want, prog.also} {
		if want != nil && !errors.Is(err, want) {
			p.Errorf("errors.Is(err, %q) = false for:\n%v", want, err)
		}
	}
	if !strings.HasPrefix(usage.Error(), prog.want.Error()) {
		p.Errorf("text does not start with %q:\n%v", prog.want, usage)
	}
	return fmt.Sprintln(usage)
}
