package aio

import (
	"cmp"
	"slices"
	"strconv"
	"sync"

	"github.com/gohandoff/coroutine/coro"
)

// A Group is a set of tasks that do parts of one piece of work. The zero value is
// a group without a limit. Its fields are set before the first Go, and not
// changed after. A Group must not be copied.
//
// Its tasks are children of the task that calls Go, and are cancelled with it.
type Group struct {
	// Name is the group's in dumps and traces, where it says what a
	// coroutine waits for; it may be empty.
	Name string
	// Limit is how many tasks run at a time at most; 0 or less is no limit.
	Limit int
	// FailFast has the first error or panic cancel the rest, with the error as
	// their cause. Without it the rest goes on, and so does Go.
	//
	// It is a field, rather than a context as that of errgroup, since tasks
	// can be cancelled without their cooperation; [Context] gives one to
	// those that need it.
	FailFast bool

	mu       sync.Mutex
	tasks    map[*Task]uint64 // that are not finished, numbered by start
	started  uint64
	running  int   // tasks, and slots that were given to who has not used them yet
	err      error // the first
	failed   *Task // whose it is
	panicked *coro.PanicError
	slots    []*slot // who waits in Go, first come first
	all      []*slot // who waits in Wait
}

// A slot is what a coroutine waits for in Go or Wait.
type slot struct {
	waiter
	what  string
	given bool // under Group.mu
}

// String says what it is.
func (s *slot) String() string { return s.what }

// Go starts a task that runs entry, as the function [Go] does. If as many tasks
// run as Limit allows, it waits for one to end; those who wait are served in the
// order in which they came. If FailFast is set and a task has failed, Go starts
// nothing: Wait will tell why.
//
// Only a coroutine may call it. It yields if it has to wait. If it is unwound
// then, all tasks of the group are cancelled.
func (g *Group) Go(self *coro.Self, entry func(self *coro.Self) error) {
	l := LoopOf(self)
	if entry == nil {
		panic("aio: Group.Go(nil): want a function")
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case g.stopped():
		return
	case g.Limit <= 0 || g.running < g.Limit:
		g.running++
	default:
		g.park(self, &g.slots, "a slot of "+g.label())
		if g.stopped() {
			g.leave(self)
			return
		}
	}
	t := l.newTask(self, TaskOf(self), entry)
	t.group, t.observed = g, true
	if g.tasks == nil {
		g.tasks = map[*Task]uint64{}
	}
	g.started++
	g.tasks[t] = g.started
	l.Schedule(t.co)
}

// Wait waits until no task of the group is left, and returns the first error of
// one of them. If one panicked, Wait panics with the [*coro.PanicError] of the
// first that did. It must be called, or a panic would go unseen.
//
// Only a coroutine may call it. It yields unless no task is left. If it is
// unwound then, all tasks of the group are cancelled.
func (g *Group) Wait(self *coro.Self) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.running > 0 {
		g.park(self, &g.all, g.label())
	}
	if g.panicked != nil {
		panic(g.panicked)
	}
	if g.failed != nil {
		g.failed.Err() // it is told
	}
	return g.err
}

// label says what the group is.
func (g *Group) label() string {
	if g.Name != "" {
		return "group " + strconv.Quote(g.Name)
	}
	return "a group"
}

// park waits in queue until something is given. The caller holds mu, and does so
// again when park returns or is unwound.
func (g *Group) park(self *coro.Self, queue *[]*slot, what string) {
	if !self.InCoroutine() {
		self.Yield() // panics
	}
	s := &slot{waiter: waiter{co: self.Coroutine()}, what: what}
	*queue = append(*queue, s)
	g.mu.Unlock()
	returned := false
	defer func() {
		if !returned {
			g.mu.Lock()
			if i := slices.Index(*queue, s); i >= 0 {
				*queue = slices.Delete(*queue, i, i+1)
			} else if queue == &g.slots {
				g.leave(self)
			}
			g.cancel(nil)
		}
	}()
	for {
		self.Park(s)
		// The end of a child may bring our turn before a cancellation, on
		// its way from the youngest to us, does.
		unwindIfCancelled(self)
		g.mu.Lock()
		if s.given && !s.co.Scheduled() {
			break // and was not entered by hand
		}
		g.mu.Unlock()
	}
	returned = true
}

// stopped reports whether no more tasks shall run. The caller holds mu.
func (g *Group) stopped() bool { return g.FailFast && (g.err != nil || g.panicked != nil) }

// finished is called when t is done. self is its own, nil if it never ran.
func (g *Group) finished(self *coro.Self, t *Task) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.tasks, t)
	was := g.stopped()
	if g.err == nil && t.err != nil {
		g.err, g.failed = t.err, t
	}
	if g.panicked == nil {
		g.panicked = t.panicked
	}
	if !was && g.stopped() {
		g.cancel(t.err)
	}
	g.leave(self)
}

// leave gives up a slot: to who has waited longest, or for good. The caller
// holds mu.
//
// Who waits is woken under mu, too. On another loop it could otherwise be killed,
// and so be dead, between being given the slot and being woken.
func (g *Group) leave(self *coro.Self) {
	if len(g.slots) > 0 {
		give(self, &g.slots)
		return
	}
	g.running--
	for g.running == 0 && len(g.all) > 0 {
		give(self, &g.all)
	}
}

// give has the first in queue go on.
func give(self *coro.Self, queue *[]*slot) {
	s := (*queue)[0]
	*queue = slices.Delete(*queue, 0, 1)
	s.given = true
	s.wake(self)
}

// cancel has all tasks cancelled, soon, the youngest first. The caller holds mu.
func (g *Group) cancel(cause error) {
	tasks := make([]*Task, 0, len(g.tasks))
	for t := range g.tasks {
		tasks = append(tasks, t)
	}
	slices.SortFunc(tasks, func(a, b *Task) int { return cmp.Compare(g.tasks[b], g.tasks[a]) })
	for _, t := range tasks {
		t.Cancel(cause)
	}
}
