package coro_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// Random programs, for the model in model_test.go and for the real thing.
//
// A program is a list of bodies, which coroutines are made of, and a list of
// instructions for the leader. There are no loops, and a bound on coroutines, so
// that each program ends.

type modelOp uint8

const (
	opMark modelOp = iota // write a line
	opNew                 // make a coroutine of body arg
	opEnter
	opEnterIfInactive
	opYield
	opWake
	opKill
	opPanic
	opReturn
	opGoexit
	opLock        // HoldLocks(1)
	opUnlock      // HoldLocks(-1)
	opEnterSelf   // a coroutine enters itself
	opLeaderEnter // Thread.Enter, also where that is a misuse
	opLeaderKill
	opLeaderYield
)

var modelOpNames = [...]string{
	"mark", "new", "enter", "enter-if-inactive", "yield", "wake", "kill", "panic", "return", "goexit",
	"lock", "unlock", "enter-self", "leader-enter", "leader-kill", "leader-yield",
}

// modelOpWeights says how often an op comes up, in 64ths.
var modelOpWeights = [...]int{
	opMark: 3, opNew: 9, opEnter: 12, opEnterIfInactive: 3, opYield: 11, opWake: 9, opKill: 4, opPanic: 3,
	opReturn: 1, opGoexit: 1, opLock: 1, opUnlock: 1, opEnterSelf: 1, opLeaderEnter: 2, opLeaderKill: 1, opLeaderYield: 2,
}

// maxModelCoroutines bounds the coroutines of one program.
const maxModelCoroutines = 10

type modelInstr struct {
	op       modelOp
	arg      int
	try      bool // recover from what it panics with
	deferred bool // run it as a deferred call
}

func (in modelInstr) String() string {
	s := modelOpNames[in.op]
	switch in.op {
	case opMark, opNew, opEnter, opEnterIfInactive, opWake, opKill, opLeaderEnter, opLeaderKill:
		s += fmt.Sprintf(" %d", in.arg)
	}
	if in.try {
		s = "try " + s
	}
	if in.deferred {
		s = "defer " + s
	}
	return s
}

type modelProgram struct {
	leader []modelInstr
	bodies [][]modelInstr
}

func (p modelProgram) String() string {
	var b strings.Builder
	line := func(who string, list []modelInstr) {
		fmt.Fprintf(&b, "%s:", who)
		for _, in := range list {
			fmt.Fprintf(&b, " %v;", in)
		}
		b.WriteByte('\n')
	}
	line("leader", p.leader)
	for i, body := range p.bodies {
		line(fmt.Sprintf("body %d", i), body)
	}
	return b.String()
}

// decodeProgram makes a program of any bytes; where they end, it goes on with
// zeros.
func decodeProgram(data []byte) modelProgram {
	next := func() int {
		if len(data) == 0 {
			return 0
		}
		c := data[0]
		data = data[1:]
		return int(c)
	}
	instrs := func(n int, leader bool) []modelInstr {
		list := make([]modelInstr, n)
		for i := range list {
			flags := next()
			list[i] = modelInstr{
				op:       opOf(next() % 64),
				arg:      next(),
				try:      leader || flags%4 != 0,
				deferred: !leader && flags/4%8 == 0,
			}
		}
		return list
	}
	p := modelProgram{bodies: make([][]modelInstr, 2+next()%4)}
	for i := range p.bodies {
		p.bodies[i] = instrs(1+next()%9, false)
	}
	p.leader = instrs(4+next()%16, true)
	p.leader[0] = modelInstr{op: opNew, try: true}
	return p
}

func opOf(n int) modelOp {
	for op, weight := range modelOpWeights {
		if n -= weight; n < 0 {
			return modelOp(op)
		}
	}
	return opMark
}

// seedProgram is the program of a seed.
func seedProgram(seed uint64) modelProgram {
	r := rand.New(rand.NewPCG(seed, 0))
	data := make([]byte, 256)
	for i := range data {
		data[i] = byte(r.Uint32())
	}
	return decodeProgram(data)
}
