package coro_test

import (
	"fmt"
	"slices"

	"github.com/gohandoff/coroutine/coro"
)

// The model is package coro without goroutines: slow, obvious, and the oracle
// for random programs. A coroutine is a list of instructions and a place in it;
// to enter it is to call run, to yield is to return from run.

// A modelCo is a coroutine of the model, or the leader (id 0).
type modelCo struct {
	id     int
	body   []modelInstr
	pc     int
	status coro.Status // Running stands for Normal, too
	woken  bool
	by     *modelCo
	wakes  []*modelCo
	locks  int

	killing bool
	parked  *modelInstr  // the yield at which it waits
	defers  []modelInstr // deferred calls to come
	end     *modelEnd    // how the body ended, while the deferred calls run
}

// A modelEnd is how an instruction, or a body, ended.
type modelEnd struct {
	kind  modelEndKind
	value any // of a panic: string, modelUsage, *modelPanic, modelKilled
}

type modelEndKind uint8

const (
	modelOK modelEndKind = iota // or returned
	modelYielded
	modelPanicked
	modelExited
)

type modelUsage struct {
	err   error
	about string
}

func (u modelUsage) String() string { return u.err.Error() + ": " + u.about }

type modelKilled struct{}

func (modelKilled) String() string { return coro.ErrKilled.Error() }

type modelPanic struct {
	value   any
	in      *modelCo
	through []*modelCo
}

func (p *modelPanic) String() string {
	s := "coro: panic in " + p.in.String()
	for _, co := range p.through {
		s += ", through " + co.String()
	}
	return s + ": " + fmt.Sprint(p.value)
}

func (co *modelCo) String() string {
	if co.id == 0 {
		return "leader"
	}
	return fmt.Sprintf("c%d", co.id)
}

// about names co as a misuse does.
func (co *modelCo) about() string {
	if co.id == 0 {
		return "leader of main"
	}
	return fmt.Sprintf("c%d (#%d)", co.id, co.id)
}

func modelMisuse(err error, about *modelCo) modelEnd {
	return modelEnd{modelPanicked, modelUsage{err, about.about()}}
}

type model struct {
	prog    modelProgram
	leader  *modelCo
	cos     []*modelCo
	closed  bool
	exiting bool
	lines   []string
}

// runModel runs p in the model and returns what happened.
func runModel(p modelProgram) []string {
	m := &model{prog: p, leader: new(modelCo)}
	for _, in := range p.leader {
		if in.op == opReturn {
			break
		}
		if m.do(m.leader, in).kind == modelExited {
			m.log("leader exits")
			break
		}
	}
	m.close()
	for _, co := range m.cos {
		m.log("%v is %v", co, co.status)
	}
	return m.lines
}

func (m *model) log(format string, args ...any) {
	m.lines = append(m.lines, fmt.Sprintf(format, args...))
}

func (m *model) event(kind coro.EventKind, from, to *modelCo, detail string) {
	s := fmt.Sprintf("%s %v -> %v", kind, from, to)
	if detail != "" {
		s += " (" + detail + ")"
	}
	m.log("%s", s)
}

// run goes on with co until it yields or ends.
func (m *model) run(co *modelCo) modelEnd {
	if in := co.parked; in != nil {
		co.parked = nil
		if co.killing {
			r := m.catch(co, *in, modelEnd{modelPanicked, modelKilled{}})
			if r.kind != modelOK {
				co.end = &r
			}
		}
	}
	for co.end == nil {
		if co.pc == len(co.body) || co.body[co.pc].op == opReturn {
			co.end = &modelEnd{}
			break
		}
		in := co.body[co.pc]
		co.pc++
		if in.deferred {
			co.defers = append(co.defers, in)
			continue
		}
		if r := m.do(co, in); r.kind == modelYielded {
			return r
		} else if r.kind != modelOK {
			co.end = &r
		}
	}
	for len(co.defers) > 0 {
		in := co.defers[len(co.defers)-1]
		co.defers = co.defers[:len(co.defers)-1]
		if r := m.do(co, in); r.kind == modelYielded {
			return r
		} else if r.kind != modelOK {
			co.end = &r // the later panic, or Goexit, wins
		}
	}
	return *co.end
}

