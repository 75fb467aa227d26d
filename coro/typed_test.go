package coro_test

import (
	"iter"
	"maps"
	"runtime"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gohandoff/coroutine/coro"
)

func double(self *coro.Self, c *coro.Typed[int, int], in int) int {
	for in > 0 {
		in = c.Yield(self, 2*in)
	}
	return -1
}

func TestTypedOutcomes(t *testing.T) {
	type answer struct {
		Out     int
		Outcome string
	}
	eachHandoff(t, func(t *testing.T, newThread func(...coro.Option) *coro.Thread) {
		thread := newThread()
		leader := thread.Leader()
		var got []answer
		enter := func(c *coro.Typed[int, int], in int) {
			out, outcome := c.Enter(leader, in)
			got = append(got, answer{out, outcome.String()})
		}
		c := coro.NewTyped(thread, double)
		enter(c, 1)
		enter(c, 21)
		enter(c, 0)
		wantMisuse(t, coro.ErrTerminated, func() { enter(c, 1) })

		victim := coro.NewTyped(thread, double)
		enter(victim, 3)
		thread.Kill(victim.Coroutine())
		enter(victim, 4)
		enter(victim, 5)

		neverRan := coro.NewTyped(thread, double)
		thread.Kill(neverRan.Coroutine())
		enter(neverRan, 6)
		want := []answer{
			{2, "yielded"},
			{42, "yielded"},
			{-1, "returned"},
			{6, "yielded"},
			{0, "killed"},
			{0, "killed"},
			{0, "killed"},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("answers (-want +got):\n%s", diff)
		}
	})
}

func TestTypedKilledMeanwhileIsAnOutcome(t *testing.T) {
	eachHandoff(t, func(t *testing.T, newThread func(...coro.Option) *coro.Thread) {
		thread := newThread()
		var c *coro.Typed[int, int]
		killer := thread.New(func(self *coro.Self) { self.Kill(c.Coroutine()) })
		c = coro.NewTyped(thread, func(self *coro.Self, c *coro.Typed[int, int], in int) int {
			self.Wake(killer) // it has its turn before Enter returns
			return c.Yield(self, in)
		})
		if out, outcome := c.Enter(thread.Leader(), 1); outcome != coro.Killed {
			t.Errorf("got %v, %v; want killed", out, outcome)
		}
	})
}

func TestTypedBetweenCoroutines(t *testing.T) {
	eachHandoff(t, func(t *testing.T, newThread func(...coro.Option) *coro.Thread) {
		thread := newThread()
		var got []int
		thread.Enter(thread.New(func(self *coro.Self) {
			c := coro.NewTyped(self, double)
			for i := range 3 {
				out, _ := c.Enter(self, i+1)
				got = append(got, out)
			}
		}))
		if diff := cmp.Diff([]int{2, 4, 6}, got); diff != "" {
			t.Errorf("answers (-want +got):\n%s", diff)
		}
	})
}

func threeWords(yield func(string) bool) {
	_ = yield("one") && yield("two") && yield("three")
}

func count(to int) iter.Seq[int] {
	return func(yield func(int) bool) {
		for i := range to {
			if !yield(i) {
				return
			}
		}
	}
}

func TestAllLeavesOutWhatIsReturned(t *testing.T) {
	eachHandoff(t, func(t *testing.T, newThread func(...coro.Option) *coro.Thread) {
		thread := newThread()
		c := coro.NewTyped(thread, func(self *coro.Self, c *coro.Typed[struct{}, string], _ struct{}) string {
			c.Yield(self, "one")
			c.Yield(self, "two")
			return "three"
		})
		got := slices.Collect(c.All(thread.Leader()))
		if diff := cmp.Diff([]string{"one", "two"}, got); diff != "" {
			t.Errorf("values (-want +got):\n%s", diff)
		}
		wantStatus(t, c.Coroutine(), coro.Dead)
	})
}

