package aio

import (
	"time"

	"github.com/gohandoff/coroutine/coro"
)

// A timer is one entry of the loop's heap, ordered by deadline and then by the
// order of arming.
type timer struct {
	at    time.Time
	seq   uint64
	who   *coro.Coroutine // who waits for it
	do    func()          // what to do then; nil is to schedule who
	fired bool
	pos   int // place in the heap, -1 if not in it
}

// arm arms a timer for who, to call do or, if that is nil, schedule it.
func (l *Loop) arm(d time.Duration, who *coro.Coroutine, do func()) *timer {
	at := l.clock.Now().Add(d)
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.timers.arm(at, who, do)
}

// disarm stops a timer, if it has not fired, and gives it back for reuse.
func (l *Loop) disarm(t *timer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.timers.stop(t)
	l.timers.release(t)
}

// timers is a binary heap, and the timers that are free for reuse. Only the
// loop's line of control changes it, under Loop.mu.
type timers struct {
	heap []*timer
	seq  uint64
	free []*timer
}

func (h *timers) less(i, j int) bool { return before(h.heap[i], h.heap[j]) }

// before tells the order of two timers.
func before(a, b *timer) bool {
	if !a.at.Equal(b.at) {
		return a.at.Before(b.at)
	}
	return a.seq < b.seq
}

func (h *timers) swap(i, j int) {
	h.heap[i], h.heap[j] = h.heap[j], h.heap[i]
	h.heap[i].pos, h.heap[j].pos = i, j
}

// arm adds a timer.
func (h *timers) arm(at time.Time, who *coro.Coroutine, do func()) *timer {
	var t *timer
	if n := len(h.free); n > 0 {
		t = h.free[n-1]
		h.free = h.free[:n-1]
	} else {
		t = new(timer)
	}
	h.seq++
	*t = timer{at: at, seq: h.seq, who: who, do: do, pos: len(h.heap)}
	h.heap = append(h.heap, t)
	h.up(t.pos)
	return t
}

// stop takes a timer out of the heap, if it is still there.
func (h *timers) stop(t *timer) {
	if t.pos < 0 {
		return
	}
	i, last := t.pos, len(h.heap)-1
	if i != last {
		h.swap(i, last)
	}
	h.heap[last] = nil
	h.heap = h.heap[:last]
	t.pos = -1
	if i != last {
		h.down(i)
		h.up(i)
	}
}

// release gives a stopped timer back for reuse.
func (h *timers) release(t *timer) {
	t.who, t.do = nil, nil
	if len(h.free) < 1024 { // 88 KiB at most for a loop that once slept a lot
		h.free = append(h.free, t)
	}
}

// next returns the earliest deadline, zero if there is none.
func (h *timers) next() time.Time {
	if len(h.heap) == 0 {
		return time.Time{}
	}
	return h.heap[0].at
}

func (h *timers) up(i int) {
	for i > 0 {
		parent := (i - 1) / 2
		if !h.less(i, parent) {
			return
		}
		h.swap(i, parent)
		i = parent
	}
}

func (h *timers) down(i int) {
	for {
		least := i
		for _, c := range [2]int{2*i + 1, 2*i + 2} {
			if c < len(h.heap) && h.less(c, least) {
				least = c
			}
		}
		if least == i {
			return
		}
		h.swap(i, least)
		i = least
	}
}
