package coro_test

import (
	"errors"
	"flag"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/gohandoff/coroutine/coro"
	"github.com/google/go-cmp/cmp"
)

var modelSeeds = flag.Uint64("model-seeds", 0, "how many random programs TestModel runs; 0 means 10000, 300 with -short")

// A realRun runs a program on the real thing, and notes the same lines as the
// model.
type realRun struct {
	prog   modelProgram
	thread *coro.Thread
	cos    []*coro.Coroutine
	lines  []string
}

func runReal(p modelProgram, h coro.Handoff) []string {
	r := &realRun{prog: p}
	r.thread = coro.NewThread(coro.WithHandoff(h), coro.WithTracer(r), coro.WithPool(2))
	asGoroutine(func() { r.lead() })
	asGoroutine(func() { r.close() })
	for _, co := range r.cos {
		r.log("c%d is %v", co.ID(), co.Status())
	}
	return r.lines
}

// asGoroutine runs f as another goroutine, which it may exit.
func asGoroutine(f func()) {
	done := make(chan bool)
	go func() {
		defer close(done)
		f()
	}()
	<-done
}

func (r *realRun) log(format string, args ...any) {
	r.lines = append(r.lines, fmt.Sprintf(format, args...))
}

// Trace implements coro.Tracer.
func (r *realRun) Trace(e coro.Event) {
	s := fmt.Sprintf("%s %s -> %s", e.Kind, realName(e.From), realName(e.To))
	if e.Detail != "" {
		s += " (" + e.Detail + ")"
	}
	r.log("%s", s)
}

func realName(co *coro.Coroutine) string {
	if co == nil {
		return "leader"
	}
	return fmt.Sprintf("c%d", co.ID())
}

func (r *realRun) lead() {
	exits := true
	defer func() {
		if exits {
			r.log("leader exits")
		}
	}()
	for _, in := range r.prog.leader {
		if in.op == opReturn {
			break
		}
		r.do(r.thread.Leader(), in)
	}
	exits = false
}

func (r *realRun) close() {
	exits := true
	defer func() {
		if exits {
			r.log("close exits")
		}
	}()
	err := r.thread.Close()
	exits = false
	if list, ok := err.(interface{ Unwrap() []error }); ok {
		for _, err := range list.Unwrap() {
			r.log("close: %s", realLine(err))
		}
	}
}

// realLine gives a recovered value in the model's words.
func realLine(v any) string {
	if p, ok := v.(*coro.PanicError); ok {
		s := "coro: panic in " + p.Coroutine
		for _, name := range p.Through {
			s += ", through " + name
		}
		return s + ": " + realLine(p.Value)
	}
	s, _, _ := strings.Cut(fmt.Sprint(v), "\n")
	return s
}

func (r *realRun) entry(body []modelInstr) coro.Entry {
	return func(self *coro.Self) {
		for _, in := range body {
			switch {
			case in.op == opReturn:
				return
			case in.deferred:
				defer r.do(self, in)
			default:
				r.do(self, in)
			}
		}
	}
}

func (r *realRun) do(self *coro.Self, in modelInstr) {
	if in.try {
		defer func() {
			if v := recover(); v != nil {
				r.log("%s caught %s", realName(self.Coroutine()), realLine(v))
			}
		}()
	}
	r.op(self, in)
}

func (r *realRun) op(self *coro.Self, in modelInstr) {
	var to *coro.Coroutine
	if len(r.cos) > 0 {
		to = r.cos[in.arg%len(r.cos)]
	}
	switch in.op {
	case opMark:
		r.log("%s marks %d", realName(self.Coroutine()), in.arg)
	case opNew:
		if len(r.cos) < maxModelCoroutines {
			co := self.New(r.entry(r.prog.bodies[in.arg%len(r.prog.bodies)]))
			r.cos = append(r.cos, co.SetName(realName(co)))
		}
	case opEnter:
		self.Enter(to)
	case opEnterIfInactive:
		self.EnterIfInactive(to)
	case opYield:
		self.Yield()
	case opWake:
		self.Wake(to)
	case opKill:
		self.Kill(to)
	case opPanic:
		if self.InCoroutine() {
			panic("boom " + realName(self.Coroutine()))
		}
	case opGoexit:
		runtime.Goexit()
	case opLock:
		self.HoldLocks(1)
	case opUnlock:
		self.HoldLocks(-1)
	case opEnterSelf:
		if self.InCoroutine() {
			self.Enter(self.Coroutine())
		}
	case opLeaderEnter:
		r.thread.Enter(to)
	case opLeaderKill:
		r.thread.Kill(to)
	case opLeaderYield:
		r.thread.Leader().Yield()
	}
}

// compareProgram runs p on the model and on both handoffs, and returns an error
// that shows the first difference.
func compareProgram(p modelProgram) error {
	want := runModel(p)
	var real [2][]string
	for i, h := range []coro.Handoff{coro.Channel, coro.Direct} {
		real[i] = runReal(p, h)
		if err := firstDifference("model", want, h.String(), real[i]); err != nil {
			return fmt.Errorf("%w\n\nprogram:\n%v", err, p)
		}
	}
	if diff := cmp.Diff(real[0], real[1]); diff != "" {
		return errors.New("channel and direct differ:\n" + diff)
	}
	return nil
}

func firstDifference(wantName string, want []string, gotName string, got []string) error {
	for i := range max(len(want), len(got)) {
		w, g := "(end)", "(end)"
		if i < len(want) {
			w = want[i]
		}
		if i < len(got) {
			g = got[i]
		}
		if w != g {
			return fmt.Errorf("line %d: %s: %s\nline %d: %s: %s\n\n%s:\n\t%s\n\n%s:\n\t%s",
				i+1, wantName, w, i+1, gotName, g,
				wantName, strings.Join(want, "\n\t"), gotName, strings.Join(got, "\n\t"))
		}
	}
	return nil
}

// TestModel runs random programs, one for each seed, on the model and on both
// handoffs, and compares them line by line.
func TestModel(t *testing.T) {
	n := uint64(10_000)
	if testing.Short() {
		n = 300
	}
	if *modelSeeds > 0 {
		n = *modelSeeds
	}
	for seed := range n {
		if err := compareProgram(seedProgram(seed)); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
	}
}

// Programs that once failed, by name.
func TestModelRegressions(t *testing.T) {
	for _, test := range []struct {
		name string
		prog modelProgram
	}{
		{
			// On Direct, the enterer exited instead of panicking.
			name: "a deferred call panics during Goexit",
			prog: modelProgram{
				leader: []modelInstr{{op: opNew, try: true}, {op: opEnter, try: true}, {op: opMark, try: true}},
				bodies: [][]modelInstr{{{op: opPanic, deferred: true}, {op: opGoexit}}},
			},
		},
		{
			name: "killed in a deferred call during Goexit",
			prog: modelProgram{
				leader: []modelInstr{{op: opNew, try: true}, {op: opEnter, try: true}, {op: opKill, try: true}, {op: opMark, try: true}},
				bodies: [][]modelInstr{{{op: opYield, deferred: true}, {op: opGoexit}}},
			},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			if err := compareProgram(test.prog); err != nil {
				t.Fatal(err)
			}
		})
	}
}
