// Package blockio is a block layer whose requests are written in synchronous
// style: a request is a coroutine, straight-line code that checks, reads, writes
// and waits, while hundreds of others are in flight on the same loop.
package blockio
