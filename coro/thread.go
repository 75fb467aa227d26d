package coro

import (
	"sync"
	"sync/atomic"

	"github.com/gohandoff/coroutine/internal/handoff"
)

// A Thread is one line of control: a leader, which is whatever plain goroutine
// uses the thread, and the coroutines that the leader entered, that those
// entered, and so on. Exactly one of them runs at a time. A Thread is not an
// operating system thread and is not tied to one; any number of goroutines may
// act as its leader, one after the other.
//
// A Thread carries what QEMU keeps in thread-local storage: the current
// coroutine, the pool of idle goroutines, the tracer. Make one with
// [NewThread]; end it with [Thread.Close], after which no goroutine of it
// exists.
type Thread struct {
	// Fields of the line of control: used only by whoever runs.
	current  *Self // the one that runs
	modes    modes // why the hot paths must take the long way; 0 mostly
	idle     []*worker
	leftover queue         // wakes that an Enter of the leader left behind
	closed   atomic.Bool   // Close was called; New asks from anywhere
	closing  bool          // Close is at work: deferred calls may enter others
	exiting  bool          // a coroutine called runtime.Goexit during Close
	lastID   atomic.Uint64 // atomic: New may be called from elsewhere

	// Set once by NewThread.
	leader    Self
	name      string
	kind      func(*handoff.Line)
	handoff   Handoff
	pool      int
	tracer    Tracer
	scheduler Scheduler
	seq       atomic.Uint64
	untold    atomic.Bool // the tracer panicked
	abandoned *abandoned  // nil unless WithAbandonReports

	// Whoever reports on the thread from elsewhere meets its line of
	// control here.
	mu      sync.Mutex
	workers *worker    // every goroutine of the thread, newest first
	asking  sync.Mutex // held while suspended coroutines are asked
}

// NewThread makes a thread whose leader is the calling goroutine, or any other
// that uses it later. It starts no goroutine.
func NewThread(opts ...Option) *Thread {
	t := &Thread{name: "main", pool: DefaultPool, kind: handoff.Channel}
	for _, o := range opts {
		o(t)
	}
	t.leader.home = t
	t.current = &t.leader
	return t
}

// Name returns the name given by [WithName], "main" if none was.
func (t *Thread) Name() string { return t.name }

// Handoff tells which handoff the thread's coroutines use: [Channel], or
// [Direct] where that was chosen and can be had.
func (t *Thread) Handoff() Handoff { return t.handoff }

// Leader returns the capability to act as the goroutine that owns the thread.
// A leader can do all that a coroutine can, except yield.
func (t *Thread) Leader() *Self { return &t.leader }

// New makes a coroutine that will run entry when it is first entered. It never
// runs entry itself and costs no goroutine until then; a coroutine that is
// dropped without being entered is simply collected. The same as New of the
// leader's [Self], but it may be called by anyone, also from another goroutine.
//
// New panics with a [*UsageError] if entry is nil or the thread is closed.
func (t *Thread) New(entry Entry) *Coroutine { return t.create(&t.leader, entry, funcPC(entry)) }

// NewFor is New for a package that wraps an entry of its own around a caller's
// function fn: the coroutine's default name is fn's, not entry's.
func (t *Thread) NewFor(fn any, entry Entry) *Coroutine {
	return t.create(&t.leader, entry, funcPC(fn))
}

// Enter is t.Leader().Enter(co); see [Self.Enter]. Called from within a
// coroutine, where self.Enter is meant, it panics with a [*UsageError] for
// [ErrOutside].
func (t *Thread) Enter(co *Coroutine) { t.leader.Enter(co) }

// Wake is t.Leader().Wake(co); see [Self.Wake]. As a leader does not yield, it
// enters co at once.
func (t *Thread) Wake(co *Coroutine) { t.leader.Wake(co) }

// Kill is t.Leader().Kill(co); see [Self.Kill].
func (t *Thread) Kill(co *Coroutine) { t.leader.Kill(co) }

// Current returns the coroutine that runs now, nil if the leader does. It is
// for code on the thread's line of control that has no Self at hand, such as a
// [Tracer]; from another goroutine the answer would be stale, and a data race.
func (t *Thread) Current() *Coroutine { return t.current.co }
