package coro

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"slices"
)

// ask returns the stack of a suspended coroutine and what it is parked on, nil
// if it is not suspended. It may be called by any goroutine.
func (t *Thread) ask(s *Self) (stack []uintptr, on any) {
	t.asking.Lock()
	defer t.asking.Unlock()
	if !s.state.CompareAndSwap(suspended, asked) {
		return nil, nil
	}
	on = s.w.park
	s.w.Ask(func() { stack = stackHere() })
	s.state.Store(suspended)
	return stack, on
}

// Dump writes every coroutine of the thread that has run and is not dead: name,
// status, chain of callers, where it was created, what it waits for, and where
// it is parked, with its stack. It may be called by any goroutine at any time,
// also while the thread hangs: a suspended coroutine is asked for its stack, and
// those that are entered are named with who entered them. Their stacks and the
// leader's can be asked only by the one that runs: that is [Self.Dump].
func (t *Thread) Dump(w io.Writer) error { return t.dump(w, nil) }

// Dump is [Thread.Dump] by whoever runs: it also gives the stacks of self and of
// all its callers, the leader's included. If self does not run, it is
// Thread.Dump.
func (self *Self) Dump(w io.Writer) error {
	t := self.thread()
	if t.current != self {
		return t.dump(w, nil)
	}
	return t.dump(w, self.chain())
}

func (t *Thread) dump(out io.Writer, levels []level) error {
	var b bytes.Buffer
	live, idle := t.selves()
	slices.SortFunc(live, func(x, y *Self) int { return cmp.Compare(x.id, y.id) })
	fmt.Fprintf(&b, "thread %s (%v): %s, %s\n", t.name, t.handoff,
		count(len(live), "coroutine"), count(idle, "idle goroutine"))

	stacks := map[*Self][]uintptr{} // only looked up, never ranged over
	for _, l := range levels {
		stacks[l.self] = l.stack
	}
	leader := "waits in Enter"
	if !t.entererOf(&t.leader) {
		leader = "runs"
	}
	fmt.Fprintf(&b, "\nleader of %s: %s\n", t.name, leader)
	dumpStack(&b, "at", stacks[&t.leader])
	for _, s := range live {
		t.dumpOne(&b, s, stacks[s])
	}
	_, err := out.Write(b.Bytes())
	return err
}

func (t *Thread) dumpOne(b *bytes.Buffer, s *Self, stack []uintptr) {
	waits := ""
	verb := "at"
	status := Suspended
	if stack == nil {
		var on any
		if stack, on = t.ask(s); stack != nil {
			waits, verb = parkedOn(on), "parked"
		}
	}
	switch st := s.state.Load(); {
	case st >= dead:
		return // it ended while we looked
	case st == entered && t.entererOf(s):
		status = Normal
	case st == entered:
		status = Running
	}
	fmt.Fprintf(b, "\n%s: #%d, %v", s.label(), s.id, status)
	if s.woken.Load() != 0 {
		b.WriteString(", woken")
		if by := s.waker.Load(); by != nil {
			fmt.Fprintf(b, " by %s", by.label())
		}
	}
	if waits != "" {
		fmt.Fprintf(b, ", waits for %s", waits)
	}
	b.WriteByte('\n')
	if status != Suspended {
		b.WriteString("\tcallers: ")
		for i, x := 0, s; x != nil && x.state.Load() == entered; i, x = i+1, x.by() {
			if i > 0 {
				b.WriteString(" < ")
			}
			b.WriteString(x.label())
		}
		fmt.Fprintf(b, " < leader of %s\n", t.name)
	}
	fmt.Fprintf(b, "\tcreated: %s\n", s.createdAt())
	if x := s.extra.Load(); stack == nil && x != nil && x.entered.Load() != 0 {
		fmt.Fprintf(b, "\tentered: %s\n", placeOfPC(x.entered.Load()))
	}
	dumpStack(b, verb, stack)
}

func dumpStack(b *bytes.Buffer, verb string, stack []uintptr) {
	if stack == nil {
		return
	}
	for i, f := range frames(stack) {
		label := ""
		if i == 0 {
			label = verb + ":"
		}
		fmt.Fprintf(b, "\t%-8s %s\n", label, place(f))
	}
}

func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
