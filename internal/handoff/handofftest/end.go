package handofftest

import (
	"errors"
	"runtime"
	"testing"

	"github.com/gohandoff/coroutine/internal/handoff"
)

var endTests = []test{
	{"Kill is what Yield returns, and ErrKilled terminates", testKill},
	{"work that swallows a Kill and returns may be kept", testKillSwallowed},
	{"Panic comes with the value and the stack", testPanic},
	{"panic of nil is a Panic", testPanicNil},
	{"a panic after a Kill is a Panic", testPanicAfterKill},
	{"a panic in a nest goes up level by level", testPanicNest},
	{"the stack of a deep panic is bounded and starts innermost", testPanicDeep},
	{"Goexit comes up and Exit ends the enterer likewise", testGoexit},
	{"Goexit after a panic is a Goexit", testGoexitAfterPanic},
	{"Goexit in a nest ends every enterer in turn", testGoexitNest},
	{"what ends a test in the work ends the test", testEndTest},
}

func testKill(s *suite) {
	var got []string
	l := s.line()
	l.Run(work(func() bool {
		defer func() { got = append(got, "outer defer") }()
		defer func() { got = append(got, "inner defer") }()
		down := l.Yield()
		got = append(got, "yield returned "+down.String())
		if down == handoff.Kill {
			panic(handoff.ErrKilled)
		}
		return true
	}))
	s.wantSignal("Kill", l.Enter(handoff.Kill), handoff.Terminate)
	want(s, "order", got, []string{"yield returned kill", "inner defer", "outer defer"})
	if l.Kept() {
		s.Error("Kept after unwinding")
	}
	s.wantGoroutines(0)
}

func testKillSwallowed(s *suite) {
	l := s.line()
	l.Run(work(func() (keep bool) {
		defer func() {
			keep = recover() == any(handoff.ErrKilled)
		}()
		if l.Yield() == handoff.Kill {
			panic(handoff.ErrKilled)
		}
		return false
	}))
	s.wantSignal("Kill", l.Enter(handoff.Kill), handoff.Terminate)
	if !l.Kept() {
		s.Fatal("not Kept after work that recovered and asked to be")
	}
	s.wantSignal("Run", l.Run(work(func() bool { return true })), handoff.Terminate)
	l.Release()
}

//go:noinline
func panickingFunction(v any) { panic(v) }

func testPanic(s *suite) {
	for _, value := range []any{
		"a string", errors.New("an error"), 42, []int{1, 2}, // the last one cannot be compared
	} {
		l := s.line()
		deferred := false
		l.Run(work(func() bool {
			defer func() { deferred = true }()
			l.Yield()
			panickingFunction(value)
			return true
		}))
		s.wantSignal("Enter", l.Enter(handoff.Enter), handoff.Panic)
		got, pcs := l.Failure()
		switch value := value.(type) {
		case error:
			if got != any(value) {
				s.Errorf("value: got %v, want the very error %v", got, value)
			}
		default:
			want(s, "value", got, any(value))
		}
		s.wantOn("stack", names(pcs), "panickingFunction", "apart")
		if !deferred {
			s.Error("the deferred call has not run")
		}
		if l.Kept() {
			s.Error("Kept after a panic")
		}
	}
	s.wantGoroutines(0)
}

func testPanicNil(s *suite) {
	l := s.line()
	s.wantSignal("Run", l.Run(work(func() bool {
		panickingFunction(nil)
		return true
	})), handoff.Panic)
	value, pcs := l.Failure()
	if _, ok := value.(*runtime.PanicNilError); !ok {
		s.Errorf("value: got %T, want *runtime.PanicNilError", value)
	}
	s.wantOn("stack", names(pcs), "panickingFunction", "apart")
}

func testPanicAfterKill(s *suite) {
	l := s.line()
	l.Run(work(func() bool {
		defer panickingFunction("while unwinding")
		l.Yield()
		panic(handoff.ErrKilled)
	}))
	s.wantSignal("Kill", l.Enter(handoff.Kill), handoff.Panic)
	value, _ := l.Failure()
	want(s, "value", value, any("while unwinding"))
}

