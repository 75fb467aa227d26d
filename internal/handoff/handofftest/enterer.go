package handofftest

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/gohandoff/coroutine/internal/handoff"
)

var entererTests = []test{
	{"the enterer's side may be used by any goroutine in turn", testTurns},
	{"the enterer's goroutine may end between two handoffs", testEntererEnds},
	{"a line works in a synctest bubble", testBubble},
	{"waiting in a bubble is durable on both sides", testBubbleClock},
	{"lines in different goroutines do not disturb each other", testParallel},
}

// testTurns passes the right to enter from goroutine to goroutine. The shared
// counter is plain, so the race detector sees whether each handoff orders it.
func testTurns(s *suite) {
	const goroutines, rounds = 4, 250
	n := 0
	l := s.line()
	l.Run(work(func() bool {
		for l.Yield() == handoff.Enter {
			n++
		}
		return false
	}))

	var turn [goroutines]chan struct{}
	for i := range turn {
		turn[i] = make(chan struct{})
	}
	done := make(chan struct{})
	for i := range turn {
		go func() {
			for range rounds {
				<-turn[i]
				s.wantSignal("Enter", l.Enter(handoff.Enter), handoff.Yield)
				n++
				l.Ask(func() { n++ })
				if i+1 < goroutines {
					turn[i+1] <- struct{}{}
				} else {
					done <- struct{}{}
				}
			}
		}()
	}
	for range rounds {
		turn[0] <- struct{}{}
		<-done
	}
	s.wantSignal("Kill", l.Enter(handoff.Kill), handoff.Terminate)
	want(s, "count", n, 3*goroutines*rounds)
}

func testEntererEnds(s *suite) {
	l := s.line()
	n := 0
	apart(func() {
		s.kind(l) // even the line may be another goroutine's
		l.Run(work(func() bool { l.Yield(); n++; l.Yield(); n++; return true }))
	})
	s.wantGoroutines(1)
	apart(func() { s.wantSignal("Enter", l.Enter(handoff.Enter), handoff.Yield) })
	apart(func() { s.wantSignal("Enter", l.Enter(handoff.Enter), handoff.Terminate) })
	apart(func() { s.wantSignal("Run", l.Run(work(func() bool { n++; return true })), handoff.Terminate) })
	s.wantGoroutines(1)
	apart(l.Release)
	want(s, "count", n, 3)
}

// testBubble: a bubble ends with a panic if a goroutine is left in it, or
// waits for what is outside.
func testBubble(s *suite) {
	synctest.Test(s.T, func(t *testing.T) {
		in := &suite{T: t, kind: s.kind, bubble: true}
		testOrder(in)
		testFields(in)
		testNest(in)
		testKill(in)
		testAskEachOther(in)
		testTurns(in)
		apart(func() {
			l := in.line()
			in.wantSignal("Run", l.Run(work(func() bool {
				defer l.AskBack(func() {})
				exitNow()
				return true
			})), handoff.Goexit)
			l.Exit()
		})
		synctest.Wait()
	})
}

// testBubbleClock: the bubble's clock moves on only while every goroutine in
// it is durably blocked, here the runner in a timer's channel, its enterers in
// the handoff, and another runner in Yield.
func testBubbleClock(s *suite) {
	synctest.Test(s.T, func(t *testing.T) {
		in := &suite{T: t, kind: s.kind, bubble: true}
		begin := time.Now()
		parked, outer, inner := in.line(), in.line(), in.line()
		parked.Run(work(func() bool { return parked.Yield() == handoff.Enter }))
		outer.Run(work(func() bool {
			inner.Run(work(func() bool {
				<-time.After(time.Hour)
				inner.Yield()
				<-time.After(time.Hour)
				return false
			}))
			outer.Yield()
			inner.Enter(handoff.Enter)
			return false
		}))
		if got, want := time.Since(begin), time.Hour; got != want {
			t.Errorf("after the first handoff: got %v, want %v", got, want)
		}
		<-time.After(time.Hour) // now with all three in Yield
		in.wantSignal("Enter", outer.Enter(handoff.Enter), handoff.Terminate)
		if got, want := time.Since(begin), 3*time.Hour; got != want {
			t.Errorf("at the end: got %v, want %v", got, want)
		}
		in.wantSignal("Enter", parked.Enter(handoff.Enter), handoff.Terminate)
		parked.Release()
	})
}

func testParallel(s *suite) {
	const goroutines, rounds = 4, 500
	done := make(chan int)
	for range goroutines {
		go func() {
			n := 0
			l := s.line()
			for range rounds {
				l.Run(work(func() bool { n++; l.Yield(); n++; return true }))
				l.Ask(func() { n++ })
				l.Enter(handoff.Enter)
			}
			l.Release()
			done <- n
		}()
	}
	for range goroutines {
		want(s, "count", <-done, 3*rounds)
	}
}
