// Package aio brings coroutines home: an event loop that enters a coroutine when
// what it waits for has happened, so that code which would be a tangle of
// callbacks reads from top to bottom.
//
// # Model
//
// A [Loop] has a [coro.Thread], whose leader is the goroutine that calls
// [Loop.Run]. It has one queue of what is ready, a heap of timers, and a set of
// workers for what would block:
//
//	any goroutine                  the goroutine in Run             workers
//	                              ┌──────────────────────┐
//	Go, Schedule, Post, Wake ───▶ │ queue ──▶ one at a   │
//	                    timers ─▶ │           time:      │
//	                              │   enter a coroutine  │ ─ Offload ─▶ fn()
//	                              │   call a bottom half │ ◀─ done ──────┘
//	                              └──────────────────────┘
//
// A [Task] is a coroutine with a result and with a place in a tree: whoever is
// cancelled takes its children along. Coroutines of one loop never run at the
// same time, so they need no locks against each other, and see no change but
// across a call that takes a [*coro.Self] and so may yield.
//
//	// ExampleTimeout
//	loop := simulation()
//	defer loop.Close()
//	loop.Go(func(self *coro.Self) error {
//		err := aio.Timeout(self, time.Second, func(self *coro.Self) error {
//			defer fmt.Println("closing the connection")
//			aio.Sleep(self, time.Hour) // no answer
//			fmt.Println("never printed")
//			return nil
//		})
//		fmt.Println(err, errors.Is(err, aio.ErrTimeout))
//		return nil
//	})
//	loop.Run(context.Background())
//
// # Terms
//
//   - schedule: put a coroutine at the end of a loop's queue.
//   - bottom half: a function that a loop calls once, outside any coroutine.
//   - home: the loop on which a coroutine ran last; a wake from elsewhere brings
//     it there. [Reschedule] changes it.
//   - offload: have a worker call a function while the coroutine is parked.
//   - cancel: unwind a task where it is parked, with its children.
//   - undisturbed: parked where it cannot be unwound just now, because a worker
//     still uses what belongs to the coroutine.
//   - drain: what Run does on its way out. Everything is cancelled, offloaded
//     work is waited for.
//   - deadlock: coroutines are parked and nothing could wake them.
//
// docs/event-loop.md tells how one iteration goes, how order is defined, and what
// the search for deadlocks can see.
//
// # Memory
//
// What happened before [Loop.Go], [Loop.Schedule], [Loop.Post], [Sleeper.Wake] or
// [Task.Cancel] happens before what that brings about on the loop. What a task did
// happens before [Task.Wait] returns and before [Task.Done] is closed. What
// happened before [Offload] happens before its function is called, and what that
// did happens before Offload returns. What a coroutine did before [Reschedule]
// happens before it goes on. The race detector agrees.
//
// # Panics
//
// A panic in a task is the business of whoever waits for it: [Task.Wait] and
// [Timeout] panic with a [*coro.PanicError]. If nobody waits, or if it is a bottom
// half or a coroutine outside any task that panics, Run drains the loop and
// panics. runtime.Goexit, so also t.FailNow, ends the goroutine in Run likewise.
// Afterwards the loop is in order and can be run again.
//
// A misuse panics with a [*coro.UsageError]: [ErrNoLoop], [ErrNilFunc],
// [ErrSleeping], [ErrClosed], and those of package coro, such as
// [coro.ErrNoCaller] for a leader that would have to yield. A coroutine that is
// being unwound must not wait: [coro.ErrKilledYield].
//
// # Limits
//
// Nothing is preempted: a coroutine that computes for long, or blocks its
// goroutine, holds up its loop, timers included. Two coroutines that wake each
// other in turn with [coro.Self.Wake] never go back to the loop; use [Yield] or a
// [Sleeper] between them. A loop knows of no plain goroutine that might still
// bring it work, unless there is a [Loop.Hold]. A sleeping task costs some 3 KiB.
package aio
