package handofftest

import "github.com/gohandoff/coroutine/internal/handoff"

var askTests = []test{
	{"Ask runs on the runner, which waits on", testAsk},
	{"Ask may come from another goroutine than the last Enter", testAskElsewhere},
	{"AskBack runs on the enterer, which waits on", testAskBack},
	{"AskBack works in deferred calls of work that unwinds", testAskBackUnwinding},
	{"Ask goes down through a chain", testAskChain},
	{"AskBack goes up through a chain of three", testAskBackChain},
	{"a question may be answered with a question", testAskEachOther},
}

// The functions below are told apart by name on the stacks.

//go:noinline
func waitingRunner(l *handoff.Line) handoff.Signal { return l.Yield() }

//go:noinline
func waitingEnterer(l *handoff.Line, w work) handoff.Signal { return l.Run(w) }

//go:noinline
func asking(l *handoff.Line, fn func()) { l.Ask(fn) }

//go:noinline
func askingBack(l *handoff.Line, fn func()) bool { return l.AskBack(fn) }

func testAsk(s *suite) {
	var got []string
	say := func(what string) { got = append(got, what) }
	l := s.line()
	l.Run(work(func() bool {
		s.wantSignal("Yield", waitingRunner(l), handoff.Enter)
		say("entered")
		s.wantSignal("Yield", waitingRunner(l), handoff.Kill)
		panic(handoff.ErrKilled)
	}))
	for range 2 {
		var on []string
		asking(l, func() { say("asked"); on = stack() })
		say("answered")
		s.wantOn("stack", on, "waitingRunner", "asking")
	}
	s.wantSignal("Enter", l.Enter(handoff.Enter), handoff.Yield)
	asking(l, func() { say("asked") })
	s.wantSignal("Kill", l.Enter(handoff.Kill), handoff.Terminate)
	want(s, "order", got, []string{
		"asked", "answered", "asked", "answered", "entered", "asked",
	})
}

func testAskElsewhere(s *suite) {
	l := s.line()
	n := 0
	l.Run(work(func() bool { waitingRunner(l); n++; return false }))
	for range 10 {
		apart(func() {
			var on []string
			asking(l, func() { n++; on = stack() })
			s.wantOn("stack", on, "waitingRunner", "asking")
		})
	}
	s.wantSignal("Enter", l.Enter(handoff.Enter), handoff.Terminate)
	want(s, "count", n, 11)
}

func testAskBack(s *suite) {
	var got []string
	say := func(what string) { got = append(got, what) }
	l := s.line()
	s.wantSignal("Run", waitingEnterer(l, func() bool {
		for range 2 {
			var on []string
			ok := askingBack(l, func() { say("asked"); on = stack() })
			say("answered")
			if !ok {
				s.Error("AskBack could not")
			}
			s.wantOn("stack", on, "waitingEnterer", "askingBack")
		}
		s.wantSignal("Yield", l.Yield(), handoff.Enter)
		askingBack(l, func() { say("asked while in Enter") })
		return true
	}), handoff.Yield)
	say("yielded")
	s.wantSignal("Enter", l.Enter(handoff.Enter), handoff.Terminate)
	s.wantSignal("second Run", waitingEnterer(l, func() bool {
		askingBack(l, func() { say("asked by the next work") })
		return true
	}), handoff.Terminate)
	l.Release()
	want(s, "order", got, []string{
		"asked", "answered", "asked", "answered", "yielded",
		"asked while in Enter", "asked by the next work",
	})
}

func testAskBackUnwinding(s *suite) {
	l := s.line()
	asked := 0
	w := func(end func()) work {
		return func() bool {
			defer func() {
				if !l.AskBack(func() { asked++ }) {
					s.Error("AskBack could not")
				}
			}()
			end()
			return false
		}
	}
	s.wantSignal("killed", l.Run(w(func() { panic(handoff.ErrKilled) })), handoff.Terminate)
	l = s.line()
	s.wantSignal("panicking", l.Run(w(func() { panic("x") })), handoff.Panic)
	want(s, "asked", asked, 2)
}

// testAskChain asks b, which a's work holds, by asking a.
func testAskChain(s *suite) {
	a, b := s.line(), s.line()
	a.Run(work(func() bool {
		b.Run(work(func() bool { waitingRunner(b); return false }))
		waitingRunner(a)
		b.Enter(handoff.Enter)
		return false
	}))
	var onA, onB []string
	asking(a, func() {
		onA = stack()
		asking(b, func() { onB = stack() })
	})
	s.wantOn("a's stack", onA, "waitingRunner", "asking")
	s.wantOn("b's stack", onB, "waitingRunner", "asking")
	s.wantSignal("Enter", a.Enter(handoff.Enter), handoff.Terminate)
}

//go:noinline
func topEnterer(l *handoff.Line, w work) handoff.Signal { return l.Run(w) }

//go:noinline
func middleEnterer(l *handoff.Line, w work) handoff.Signal { return l.Run(w) }

//go:noinline
func bottomEnterer(l *handoff.Line, w work) handoff.Signal { return l.Run(w) }

func testAskBackChain(s *suite) {
	a, b, c := s.line(), s.line(), s.line()
	var onA, onB, onTop []string
	s.wantSignal("a", topEnterer(a, func() bool {
		s.wantSignal("b", middleEnterer(b, func() bool {
			s.wantSignal("c", bottomEnterer(c, func() bool {
				askingBack(c, func() {
					onB = stack()
					askingBack(b, func() {
						onA = stack()
						askingBack(a, func() { onTop = stack() })
					})
				})
				return false
			}), handoff.Terminate)
			return false
		}), handoff.Terminate)
		return false
	}), handoff.Terminate)
	s.wantOn("stack of c's enterer", onB, "bottomEnterer", "middleEnterer")
	s.wantOn("stack of b's enterer", onA, "middleEnterer", "topEnterer")
	s.wantOn("stack of a's enterer", onTop, "topEnterer", "middleEnterer")
}

// testAskEachOther: whoever receives a question answers it before it does
// anything else, also while it waits for an answer of its own.
func testAskEachOther(s *suite) {
	var got []string
	l := s.line()
	says := func(who, asker, other string) func() {
		return func() {
			got = append(got, who)
			s.wantOn(who, stack(), other, asker)
		}
	}
	s.wantSignal("Run", waitingEnterer(l, func() bool {
		askingBack(l, func() {
			says("enterer", "askingBack", "waitingEnterer")()
			l.Ask(says("runner, which asks", "waitingEnterer", "askingBack"))
			got = append(got, "enterer again")
		})
		got = append(got, "runner")
		waitingRunner(l)
		return false
	}), handoff.Yield)
	asking(l, func() {
		says("runner", "asking", "waitingRunner")()
		l.AskBack(says("enterer, which asks", "waitingRunner", "asking"))
		got = append(got, "runner again")
	})
	s.wantSignal("Enter", l.Enter(handoff.Enter), handoff.Terminate)
	want(s, "order", got, []string{
		"enterer", "runner, which asks", "enterer again", "runner",
		"runner", "enterer, which asks", "runner again",
	})
}
