package aio

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gohandoff/coroutine/coro"
)

// A Loop is an event loop: it enters coroutines when what they wait for has
// happened. Coroutines that run on it never run at the same time; several loops,
// each on a goroutine of its own, run theirs in parallel.
//
// Make one with [NewLoop], give it tasks with [Loop.Go], run it with [Loop.Run]
// on the goroutine that is to be its leader, and end it with [Loop.Close].
//
// The life of one iteration is told in docs/event-loop.md.
type Loop struct {
	thread  *coro.Thread
	name    string
	clock   Clock
	policy  Policy
	workers int
	alone   bool

	// Fields of the line of control: used by whoever runs on the loop's
	// thread.
	ready  fifo
	timers timers
	fatal  error // what ends Run
	failed error // the first error of a task that nobody waited for
	ending error // why the loop comes to its end

	// Whoever brings something from elsewhere meets the loop here.
	mu       sync.Mutex
	inbox    fifo
	asleep   bool
	running  bool
	closed   bool
	outside  int // holds and offloads: things that may bring something yet
	holds    int // of these, the holds
	pool     pool
	helpers  helpers
	wakeup   chan struct{}
	stuck    bool // nothing can wake what is parked, but for other loops
	verdict  bool // a look at all loops found a deadlock
	runCtx   context.Context
	draining atomic.Bool
	roots    family // under families
}

// An Option sets up a [Loop] in [NewLoop].
type Option func(*options)

type options struct {
	loop   *Loop
	thread []coro.Option
}

// WithClock gives the loop its clock; the default is [RealClock].
func WithClock(c Clock) Option { return func(o *options) { o.loop.clock = c } }

// WithPolicy has p decide what the loop does next; the default, nil, is first
// in, first out.
func WithPolicy(p Policy) Option { return func(o *options) { o.loop.policy = p } }

// WithThread passes options on to the loop's [coro.Thread].
func WithThread(opts ...coro.Option) Option {
	return func(o *options) { o.thread = append(o.thread, opts...) }
}

// WithName names the loop, and its thread, in messages, dumps and traces; the
// default is "loop".
func WithName(name string) Option { return func(o *options) { o.loop.name = name } }

// DefaultWorkers is how many goroutines a loop has at most for [Offload]; QEMU's
// thread pool has as many.
const DefaultWorkers = 64

// WithWorkers sets how many goroutines the loop has at most for [Offload]. It
// panics if n is less than 1.
func WithWorkers(n int) Option {
	if n < 1 {
		panic(fmt.Sprintf("aio: WithWorkers(%d): want 1 or more", n))
	}
	return func(o *options) { o.loop.workers = n }
}

// WithIsolated tells that no coroutine of this loop waits for something that
// another loop does, so that a deadlock is reported as soon as this loop finds
// itself without hope. Otherwise that waits until all other loops of the process
// are idle, too. A loop with a virtual clock is isolated.
func WithIsolated() Option { return func(o *options) { o.loop.alone = true } }

// NewLoop makes a loop. It starts no goroutine.
func NewLoop(opts ...Option) *Loop {
	l := &Loop{name: "loop", workers: DefaultWorkers, wakeup: make(chan struct{}, 1)}
	o := options{loop: l}
	for _, f := range opts {
		f(&o)
	}
	if l.clock == nil {
		l.clock = RealClock()
	}
	l.alone = l.alone || l.clock.Virtual()
	l.thread = coro.NewThread(append([]coro.Option{coro.WithName(l.name), coro.WithScheduler(l)}, o.thread...)...)
	return l
}

// Thread returns the loop's thread.
func (l *Loop) Thread() *coro.Thread { return l.thread }

// Name returns the loop's name.
func (l *Loop) Name() string { return l.name }

// Now returns the time of the loop's clock. It must be called on the loop.
func (l *Loop) Now() time.Time { return l.clock.Now() }

// LoopOf returns the loop on which self runs. It panics with a
// [*coro.UsageError] for [ErrNoLoop] if self's thread has none.
func LoopOf(self *coro.Self) *Loop {
	if l, ok := self.Thread().Scheduler().(*Loop); ok {
		return l
	}
	panic(coro.NewUsageError(self, ErrNoLoop, self.String(), "its thread "+self.Thread().Name()+" has no event loop",
		"asked for one", "start the coroutine with Loop.Go"))
}

