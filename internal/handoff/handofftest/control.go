package handofftest

import (
	"testing"

	"github.com/gohandoff/coroutine/internal/handoff"
)

var controlTests = []test{
	{"control goes down with Enter and up with Yield and Terminate", testOrder},
	{"Prepare and the fields do what Run, Enter and Yield do", testFields},
	{"an idle runner takes the next work on the same goroutine", testReuse},
	{"a runner that is not kept ends", testNotKept},
	{"Release ends an idle runner", testRelease},
	{"a line that was never run leaks nothing", testNeverRun},
	{"work may enter other lines", testNest},
	{"each side sees what the other wrote before", testMemory},
	{"Enter and Yield allocate nothing", testAllocs},
}

// testOrder follows the diagram of the package comment.
func testOrder(s *suite) {
	var got []string
	say := func(what string) { got = append(got, what) }

	l := s.line()
	say("enterer runs work")
	s.wantSignal("Run", l.Run(work(func() bool {
		say("work starts")
		s.wantSignal("first Yield", l.Yield(), handoff.Enter)
		say("work goes on")
		s.wantSignal("second Yield", l.Yield(), handoff.Enter)
		say("work returns")
		return false
	})), handoff.Yield)
	say("enterer enters")
	s.wantSignal("first Enter", l.Enter(handoff.Enter), handoff.Yield)
	say("enterer enters again")
	s.wantSignal("second Enter", l.Enter(handoff.Enter), handoff.Terminate)
	say("enterer goes on")

	want(s, "order", got, []string{
		"enterer runs work",
		"work starts",
		"enterer enters",
		"work goes on",
		"enterer enters again",
		"work returns",
		"enterer goes on",
	})
}

// testFields goes the way that a hot path goes: by Next and Back themselves.
func testFields(s *suite) {
	l := s.line()
	ran := false
	l.Prepare(work(func() bool {
		ran = true
		l.Back(handoff.Yield)
		s.wantSignal("Down after Enter", l.Woken(), handoff.Enter)
		l.Back(handoff.Yield)
		s.wantSignal("Down after EnterLocked", l.Woken(), handoff.Enter)
		l.Back(handoff.Yield)
		s.wantSignal("Down after Kill", l.Woken(), handoff.Kill)
		panic(handoff.ErrKilled)
	}))
	if ran {
		s.Error("Prepare has started the work")
	}
	enter := func(down handoff.Signal) (handoff.Signal, bool) {
		l.Down = down
		return l.Next()
	}
	up, ok := enter(handoff.Enter)
	if up != handoff.Yield || !ok || !ran {
		s.Errorf("first Next: got %v, %t, ran %t, want yield, true, ran true", up, ok, ran)
	}
	s.wantSignal("Settle of a Yield", l.Settle(up, ok), handoff.Yield)
	up, ok = enter(handoff.Enter)
	s.wantSignal("Settle of the next", l.Settle(up, ok), handoff.Yield)
	up, ok = l.EnterLocked()
	s.wantSignal("Settle after EnterLocked", l.Settle(up, ok), handoff.Yield)
	up, ok = enter(handoff.Kill)
	if ok {
		s.Errorf("last Next: got %v, true, want false: the runner has ended", up)
	}
	s.wantSignal("Settle of the end", l.Settle(up, ok), handoff.Terminate)
}

func testReuse(s *suite) {
	l := s.line()
	for i := range 20 {
		ran := false
		s.wantSignal("Run", l.Run(work(func() bool {
			l.Yield()
			ran = true
			return true
		})), handoff.Yield)
		s.wantGoroutines(1)
		if l.Kept() {
			s.Fatalf("work %d: Kept while the work is under way", i)
		}
		s.wantSignal("Enter", l.Enter(handoff.Enter), handoff.Terminate)
		s.wantGoroutines(1)
		if !ran || !l.Kept() {
			s.Fatalf("work %d: got ran %t, kept %t, want true, true", i, ran, l.Kept())
		}
	}
	// The last work decides.
	s.wantSignal("Run", l.Run(work(func() bool { return false })), handoff.Terminate)
	if l.Kept() {
		s.Error("Kept after work that asked not to be")
	}
	s.wantGoroutines(0)
}

func testNotKept(s *suite) {
	for range 100 {
		l := s.line()
		s.wantSignal("Run", l.Run(work(func() bool { return false })), handoff.Terminate)
		if l.Kept() {
			s.Fatal("Kept after work that asked not to be")
		}
	}
	s.wantGoroutines(0)
}

func testRelease(s *suite) {
	l := s.line()
	s.wantSignal("Run", l.Run(work(func() bool { return true })), handoff.Terminate)
	s.wantGoroutines(1)
	l.Release()
	if l.Kept() {
		s.Error("Kept after Release")
	}
	s.wantGoroutines(0)
}

func testNeverRun(s *suite) {
	for range 100 {
		s.line()
	}
	prepared := s.line()
	prepared.Prepare(work(func() bool { return false }))
	s.wantGoroutines(0)
}

// testNest yields from the innermost of three to the one above it, and so on
// up to the subtest, and down again.
func testNest(s *suite) {
	var got []string
	say := func(what string) { got = append(got, what) }
	a, b, c := s.line(), s.line(), s.line()

	level := func(l *handoff.Line, name string, inner func() handoff.Signal, again *handoff.Line) work {
		return func() bool {
			say(name + " starts")
			if inner != nil {
				s.wantSignal(name+"'s inner", inner(), handoff.Yield)
			}
			say(name + " yields")
			l.Yield()
			if again != nil {
				s.wantSignal(name+"'s inner", again.Enter(handoff.Enter), handoff.Terminate)
			}
			say(name + " returns")
			return false
		}
	}
	runC := func() handoff.Signal { return c.Run(level(c, "c", nil, nil)) }
	runB := func() handoff.Signal { return b.Run(level(b, "b", runC, c)) }
	s.wantSignal("Run", a.Run(level(a, "a", runB, b)), handoff.Yield)
	s.wantGoroutines(3)
	s.wantSignal("Enter", a.Enter(handoff.Enter), handoff.Terminate)

	want(s, "order", got, []string{
		"a starts", "b starts", "c starts",
		"c yields", "b yields", "a yields",
		"c returns", "b returns", "a returns",
	})
}

// testMemory shares plain variables; the race detector is the judge, and the
// values are one where it is off.
func testMemory(s *suite) {
	const rounds = 1000
	n := 0
	step := func(want int) {
		if n != want {
			s.Errorf("got %d, want %d", n, want)
		}
		n++
	}
	l := s.line()
	step(0)
	l.Run(work(func() bool {
		for i := range rounds {
			step(5*i + 1)
			l.AskBack(func() { step(5*i + 2) })
			step(5*i + 3)
			l.Yield()
		}
		step(5*rounds + 1)
		return true
	}))
	for i := range rounds {
		l.Ask(func() { step(5*i + 4) })
		step(5*i + 5)
		l.Enter(handoff.Enter)
	}
	step(5*rounds + 2)
	l.Run(work(func() bool { step(5*rounds + 3); return true }))
	step(5*rounds + 4)
	l.Release()
	step(5*rounds + 5)
}

func testAllocs(s *suite) {
	l := s.line()
	l.Run(work(func() bool {
		for l.Yield() == handoff.Enter {
		}
		return false
	}))
	allocs := testing.AllocsPerRun(1000, func() { l.Enter(handoff.Enter) })
	if allocs != 0 {
		s.Errorf("got %v allocations for each Enter and Yield, want 0", allocs)
	}
	s.wantSignal("Kill", l.Enter(handoff.Kill), handoff.Terminate)
}
