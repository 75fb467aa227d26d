// Package aio brings coroutines home: an event loop that enters a coroutine when
// what it waits for has happened, so that code which would be a tangle of
// callbacks reads from top to bottom.
package aio
