// Package throttle limits how many requests and bytes a second reach a driver of
// package blockio.
//
// A [Driver] is a filter on top of another driver. The limits are those of a
// [Group], which any number of drivers share:
//
//	g := throttle.NewGroup(throttle.Limits{Bytes: throttle.Limit{Rate: 10 << 20}})
//	one := throttle.New(below, g)
//	two := throttle.New(other, g)
//
// # Model
//
// Each limit is a bucket of tokens, one for a request or a byte. Rate tokens a
// second drip into it, until it holds Burst. A request takes as many tokens as it
// has bytes, and waits until they are there. One that is larger than the bucket
// waits until the bucket is full, and leaves it with a debt, which others wait
// off. So the average is kept to the nanosecond, whatever the sizes, and no
// request is too large.
//
// Reads and vectored reads count as reads; writes as writes. A Discard and a
// WriteZeroes count as a write of no bytes, since none are moved. Flush,
// BlockStatus, Resize and Close are not limited.
//
// # Turns
//
// Drivers that wait take turns, request by request; the requests of one driver
// go first come, first served, but a read does not wait for a write that only the
// limit of writes holds back, nor the other way round. A request whose turn it is
// keeps the tokens of the bucket that it waits for from all others, however small:
// so nobody waits for ever.
//
// One of those who wait sleeps until the next turn, the others are parked: there
// is one timer, however many they are. A coroutine that is killed while it waits
// leaves, and has taken nothing.
//
// # Drain
//
// A request that waits here is in flight. A drained section, Device.Replace and
// Device.Close wait until it has had its turn and is done, at the pace of the
// limits: what was accepted is paid for. Who cannot wait has two ways:
// [Group.SetLimits] with no limits lets all go at once; and a Device opened with
// [blockio.WithMaxInFlight] keeps the others of a long queue before the gate,
// where a drained section does not wait for them.
//
// # Loops
//
// A Group belongs to one loop, that of the first request since a driver was made
// for it, until all its drivers are closed. A request on another loop panics with
// a [*coro.UsageError] for [ErrElsewhere].
package throttle
