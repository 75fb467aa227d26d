package cosync

import (
	"errors"
	"fmt"
	"strings"

	"github.com/gohandoff/coroutine/coro"
)

// The misuses, for errors.Is; all panic with a [*coro.UsageError].
var (
	// ErrRecursive: a coroutine locked what it holds.
	ErrRecursive = errors.New("Mutex locked recursively")
	// ErrNotHeld: a coroutine unlocked, or gave up to wait in a queue, what it
	// does not hold, or not in that way.
	ErrNotHeld = errors.New("Mutex unlocked by a coroutine that does not hold it")
	// ErrDeadlock: a coroutine was about to wait for a lock whose holder
	// waits, directly or by way of others, for that very coroutine, or is
	// dead.
	ErrDeadlock = errors.New("Deadlock")
	// ErrUnits: more units were acquired than a semaphore has, or more
	// released than were acquired, or fewer than none.
	ErrUnits = errors.New("Semaphore units do not add up")
)

// words is a sentinel in the words that fit the case.
type words struct {
	text string
	error
}

func (w words) Error() string { return w.text }
func (w words) Unwrap() error { return w.error }

// Interfaces already, so that to pass one on allocates nothing.
var (
	errRWRecursive  error = words{"RWMutex locked recursively", ErrRecursive}
	errRWNotHeld    error = words{"RWMutex unlocked by a coroutine that does not hold it", ErrNotHeld}
	errRWUpgrade    error = words{"RWMutex upgraded by a coroutine that does not hold it for reading", ErrNotHeld}
	errRWDowngrade  error = words{"RWMutex downgraded by a coroutine that does not hold it for writing", ErrNotHeld}
	errWaitUnlocked error = words{"Queue waited in by a coroutine that does not hold the mutex", ErrNotHeld}
	errWakeUnlocked error = words{"Queue entered by one who does not hold the mutex", ErrNotHeld}
)

// misuse panics.
func misuse(self *coro.Self, err error, about, first, second, hint string) {
	panic(coro.NewUsageError(self, err, about, first, second+" by "+self.String(), hint))
}

// misuseLeader diagnoses a leader that would have to wait.
func misuseLeader(self *coro.Self, about, first, second string) {
	misuse(self, coro.ErrNoCaller, about, first, second,
		"a leader cannot wait: use TryLock or TryAcquire, or let a coroutine do it")
}

// misuseNoScheduler diagnoses a coroutine that would wait where bad, of another
// thread, could not wake it.
func misuseNoScheduler(self *coro.Self, about string, bad *coro.Self, second string) {
	misuse(self, coro.ErrNoScheduler, about,
		fmt.Sprintf("held or waited for by %v of thread %s", bad, bad.Thread().Name()), second,
		"give thread "+self.Thread().Name()+" an event loop, or keep the lock to one thread")
}

// barrier returns holder if self must not wait for it, because it is dead, or of
// another thread and so could not wake self. Under the guard.
func barrier(self, holder *coro.Self) *coro.Self {
	if holder != nil && (holder.Ended() || unreachable(self, holder)) {
		return holder
	}
	return nil
}

// behind returns the coroutine of last, the last waiter, if it could not wake
// self after having had its turn. Under the guard.
func behind(self *coro.Self, last *waiter) *coro.Self {
	if last != nil && unreachable(self, last.self) {
		return last.self
	}
	return nil
}

// unreachable reports whether by could not wake self.
func unreachable(self, by *coro.Self) bool {
	t := self.Thread()
	return t.Scheduler() == nil && by.Thread() != t
}

// misuseCycle diagnoses a cycle that waiting would have closed.
func misuseCycle(self *coro.Self, steps []step, recursive error, second string) {
	on := steps[0].on
	if len(steps) == 1 {
		misuse(self, recursive, on.label(), holds(self, on), second, "unlock it first: a lock is held once")
	}
	var b strings.Builder
	for i, s := range steps {
		if i > 0 {
			fmt.Fprintf(&b, "%s, and waits for %s", holds(s.who, steps[i-1].on), s.on.label())
			if at := s.who.Parked(); at != "" {
				b.WriteString(" at " + at)
			}
			b.WriteString("\n\t         ")
		}
	}
	b.WriteString(holds(self, steps[len(steps)-1].on))
	misuse(self, ErrDeadlock, on.label(), b.String(), second,
		"take locks in the same order everywhere, or the second one with a try")
}

// misuseDeadHolder diagnoses waiting for a coroutine that is dead.
func misuseDeadHolder(self *coro.Self, l lock, holder *coro.Self, second string) {
	misuse(self, ErrDeadlock, l.label(), holds(holder, l)+", and is dead", second, "unlock in a deferred call")
}

// holds says that s holds l, and where it was taken if that is known.
func holds(s *coro.Self, l lock) string {
	text := fmt.Sprintf("%v holds %s", s, l.label())
	if at := l.taken(); at != "" {
		text += ", locked at " + at
	}
	return text
}
