package coro_test

import (
	"runtime"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gohandoff/coroutine/coro"
)

// The tests of QEMU's coroutine unit test that concern the core, by their
// names, written anew.

func TestQEMUNoDanglingAccess(t *testing.T) {
	eachHandoff(t, func(t *testing.T, newThread func(...coro.Option) *coro.Thread) {
		thread := newThread()
		var c1, c2 *coro.Coroutine
		c2 = thread.New(func(self *coro.Self) { self.Yield() })
		c1 = thread.New(func(self *coro.Self) {
			self.Enter(c2)
			self.Yield()
		})
		thread.Enter(c1)
		// c1 ends; what refers to it as c2's last caller must stay good.
		thread.Enter(c1)
		wantStatus(t, c1, coro.Dead)
		c1 = nil
		runtime.GC()
		if got := c2.Caller(); got != nil {
			t.Errorf("caller of a suspended coroutine: got %v, want nil", got)
		}
		thread.Enter(c2)
		wantStatus(t, c2, coro.Dead)
	})
}

func TestQEMULifecycle(t *testing.T) {
	eachHandoff(t, func(t *testing.T, newThread func(...coro.Option) *coro.Thread) {
		thread := newThread()
		for range 2 { // the second one runs on the goroutine of the first
			done := false
			thread.Enter(thread.New(func(*coro.Self) { done = true }))
			if !done {
				t.Error("the coroutine did not run to its end")
			}
		}
	})
}

func TestQEMUYieldTakesSixEntersForFiveYields(t *testing.T) {
	eachHandoff(t, func(t *testing.T, newThread func(...coro.Option) *coro.Thread) {
		thread := newThread()
		done := false
		co := thread.New(func(self *coro.Self) {
			for range 5 {
				self.Yield()
			}
			done = true
		})
		enters := 0
		for ; !done; enters++ {
			thread.Enter(co)
		}
		if enters != 6 {
			t.Errorf("enters: got %d, want 6", enters)
		}
	})
}

func TestQEMUNesting128(t *testing.T) {
	eachHandoff(t, func(t *testing.T, newThread func(...coro.Option) *coro.Thread) {
		const max = 128
		thread := newThread()
		var entered, returned int
		var nest coro.Entry
		nest = func(self *coro.Self) {
			entered++
			if entered < max {
				self.Enter(self.New(nest))
			}
			returned++
		}
		thread.Enter(thread.New(nest))
		if entered != max || returned != max {
			t.Errorf("got %d entered, %d returned; want %d each", entered, returned, max)
		}
	})
}

func TestQEMUSelf(t *testing.T) {
	eachHandoff(t, func(t *testing.T, newThread func(...coro.Option) *coro.Thread) {
		thread := newThread()
		var got *coro.Coroutine
		co := thread.New(func(self *coro.Self) { got = self.Coroutine() })
		thread.Enter(co)
		if got != co {
			t.Errorf("self: got %v, want %v", got, co)
		}
	})
}

func TestQEMUEntered(t *testing.T) {
	eachHandoff(t, func(t *testing.T, newThread func(...coro.Option) *coro.Thread) {
		thread := newThread()
		var got []bool
		var outer, inner *coro.Coroutine
		look := func() { got = append(got, outer.Entered(), inner.Entered()) }
		inner = thread.New(func(self *coro.Self) {
			look()
			self.Yield()
		})
		outer = thread.New(func(self *coro.Self) {
			look()
			self.Enter(inner)
			look()
			self.Yield()
		})
		look()
		thread.Enter(outer)
		look()
		thread.Enter(outer)
		thread.Enter(inner)
		look()
		want := []bool{
			false, false, // nobody has been entered
			true, false, // in outer
			true, true, // in inner
			true, false, // inner has yielded
			false, false, // outer has yielded
			false, false, // both have ended
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("outer and inner entered (-want +got):\n%s", diff)
		}
	})
}

func TestQEMUInCoroutine(t *testing.T) {
	eachHandoff(t, func(t *testing.T, newThread func(...coro.Option) *coro.Thread) {
		thread := newThread()
		var got bool
		thread.Enter(thread.New(func(self *coro.Self) { got = self.InCoroutine() }))
		if !got || thread.Leader().InCoroutine() {
			t.Errorf("in coroutine: got %v in one, %v in the leader; want true, false", got, thread.Leader().InCoroutine())
		}
	})
}

// The schedule, one step a line:
//
//	leader   coroutine
//	1
//	         2
//	3
//	         4
//	5
func TestQEMUOrder(t *testing.T) {
	eachHandoff(t, func(t *testing.T, newThread func(...coro.Option) *coro.Thread) {
		var j journal
		thread := newThread()
		co := thread.New(func(self *coro.Self) {
			j.add("2 coroutine")
			self.Yield()
			j.add("4 coroutine")
		})
		j.add("1 leader")
		thread.Enter(co)
		j.add("3 leader")
		wantStatus(t, co, coro.Suspended)
		thread.Enter(co)
		j.add("5 leader")
		wantStatus(t, co, coro.Dead)
		j.want(t, "1 leader", "2 coroutine", "3 leader", "4 coroutine", "5 leader")
	})
}
