// Package blocktest tests drivers of package blockio, also those of others.
//
// [Run] opens the driver under a [blockio.Device] and has many coroutines send
// it random requests, aligned and not, overlapping, vectored, with flags; drains
// it in their midst, resizes it, kills some of them; and compares what is read
// with what may be read. All of that follows from a seed, on a loop with a
// virtual clock, and is repeated on both handoffs.
//
// # What may be read
//
// Requests that overlap may be done in any order, so after two writes at the
// same time either may be there. The [Model] therefore keeps, for each byte,
// every write whose value may still be found: a write leaves that set when
// another that began after its end has succeeded. A read may return, for each
// byte, what was in the set at its begin or came into it until its end. A write
// that failed, or was killed, may have happened or not. A read with nothing else
// under way pins the byte down: from then on, it has that value.
//
// So nothing has to be kept from overlapping for the sake of the test, and
// nothing wrong is allowed: a byte that two writes have not touched at the same
// time has one value only.
//
// # What the Device may ask
//
// [Check] puts a driver between the Device and the one under test that reports
// each call that the contract of [blockio.Driver] does not allow, and what the
// driver does wrong. Reads go into buffers of its own, which it looks at again later:
// a driver must not write there when it has returned. It also yields at random before and after each call, so that
// requests mix on a driver that never yields.
package blocktest
