// Package blockio is a block layer whose requests are written in synchronous
// style: a request is a coroutine, straight-line code that checks, reads, writes
// and waits, while hundreds of others are in flight on the same loop.
//
// # Model
//
// A [Driver] stores blocks: in memory, in a file, on top of another device. A
// [Device] is what everybody else uses; it stands on one driver, and every call
// of the driver crosses it:
//
//	coroutine          Device                                  Driver
//	    │ WriteAt ──────▶ │ check: bounds, flags, closed           │
//	    │                 │ admit: drained? too many?    ⏸         │
//	    │                 │ track: does one overlap?     ⏸         │
//	    │                 │ unaligned: read the edges ───────────▶ │ ⏸
//	    │                 │ write, split as it must be ──────────▶ │ ⏸
//	    │                 │ durable? flush ──────────────────────▶ │ ⏸
//	    │ ◀──────── error │ untrack, let others go                 │
//
// Where a ⏸ stands, the coroutine may yield, and the loop runs others. So the
// code of a request is one function after the other, as if it were alone; what it
// holds is released in deferred calls, also when it is killed.
//
// # Terms
//
//   - A request is one call of a method of a Device.
//   - A request is in flight from the time it was let in until it returns.
//   - A request is serialising if it must have its blocks for itself: a write or
//     a zeroing that does not begin and end with a block, a resize.
//   - A section is drained, from [Device.DrainedBegin] to [Device.DrainedEnd], in
//     which nothing is in flight but what its owner asks for.
//   - FUA, force unit access, is a write that is durable when it returns.
//
// # Errors
//
// Every error is an [*OpError], which names the operation, the device, the range
// and the part that failed, and unwraps to one of the sentinels or to what the
// driver returned: errors.Is finds syscall.ENOSPC. Misuses panic with a
// [*coro.UsageError].
//
// # Memory
//
// A Device belongs to one loop, and with it all of its requests: nothing here is
// locked, and nothing may be used by two loops at a time. What a coroutine wrote
// into a buffer before it called WriteAt is what the driver sees; what the driver
// put there is what the coroutine sees when ReadAt returns. A buffer belongs to
// the request from call to return.
//
// # Limits
//
// A device has less than 2^63 bytes minus 64 MiB, blocks of up to 64 MiB. With n
// requests waiting for ranges, a request that is serialising looks through all
// of them; one that is not does so only while a serialising one is there.
//
// More is told in docs/blockio.md.
package blockio
