// Package coro provides coroutines with the rules of QEMU's: a coroutine runs
// only while somebody has entered it, and whoever entered it waits until it
// yields or terminates. So one thing runs at a time, control passes only at
// named points, and straight-line code needs no locks against its own thread.
//
// # Model
//
// A [Thread] is one line of control. Its leader, a plain goroutine, creates a
// [Coroutine] and enters it; the coroutine yields back to whoever entered it,
// its caller, and may enter others in turn:
//
//	leader            worker#1              helper#2
//	  │ Enter ─────────▶ │
//	  │                  │ Enter ─────────────▶ │
//	  │                  │ ◀──────────── Yield  │
//	  │ ◀──────── Yield  │                      │
//	  │ Enter ─────────▶ │                      │
//	  │                  │ returns              │
//	  │ ◀────────────────┘                      │ suspended
//
// The entry of a coroutine gets a [Self], the capability to act as it: to yield,
// enter, wake, kill. Everybody else has the handle, a [Coroutine], which cannot
// yield on somebody's behalf. So a function's signature tells whether it may
// yield: it does if and only if its first parameter is a *Self.
//
// Each coroutine is a goroutine that waits for its turn. [Channel], the default,
// moves control through a pair of one-slot channels; [Direct] uses the runtime's
// own coroutine switch and is three to four times faster. They mean the same.
//
// # Memory
//
// What happened before [Self.Enter] happens before the coroutine runs on; what
// the coroutine did before it yielded or terminated happens before Enter
// returns. The race detector agrees.
//
// # Panics
//
// A coroutine that panics is dead, and its enterer panics with a [*PanicError]
// that holds the value and the coroutine's own stack. A misuse panics with a
// [*UsageError], which tells who did what, where, and what would be right; all
// coroutines are as before. runtime.Goexit in a coroutine, so also t.FailNow,
// ends the enterer likewise.
//
// # Limits
//
// A Self must stay on the goroutine that it was given to. In a testing/synctest
// bubble, make, use and close the thread inside: the runtime ends the process
// when a coroutine, like a channel, crosses the wall of a bubble. Coroutines cost some
// 3 KiB each while they are suspended; a million fit in 3 GB.
package coro
