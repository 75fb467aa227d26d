package coro

import (
	"fmt"
	"reflect"
	"runtime"
	"strings"
	"sync/atomic"
	"weak"
)

// An Entry is what a coroutine runs. It gets the capability to act as that
// coroutine; it must not hand it to another goroutine.
type Entry func(self *Self)

// A Coroutine is the handle of a coroutine: it can be entered, woken, killed and
// asked for its state, but never yielded on somebody's behalf. A handle stays
// valid after the coroutine's death and is never reused.
//
// The methods may be called by any goroutine.
type Coroutine struct {
	self *Self
}

// A Status is the state of a coroutine, in Lua's words.
type Status uint8

const (
	// Ready means never entered.
	Ready Status = iota
	// Running means that it is the one that runs in its thread.
	Running
	// Normal means that it has entered another coroutine and waits for it.
	Normal
	// Suspended means that it has yielded.
	Suspended
	// Dead means that it returned, was killed, panicked or called
	// runtime.Goexit.
	Dead
)

// String returns the status in one lower-case word.
func (s Status) String() string {
	switch s {
	case Ready:
		return "ready"
	case Running:
		return "running"
	case Normal:
		return "normal"
	case Suspended:
		return "suspended"
	case Dead:
		return "dead"
	}
	return fmt.Sprintf("Status(%d)", uint8(s))
}

// The states of a coroutine, as Enter sees them. The zero state is ready, so
// that New need not store it; all from dead on are dead, and say why.
const (
	ready     = iota // never entered
	suspended        // may be entered
	asked            // suspended, claimed for a moment by a dump
	entered          // claimed by by
	returned
	killed
	panicked
	exited
	dead = returned
)

var endings = [...]string{returned: "returned", killed: "was killed", panicked: "panicked", exited: "called runtime.Goexit"}

// ending says in words how s ended, if it has.
func (s *Self) ending() string {
	if st := s.state.Load(); st >= dead {
		return endings[st]
	}
	return "is alive"
}

// A Self is the capability to act as one coroutine, or as a leader. Only the
// goroutine of that coroutine may use it, and only while it runs. A function
// that takes a Self as its first parameter may yield; a function that does not,
// cannot.
//
// Using a Self while its coroutine does not run panics with a [*UsageError] for
// [ErrOutside] where that can be told.
type Self struct {
	// Whoever changes state from suspended or ready to entered owns the
	// coroutine until it changes state back. One compare-and-swap settles
	// races between goroutines.
	state  atomic.Uint32
	woken  atomic.Uint32          // 1 while in a queue, waiting for its turn
	caller atomic.Pointer[Self]   // who entered it last; nil: home's leader
	waker  atomic.Pointer[Self]   // who woke it last
	moved  atomic.Pointer[Thread] // where it runs now, nil while that is home
	extra  atomic.Pointer[extra]  // rarely needed
	slot   atomic.Pointer[Slot]   // set by its first wait for a lock

	// Written by New.
	home *Thread
	id   uint64
	pc   uintptr // of the entry

	// Fields of the line of control: used by the coroutine while it runs, and
	// by whoever has claimed it otherwise. What is needed only while there is
	// a goroutine lies in w, to keep this object, which every New allocates,
	// small.
	w     *worker    // nil before the first Enter, and after the end
	co    *Coroutine // nil for a leader
	entry Entry
	next  *Self // in a queue
}

// extra is what a Self needs in some modes only.
type extra struct {
	name                            atomic.Pointer[string]
	created, entered, woken, killed atomic.Uintptr          // sites, see WithSites
	handle                          weak.Pointer[Coroutine] // see WithAbandonReports
}

// handle is a coroutine as New allocates it: one object.
type handle struct {
	Coroutine
	Self
}

// funcPC returns where a function begins, which is all that is kept for a name.
func funcPC(fn any) uintptr {
	if v := reflect.ValueOf(fn); v.Kind() == reflect.Func {
		return v.Pointer()
	}
	return 0
}

// create makes a coroutine on t, by by, named after the function at pc.
func (t *Thread) create(by *Self, entry Entry, pc uintptr) *Coroutine {
	if entry == nil {
		t.misuseNew(ErrNilEntry, by)
	}
	// One object a coroutine. Allocating the handles of 16 coroutines at once
	// takes a New from 28 ns to 17, but a coroutine that is dropped without
	// being entered would then keep what its entry captured for as long as
	// any of its neighbours lives.
	h := new(handle)
	s := &h.Self
	h.Coroutine.self = s
	s.co = &h.Coroutine
	s.entry = entry
	s.pc = pc
	s.home = t
	s.id = t.lastID.Add(1)
	if t.in(modeAny) || t.closed.Load() {
		return t.createSlow(by, s)
	}
	return s.co
}

