package coro_test

import (
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gohandoff/coroutine/coro"
)

// onLocked runs f on a goroutine that is locked to an OS thread, and ends that
// goroutine without unlocking it, as one does that is done with cgo.
func onLocked(f func()) {
	done := make(chan struct{})
	go func() {
		runtime.LockOSThread()
		defer close(done)
		f()
	}()
	<-done
}

// workout uses all of a thread: nests, wakes, kills, panics and ends.
func workout(t *testing.T, thread *coro.Thread) {
	t.Helper()
	var j journal
	woken := thread.New(func(*coro.Self) { j.add("woken") })
	inner := thread.New(func(self *coro.Self) {
		defer j.add("inner killed")
		j.add("inner")
		self.Yield()
	})
	outer := thread.New(func(self *coro.Self) {
		self.Wake(woken)
		self.Enter(inner)
		j.add("outer")
		self.Yield()
		j.add("outer again")
		self.Kill(inner)
	})
	thread.Enter(outer)
	thread.Enter(outer)
	if v := caught(func() { thread.Enter(thread.New(func(*coro.Self) { panic("boom") })) }); v == nil {
		t.Error("no panic")
	}
	j.want(t, "inner", "outer", "woken", "outer again", "inner killed")
}

func TestLeaderLockedBeforeTheThreadIsMade(t *testing.T) {
	eachHandoff(t, func(t *testing.T, newThread func(...coro.Option) *coro.Thread) {
		onLocked(func() {
			thread := newThread()
			workout(t, thread)
			thread.Enter(thread.New(yielder)) // left for a Close while locked
			if err := thread.Close(); err != nil {
				t.Errorf("Close: %v", err)
			}
		})
	})
}

func TestLeaderLockedAfterTheThreadIsMade(t *testing.T) {
	eachHandoff(t, func(t *testing.T, newThread func(...coro.Option) *coro.Thread) {
		thread := newThread()
		before := thread.New(yielder)
		thread.Enter(before)
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		workout(t, thread)
		thread.Enter(before)
		thread.Kill(before)
		wantStatus(t, before, coro.Dead)
	})
}

func TestLeadersLockedAndNotInTurn(t *testing.T) {
	eachHandoff(t, func(t *testing.T, newThread func(...coro.Option) *coro.Thread) {
		thread := newThread()
		turns := 0
		co := thread.New(func(self *coro.Self) {
			for {
				turns++
				self.Yield()
			}
		})
		for range 5 {
			thread.Enter(co)
			onLocked(func() { thread.Enter(co); workout(t, thread) })
			runtime.LockOSThread()
			thread.Enter(co)
			runtime.LockOSThread() // locks nest
			thread.Enter(co)
			runtime.UnlockOSThread()
			thread.Enter(co)
			runtime.UnlockOSThread()
			workout(t, thread)
		}
		if turns != 25 {
			t.Errorf("turns: got %d, want 25", turns)
		}
	})
}

func TestGoexitReachesALockedLeader(t *testing.T) {
	eachHandoff(t, func(t *testing.T, newThread func(...coro.Option) *coro.Thread) {
		thread := newThread()
		onward := false
		onLocked(func() {
			thread.Enter(thread.New(func(*coro.Self) { runtime.Goexit() }))
			onward = true
		})
		if onward {
			t.Error("the leader went on")
		}
		workout(t, thread)
	})
}

func TestBodyLocksAndUnlocksAroundItsWork(t *testing.T) {
	eachHandoff(t, func(t *testing.T, newThread func(...coro.Option) *coro.Thread) {
		thread := newThread()
		turns := 0
		co := thread.New(func(self *coro.Self) {
			for {
				runtime.LockOSThread()
				turns++
				runtime.UnlockOSThread()
				self.Yield()
			}
		})
		for range 10 {
			thread.Enter(co)
		}
		if turns != 10 {
			t.Errorf("turns: got %d, want 10", turns)
		}
	})
}

