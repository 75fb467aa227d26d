package coro_test

import (
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/gohandoff/coroutine/coro"
)

const raceRounds = 300

// try runs f and returns the error that it panics with, if any.
func try(f func()) (err error) {
	defer func() {
		switch v := recover().(type) {
		case nil:
		case error:
			err = v
		default:
			panic(v)
		}
	}()
	f()
	return nil
}

// together runs every f at once, each as a goroutine, and returns their errors.
func together(fs ...func()) []error {
	errs := make([]error, len(fs))
	start := make(chan bool)
	var wg sync.WaitGroup
	for i, f := range fs {
		wg.Go(func() {
			<-start
			errs[i] = try(f)
		})
	}
	close(start)
	wg.Wait()
	return errs
}

// eachPair runs f with two threads, and with one thread twice: two goroutines
// that both act as its leader.
func eachPair(t *testing.T, f func(t *testing.T, a, b *coro.Thread)) {
	eachHandoff(t, func(t *testing.T, newThread func(opts ...coro.Option) *coro.Thread) {
		t.Run("two-threads", func(t *testing.T) {
			f(t, newThread(coro.WithName("a")), newThread(coro.WithName("b")))
		})
		t.Run("one-leader", func(t *testing.T) {
			th := newThread()
			f(t, th, th)
		})
	})
}

// Two goroutines enter one coroutine, which does not yield before one of them
// was diagnosed: exactly one enters it, exactly one is diagnosed, none hangs.
func TestRaceOverlapping(t *testing.T) {
	eachPair(t, func(t *testing.T, a, b *coro.Thread) {
		for round := range raceRounds {
			diagnosed := make(chan bool, 1)
			turns := 0
			co := a.New(func(self *coro.Self) {
				for range 2 {
					<-diagnosed
					turns++
					self.Yield()
				}
			})
			for turn := range 2 { // ready first, then suspended
				enter := func(th *coro.Thread) func() {
					return func() {
						if err := try(func() { th.Enter(co) }); err != nil {
							diagnosed <- true
							panic(err)
						}
					}
				}
				errs := together(enter(a), enter(b))
				if (errs[0] == nil) == (errs[1] == nil) {
					t.Fatalf("round %d: got %v, want one winner and one loser", round, errs)
				}
				if err := errors.Join(errs...); !errors.Is(err, coro.ErrReentered) {
					t.Fatalf("round %d: got %v, want %v", round, err, coro.ErrReentered)
				}
				if turns != turn+1 || co.Status() != coro.Suspended {
					t.Fatalf("round %d: %d turns and %v, want %d and suspended", round, turns, co.Status(), turn+1)
				}
			}
			a.Enter(co)
			if co.Status() != coro.Dead {
				t.Fatalf("round %d: %v, want dead", round, co.Status())
			}
		}
	})
}

// Two goroutines enter one coroutine that yields soon: each wins, or is
// diagnosed, and what the coroutine woke runs once for each turn.
func TestRaceFree(t *testing.T) {
	eachHandoff(t, func(t *testing.T, newThread func(opts ...coro.Option) *coro.Thread) {
		a, b := newThread(coro.WithName("a")), newThread(coro.WithName("b"))
		turns, helped, wins := 0, atomic.Int64{}, atomic.Int64{}
		co := a.New(func(self *coro.Self) {
			for {
				turns++
				self.Wake(self.New(func(*coro.Self) { helped.Add(1) }))
				self.Yield()
			}
		})
		enter := func(th *coro.Thread) func() {
			return func() {
				for range raceRounds {
					switch err := try(func() { th.Enter(co) }); {
					case err == nil:
						wins.Add(1)
					case !errors.Is(err, coro.ErrReentered):
						panic(err)
					}
				}
			}
		}
		for _, err := range together(enter(a), enter(b)) {
			if err != nil {
				t.Fatal(err)
			}
		}
		if int64(turns) != wins.Load() || helped.Load() != wins.Load() {
			t.Errorf("%d turns, %d helped, want %d of each", turns, helped.Load(), wins.Load())
		}
		a.Kill(co)
	})
}