// do runs one instruction of co.
func (m *model) do(co *modelCo, in modelInstr) modelEnd { return m.catch(co, in, m.op(co, in)) }

func (m *model) catch(co *modelCo, in modelInstr, r modelEnd) modelEnd {
	if in.try && r.kind == modelPanicked {
		m.log("%v caught %v", co, r.value)
		return modelEnd{}
	}
	return r
}

func (m *model) op(co *modelCo, in modelInstr) modelEnd {
	var to *modelCo
	if len(m.cos) > 0 {
		to = m.cos[in.arg%len(m.cos)]
	}
	switch in.op {
	case opMark:
		m.log("%v marks %d", co, in.arg)
	case opNew:
		if len(m.cos) == maxModelCoroutines {
			break
		}
		if m.closed {
			return modelEnd{modelPanicked, modelUsage{coro.ErrClosed, "New on thread main"}}
		}
		made := &modelCo{id: len(m.cos) + 1, body: m.prog.bodies[in.arg%len(m.prog.bodies)]}
		m.cos = append(m.cos, made)
		m.event(coro.EventCreate, co, made, "")
	case opEnter:
		return m.enter(co, to)
	case opEnterIfInactive:
		if to.status != coro.Running {
			return m.enter(co, to)
		}
	case opYield:
		return m.yield(co, in)
	case opWake:
		return m.wake(co, to)
	case opKill:
		return m.kill(co, to)
	case opPanic:
		if co.id != 0 {
			return modelEnd{modelPanicked, "boom " + co.String()}
		}
	case opGoexit:
		return modelEnd{kind: modelExited}
	case opLock:
		co.locks++
	case opUnlock:
		co.locks--
	case opEnterSelf:
		if co.id != 0 {
			return m.enter(co, co)
		}
	case opLeaderEnter:
		if co.id == 0 {
			return m.enter(co, to)
		}
		if r := m.enterable(to); r.kind != modelOK {
			return r
		}
		return modelMisuse(coro.ErrOutside, m.leader)
	case opLeaderKill:
		switch {
		case co.id == 0:
			return m.kill(co, to)
		case to.status == coro.Dead:
		case to.status == coro.Running:
			return modelMisuse(coro.ErrReentered, to)
		default:
			return modelMisuse(coro.ErrOutside, m.leader)
		}
	case opLeaderYield:
		return modelMisuse(coro.ErrNoCaller, m.leader)
	}
	return modelEnd{}
}

func (m *model) enterable(to *modelCo) modelEnd {
	switch {
	case to.status == coro.Dead:
		return modelMisuse(coro.ErrTerminated, to)
	case to.woken:
		return modelMisuse(coro.ErrScheduled, to)
	case to.status == coro.Running:
		return modelMisuse(coro.ErrReentered, to)
	}
	return modelEnd{}
}

func (m *model) enter(self, to *modelCo) modelEnd {
	if r := m.enterable(to); r.kind != modelOK {
		return r
	}
	return m.stepAndDrain(self, to, coro.EventEnter)
}

func (m *model) stepAndDrain(self, to *modelCo, kind coro.EventKind) modelEnd {
	r, woken := m.step(self, to, kind, nil)
	if r.kind != modelOK {
		return r
	}
	if self.id == 0 {
		woken = append(woken, self.wakes...)
		self.wakes = nil
	}
	return m.drain(self, woken)
}

