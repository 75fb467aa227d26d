package cosync_test

import (
	"fmt"
	"slices"
	"strings"
)

// The reference: a slow, obvious model of all four types, in which a coroutine
// is a number, a queue is a slice and a wake is an entry in a list. The real
// thing has to give the same log for the same programs and the same choices.

// An op is one call in the program of a coroutine: two mutexes a and b, a queue
// whose mutex is a, a reader-writer lock, and a semaphore of three units.
type op string

const (
	opLockA   op = "a.Lock"
	opUnlockA op = "a.Unlock"
	opTryA    op = "a.TryLock"
	opLockB   op = "b.Lock"
	opUnlockB op = "b.Unlock"
	opWait    op = "q.Wait"
	opFront   op = "q.WaitFront"
	opNext    op = "q.Next"
	opAll     op = "q.RestartAll"
	opRLock   op = "rw.RLock"
	opRUnlock op = "rw.RUnlock"
	opLock    op = "rw.Lock"
	opUnlock  op = "rw.Unlock"
	opUp      op = "rw.Upgrade"
	opDown    op = "rw.Downgrade"
	opAcq1    op = "s.Acquire(1)"
	opAcq2    op = "s.Acquire(2)"
	opAcq3    op = "s.Acquire(3)"
	opRel1    op = "s.Release(1)"
	opRel2    op = "s.Release(2)"
	opRel3    op = "s.Release(3)"
	opTry2    op = "s.TryAcquire(2)"
	opKill1   op = "kill(1)"
	opKill2   op = "kill(2)"
	opKill3   op = "kill(3)"
	opAnd     op = "and" // no yield between the operations before and after
)

var allOps = []op{
	opLockA, opUnlockA, opTryA, opLockB, opUnlockB, opWait, opFront, opNext, opAll, opRLock, opRUnlock,
	opLock, opUnlock, opUp, opDown, opAcq1, opAcq2, opAcq3, opRel1, opRel2, opRel3, opTry2,
	opKill1, opKill2, opKill3, opAnd, opAnd, opAnd,
}

// arg is how many units an operation on the semaphore is about, or whom a kill.
func (o op) arg() int {
	i := strings.IndexByte(string(o), '(')
	return int(o[i+1] - '0')
}

const semUnits = 3

// A choice of the driver: enter coroutine co, or kill it.
type choice struct {
	co   int
	kill bool
}

func (c choice) String() string {
	if c.kill {
		return fmt.Sprintf("kill c%d", c.co+1)
	}
	return fmt.Sprintf("enter c%d", c.co+1)
}

type ticket struct {
	co    int
	write bool
	units int
}

type modelCo struct {
	prog    []op
	pc      int
	waits   string // "", or what it waits for: a, b, q, rw, s
	granted bool
	passes  bool // woken by Next in q
	relock  bool // on its way out of q
	dead    bool
	units   int
	asked   int // units, in its last Acquire that had to wait
}

// A model is the state of the world; its parts are never shared with a copy.
type model struct {
	cos     []modelCo
	owner   map[string]int // of a and b
	mq      map[string][]int
	writer  int
	readers []int
	rwq     []ticket
	q       []int
	free    int
	sq      []ticket
	log     log
}

const none = -1

func newModel(progs [][]op) *model {
	m := &model{owner: map[string]int{"a": none, "b": none}, mq: map[string][]int{}, writer: none, free: semUnits}
	for _, p := range progs {
		m.cos = append(m.cos, modelCo{prog: p})
	}
	return m
}

// key tells states apart that can behave differently from here on.
func (m *model) key() string {
	l := m.log
	m.log = nil
	defer func() { m.log = l }()
	var b strings.Builder
	for _, c := range m.cos {
		fmt.Fprint(&b, c.pc, c.waits, c.passes, c.relock, c.dead, c.units, ";")
	}
	fmt.Fprint(&b, m.owner, m.mq, m.writer, m.readers, m.rwq, m.q, m.free, m.sq)
	return b.String()
}

// play makes one choice, and lets everybody who was woken have a turn.
func (m *model) play(c choice) {
	var woken []int
	if c.kill {
		woken = m.kill(c.co)
	} else {
		woken = m.enter(c.co)
	}
	m.drain(woken)
}

func (m *model) drain(woken []int) {
	for len(woken) > 0 {
		next := woken[0]
		woken = append(m.resume(next), woken[1:]...)
	}
}

func (m *model) enter(i int) []int {
	c := &m.cos[i]
	switch {
	case c.dead || c.waits != "":
		return nil // what waits goes on waiting, whoever enters it
	case c.pc == len(c.prog):
		c.dead = true
		return m.cleanUp(i)
	}
	o := c.prog[c.pc]
	c.pc++
	return m.do(i, o)
}