// EnterIfInactive leaves a coroutine alone that another goroutine was first to
// enter: its look and its step are one.
func TestRaceEnterIfInactive(t *testing.T) {
	eachHandoff(t, func(t *testing.T, newThread func(opts ...coro.Option) *coro.Thread) {
		a, b := newThread(coro.WithName("a")), newThread(coro.WithName("b"))
		turns := 0
		co := a.New(func(self *coro.Self) {
			for {
				turns++
				self.Yield()
			}
		})
		enter := func(th *coro.Thread) func() {
			return func() {
				for range 100 * raceRounds {
					th.Leader().EnterIfInactive(co)
				}
			}
		}
		for _, err := range together(enter(a), enter(b)) {
			if err != nil {
				t.Fatal(err)
			}
		}
		if turns == 0 || co.Status() != coro.Suspended {
			t.Errorf("%d turns and %v, want some and suspended", turns, co.Status())
		}
		a.Kill(co)
	})
}

// Kill and Enter race for a ready or a suspended coroutine: each order is right,
// and the loser is diagnosed. In the end the coroutine can be killed.
func TestRaceKill(t *testing.T) {
	eachHandoff(t, func(t *testing.T, newThread func(opts ...coro.Option) *coro.Thread) {
		a, b := newThread(coro.WithName("a")), newThread(coro.WithName("b"))
		for round := range raceRounds {
			deferred := 0
			co := a.New(func(self *coro.Self) {
				defer func() { deferred++ }()
				for {
					self.Yield()
				}
			})
			started := round%2 == 0
			if started {
				a.Enter(co)
			}
			errs := together(func() { a.Enter(co) }, func() { b.Kill(co) })
			entered, killed := errs[0], errs[1]
			switch {
			case killed != nil && (entered != nil || !errors.Is(killed, coro.ErrReentered)),
				entered != nil && !errors.Is(entered, coro.ErrReentered) && !errors.Is(entered, coro.ErrTerminated):
				t.Fatalf("round %d: Enter: %v; Kill: %v", round, entered, killed)
			case killed == nil && co.Status() != coro.Dead:
				t.Fatalf("round %d: killed, but %v", round, co.Status())
			}
			a.Kill(co)
			if co.Status() != coro.Dead || (started || entered == nil) != (deferred == 1) {
				t.Fatalf("round %d: %v, deferred calls ran %d times", round, co.Status(), deferred)
			}
		}
	})
}

// Any goroutine may look at a thread and its coroutines while they switch.
func TestRaceObservers(t *testing.T) {
	for name, opts := range map[string][]coro.Option{
		"plain":   nil,
		"sites":   {coro.WithSites()},
		"abandon": {coro.WithAbandonReports(func(coro.Abandoned) {})},
		"no-pool": {coro.WithPool(0)},
	} {
		t.Run(name, func(t *testing.T) {
			eachHandoff(t, func(t *testing.T, newThread func(opts ...coro.Option) *coro.Thread) {
				testObservers(t, newThread(opts...))
			})
		})
	}
}

func testObservers(t *testing.T, th *coro.Thread) {
	inner := th.New(func(self *coro.Self) {
		for {
			self.Yield()
		}
	}).SetName("inner")
	outer := th.New(func(self *coro.Self) {
		for {
			self.Enter(inner)
			self.Wake(inner)
			self.Enter(self.New(func(*coro.Self) {}))
			self.Yield()
		}
	}).SetName("outer")

	var stop atomic.Bool
	var looks atomic.Int64
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			for !stop.Load() {
				for _, co := range []*coro.Coroutine{inner, outer} {
					_, _, _, _ = co.Status(), co.Entered(), co.Name(), co.ID()
					_, _, _ = co.String(), co.Thread(), co.Scheduled()
					if c := co.Caller(); c != nil && (co != inner || c != outer) {
						t.Errorf("caller of %v is %v", co, c)
					}
				}
				if err := th.Dump(io.Discard); err != nil {
					t.Error(err)
				}
				inner.SetName("inner")
				looks.Add(1)
			}
		})
	}
	for n := 0; n < 5*raceRounds || looks.Load() < 20; n++ {
		th.Enter(outer)
	}
	stop.Store(true)
	wg.Wait()
	th.Kill(outer)
	th.Kill(inner)
}
