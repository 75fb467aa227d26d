package aio

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"weak"

	"github.com/gohandoff/coroutine/coro"
)

// ErrDeadlock is what every [*DeadlockError] is, for errors.Is.
var ErrDeadlock = errors.New("aio: deadlock")

// A DeadlockError tells that all coroutines of a loop are parked and nothing
// could wake them: no timer, no offloaded work, no [Loop.Hold], and, unless the
// loop is isolated ([WithIsolated]), no other loop of the process. A loop that
// runs and is not itself stuck could; so could one that has never been run, or
// has been brought something since its last Run, and is not closed.
type DeadlockError struct {
	// Loop names the loop.
	Loop string
	// Waiting describes each coroutine, in the order of their ids.
	Waiting []coro.Info
	// Cycle names the coroutines that wait for each other in a ring, each
	// for the next; empty if there is none. Some of them may be on other loops
	// that are in the same deadlock.
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

// settle puts in words what each coroutine waits for: who holds a lock now will
// have let go of it by the time that somebody reads the report.
func (e *DeadlockError) settle() {
	for i, w := range e.Waiting {
		if w.WaitsFor != nil {
			e.Waiting[i].WaitsFor = waitName(fmt.Sprint(w.WaitsFor))
		}
	}
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
	// Depth first over all who must act before a wait can end.
	var path []*coro.Coroutine
	seen := map[*coro.Coroutine]bool{}
	var visit func(co *coro.Coroutine) []string
	visit = func(co *coro.Coroutine) []string {
		if at := slices.Index(path, co); at >= 0 {
			var names []string
			for _, c := range path[at:] {
				names = append(names, c.Name())
			}
			return names
		}
		what, waits := on[co]
		if !waits || seen[co] {
			return nil
		}
		seen[co] = true
		path = append(path, co)
		defer func() { path = path[:len(path)-1] }()
		if w, ok := what.(coro.Waiting); ok {
			for _, h := range w.Holders() {
				if cycle := visit(h); cycle != nil {
					return cycle
				}
			}
		}
		return nil
	}
	for _, i := range waiting {
		if i.Coroutine != nil {
			if cycle := visit(i.Coroutine); cycle != nil {
				return cycle
			}
		}
	}
	return nil
}

// loops are those that may bring something to another loop. One that is stuck is
// in a deadlock only if all of them are. They are held weakly: one that is
// forgotten before it was run brings nothing.
var loops struct {
	sync.Mutex
	list []weak.Pointer[Loop]
}

// register adds l, if it is not there.
func register(l *Loop) {
	loops.Lock()
	defer loops.Unlock()
	if l.registered {
		return
	}
	l.registered = true
	w := weak.Make(l)
	loops.list = append(loops.list, w)
	if !l.guarded {
		l.guarded = true
		runtime.AddCleanup(l, forgotten, w)
	}
}

// forgotten is called when a loop has become unreachable.
func forgotten(w weak.Pointer[Loop]) {
	loops.Lock()
	defer loops.Unlock()
	if i := slices.Index(loops.list, w); i >= 0 {
		loops.list = slices.Delete(loops.list, i, i+1)
		judge()
	}
}

// retire is called when l is run no more, and removes it unless it was brought
// something meanwhile. That may settle the case of those that hoped for it.
func retire(l *Loop) {
	loops.Lock()
	defer loops.Unlock()
	l.mu.Lock()
	l.running = false
	l.runCtx = nil
	gone := l.inbox.n == 0 || l.closed
	l.mu.Unlock()
	if !gone || !l.registered {
		return
	}
	l.registered = false
	w := weak.Make(l)
	loops.list = slices.DeleteFunc(loops.list, func(x weak.Pointer[Loop]) bool { return x == w })
	judge()
}

// awaitVerdict waits until another loop brings something, and then returns nil,
// or until no loop could any more, and then returns the report.
func (l *Loop) awaitVerdict() *DeadlockError {
	loops.Lock()
	l.mu.Lock()
	if l.inbox.n > 0 || l.outside > 0 {
		l.mu.Unlock()
		loops.Unlock()
		return nil
	}
	l.stuck, l.asleep = true, true
	l.mu.Unlock()
	judge()
	loops.Unlock()

	<-l.wakeup

	l.mu.Lock()
	defer l.mu.Unlock()
	// What has been brought since a verdict does not change it: it comes from
	// other loops in the same deadlock, which unwind their coroutines.
	e := l.verdict
	l.stuck, l.verdict = false, nil
	return e
}

// judge gives all loops the verdict if they are all stuck. The caller holds
// loops.
func judge() {
	var all []*Loop
	for _, w := range loops.list {
		l := w.Value()
		if l == nil {
			continue // forgotten
		}
		l.mu.Lock()
		stuck := l.stuck && l.asleep && l.outside == 0
		l.mu.Unlock()
		if !stuck {
			return
		}
		all = append(all, l)
	}
	var waiting []coro.Info
	reports := make([]*DeadlockError, len(all))
	for i, l := range all {
		reports[i] = l.deadlock()
		waiting = append(waiting, reports[i].Waiting...)
	}
	ring := findCycle(waiting) // perhaps through several loops
	for i, l := range all {
		if reports[i].Cycle == nil {
			reports[i].Cycle = ring
		}
		reports[i].settle()
		l.mu.Lock()
		wake, in := l.asleep, l.resting
		l.verdict, l.asleep = reports[i], false
		l.mu.Unlock()
		if wake {
			l.rouse(in)
		}
	}
}
