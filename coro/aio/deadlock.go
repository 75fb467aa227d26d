package aio

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/gohandoff/coroutine/coro"
)

// ErrDeadlock is what every [*DeadlockError] is, for errors.Is.
var ErrDeadlock = errors.New("aio: deadlock")

// A DeadlockError tells that all coroutines of a loop are parked and nothing
// could wake them: no timer, no offloaded work, no [Loop.Hold].
type DeadlockError struct {
	// Loop names the loop.
	Loop string
	// Waiting describes each coroutine, in the order of their ids.
	Waiting []coro.Info
	// Cycle names the coroutines that wait for each other in a ring, each
	// for the next; empty if there is none.
	Cycle []string
}

// Error starts with "Deadlock:" and lists the cycle, if there is one, and then
// every coroutine with what it waits for and where.
func (e *DeadlockError) Error() string {
	var b strings.Builder
	n := "1 coroutine waits"
	if len(e.Waiting) != 1 {
		n = fmt.Sprintf("%d coroutines wait", len(e.Waiting))
	}
	fmt.Fprintf(&b, "Deadlock: %s on %s, and nothing can wake them", n, e.Loop)
	if len(e.Cycle) > 0 {
		fmt.Fprintf(&b, "\n\tcycle: %s -> %s", strings.Join(e.Cycle, " -> "), e.Cycle[0])
	}
	for _, i := range e.Waiting {
		b.WriteString("\n" + strings.TrimRight(i.String(), "\n"))
	}
	return b.String()
}

// Unwrap returns ErrDeadlock.
func (e *DeadlockError) Unwrap() error { return ErrDeadlock }

// deadlock describes the loop as it is.
func (l *Loop) deadlock() *DeadlockError {
	e := &DeadlockError{Loop: l.name, Waiting: l.thread.Snapshot()}
	e.Cycle = findCycle(e.Waiting)
	return e
}

// findCycle follows what each coroutine waits for to who must act first, until
// somebody comes up twice.
func findCycle(waiting []coro.Info) []string {
	on := map[*coro.Coroutine]any{} // only looked up, never ranged over
	for _, i := range waiting {
		if i.Coroutine != nil {
			on[i.Coroutine] = i.WaitsFor
		}
	}
	for _, i := range waiting {
		var path []*coro.Coroutine
		for co := i.Coroutine; co != nil; {
			if at := slices.Index(path, co); at >= 0 {
				var names []string
				for _, c := range path[at:] {
					names = append(names, c.Name())
				}
				return names
			}
			path = append(path, co)
			w, ok := on[co].(coro.Waiting)
			if !ok {
				break
			}
			co = nil
			for _, h := range w.Holders() {
				if _, ok := on[h]; ok {
					co = h
					break
				}
			}
		}
	}
	return nil
}

// loops are those that have something to do, or wait for another loop to bring
// it. A loop that is stuck is in a deadlock only if all of them are.
var loops struct {
	sync.Mutex
	list []*Loop
}

// enlist adds l, if it is not there.
func enlist(l *Loop) {
	loops.Lock()
	defer loops.Unlock()
	if !slices.Contains(loops.list, l) {
		loops.list = append(loops.list, l)
	}
}

// delist removes l, which may settle the case of those that hoped for it.
func delist(l *Loop) {
	loops.Lock()
	defer loops.Unlock()
	if i := slices.Index(loops.list, l); i >= 0 {
		loops.list = slices.Delete(loops.list, i, i+1)
	}
	judge()
}

// awaitVerdict waits until another loop brings something, and then returns
// false, or until all loops are stuck, and then returns true.
func (l *Loop) awaitVerdict() bool {
	loops.Lock()
	l.mu.Lock()
	if l.inbox.n > 0 || l.outside > 0 {
		l.mu.Unlock()
		loops.Unlock()
		return false
	}
	l.stuck, l.asleep = true, true
	l.mu.Unlock()
	judge()
	loops.Unlock()

	<-l.wakeup

	l.mu.Lock()
	defer l.mu.Unlock()
	verdict := l.verdict && l.inbox.n == 0
	l.stuck, l.verdict = false, false
	return verdict
}

// judge tells all loops that they are stuck if they all are. The caller holds
// loops.
func judge() {
	for _, l := range loops.list {
		l.mu.Lock()
		stuck := l.stuck && l.asleep && l.outside == 0
		l.mu.Unlock()
		if !stuck {
			return
		}
	}
	for _, l := range loops.list {
		l.mu.Lock()
		wake := l.asleep
		l.verdict, l.asleep = true, false
		l.mu.Unlock()
		if wake {
			l.wakeup <- struct{}{}
		}
	}
}
