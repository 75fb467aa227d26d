// Package cosync provides locks, queues and semaphores for coroutines. Who has
// to wait yields, so that everything else on its thread goes on; a plain
// sync.Mutex would stop the whole thread, and for ever if the holder is one of
// its own coroutines.
//
// # Model
//
// A [Mutex] is held by one coroutine, an [RWMutex] by many readers or one
// writer, a [Semaphore] by as many as share its units; a [Queue] is a place to
// wait for something to happen. All are first come, first served, and what is
// let go of is handed over: the one who has waited longest has it from that
// moment on, although it runs only when the one who let go yields.
//
//	c1                      c2                      c3
//	mu.Lock
//	yield ──────────────▶   mu.Lock: waits
//	                        (leader) ───────────▶   mu.Lock: waits
//	mu.Unlock: c2 has it
//	mu.TryLock: false
//	yield ──────────────▶   Lock returns
//	                        mu.Unlock: c3 has it
//	                        yield ──────────────▶   Lock returns
//
// Coroutines of different threads may share all of them. A waiter of another
// thread is woken through that thread's [coro.Scheduler], its event loop; a
// coroutine whose thread has none can only wait for those of its own thread.
// Leaders may use what they can have without waiting.
//
// # Kill
//
// A waiter that is killed leaves the queue; one that was granted what it waited
// for, but had not run yet, hands it on. A coroutine that holds something is to
// unlock in a deferred call, or its end is diagnosed ([coro.ErrLocksHeld]). What
// waits with its lock given up, in [Queue.Wait] and [RWMutex.Upgrade], does not
// take it again when it is killed, since it could not wait for it; its deferred
// unlock then does nothing.
//
// # Memory
//
// What happened before an unlock, a wake or a release happens before the lock,
// the wait or the acquire returns that it made possible. The race detector
// agrees.
//
// # Panics
//
// A misuse panics with a [*coro.UsageError] that names what was misused, who
// holds it, and the chain of callers. All is as before then. A cycle of
// coroutines that wait for each other is diagnosed when it would close, by the
// one that would close it; the others are left to go on. Names come from
// SetName, places where a lock was taken from [coro.WithSites].
//
// # Limits
//
// Cycles that go through a queue or a semaphore are not seen: nobody knows who
// would wake or release. A leader that waits in Enter is not looked at either.
// Whoever is about to wait for a lock takes, for a moment, one mutex that all
// locks of the program share; who does not have to wait does not.
package cosync