// createSlow finishes create where the thread is in some mode.
func (t *Thread) createSlow(by *Self, s *Self) *Coroutine {
	if t.closed.Load() {
		t.misuseNew(ErrClosed, by)
	}
	co := s.co
	if t.in(modeSites | modeAbandon) {
		s.more().created.Store(callerPC())
	}
	if t.in(modeAbandon) {
		// The handle must not be one object with the Self, which the parked
		// goroutine keeps alive, and must not be reachable from it.
		co = &Coroutine{self: s}
		s.more().handle = weak.Make(co)
		s.co = nil
		runtime.AddCleanup(co, t.abandoned.report, s)
	}
	if t.in(modeTrace) {
		t.trace(EventCreate, by.co, co, "", s.site())
	}
	return co
}

// thread returns where s runs, or ran last; nil for a zero Self. Storing the
// thread in New atomically would cost 6 ns; most coroutines never move.
func (s *Self) thread() *Thread {
	if t := s.moved.Load(); t != nil {
		return t
	}
	return s.home
}

// by returns who entered s last. That it was home's leader is what a new
// coroutine starts with, so that one that is entered only once, by the leader,
// is spared a store of 6 ns.
func (s *Self) by() *Self {
	if c := s.caller.Load(); c != nil {
		return c
	}
	return &s.home.leader
}

// enteredBefore reports whether caller says already that it was self who entered
// s last.
func (s *Self) enteredBefore(self *Self) bool {
	c := s.caller.Load()
	return c == self || c == nil && self == &s.home.leader
}

// site returns the program counter of the New that made s, 0 if it was not kept.
func (s *Self) site() uintptr {
	if x := s.extra.Load(); x != nil {
		return x.created.Load()
	}
	return 0
}

// more returns the rarely needed part of s, which it makes if there is none.
func (s *Self) more() *extra {
	for {
		if x := s.extra.Load(); x != nil {
			return x
		}
		s.extra.CompareAndSwap(nil, new(extra))
	}
}

// ID returns the number of the coroutine: 1, 2, 3 ... in the order of creation
// on its thread.
func (co *Coroutine) ID() uint64 { return co.self.id }

// Name returns the name given by [Coroutine.SetName], or else the name of the
// entry function, without its package, and the id: "worker#3".
func (co *Coroutine) Name() string { return co.self.label() }

// SetName names the coroutine in messages, dumps and traces, and returns co. An
// empty name brings back the one it had from New.
func (co *Coroutine) SetName(name string) *Coroutine {
	given := &name
	if name == "" {
		given = nil
	}
	co.self.more().name.Store(given)
	return co
}

// String returns the coroutine's name.
func (co *Coroutine) String() string { return co.self.label() }

// Entered reports whether the coroutine has been entered and has not yielded
// since: true for the one that runs and for every one below it in the chain of
// callers.
func (co *Coroutine) Entered() bool { return co.self.state.Load() == entered }

// Caller returns the coroutine that entered co and has not been yielded to yet.
// It is nil when co is not entered, or was entered by a leader.
func (co *Coroutine) Caller() *Coroutine {
	if !co.Entered() {
		return nil
	}
	if by := co.self.by(); by != nil {
		return by.coroutine()
	}
	return nil
}

// CreatedOn returns the thread that created the coroutine, and that its ID counts
// on; it stays the same where [Coroutine.Thread] follows a coroutine that moves.
func (co *Coroutine) CreatedOn() *Thread { return co.self.home }

// Thread returns the thread on which the coroutine last ran, or was created.
func (co *Coroutine) Thread() *Thread { return co.self.thread() }

// Status returns the state of the coroutine. For one that is entered, it looks
// through the coroutines of the thread to tell [Running] from [Normal].
func (co *Coroutine) Status() Status {
	switch co.self.state.Load() {
	case ready:
		return Ready
	case suspended, asked:
		return Suspended
	case entered:
	default:
		return Dead
	}
	if co.self.thread().entererOf(co.self) {
		return Normal
	}
	return Running
}

// coroutine returns the handle of s, nil for a leader, or when nobody has the
// handle any more.
func (s *Self) coroutine() *Coroutine {
	if x := s.extra.Load(); x != nil && x.handle != (weak.Pointer[Coroutine]{}) {
		// co is but a pin then, which its thread sets and takes back.
		return x.handle.Value()
	}
	return s.co
}

// label returns the name of s for a reader.
func (s *Self) label() string {
	if x := s.extra.Load(); x != nil {
		if name := x.name.Load(); name != nil {
			return *name
		}
	}
	if s.id == 0 {
		t := s.thread()
		if t == nil {
			return "nobody"
		}
		return "leader of " + t.name
	}
	return fmt.Sprintf("%s#%d", entryName(s.pc), s.id)
}

// entryName returns the function's name without its package, its type
// parameters and the mark of a method value.
func entryName(pc uintptr) string {
	f := runtime.FuncForPC(pc)
	if f == nil {
		return "coroutine"
	}
	return shortFunc(f.Name())
}

// shortFunc strips a function's full name of the package's path and name, of
// type parameters, and of the mark of a method value.
func shortFunc(name string) string {
	if i := strings.Index(name, "[...]"); i >= 0 {
		name = strings.ReplaceAll(name, "[...]", "")
	}
	name = name[strings.LastIndexByte(name, '/')+1:]
	if i := strings.IndexByte(name, '.'); i >= 0 {
		name = name[i+1:]
	}
	return strings.TrimSuffix(name, "-fm")
}
