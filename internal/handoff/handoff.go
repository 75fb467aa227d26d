// Package handoff moves control between two goroutines, strictly: exactly one
// of the two runs, the other one waits. It knows nothing of coroutines, callers
// or threads; package coro builds those on top.
//
// A [Line] joins one goroutine of its own, the runner, to whoever gives it
// control, the enterer. Control goes down (enterer to runner) with one of the
// signals Enter and Kill, and comes back up with Yield, Terminate, Panic or
// Goexit:
//
//	enterer                 line                     runner
//	Run(work)    ─────────  Enter  ───────────────▶  work.Run() ...
//	             ◀────────  Yield  ────────────────  ... Yield()
//	Enter(Enter) ─────────  Enter  ───────────────▶  ... goes on
//	             ◀────────  Terminate  ────────────  work returned; idle
//	Run(work2)   ─────────  Enter  ───────────────▶  work2.Run() ...
//
// A side that waits can also be asked to run a function where it waits, on its
// own stack, and to wait on: [Line.Ask] asks the parked runner, [Line.AskBack]
// asks the waiting enterer. That is how a stack is taken without parsing a
// dump of every goroutine.
//
// There are two kinds of line. [Channel] parks goroutines on a pair of one-slot
// channels; [Direct] rides on the runtime's own coroutine switch by way of
// iter.Pull. A kind is nothing but a pair of functions, Next and Back; all the
// rest is written once, on top of the two. What can be observed through a Line
// is the same for both kinds, and package handofftest holds them to it.
//
// Memory model: everything the enterer did before it handed control down
// happens before the runner goes on; everything the runner did before it handed
// control up happens before the enterer's call returns.
package handoff

import (
	"errors"
	"runtime"
	"slices"
)

// A Signal is what one side tells the other when it hands over control.
type Signal uint8

const (
	// Yield comes up: the runner waits in Line.Yield.
	Yield Signal = iota
	// Terminate comes up: the work returned, or unwound after a Kill.
	Terminate
	// Panic comes up: the work panicked; Line.Failure tells with what.
	Panic
	// Goexit comes up: the work called runtime.Goexit. The enterer puts its
	// own books right and then calls Line.Exit.
	Goexit

	// Enter goes down: run on.
	Enter
	// Kill goes down: the work is to unwind, by panicking with ErrKilled.
	Kill

	ask     // either way: run the question where you wait
	answer  // the reply to ask
	release // down, to an idle runner: end
)

var signalNames = [...]string{
	Yield: "yield", Terminate: "terminate", Panic: "panic", Goexit: "goexit",
	Enter: "enter", Kill: "kill", ask: "ask", answer: "answer", release: "release",
}

// String gives the signal in one lower-case word.
func (s Signal) String() string {
	if int(s) < len(signalNames) {
		return signalNames[s]
	}
	return "unknown signal"
}

// ErrKilled is the value that unwinds work which was sent a Kill. A runner
// whose work panics with it reports Terminate, not Panic.
var ErrKilled = errors.New("coro: coroutine killed")

// Work is what a runner does between an Enter and a Terminate.
type Work interface {
	// Run does the work and reports whether the runner should stay, idle,
	// for the next work; otherwise its goroutine ends.
	Run() (keep bool)
}

// A Line joins a runner goroutine to its enterer. The enterer's side may be
// used by any goroutine, one at a time; the caller sees to that. Call Init
// before anything else.
//
// Invariants:
//   - exactly one side runs between two handoffs, so the plain fields need no
//     lock: each is written by the side that runs and read by the other after
//     the handoff that follows;
//   - whoever receives ask answers it before it does anything else, so an ask
//     never overtakes, and is never overtaken by, another signal.
type Line struct {
	// Next hands control down with the signal in Down and waits; it returns
	// the signal that comes up, or false when the runner has ended (Last
	// tells how). Back hands control up and waits; Down is then what came
	// down. These two are the whole of a kind.
	//
	// They are fields, to be called straight from a hot path that looks at
	// the results itself, because every call frame between the user and the
	// switch costs a mispredicted return: 8 ns a frame in a round trip of
	// 65. Cold paths use the methods.
	Next func() (Signal, bool)
	Back func(Signal) bool
	Down Signal
	// Direct tells that the two functions must not be called by a goroutine
	// that is locked to its OS thread; see OSThreadLocked.
	Direct bool

	kept    bool     // the runner is idle, waiting for work
	last    Signal   // what an ended runner ended with
	rising  Signal   // what comes up, on a Channel line
	started bool     // the goroutine of a Channel line has been
	work    Work     // to be started, or the question that ask brings
	failure *failure // how work panicked, if it did

	down, up chan struct{} // of a Channel line
}