func TestBodyEntersOthersWhileLocked(t *testing.T) {
	eachHandoff(t, func(t *testing.T, newThread func(...coro.Option) *coro.Thread) {
		thread := newThread()
		ran := false
		inner := thread.New(func(self *coro.Self) { self.Yield(); ran = true })
		thread.Enter(thread.New(func(self *coro.Self) {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			self.Enter(inner)
			self.Enter(inner)
		}))
		if !ran {
			t.Error("the inner coroutine did not run to its end")
		}
	})
}

// On Channel a locked coroutine yields like any other. On Direct it is told
// that it cannot, and both it and the process live on.
func TestBodyYieldsWhileLocked(t *testing.T) {
	eachHandoff(t, func(t *testing.T, newThread func(...coro.Option) *coro.Thread) {
		thread := newThread()
		var j journal
		co := thread.New(func(self *coro.Self) {
			runtime.LockOSThread()
			if v := caught(self.Yield); v != nil {
				if !isUsage(v, coro.ErrLocked) {
					t.Errorf("got %v, want a misuse for %v", v, coro.ErrLocked)
				}
				j.add("diagnosed")
			}
			runtime.UnlockOSThread()
			j.add("unlocked")
			self.Yield()
			j.add("ends")
		})
		thread.Enter(co)
		if thread.Handoff() == coro.Channel {
			j.want(t)
			thread.Enter(co)
			j.want(t, "unlocked")
		} else {
			j.want(t, "diagnosed", "unlocked")
		}
		wantStatus(t, co, coro.Suspended)
		thread.Enter(co)
		j.want(t, "ends")
		wantStatus(t, co, coro.Dead)
		workout(t, thread)
	})
}

// What a coroutine leaves locked is not handed down to the next one.
func TestBodyThatEndsLocked(t *testing.T) {
	endings := map[string]func(){
		"returns": func() {},
		"panics":  func() { panic("boom") },
		"exits":   runtime.Goexit,
	}
	for name, end := range endings {
		t.Run(name, func(t *testing.T) {
			eachHandoff(t, func(t *testing.T, newThread func(...coro.Option) *coro.Thread) {
				base := goroutinesAtRest(t)
				thread := newThread()
				co := thread.New(func(*coro.Self) {
					runtime.LockOSThread()
					runtime.LockOSThread()
					end()
				})
				exits(t, func() { caught(func() { thread.Enter(co) }) })
				wantStatus(t, co, coro.Dead)
				workout(t, thread) // yields, which on Direct tells if it were locked
				if err := thread.Close(); err != nil {
					t.Errorf("Close: %v", err)
				}
				goroutinesBackTo(t, base)
			})
		})
	}
}

func TestBodyThatIsKilledWhileLocked(t *testing.T) {
	for _, h := range []coro.Handoff{coro.Channel, coro.Direct} {
		t.Run(h.String(), func(t *testing.T) {
			thread := coro.NewThread(coro.WithHandoff(h))
			co := thread.New(func(self *coro.Self) {
				defer runtime.LockOSThread() // and never unlocks
				self.Yield()
			})
			thread.Enter(co)
			thread.Kill(co)
			wantStatus(t, co, coro.Dead)
			workout(t, thread)
			if err := thread.Close(); err != nil {
				t.Errorf("Close: %v", err)
			}
		})
	}
}

func TestThreadInASynctestBubble(t *testing.T) {
	for _, h := range []coro.Handoff{coro.Channel, coro.Direct} {
		t.Run(h.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				thread := coro.NewThread(coro.WithHandoff(h))
				defer thread.Close()
				workout(t, thread)
				// Time in the bubble passes while everybody waits, also
				// while a coroutine does and its enterer waits for it.
				start := time.Now()
				thread.Enter(thread.New(func(self *coro.Self) {
					<-time.After(time.Hour)
					self.Yield()
				}))
				if got := time.Since(start); got != time.Hour {
					t.Errorf("time passed: got %v, want %v", got, time.Hour)
				}
				synctest.Wait()
			})
		})
	}
}