// Schedule has co entered by the loop's leader, after everything that was
// scheduled or posted before. It may be called by any goroutine, and does not
// yield. co must be suspended, or about to yield, or never entered, and then it
// goes on here; to bring a coroutine from one loop to another use [Reschedule].
//
// Schedule panics with a [*coro.UsageError] if co waits for its turn already
// ([coro.ErrScheduled]) or is dead ([coro.ErrTerminated]).
func (l *Loop) Schedule(co *coro.Coroutine) {
	if err := coro.MarkScheduled(nil, co); err != nil {
		panic(err)
	}
	l.bring(item{co: co})
}

// Post has fn called by the loop, outside any coroutine, after everything that
// was scheduled or posted before: a bottom half. It may be called by any
// goroutine. fn must not block.
func (l *Loop) Post(fn func()) {
	if fn == nil {
		panic("aio: Post(nil): want a function")
	}
	l.bring(item{fn: fn})
}

// bring puts x into the inbox, and wakes the loop if it sleeps.
func (l *Loop) bring(x item) {
	l.mu.Lock()
	l.inbox.push(x)
	wake := l.asleep
	l.asleep = false
	l.mu.Unlock()
	if wake {
		l.wakeup <- struct{}{} // never blocks: asleep allows one
	}
}

// again schedules the coroutine that runs: it is next after all that is ready.
func (l *Loop) again(self *coro.Self) {
	co := self.Coroutine()
	if err := coro.MarkScheduled(self, co); err != nil {
		panic(err)
	}
	l.bring(item{co: co})
}

// Hold tells the loop that something outside it, which it does not know of, may
// still bring it work: a server's socket, a signal. Until release is called, Run
// neither returns for lack of work nor calls it a deadlock. Both may be called by
// any goroutine; a second release does nothing.
func (l *Loop) Hold() (release func()) {
	l.mu.Lock()
	l.outside++
	l.holds++
	l.mu.Unlock()
	var once sync.Once
	return func() { once.Do(func() { l.unhold(1) }) }
}

// unhold takes back one thing outside.
func (l *Loop) unhold(holds int) {
	l.mu.Lock()
	l.outside--
	l.holds -= holds
	wake := l.asleep && l.outside == 0
	if wake {
		l.asleep = false
	}
	l.mu.Unlock()
	if wake {
		l.wakeup <- struct{}{}
	}
}

// Yield lets everything else that is ready on the loop have its turn first: it
// puts the running coroutine at the end of the loop's queue. It yields.
func Yield(self *coro.Self) {
	LoopOf(self).again(self)
	self.Park(turn)
}

// A waitName is what a coroutine waits for, in words.
type waitName string

func (w waitName) String() string { return string(w) }

// As interfaces, so that Park does not allocate.
var (
	turn any = waitName("its turn")
	nap  any = waitName("a timer")
)

// Reschedule moves the running coroutine to another loop: it yields here, and
// goes on there. The loop it came from never enters it again; the other does not
// enter it before it has yielded here. If other is where it runs, Reschedule is
// [Yield].
//
// A task that is rescheduled belongs to the other loop, which waits for it.
func Reschedule(self *coro.Self, other *Loop) {
	l := LoopOf(self)
	if l == other {
		Yield(self)
		return
	}
	co := self.Coroutine()
	enlist(other) // it may not run yet, and this loop may wait for what it will do
	// Other must not see co before it has yielded, and it has when the next
	// item of this loop is done. Until other has it, it counts as a thing
	// outside there, so that other does not stop for lack of work.
	other.mu.Lock()
	other.outside++
	other.mu.Unlock()
	l.bring(item{fn: func() {
		t := TaskOf(self)
		if other.thread.Adopt(co) { // unless it was killed meanwhile
			if t != nil && t.co == co {
				t.move(other)
			}
			other.Schedule(co)
		}
		other.unhold(0)
	}})
	self.Park(waitName("its turn on " + other.name))
}

var (
	// ErrNoLoop: a coroutine that has no event loop used a function that
	// needs one.
	ErrNoLoop = errors.New("Co-routine has no event loop")
	// ErrRunning: Run was called while the loop was running.
	ErrRunning = errors.New("aio: the loop is running already")
	// ErrClosed: the loop was used after Close.
	ErrClosed = errors.New("aio: the loop is closed")
)
