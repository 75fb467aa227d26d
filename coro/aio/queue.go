package aio

import "github.com/gohandoff/coroutine/coro"

// An item is one thing for a loop to do: enter a coroutine, or call a function.
type item struct {
	co   *coro.Coroutine // marked as scheduled
	fn   func()
	told bool // the tracer knows of it
}

// fifo is a queue in a ring that grows and is reused.
//
// Invariants: len(ring) is 0 or a power of two; the n items from head on, modulo
// its length, are the queue; all other slots are zero.
type fifo struct {
	ring []item
	head int
	n    int
}

func (q *fifo) push(x item) {
	if q.n == len(q.ring) {
		q.grow()
	}
	q.ring[(q.head+q.n)&(len(q.ring)-1)] = x
	q.n++
}

func (q *fifo) grow() {
	bigger := make([]item, max(16, 2*len(q.ring)))
	k := copy(bigger, q.ring[q.head:])
	copy(bigger[k:], q.ring[:q.head])
	q.ring, q.head = bigger, 0
}

func (q *fifo) pop() item {
	x := q.ring[q.head]
	q.ring[q.head] = item{}
	q.head = (q.head + 1) & (len(q.ring) - 1)
	q.n--
	return x
}

// at returns the item at place i, counted from the head.
func (q *fifo) at(i int) item { return q.ring[(q.head+i)&(len(q.ring)-1)] }

// take removes the item at place i, counted from the head, and keeps the order
// of the rest.
func (q *fifo) take(i int) item {
	mask := len(q.ring) - 1
	x := q.ring[(q.head+i)&mask]
	for ; i > 0; i-- {
		q.ring[(q.head+i)&mask] = q.ring[(q.head+i-1)&mask]
	}
	q.pop()
	return x
}