// step enters to, or kills it, and returns what it woke.
func (m *model) step(self, to *modelCo, kind coro.EventKind, rest []*modelCo) (modelEnd, []*modelCo) {
	to.by = self
	to.status = coro.Running
	m.event(kind, self, to, "")
	r := m.run(to)
	woken := to.wakes
	to.wakes = nil
	if r.kind == modelYielded {
		to.status = coro.Suspended
		return modelEnd{}, woken
	}
	to.status = coro.Dead
	if _, killed := r.value.(modelKilled); killed {
		r = modelEnd{}
	}
	if r.kind == modelExited && m.closed {
		r = modelEnd{} // Close exits when it is done
		m.exiting = true
	}
	switch {
	case r.kind == modelPanicked:
		inner, nested := r.value.(*modelPanic)
		if nested {
			r.value = &modelPanic{inner.value, inner.in, append(slices.Clone(inner.through), to)}
		} else {
			r.value = &modelPanic{value: r.value, in: to}
		}
		m.event(coro.EventPanic, to, self, fmt.Sprint(r.value.(*modelPanic).value))
	case r.kind == modelExited:
		m.event(coro.EventTerminate, to, self, "goexit")
	case to.killing:
		m.event(coro.EventTerminate, to, self, "killed")
	default:
		m.event(coro.EventTerminate, to, self, "")
	}
	if r.kind == modelOK && to.locks != 0 {
		r = modelMisuse(coro.ErrLocksHeld, to)
	}
	if r.kind != modelOK {
		m.keep(self, append(woken, rest...))
		return r, nil
	}
	return r, woken
}

// keep saves wakes whose turn has not come.
func (m *model) keep(self *modelCo, q []*modelCo) {
	self.wakes = append(slices.Clone(q), self.wakes...)
}

func (m *model) drain(self *modelCo, q []*modelCo) modelEnd {
	for len(q) > 0 {
		to := q[0]
		q = slices.Clone(q[1:])
		to.woken = false
		if to.status == coro.Dead {
			continue
		}
		if to.status == coro.Running {
			m.keep(self, q)
			return modelMisuse(coro.ErrReentered, to)
		}
		r, woken := m.step(self, to, coro.EventEnter, q)
		if r.kind != modelOK {
			return r
		}
		q = append(woken, q...)
	}
	return modelEnd{}
}

func (m *model) yield(co *modelCo, in modelInstr) modelEnd {
	if co.id == 0 {
		return modelMisuse(coro.ErrNoCaller, co)
	}
	if co.killing {
		if co.end != nil && co.end.kind != modelOK {
			return modelMisuse(coro.ErrKilledYield, co)
		}
		return modelEnd{modelPanicked, modelKilled{}}
	}
	m.event(coro.EventYield, co, co.by, "")
	co.parked = &in
	return modelEnd{kind: modelYielded}
}

func (m *model) wake(self, to *modelCo) modelEnd {
	if self.id == 0 {
		return m.enter(self, to)
	}
	switch {
	case to.status == coro.Dead:
		return modelMisuse(coro.ErrTerminated, to)
	case to.status == coro.Running:
		return modelMisuse(coro.ErrReentered, to)
	case to.woken:
		return modelMisuse(coro.ErrScheduled, to)
	}
	to.woken = true
	self.wakes = append(self.wakes, to)
	m.event(coro.EventWake, self, to, "")
	return modelEnd{}
}

func (m *model) kill(self, to *modelCo) modelEnd {
	switch to.status {
	case coro.Dead:
		return modelEnd{}
	case coro.Running:
		return modelMisuse(coro.ErrReentered, to)
	case coro.Ready:
		to.status = coro.Dead
		m.event(coro.EventKill, self, to, "")
		m.event(coro.EventTerminate, to, self, "killed")
		return modelEnd{}
	}
	to.killing = true
	return m.stepAndDrain(self, to, coro.EventKill)
}

func (m *model) close() {
	m.closed = true
	var errs []string
	for {
		var live []*modelCo
		for _, co := range slices.Backward(m.cos) {
			if co.status == coro.Suspended {
				live = append(live, co)
			}
		}
		if len(live) == 0 {
			break
		}
		for _, co := range live {
			if r := m.kill(m.leader, co); r.kind == modelPanicked {
				errs = append(errs, fmt.Sprint(r.value))
			}
		}
	}
	if m.exiting {
		m.log("close exits")
		return
	}
	for _, err := range errs {
		m.log("close: %s", err)
	}
}