// done logs that the operation of i has returned, and goes on with the next one
// if i does not yield in between.
func (m *model) done(i int, result string, woken []int) []int {
	c := &m.cos[i]
	m.log.add("c%d:%s%s", i+1, c.prog[c.pc-1], result)
	if c.pc < len(c.prog) && c.prog[c.pc] == opAnd {
		for c.pc < len(c.prog) && c.prog[c.pc] == opAnd {
			c.pc++
		}
		if c.pc == len(c.prog) {
			c.dead = true
			return append(woken, m.cleanUp(i)...)
		}
		c.pc++
		woken = append(woken, m.do(i, c.prog[c.pc-1])...)
	}
	return woken
}

// held lists what i holds, in the order in which it is let go of at the end.
func (m *model) held(i int) (all []string) {
	for _, x := range []string{"a", "b"} {
		if m.owner[x] == i {
			all = append(all, x)
		}
	}
	if slices.Contains(m.readers, i) {
		all = append(all, "r")
	}
	if m.writer == i {
		all = append(all, "w")
	}
	return all
}

// cleanUp is the deferred call of a coroutine, which lets go of everything.
func (m *model) cleanUp(i int) (woken []int) {
	for _, x := range m.held(i) {
		switch x {
		case "r":
			m.readers = without(m.readers, i)
			woken = append(woken, m.serveRW()...)
		case "w":
			m.writer = none
			woken = append(woken, m.serveRW()...)
		default:
			woken = append(woken, m.unlock(x)...)
		}
	}
	if n := m.cos[i].units; n > 0 {
		m.cos[i].units = 0
		m.free += n
		woken = append(woken, m.serveSem()...)
	}
	m.log.add("c%d:end", i+1)
	return woken
}

func (m *model) kill(i int) (woken []int) {
	c := &m.cos[i]
	if c.dead {
		return nil
	}
	c.dead = true
	if c.pc == 0 { // never entered: nothing to unwind
		return nil
	}
	waits, granted := c.waits, c.granted
	c.waits, c.granted = "", false
	mine := func(t ticket) bool { return t.co == i }
	switch waits {
	case "a", "b":
		if granted {
			woken = m.unlock(waits)
		}
		m.mq[waits] = without(m.mq[waits], i)
		if c.relock && c.passes {
			woken = append(woken, m.next(true)...)
		}
	case "q":
		if granted && c.passes {
			woken = m.next(true)
		}
		m.q = without(m.q, i)
	case "rw":
		if m.writer == i {
			m.writer = none
		}
		m.readers = without(m.readers, i)
		m.rwq = slices.DeleteFunc(m.rwq, mine)
		woken = m.serveRW()
	case "s":
		if granted {
			m.free += c.asked
			c.units -= c.asked
		}
		m.sq = slices.DeleteFunc(m.sq, mine)
		woken = m.serveSem()
	}
	return append(woken, m.cleanUp(i)...)
}

// resume runs a coroutine whose wait is over.
func (m *model) resume(i int) (woken []int) {
	c := &m.cos[i]
	if c.dead || !c.granted {
		return nil
	}
	c.granted = false
	waits := c.waits
	c.waits = ""
	if waits == "q" {
		c.relock = true
		if m.owner["a"] != none {
			m.wait(i, "a")
			m.mq["a"] = append(m.mq["a"], i)
			return nil
		}
		m.owner["a"] = i
	}
	c.relock = false
	if waits == "rw" && m.writer != i {
		woken = m.serveRW()
	}
	return m.done(i, "", woken)
}

func (m *model) wait(i int, on string) { m.cos[i].waits = on }

func (m *model) grant(i int) []int {
	m.cos[i].granted = true
	return []int{i}
}

// unlock hands a or b over.
func (m *model) unlock(x string) []int {
	q := m.mq[x]
	if len(q) == 0 {
		m.owner[x] = none
		return nil
	}
	m.owner[x] = q[0]
	m.mq[x] = q[1:]
	return m.grant(q[0])
}

func (m *model) next(passes bool) []int {
	if len(m.q) == 0 {
		return nil
	}
	i := m.q[0]
	m.q = m.q[1:]
	m.cos[i].passes = passes
	return m.grant(i)
}

func (m *model) serveRW() []int {
	if len(m.rwq) == 0 || m.writer != none || m.rwq[0].write && len(m.readers) > 0 {
		return nil
	}
	t := m.rwq[0]
	m.rwq = m.rwq[1:]
	if t.write {
		m.writer = t.co
	} else {
		m.readers = append(m.readers, t.co)
	}
	return m.grant(t.co)
}

func (m *model) serveSem() (woken []int) {
	for len(m.sq) > 0 && m.sq[0].units <= m.free {
		t := m.sq[0]
		m.sq = m.sq[1:]
		m.free -= t.units
		m.cos[t.co].units += t.units
		woken = append(woken, m.grant(t.co)...)
	}
	return woken
}

