package aio

import (
	"cmp"
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
	fatal    error     // what Run is to panic with
	further  []error   // with what more it could, which only Close tells
	failures []*Task   // the first that failed, see Run
	late     []*Task   // the shielded ones that failed
	ending   error     // why the loop comes to its end
	doomed   error     // why it is to come to its end before it starts
	runs     int       // how often Run was called
	left     int       // how many of inbox belong to this iteration
	plain    bool      // leave the policy out: something went wrong
	swept    bool      // draining has nothing left but what was posted
	poller   Poller    // changed under mu
	numbers  uint64    // how many NextNumber gave
	sliced   time.Time // when newSlice got one

	// Whoever brings something from elsewhere, or dumps the loop, meets it
	// here. The line of control may read timers without the lock, since it
	// alone changes them.
	mu       sync.Mutex
	inbox    fifo // all that is ready, in the order in which it became so
	timers   timers
	asleep   bool
	resting  Poller // where it is asleep, nil is on wakeup
	running  bool
	closed   bool
	outside  int // holds and offloads: things that may bring something yet
	holds    int // of these, the holds
	pool     pool
	helpers  helpers
	probe    probe
	wakeup   chan struct{}
	stuck    bool           // nothing can wake what is parked, but for other loops
	verdict  *DeadlockError // a look at all loops found this
	runCtx   context.Context
	draining atomic.Bool  // set together with ending
	requests atomic.Int64 // those that a Completion waits for, or will

	tasks family // those on this loop, under families

	registered, guarded bool // under loops
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
// default, also for an empty name, is "loop".
func WithName(name string) Option {
	return func(o *options) { o.loop.name = cmp.Or(name, "loop") }
}

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
// itself without hope. Otherwise that waits until no other loop of the process
// could help; see [DeadlockError]. A loop with a virtual clock is isolated.
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
	register(l)
	return l
}

// Thread returns the loop's thread.
func (l *Loop) Thread() *coro.Thread { return l.thread }

// Name returns the loop's name.
func (l *Loop) Name() string { return l.name }

// Now returns the time of the loop's clock. It may be called by any goroutine.
func (l *Loop) Now() time.Time { return l.clock.Now() }

// LoopOf returns the loop on which self runs. It panics with a
// [*coro.UsageError] for [ErrNoLoop] if self's thread has none.
func LoopOf(self *coro.Self) *Loop {
	if self == nil {
		self = new(coro.Self)
	}
	t := self.Thread()
	if t == nil {
		self.CheckYield() // panics: nobody made it
	}
	if l, ok := t.Scheduler().(*Loop); ok {
		return l
	}
	panic(coro.NewUsageError(self, ErrNoLoop, self.String(), "its thread "+t.Name()+" has no event loop",
		"asked for one", "start the coroutine with Loop.Go"))
}

// parkable is LoopOf for one who is about to park: nothing must be put down
// about a self that then cannot. It panics as Yield would.
func parkable(self *coro.Self) *Loop {
	l := LoopOf(self)
	self.CheckYield()
	return l
}

// Schedule has co entered by the loop's leader, after everything that was
// scheduled or posted before. It may be called by any goroutine, and does not
// yield. co must be suspended, or about to yield, or never entered, and then it
// goes on here; to bring a coroutine from one loop to another use [Reschedule].
// While the loop does not run, co waits for the next Run.
//
// What happened before Schedule happens before co goes on.
//
// Schedule panics with a [*coro.UsageError] if co waits for its turn already
// ([coro.ErrScheduled]), is dead ([coro.ErrTerminated]) or nil ([coro.ErrNil]).
// After [Loop.Close] it does nothing.
func (l *Loop) Schedule(co *coro.Coroutine) {
	if co == nil {
		panic(&coro.UsageError{Err: coro.ErrNil, About: "asked to schedule a nil *Coroutine on " + l.name, Hint: "make it with New before"})
	}
	if err := coro.MarkScheduled(nil, co); err != nil {
		panic(err)
	}
	l.bring(item{co: co})
}

// awake is Schedule for one that may have been woken by somebody else, or
// killed, meanwhile.
func (l *Loop) awake(co *coro.Coroutine) {
	if !co.Scheduled() && coro.MarkScheduled(nil, co) == nil {
		l.bring(item{co: co})
	}
}

// Post has fn called by the loop, outside any coroutine, after everything that
// was scheduled or posted before: a bottom half. It may be called by any
// goroutine. fn must not block. What happened before Post happens before fn is
// called. While the loop does not run, fn waits for the next Run; after
// [Loop.Close], Post does nothing.
//
// Post panics with a [*coro.UsageError] for [ErrNilFunc] if fn is nil.
func (l *Loop) Post(fn func()) {
	if fn == nil {
		panic(&coro.UsageError{Err: ErrNilFunc, About: "Post on " + l.name, Hint: "pass the function that the loop is to call"})
	}
	l.bring(item{fn: fn})
}