func testPanicNest(s *suite) {
	var got []string
	inner, outer := s.line(), s.line()
	s.wantSignal("Run", outer.Run(work(func() bool {
		defer func() { got = append(got, "outer defer") }()
		s.wantSignal("inner Run", inner.Run(work(func() bool {
			defer func() { got = append(got, "inner defer") }()
			panickingFunction("inner")
			return false
		})), handoff.Panic)
		value, _ := inner.Failure()
		panic(value.(string) + " by way of outer")
	})), handoff.Panic)
	value, _ := outer.Failure()
	want(s, "value", value, any("inner by way of outer"))
	want(s, "order", got, []string{"inner defer", "outer defer"})
}

//go:noinline
func deepPanic(n int) int {
	if n == 0 {
		panickingFunction("deep")
	}
	return deepPanic(n-1) + 1
}

func testPanicDeep(s *suite) {
	l := s.line()
	s.wantSignal("Run", l.Run(work(func() bool { return deepPanic(1000) == 0 })), handoff.Panic)
	_, pcs := l.Failure()
	if len(pcs) == 0 || len(pcs) > 100 {
		s.Errorf("got a stack of %d, want 1 to 100", len(pcs))
	}
	s.wantOn("stack", names(pcs), "panickingFunction", "testPanicDeep")
}

func testGoexit(s *suite) {
	for _, yields := range []int{0, 2} {
		var got []string
		say := func(what string) { got = append(got, what) }
		l := s.line()
		apart(func() {
			defer say("enterer's defer")
			up := l.Run(work(func() bool {
				defer say("runner's defer")
				for range yields {
					l.Yield()
				}
				runtime.Goexit()
				return true
			}))
			for range yields {
				s.wantSignal("while it runs", up, handoff.Yield)
				up = l.Enter(handoff.Enter)
			}
			s.wantSignal("last", up, handoff.Goexit)
			say("enterer puts its books right")
			if l.Kept() {
				s.Error("Kept after Goexit")
			}
			defer func() {
				if v := recover(); v != nil {
					s.Errorf("Exit panicked with %v", v)
				}
			}()
			l.Exit()
			s.Error("Exit returned")
		})
		want(s, "order", got, []string{
			"runner's defer", "enterer puts its books right", "enterer's defer",
		})
		s.wantGoroutines(0)
	}
}

func testGoexitAfterPanic(s *suite) {
	l := s.line()
	apart(func() {
		s.wantSignal("Run", l.Run(work(func() bool {
			defer runtime.Goexit()
			panic("overtaken")
		})), handoff.Goexit)
		l.Exit()
	})
	s.wantGoroutines(0)
}

func testGoexitNest(s *suite) {
	var got []string
	inner, outer := s.line(), s.line()
	apart(func() {
		defer func() { got = append(got, "enterer") }()
		s.wantSignal("outer", outer.Run(work(func() bool {
			defer func() { got = append(got, "outer") }()
			s.wantSignal("inner", inner.Run(work(func() bool {
				defer func() { got = append(got, "inner") }()
				runtime.Goexit()
				return true
			})), handoff.Goexit)
			inner.Exit()
			return true
		})), handoff.Goexit)
		outer.Exit()
	})
	want(s, "order", got, []string{"inner", "outer", "enterer"})
	s.wantGoroutines(0)
}

// testEndTest uses SkipNow, which ends a test just as FailNow does and leaves
// this one green. Had the subtest's goroutine ended in any other way, package
// testing would complain.
func testEndTest(s *suite) {
	var sub *testing.T
	s.Run("inner", func(t *testing.T) {
		sub = t
		l := s.line()
		s.wantSignal("Run", l.Run(work(func() bool {
			t.SkipNow()
			return true
		})), handoff.Goexit)
		l.Exit()
		s.Error("Exit returned")
	})
	if !sub.Skipped() || sub.Failed() {
		s.Errorf("inner test: got skipped %t, failed %t, want true, false", sub.Skipped(), sub.Failed())
	}
	s.wantGoroutines(0)
}