// A question is what ask brings: a function to run.
type question func()

// Run implements Work, so that a question can lie where work does.
func (q question) Run() bool {
	q()
	return false
}

// reply runs the question that ask brought.
func (l *Line) reply() {
	q := l.work
	l.work = nil
	q.Run()
}

// A failure is what work panicked with, and where.
type failure struct {
	value any
	stack []uintptr
}

// Run starts work on a fresh or idle line, and returns what comes back up.
// Enterer's side.
func (l *Line) Run(w Work) Signal {
	l.Prepare(w)
	return l.Enter(Enter)
}

// Prepare gives a fresh or idle line its next work, which the next handoff
// down starts. Enterer's side.
func (l *Line) Prepare(w Work) { l.work = w }

// Enter sends Enter or Kill to a runner that waits in Yield and returns what
// comes back up. Enterer's side.
func (l *Line) Enter(down Signal) Signal {
	l.Down = down
	return l.Settle(l.next())
}

// Settle turns what Next returned into what the enterer is to know: it answers
// questions until something else comes up. Enterer's side.
func (l *Line) Settle(up Signal, ok bool) Signal {
	for ok && up == ask {
		l.reply()
		l.Down = answer
		up, ok = l.next()
	}
	if ok && (up == Panic || up == Terminate && !l.kept) {
		l.Finish() // it ends by an exit; see loop
		ok = false
	}
	if !ok {
		l.kept = false
		return l.last
	}
	if up == Panic || up == Terminate && !l.kept {
		l.Finish() // it came from a deferred call that runs for a Goexit
	}
	return up
}

// next is Next by way of a helper where the enterer is locked to its OS thread
// and the kind of line cannot bear that.
func (l *Line) next() (Signal, bool) {
	if l.Direct && OSThreadLocked() {
		return l.nextInHelper()
	}
	return l.Next()
}

// nextInHelper is apart from next, and kept out of it, because its results are
// shared with another goroutine: in next they would cost an allocation a call,
// on the way without a helper too.
//
//go:noinline
func (l *Line) nextInHelper() (up Signal, ok bool) {
	inHelper(func() { up, ok = l.Next() })
	return up, ok
}

// EnterLocked is Enter(Enter) for a hot path that has found itself locked to
// its OS thread.
func (l *Line) EnterLocked() (Signal, bool) {
	l.Down = Enter
	return l.next()
}

// Ask runs fn on the runner that waits in Yield. Enterer's side.
func (l *Line) Ask(fn func()) {
	l.work = question(fn)
	l.Down = ask
	l.Settle(l.next()) // fn may ask back
}

// Exit ends the calling goroutine, after a Goexit signal, as runtime.Goexit
// does, once the runner's goroutine has ended. Enterer's side. It does not
// return.
func (l *Line) Exit() {
	l.next() // a Direct line leaves by this call
	runtime.Goexit()
}

// Kept reports whether the runner is idle and can be given work.
func (l *Line) Kept() bool { return l.kept }

// Release ends an idle runner's goroutine. Enterer's side.
func (l *Line) Release() {
	l.Down = release
	l.next()
	l.kept = false
}

// Failure returns what the work panicked with and the program counters of its
// stack at that moment, innermost first. It may be called only after Panic.
func (l *Line) Failure() (value any, stack []uintptr) { return l.failure.value, l.failure.stack }

