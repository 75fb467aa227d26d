package aio

import (
	"runtime"
	"time"

	"github.com/gohandoff/coroutine/coro"
)

// A Poller is a queue of requests to somebody outside the program, such as the
// kernel's io_uring, that a loop drives by itself: it hands over in one go what
// the coroutines of one iteration have asked for, and while requests are under
// way it sleeps where they are completed, rather than on its channel. So no
// goroutine stands between a completion and the loop.
//
// The loop calls all methods but Interrupt, by its line of control. None may
// yield. A loop has one Poller at most; see [Loop.SetPoller].
type Poller interface {
	// Pending returns how many requests have been asked for and are not
	// completed. While there are any, the loop neither ends for lack of work
	// nor calls it a deadlock.
	Pending() int
	// Poll hands over what has been asked for, and calls
	// [Completion.Complete] for each request that is done. It does not wait.
	// The loop calls it after each iteration that leaves something to do, and
	// after Wait.
	Poll()
	// Wait hands over what has been asked for, and returns when a request is
	// done, Interrupt was called since the last Wait, or d is over; d < 0 is
	// never. It may return early. It completes nothing.
	Wait(d time.Duration)
	// Interrupt ends the Wait that goes on, or else the next one. It may be
	// called by any goroutine, also after the loop has got another Poller.
	Interrupt()
}

// SetPoller gives the loop its Poller, or takes it away if p is nil. It is
// called by a coroutine of the loop, or while the loop does not run; no request
// of the old one may be under way. A virtual clock stands still while requests
// are under way, but the order in which they are completed is theirs.
func (l *Loop) SetPoller(p Poller) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.poller = p
}

// Poller returns what [Loop.SetPoller] has set, nil at first. It is called as
// that is.
func (l *Loop) Poller() Poller { return l.poller }

// Clock returns the loop's clock.
func (l *Loop) Clock() Clock { return l.clock }

// busy returns the loop's Poller if requests are under way there, else nil.
func (l *Loop) busy() Poller {
	if l.poller != nil && l.poller.Pending() > 0 {
		return l.poller
	}
	return nil
}

// sleepIn is sleep for a loop with requests under way in p. The caller has set
// asleep, and resting to p.
func (l *Loop) sleepIn(p Poller, next time.Time) {
	d := time.Duration(-1)
	if !next.IsZero() && !l.clock.Virtual() {
		d = max(next.Sub(l.clock.Now()), 0)
	}
	l.newSlice()
	p.Wait(d)
	l.mu.Lock()
	// If somebody is about to call Interrupt, the next Wait returns early.
	l.asleep, l.resting = false, nil
	l.mu.Unlock()
	p.Poll()
}

// slice is how long a loop waits in system calls before it asks Go's scheduler for
// a new time slice: half of a slice, which is 10 ms.
const slice = 5 * time.Millisecond

// newSlice gets a new time slice if this one may be over. Coroutines that switch
// to each other do not begin one, nor does the end of a system call. Once it is
// over, the scheduler takes away the processor at each system call, and wakes
// threads to use it, who find nothing to do: with one direct read at a time, there
// was a futex call for each second one. New slices made 12 % more reads a second, and
// each took 15 % less CPU time.
func (l *Loop) newSlice() {
	if now := time.Now(); now.Sub(l.sliced) > slice {
		l.sliced = now
		runtime.Gosched()
	}
}

// rouse ends the sleep of a loop whose asleep the caller has found set, and
// cleared, under mu; p is what resting was then.
func (l *Loop) rouse(p Poller) {
	if p != nil {
		p.Interrupt()
		return
	}
	l.wakeup <- struct{}{} // never blocks: asleep allows one
}

// A Completion is how a coroutine waits for a request of a [Poller] that works
// on memory of the coroutine. It is used by one coroutine at a time, and again
// for the next request:
//
//	c.Begin(self)
//	// ask for it
//	c.Wait(self)
//
// Between Begin and Wait nothing may yield or panic.
//
// Invariants: done is false from Begin until Complete; co is the coroutine from
// Begin until it goes on, and nil while nobody is to be woken. Only the line of
// control uses them.
type Completion struct {
	loop *Loop
	co   *coro.Coroutine
	done bool
}

// Begin says that self is about to ask for something, and that Wait will follow.
// It panics where [Yield] does; then nothing must be asked for.
func (c *Completion) Begin(self *coro.Self) {
	c.loop = parkable(self)
	c.co = self.Coroutine()
	c.done = false
	c.loop.requests.Add(1)
}

// Wait parks the coroutine until Complete. It yields, unless that has been
// called already.
//
// It is not disturbed: a task that is cancelled meanwhile is unwound only when
// the request is done, so that this may use memory of the coroutine. Kill, which
// cannot wait otherwise, blocks the loop until then.
//
// What happened before Complete happens before Wait returns.
func (c *Completion) Wait(self *coro.Self) {
	defer c.drop()
	// Somebody may enter the coroutine by hand; then it waits on.
	for !c.done || c.co.Scheduled() {
		self.Park(c)
	}
	unwindIfCancelled(self)
}

// Complete is called by [Poller.Poll] when the request is done, and has the
// coroutine go on in its turn.
func (c *Completion) Complete() {
	c.done = true
	c.loop.requests.Add(-1)
	if c.co != nil {
		c.loop.awake(c.co)
	}
}

// String says what the coroutine waits for.
func (c *Completion) String() string { return "a request outside" }

func (c *Completion) undisturbed() bool { return !c.done }

// drop is called when the wait is over. If the coroutine is being killed, the
// request may still be under way.
func (c *Completion) drop() {
	c.co = nil
	for !c.done {
		p := c.loop.poller
		p.Wait(-1)
		p.Poll()
	}
}