// blockers are those that must act before i gets what it waits for.
func (m *model) blockers(i int, on string, write bool) []int {
	switch {
	case on == "a" || on == "b":
		return []int{m.owner[on]}
	case on != "rw":
		return nil
	case m.writer != none:
		return []int{m.writer}
	}
	for _, t := range m.rwq {
		if t.co == i {
			break
		}
		write = write || t.write
	}
	if !write {
		return nil
	}
	return without(m.readers, i)
}

// deadlock reports whether i would wait for itself.
func (m *model) deadlock(i int, on string, write bool) bool {
	reached := map[int]bool{}
	todo := m.blockers(i, on, write)
	for len(todo) > 0 {
		j := todo[0]
		todo = todo[1:]
		if j == i {
			return true
		}
		if c := m.cos[j]; !reached[j] && c.waits != "" && !c.granted {
			write := slices.ContainsFunc(m.rwq, func(t ticket) bool { return t.co == j && t.write })
			todo = append(todo, m.blockers(j, c.waits, write)...)
		}
		reached[j] = true
	}
	return false
}

// do runs one operation of i.
func (m *model) do(i int, o op) (woken []int) {
	c := &m.cos[i]
	x := string(o[0])
	reads, writes := slices.Contains(m.readers, i), m.writer == i
	result := ""
	switch o {
	case opLockA, opLockB:
		switch {
		case m.owner[x] == none:
			m.owner[x] = i
		case m.owner[x] == i:
			result = " recursive"
		case m.deadlock(i, x, true):
			result = " deadlock"
		default:
			m.wait(i, x)
			m.mq[x] = append(m.mq[x], i)
			return nil
		}
	case opTryA:
		result = fmt.Sprint(" ", m.owner["a"] == none)
		if m.owner["a"] == none {
			m.owner["a"] = i
		}
	case opUnlockA, opUnlockB:
		if m.owner[x] == i {
			woken = m.unlock(x)
		} else {
			result = " not held"
		}
	case opWait, opFront:
		if m.owner["a"] == i {
			m.wait(i, "q")
			if o == opFront {
				m.q = append([]int{i}, m.q...)
			} else {
				m.q = append(m.q, i)
			}
			return m.unlock("a")
		}
		result = " not held"
	case opNext:
		result = fmt.Sprint(" ", len(m.q) > 0)
		woken = m.next(true)
	case opAll:
		for len(m.q) > 0 {
			woken = append(woken, m.next(false)...)
		}
	case opRLock, opLock:
		write := o == opLock
		switch {
		case reads || writes:
			result = " recursive"
		case m.writer == none && len(m.rwq) == 0 && !write:
			m.readers = append(m.readers, i)
		case m.writer == none && len(m.rwq) == 0 && len(m.readers) == 0:
			m.writer = i
		case m.deadlock(i, "rw", write):
			result = " deadlock"
		default:
			m.wait(i, "rw")
			m.rwq = append(m.rwq, ticket{co: i, write: write})
			return nil
		}
	case opRUnlock:
		if reads {
			m.readers = without(m.readers, i)
			woken = m.serveRW()
		} else {
			result = " not held"
		}
	case opUnlock:
		if writes {
			m.writer = none
			woken = m.serveRW()
		} else {
			result = " not held"
		}
	case opUp:
		switch {
		case !reads:
			result = " not held"
		case len(m.readers) == 1 && len(m.rwq) == 0:
			m.readers, m.writer = nil, i
		case m.deadlock(i, "rw", true):
			result = " deadlock"
		default:
			m.readers = without(m.readers, i)
			m.wait(i, "rw")
			m.rwq = append(m.rwq, ticket{co: i, write: true})
			return m.serveRW()
		}
	case opDown:
		if writes {
			m.writer = none
			m.readers = append(m.readers, i)
			woken = m.serveRW()
		} else {
			result = " not held"
		}
	case opAcq1, opAcq2, opAcq3:
		n := o.arg()
		if n > m.free || len(m.sq) > 0 {
			m.wait(i, "s")
			c.asked = n
			m.sq = append(m.sq, ticket{co: i, units: n})
			return nil
		}
		m.free -= n
		c.units += n
	case opTry2:
		ok := m.free >= 2 && len(m.sq) == 0
		if ok {
			m.free -= 2
			c.units += 2
		}
		result = fmt.Sprint(" ", ok)
	case opRel1, opRel2, opRel3:
		n := o.arg()
		if n > c.units { // the programs release what is their own only
			result = " units"
			break
		}
		c.units -= n
		m.free += n
		woken = m.serveSem()
	case opAnd: // the first of a program
	case opKill1, opKill2, opKill3:
		j := o.arg() - 1
		if j == i {
			result = " entered"
			break
		}
		m.drain(m.kill(j))
	}
	return m.done(i, result, woken)
}

func without(all []int, x int) []int {
	return slices.DeleteFunc(slices.Clone(all), func(y int) bool { return x == y })
}