func TestAllWithAnEarlyEndLeaksNothing(t *testing.T) {
	eachHandoff(t, func(t *testing.T, newThread func(...coro.Option) *coro.Thread) {
		base := goroutinesAtRest(t)
		thread := newThread(coro.WithPool(0))
		leader := thread.Leader()
		leave := map[string]func(*coro.Typed[struct{}, int]){
			"break": func(c *coro.Typed[struct{}, int]) {
				for range c.All(leader) {
					break
				}
			},
			"return": func(c *coro.Typed[struct{}, int]) {
				func() {
					for range c.All(leader) {
						return
					}
				}()
			},
			"panic": func(c *coro.Typed[struct{}, int]) {
				caught(func() {
					for range c.All(leader) {
						panic("out")
					}
				})
			},
			"Goexit": func(c *coro.Typed[struct{}, int]) {
				exits(t, func() {
					for range c.All(leader) {
						runtime.Goexit()
					}
				})
			},
		}
		for _, name := range slices.Sorted(maps.Keys(leave)) {
			unwound := false
			c := coro.FromSeq(thread, func(yield func(int) bool) {
				defer func() { unwound = true }()
				count(10)(yield)
			})
			leave[name](c)
			if !unwound {
				t.Errorf("%s: the generator was not unwound", name)
			}
			wantStatus(t, c.Coroutine(), coro.Dead)
			goroutinesBackTo(t, base)
		}
	})
}

func TestFromSeq(t *testing.T) {
	eachHandoff(t, func(t *testing.T, newThread func(...coro.Option) *coro.Thread) {
		thread := newThread()
		c := coro.FromSeq(thread, count(5))
		if got, _ := c.Enter(thread.Leader(), struct{}{}); got != 0 {
			t.Errorf("first value: got %d, want 0", got)
		}
		got := slices.Collect(c.All(thread.Leader()))
		if diff := cmp.Diff([]int{1, 2, 3, 4}, got); diff != "" {
			t.Errorf("the others (-want +got):\n%s", diff)
		}
		if got, want := coro.FromSeq(thread, threeWords).Coroutine().Name(), "threeWords#2"; got != want {
			t.Errorf("name: got %q, want %q", got, want)
		}
	})
}

func TestTypedYieldWithAWrongSelfIsDiagnosed(t *testing.T) {
	eachHandoff(t, func(t *testing.T, newThread func(...coro.Option) *coro.Thread) {
		thread := newThread()
		c := coro.NewTyped(thread, double)
		c.Enter(thread.Leader(), 1)
		wantMisuse(t, coro.ErrOutside, func() { c.Yield(thread.Leader(), 0) })
		thread.Enter(thread.New(func(self *coro.Self) {
			wantMisuse(t, coro.ErrOutside, func() { c.Yield(self, 0) })
			self.Yield()
		}))
		if out, outcome := c.Enter(thread.Leader(), 4); out != 8 || outcome != coro.Yielded {
			t.Errorf("afterwards: got %v, %v; want 8, yielded", out, outcome)
		}
	})
}

func TestTypedWithANilBodyIsDiagnosed(t *testing.T) {
	eachHandoff(t, func(t *testing.T, newThread func(...coro.Option) *coro.Thread) {
		thread := newThread()
		wantMisuse(t, coro.ErrNilEntry, func() { coro.NewTyped[int, int](thread, nil) })
		wantMisuse(t, coro.ErrNilEntry, func() { thread.New(nil) })
	})
}

func TestCostNoAllocationOnATypedRoundTrip(t *testing.T) {
	eachHandoff(t, func(t *testing.T, newThread func(...coro.Option) *coro.Thread) {
		thread := newThread()
		leader := thread.Leader()
		c := coro.NewTyped(thread, double)
		if got := testing.AllocsPerRun(200, func() { c.Enter(leader, 1) }); got != 0 {
			t.Errorf("allocations: got %v, want 0", got)
		}
	})
}