// Yield hands control to the enterer and returns Enter or Kill once it has come
// back. Runner's side. On a line that is Direct it must not be called by a
// goroutine locked to its OS thread.
func (l *Line) Yield() Signal {
	l.Back(Yield)
	return l.Woken()
}

// Woken turns what came down into what the runner is to know: it answers
// questions until something else comes down. Runner's side.
func (l *Line) Woken() Signal {
	for l.Down == ask {
		l.reply()
		l.Back(answer)
	}
	return l.Down
}

// AskBack runs fn on the enterer that waits for this runner, and reports
// whether it could. Runner's side.
func (l *Line) AskBack(fn func()) bool {
	if l.Direct && OSThreadLocked() {
		return false
	}
	l.work = question(fn)
	l.Back(ask)
	l.Woken() // fn may ask
	return true
}

// maxFailureStack bounds the frames kept of a panicking stack; the runtime
// itself prints 100.
const maxFailureStack = 100

// loop is the runner: work after work until one asks not to be kept, ends
// badly, or the idle runner is released. There is one defer for all of them,
// because every frame between work and the loop costs a mispredicted return
// when it ends.
func (l *Line) loop() {
	peaceful := false
	defer func() {
		if peaceful {
			return
		}
		v := recover()
		l.failed(v)
	}()
	for {
		w := l.work
		l.work = nil
		l.kept = false // not idle while it works
		l.kept = w.Run()
		if OSThreadLocked() {
			l.unlock()
		}
		if l.kept {
			l.Back(Terminate)
		}
		if !l.kept || l.Down == release {
			l.last = Terminate
			peaceful = true
			return
		}
	}
}

// failed deals with work that did not return; v is what recover gave.
func (l *Line) failed(v any) {
	l.kept = false
	if OSThreadLocked() {
		l.unlock()
	}
	// A deferred call can panic while it runs for a Goexit. The panic is what
	// there is to tell, but recovering it lets the Goexit go on.
	exits := v == nil || Deferred("runtime.Goexit")
	switch v {
	case nil:
		// Not a panic (panic(nil) recovers as *runtime.PanicNilError):
		// Goexit, which cannot be stopped from here. Hand it up now, so
		// that the enterer puts its books right without a defer on its hot
		// path; Exit then lets this goroutine come to its end.
		l.last = Goexit
	case any(ErrKilled):
		l.last = Terminate
	default:
		l.last = Panic
		pcs := make([]uintptr, maxFailureStack)
		l.failure = &failure{v, pcs[:runtime.Callers(3, pcs)]}
	}
	if exits {
		l.Back(l.last)
	}
}

// Deferred reports whether the calling goroutine has one of functions on its
// stack: runtime.gopanic or runtime.Goexit, when it runs deferred calls because
// of them.
func Deferred(functions ...string) bool {
	var pcs [64]uintptr
	for skip := 2; ; skip += len(pcs) {
		n := runtime.Callers(skip, pcs[:])
		for _, pc := range pcs[:n] {
			if f := runtime.FuncForPC(pc - 1); f != nil && slices.Contains(functions, f.Name()) {
				return true
			}
		}
		if n < len(pcs) {
			return false
		}
	}
}

// unlock deals with work that left its goroutine locked to an OS thread. The
// next work must not inherit that. On a Channel line the goroutine ends, and
// with it the OS thread, as it does for a plain goroutine. The runtime cannot
// end a locked goroutine on a Direct line, so there the locks are taken back.
func (l *Line) unlock() {
	l.kept = false
	for l.Direct && OSThreadLocked() {
		runtime.UnlockOSThread()
	}
}

// inHelper runs fn on a goroutine of its own, which is not locked to an OS
// thread, and waits for it. fn may end by runtime.Goexit.
func inHelper(fn func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		fn()
	}()
	<-done
}

// Finish ends a runner that reported Goexit without ending the calling
// goroutine. Enterer's side.
func (l *Line) Finish() {
	if l.Direct {
		inHelper(func() { l.Next() })
		return
	}
	l.Next()
}
