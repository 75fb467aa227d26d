package handofftest

import (
	"runtime"

	"github.com/gohandoff/coroutine/internal/handoff"
)

// Most of these end the process, by a throw in the runtime, if a promise is
// broken.
var lockedTests = []test{
	{"the enterer may be locked before the line is made", testLockedBefore},
	{"the enterer may be locked after the line is made, and unlocked again", testLockedAfter},
	{"the enterer may hold nested locks, also uneven ones", testLockedNested},
	{"a locked enterer's lock is neither taken nor passed on", testLockNotShared},
	{"Exit ends a locked enterer", testLockedExit},
	{"the runner may lock its thread and unlock it before Yield", testRunnerLocks},
	{"a locked runner may enter other lines", testLockedRunnerEnters},
	{"AskBack by a locked runner runs on the enterer or reports that it cannot", testLockedAskBack},
	{"a runner that returns locked is not kept and passes no lock on", testRunnerReturnsLocked},
	{"a runner that panics or is killed while locked ends", testRunnerPanicsLocked},
	{"Goexit by a locked runner ends it", testRunnerExitsLocked},
}

func exitNow() { runtime.Goexit() }

// wantLocked checks the calling goroutine, where that can be told at all.
func (s *suite) wantLocked(who string, want bool) {
	s.Helper()
	if got := handoff.OSThreadLocked(); handoff.DirectAvailable() && got != want {
		s.Errorf("%s: got locked to its OS thread %t, want %t", who, got, want)
	}
}

// tour goes through everything an enterer can do with a line that has been
// made but not run.
func (s *suite) tour(l *handoff.Line) {
	s.tourStart(l)
	s.tourEnd(l)
}

// tourStart leaves the line in a Yield, and tourEnd ends it.
func (s *suite) tourStart(l *handoff.Line) {
	asked := 0
	w := work(func() bool {
		s.wantLocked("runner", false)
		if !askingBack(l, func() { asked++ }) {
			s.Error("AskBack could not")
		}
		if waitingRunner(l) == handoff.Kill {
			panic(handoff.ErrKilled)
		}
		s.wantLocked("runner", false)
		return true
	})
	s.wantSignal("Run", l.Run(w), handoff.Yield)
	s.wantSignal("Enter", l.Enter(handoff.Enter), handoff.Terminate)
	if !l.Kept() {
		s.Error("not Kept")
	}
	s.wantSignal("second Run", l.Run(w), handoff.Yield)
	s.askCounts(l, &asked)
	want(s, "asked", asked, 3)
}

func (s *suite) tourEnd(l *handoff.Line) {
	asked := 0
	s.askCounts(l, &asked)
	want(s, "asked", asked, 1)
	l.Down = handoff.Enter
	up, ok := l.EnterLocked()
	s.wantSignal("EnterLocked", l.Settle(up, ok), handoff.Terminate)
	s.wantSignal("third Run", l.Run(work(func() bool {
		if l.Yield() == handoff.Kill {
			panic(handoff.ErrKilled)
		}
		return true
	})), handoff.Yield)
	s.wantSignal("Kill", l.Enter(handoff.Kill), handoff.Terminate)
	if l.Kept() {
		s.Error("Kept after unwinding")
	}
	l = s.line()
	s.wantSignal("Run", l.Run(work(func() bool { return true })), handoff.Terminate)
	l.Release()
}

func (s *suite) askCounts(l *handoff.Line, n *int) {
	var on []string
	asking(l, func() { *n++; on = stack() })
	s.wantOn("stack", on, "waitingRunner", "asking")
}

func testLockedBefore(s *suite) {
	apart(func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		s.wantLocked("enterer", true)
		s.tour(s.line())
		s.wantLocked("enterer", true)
	})
	// The line outlives the lock, and the locked goroutine.
	var l *handoff.Line
	apart(func() {
		runtime.LockOSThread()
		l = s.line()
		s.tourStart(l)
		// It ends locked, and takes its thread with it.
	})
	s.tourEnd(l)
}

func testLockedAfter(s *suite) {
	apart(func() {
		l := s.line()
		runtime.LockOSThread()
		s.tourStart(l)
		runtime.UnlockOSThread()
		s.tourEnd(l)

		l = s.line()
		s.tourStart(l)
		runtime.LockOSThread()
		s.tourEnd(l)
		runtime.UnlockOSThread()
	})
}

func testLockedNested(s *suite) {
	apart(func() {
		runtime.LockOSThread()
		runtime.LockOSThread()
		runtime.LockOSThread()
		l := s.line()
		s.tourStart(l)
		runtime.UnlockOSThread()
		s.wantLocked("enterer", true)
		s.tourEnd(l)

		l = s.line()
		s.tourStart(l)
		runtime.UnlockOSThread()
		s.wantLocked("enterer", true)
		s.tourEnd(l)

		l = s.line()
		s.tourStart(l)
		runtime.UnlockOSThread()
		s.wantLocked("enterer", false)
		s.tourEnd(l)
	})
}

