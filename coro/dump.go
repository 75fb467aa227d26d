package coro

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
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

// An Info describes a coroutine as a dump shows it.
type Info struct {
	// Coroutine is the handle, nil if nobody has it any more.
	Coroutine *Coroutine
	// Name and ID are the coroutine's.
	Name string
	// ID is its number on its thread.
	ID uint64
	// Status is its state: Running, Normal or Suspended.
	Status Status
	// Woken names who woke it, if it waits for its turn.
	Woken string
	// WaitsFor is what it was parked on with Park, nil if it just yielded.
	WaitsFor any
	// Callers is the chain of callers, itself first, the leader last; nil
	// for a suspended coroutine.
	Callers []string
	// Created tells where it was created.
	Created string
	// Entered tells where it was entered last, where that is kept
	// ([WithSites]).
	Entered string
	// Stack gives the places on its stack, innermost first, as far as it
	// could be asked.
	Stack []string
}

// Snapshot describes every coroutine of the thread that has run and is not dead,
// in the order of their ids. It may be called by any goroutine at any time; see
// [Thread.Dump].
func (t *Thread) Snapshot() []Info { return t.snapshot(nil) }

func (t *Thread) snapshot(stacks map[*Self][]uintptr) []Info {
	live, _ := t.selves()
	slices.SortFunc(live, func(x, y *Self) int { return cmp.Compare(x.id, y.id) })
	var infos []Info
	for _, s := range live {
		if i, ok := t.describe(s, stacks[s]); ok {
			infos = append(infos, i)
		}
	}
	return infos
}

// maxCallers bounds the chain in a description, lest the dump of a nest grow as
// the square of its depth.
const maxCallers = 16

// describe looks at one coroutine; false means that it has ended meanwhile.
func (t *Thread) describe(s *Self, stack []uintptr) (i Info, ok bool) {
	i.Name, i.ID, i.Created = s.label(), s.id, s.createdAt()
	i.Status = Suspended
	if stack == nil {
		stack, i.WaitsFor = t.ask(s)
	}
	switch st := s.state.Load(); {
	case st >= dead:
		return i, false
	case st == entered && t.entererOf(s):
		i.Status = Normal
	case st == entered:
		i.Status = Running
	}
	if i.Status == Suspended {
		i.Coroutine = s.coroutine()
	} else {
		more := 0
		for x := s; x.id != 0; x = x.by() {
			if len(i.Callers) < maxCallers {
				i.Callers = append(i.Callers, x.label())
			} else {
				more++
			}
		}
		if more > 0 {
			i.Callers = append(i.Callers, fmt.Sprintf("%d more", more))
		}
		i.Callers = append(i.Callers, t.leader.label())
	}
	if s.woken.Load() != 0 {
		i.Woken = "a plain goroutine"
		if by := s.waker.Load(); by != nil {
			i.Woken = by.label()
		}
	}
	for _, f := range frames(stack) {
		i.Stack = append(i.Stack, place(f))
	}
	if x := s.extra.Load(); x != nil && x.entered.Load() != 0 {
		i.Entered = placeOfPC(x.entered.Load())
	}
	return i, true
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
	stacks := map[*Self][]uintptr{} // only looked up, never ranged over
	for _, l := range levels {
		stacks[l.self] = l.stack
	}
	infos := t.snapshot(stacks)
	_, idle := t.selves()

	var b bytes.Buffer
	fmt.Fprintf(&b, "thread %s (%v): %s, %s\n", t.name, t.handoff,
		count(len(infos), "coroutine"), count(idle, "idle goroutine"))
	leader := "waits in Enter"
	if !t.entererOf(&t.leader) {
		leader = "runs"
	}
	fmt.Fprintf(&b, "\nleader of %s: %s\n", t.name, leader)
	var places []string
	for _, f := range frames(stacks[&t.leader]) {
		places = append(places, place(f))
	}
	dumpStack(&b, "at", places)
	for _, i := range infos {
		b.WriteByte('\n')
		i.write(&b)
	}
	_, err := out.Write(b.Bytes())
	return err
}

// String gives the description as in a dump, in several lines.
func (i Info) String() string {
	var b bytes.Buffer
	i.write(&b)
	return b.String()
}

func (i Info) write(b *bytes.Buffer) {
	fmt.Fprintf(b, "%s: #%d, %v", i.Name, i.ID, i.Status)
	if i.Woken != "" {
		fmt.Fprintf(b, ", woken by %s", i.Woken)
	}
	if i.WaitsFor != nil {
		fmt.Fprintf(b, ", waits for %s", parkedOn(i.WaitsFor))
	}
	b.WriteByte('\n')
	if i.Callers != nil {
		fmt.Fprintf(b, "\tcallers: %s\n", strings.Join(i.Callers, " < "))
	}
	fmt.Fprintf(b, "\tcreated: %s\n", i.Created)
	if i.Entered != "" && len(i.Stack) == 0 {
		fmt.Fprintf(b, "\tentered: %s\n", i.Entered)
	}
	verb := "at"
	if i.Status == Suspended {
		verb = "parked"
	}
	dumpStack(b, verb, i.Stack)
}

func dumpStack(b *bytes.Buffer, verb string, places []string) {
	label := verb + ":"
	for _, p := range places {
		fmt.Fprintf(b, "\t%-8s %s\n", label, p)
		label = ""
	}
}

func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