// bring puts x at the end of the queue, and wakes the loop if it sleeps. It reports
// whether it could: a closed loop takes nothing.
func (l *Loop) bring(x item) bool {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return false
	}
	l.inbox.push(x)
	wake, p := l.asleep, l.resting
	l.asleep = false
	idle := !l.running
	l.mu.Unlock()
	if wake {
		l.rouse(p)
	}
	if idle {
		register(l) // it will be run again, and others may hope for it
	}
	return true
}

// again schedules the coroutine that runs: it is next after all that is ready.
func (l *Loop) again(self *coro.Self) {
	l.schedule(self, self.Coroutine())
}

// schedule schedules co on behalf of self, which runs here.
func (l *Loop) schedule(self *coro.Self, co *coro.Coroutine) {
	if err := coro.MarkScheduled(self, co); err != nil {
		panic(err)
	}
	if self.Thread().Traced() {
		self.Trace(EventSchedule, co, "")
	}
	l.bring(item{co: co, told: true})
}

// Hold tells the loop that something outside it, which it does not know of, may
// still bring it work: a server's socket, a signal. Until release is called, Run
// neither returns for lack of work nor calls it a deadlock. A loop that comes to
// its end for another reason does not wait for it. Both may be called by any
// goroutine; a second release does nothing.
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
	wake, p := l.asleep && l.outside == l.holds, l.resting // one that drains waits for all but the holds
	if wake {
		l.asleep = false
	}
	l.mu.Unlock()
	if wake {
		l.rouse(p)
	}
}

// Yield lets everything else that is ready on the loop have its turn first: it
// puts the running coroutine at the end of the loop's queue. It yields.
//
// Yield panics with a [*coro.UsageError] if self's thread has no loop
// ([ErrNoLoop]), and where [coro.Self.Yield] does.
func Yield(self *coro.Self) {
	parkable(self).again(self)
	// Not Park: a dump says anyhow that it waits for its turn, and each call
	// frame costs 8 ns.
	self.Yield()
}

// A waitName is what a coroutine waits for, in words.
type waitName string

func (w waitName) String() string { return string(w) }

// nap is an interface, so that Park does not allocate.
var nap any = waitName("a timer")

// Reschedule moves the running coroutine to another loop: it yields here, and
// goes on there. The loop it came from never enters it again; the other does not
// enter it before it has yielded here. If other is where it runs, Reschedule is
// [Yield].
//
// A task that is rescheduled belongs to the other loop, which waits for it; it
// stays the child of its parent. If other comes to its end just then, the
// coroutine is unwound there.
//
// Reschedule panics with a [*coro.UsageError] if other is closed ([ErrClosed])
// or nil ([ErrNoLoop]), and where [Yield] does.
func Reschedule(self *coro.Self, other *Loop) {
	l := parkable(self)
	switch other {
	case nil:
		panic(coro.NewUsageError(self, ErrNoLoop, self.String(), "", "asked to move to a nil *Loop", "make it with NewLoop before"))
	case l:
		Yield(self)
		return
	}
	// Other must not see co before it has yielded, and it has when the next
	// item of this loop is done. Until other has it, it counts as a thing
	// outside there, so that other does not stop for lack of work.
	other.mu.Lock()
	closed := other.closed
	if !closed {
		other.outside++
	}
	other.mu.Unlock()
	if closed {
		panic(coro.NewUsageError(self, ErrClosed, self.String(), other.name+" is closed", "asked to move there", "close a loop when nobody goes there any more"))
	}
	if self.Thread().Traced() {
		self.Trace(EventMove, nil, "to "+other.name)
	}
	co := self.Coroutine()
	t := TaskOf(self)
	if t != nil && t.co != co {
		t = nil // only a part of the task moves
	}
	l.bring(item{told: true, fn: func() { l.handOver(other, co, t) }})
	self.Park(waitName("its turn on " + other.name))
	unwindIfCancelled(self)
	if other.draining.Load() {
		self.Unwind()
	}
}

// handOver gives co, which has yielded, to other; t is its task, if it has one.
func (l *Loop) handOver(other *Loop, co *coro.Coroutine, t *Task) {
	other.mu.Lock()
	if other.closed {
		other.mu.Unlock()
		if t != nil {
			t.cancelHere(l, ErrClosed)
			return
		}
		l.thread.Kill(co)
		return
	}
	// Under the lock, so that Close finds it. Not if it was killed meanwhile.
	moved := other.thread.Adopt(co)
	other.mu.Unlock()
	if moved {
		if t != nil {
			t.move(other)
		}
		other.awake(co)
	}
	other.unhold(0)
}

var (
	// ErrNoLoop: a coroutine that has no event loop used a function that
	// needs one.
	ErrNoLoop = errors.New("Co-routine has no event loop")
	// ErrNilFunc: a nil function was passed.
	ErrNilFunc = errors.New("Function is nil")
	// ErrRunning: Run was called while the loop was running.
	ErrRunning = errors.New("aio: the loop is running already")
	// ErrClosed: the loop was used after Close.
	ErrClosed = errors.New("aio: the loop is closed")
)
