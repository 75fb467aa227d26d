package lesson

import (
	_ "embed" // for the source that is shown
	"sync"

	"github.com/gohandoff/coroutine/coro"
)

//go:embed qemu.go
var qemuSource string

var qemu = Lesson{
	Name: "qemu", About: "create, trampoline, enter, yield, terminate: step by step",
	source: qemuSource,
	parts:  []part{{"core", core}, {"callers", callers}},
}

//lesson:begin core

// An action says why control comes: it is the value of the jump.
type action string

const (
	actEnter     action = "ENTER"
	actYield     action = "YIELD"
	actTerminate action = "TERMINATE"
)

// A tiny coroutine: a place to jump to, and who is waiting for it.
type tiny struct {
	name   string
	place  chan action // receive is sigsetjmp, send is siglongjmp
	caller *tiny       // who entered it; nil if it is not entered
	entry  func(self *tiny)
}

// A tinyThread is QEMU's thread-local state.
type tinyThread struct {
	e     *Env
	pool  []*tiny
	ended sync.WaitGroup
}

// switchTo is the only function that moves control. It returns when
// somebody switches back to from, with the action that this one had.
func (t *tinyThread) switchTo(from, to *tiny, act action) action {
	t.tell(from, to, act)
	to.place <- act
	return <-from.place
}

// trampoline is what runs on a new stack. It never returns to whoever
// made it. A jump that comes when one coroutine has terminated is the
// first of another, which has the stack now.
func (t *tinyThread) trampoline(co *tiny) {
	defer t.ended.Done()
	act := <-co.place
	for act == actEnter {
		co.entry(co)
		act = t.switchTo(co, co.caller, actTerminate)
	}
}

func (t *tinyThread) create(name string, entry func(self *tiny)) *tiny {
	if n := len(t.pool); n > 0 {
		co := t.pool[n-1]
		t.pool = t.pool[:n-1]
		t.e.Say("create %s, on the stack of %s", name, co)
		co.name, co.entry = name, entry
		return co
	}
	t.e.Say("create %s, on a new stack", name)
	co := &tiny{name: name, entry: entry, place: make(chan action)}
	t.ended.Add(1)
	go t.trampoline(co)
	return co
}

func (t *tinyThread) enter(self, co *tiny) {
	co.caller = self
	if t.switchTo(self, co, actEnter) == actTerminate {
		co.caller = nil
		t.pool = append(t.pool, co)
	}
}

func (t *tinyThread) yield(self *tiny) {
	to := self.caller
	self.caller = nil
	t.switchTo(self, to, actYield)
}

//lesson:end

func (co *tiny) String() string { return co.name }

// chain names co's callers, co first. It is wary of a cycle, which the machine does
// not refuse.
func (co *tiny) chain() string {
	s := co.name
	seen := map[*tiny]bool{co: true}
	for c := co.caller; c != nil; c = c.caller {
		s += " < " + c.name
		if seen[c] {
			return s + " ..."
		}
		seen[c] = true
	}
	return s
}

// tell prints a switch, as it is once to has control.
func (t *tinyThread) tell(from, to *tiny, act action) {
	t.e.Say("%-6s → %-6s  %-9s  callers: %s", from, to, act, to.chain())
}

// close ends the trampolines in the pool: what they receive is no enter.
func (t *tinyThread) close() {
	for _, co := range t.pool {
		close(co.place)
	}
	t.ended.Wait()
}

//lesson:begin program
func core(e *Env) error {
	leader := &tiny{name: "leader", place: make(chan action)}
	t := &tinyThread{e: e}
	defer t.close()
	var helper *tiny
	reader := t.create("reader", func(self *tiny) {
		helper = t.create("helper", func(self *tiny) {
			t.yield(self) // to reader
			// helper goes on, and ends
		})
		t.enter(self, helper)
		t.yield(self) // to leader
	})
	t.enter(leader, reader)
	t.enter(leader, helper) // this time it is leader's
	t.enter(leader, reader)
	t.enter(leader, t.create("third", func(*tiny) {}))
	return nil
}

//lesson:end

//lesson:begin callers
func callers(e *Env) error {
	chain := func(co *coro.Coroutine) string {
		s := co.Name()
		for c := co.Caller(); c != nil; c = c.Caller() {
			s += " < " + c.Name()
		}
		return s + " < leader"
	}
	var helper *coro.Coroutine
	reader := e.New(func(self *coro.Self) {
		helper = self.New(func(self *coro.Self) {
			e.Say("callers: %s", chain(self.Coroutine()))
			self.Yield()
			e.Say("callers: %s", chain(self.Coroutine()))
		}).SetName("helper")
		self.Enter(helper)
		self.Yield()
	}).SetName("reader")
	e.Enter(reader)
	e.Enter(helper)
	e.Enter(reader)
	e.Enter(e.New(func(*coro.Self) {}).SetName("third"))
	return nil
}

//lesson:end