func testLockNotShared(s *suite) {
	apart(func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		l := s.line()
		var on []string
		l.Run(work(func() bool { l.Yield(); return false }))
		s.wantLocked("enterer after Run", true)
		l.Ask(func() { s.wantLocked("runner, asked", false) })
		s.wantLocked("enterer after Ask", true)
		s.wantSignal("Enter", l.Enter(handoff.Enter), handoff.Terminate)
		s.wantLocked("enterer after Enter", true)

		l = s.line()
		waitingEnterer(l, func() bool {
			l.AskBack(func() { s.wantLocked("enterer, asked", true); on = stack() })
			return false
		})
		s.wantOn("stack of the locked enterer", on, "waitingEnterer", "askingBack")
	})
}

func testLockedExit(s *suite) {
	deferred := 0
	l := s.line()
	apart(func() {
		defer func() { deferred++ }()
		runtime.LockOSThread()
		s.wantSignal("Run", l.Run(work(func() bool {
			defer func() { deferred++ }()
			exitNow()
			return true
		})), handoff.Goexit)
		l.Exit()
		s.Error("Exit returned")
	})
	want(s, "deferred calls", deferred, 2)
	s.wantGoroutines(0)
}

func testRunnerLocks(s *suite) {
	l := s.line()
	w := work(func() bool {
		for range 3 {
			runtime.LockOSThread()
			runtime.LockOSThread()
			s.wantLocked("runner", true)
			runtime.UnlockOSThread()
			runtime.UnlockOSThread()
			s.wantLocked("runner", false)
			l.Yield()
		}
		return true
	})
	for range 2 {
		s.wantSignal("Run", l.Run(w), handoff.Yield)
		s.wantSignal("Enter", l.Enter(handoff.Enter), handoff.Yield)
		s.wantSignal("Enter", l.Enter(handoff.Enter), handoff.Yield)
		s.wantSignal("Enter", l.Enter(handoff.Enter), handoff.Terminate)
		s.wantLocked("enterer", false)
		if !l.Kept() {
			s.Fatal("not Kept")
		}
	}
	l.Release()
}

func testLockedRunnerEnters(s *suite) {
	outer := s.line()
	s.wantSignal("Run", outer.Run(work(func() bool {
		inner := s.line()
		runtime.LockOSThread()
		s.tourStart(inner)
		s.tour(s.line())
		runtime.UnlockOSThread()
		outer.Yield()
		s.tourEnd(inner)
		return false
	})), handoff.Yield)
	s.wantSignal("Enter", outer.Enter(handoff.Enter), handoff.Terminate)
}

func testLockedAskBack(s *suite) {
	l := s.line()
	s.wantSignal("Run", waitingEnterer(l, func() bool {
		runtime.LockOSThread()
		var on []string
		ok := askingBack(l, func() { on = stack() })
		runtime.UnlockOSThread()
		if ok != (on != nil) {
			s.Errorf("got AskBack %t, and the function ran %t", ok, on != nil)
		}
		if ok {
			s.wantOn("stack", on, "waitingEnterer", "askingBack")
		} else if !l.Direct {
			s.Error("AskBack could not on a line that is not Direct")
		}
		l.Yield()
		return false
	}), handoff.Yield)
	s.wantSignal("Enter", l.Enter(handoff.Enter), handoff.Terminate)
}

func testRunnerReturnsLocked(s *suite) {
	for _, locks := range []int{1, 3} {
		l := s.line()
		w := work(func() bool {
			s.wantLocked("runner at its start", false)
			l.Yield()
			for range locks {
				runtime.LockOSThread()
			}
			return true // asks to be kept all the same
		})
		s.wantSignal("Run", l.Run(w), handoff.Yield)
		s.wantSignal("Enter", l.Enter(handoff.Enter), handoff.Terminate)
		s.wantLocked("enterer", false)
		if !handoff.DirectAvailable() {
			l.Release() // a lock cannot be told, so the promise cannot be kept
			continue
		}
		if l.Kept() {
			s.Error("Kept with a lock")
		}
		s.wantGoroutines(0)
	}
}

func testRunnerPanicsLocked(s *suite) {
	for _, tt := range []struct {
		value any
		want  handoff.Signal
	}{{"x", handoff.Panic}, {handoff.ErrKilled, handoff.Terminate}} {
		l := s.line()
		s.wantSignal("Run", l.Run(work(func() bool {
			runtime.LockOSThread()
			runtime.LockOSThread()
			panic(tt.value)
		})), tt.want)
		if l.Kept() {
			s.Error("Kept after unwinding")
		}
		s.wantGoroutines(0)
		s.wantLocked("enterer", false)
	}
}

func testRunnerExitsLocked(s *suite) {
	l := s.line()
	apart(func() {
		s.wantSignal("Run", l.Run(work(func() bool {
			runtime.LockOSThread()
			runtime.LockOSThread()
			exitNow()
			return true
		})), handoff.Goexit)
		s.wantLocked("enterer", false)
		l.Exit()
		s.Error("Exit returned")
	})
	s.wantGoroutines(0)
}
