package trace

import (
	"context"
	"runtime/pprof"
	"runtime/trace"
	"sync"

	"github.com/gohandoff/coroutine/coro"
)

// Tasks shows coroutines to "go tool trace": each is a task under its name, from
// its first Enter to its end, whose log has its steps. It is a [coro.Tracer],
// and does next to nothing while no execution trace is being taken.
//
// A region has to begin and end on one goroutine, and the events of a coroutine
// come on its enterer's goroutine as well as on its own; so regions are not a
// tracer's to make. [Tasks.Entry] makes the one that can be had: from the
// entry's first line to its last.
type Tasks struct {
	mu    sync.Mutex
	tasks map[*coro.Coroutine]*task
}

type task struct {
	ctx context.Context
	*trace.Task
}

// NewTasks makes a tracer for "go tool trace".
func NewTasks() *Tasks { return &Tasks{tasks: make(map[*coro.Coroutine]*task)} }

// Trace implements [coro.Tracer].
func (t *Tasks) Trace(e coro.Event) {
	enabled := trace.IsEnabled()
	over := e.Kind == coro.EventTerminate || e.Kind == coro.EventPanic
	if !enabled && !over {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	who := e.From
	if enters(e.Kind) {
		who = e.To
	}
	if enabled && who != nil {
		trace.Log(t.task(who).ctx, string(e.Kind), e.String())
	}
	if k := t.tasks[e.From]; over && k != nil {
		k.End()
		delete(t.tasks, e.From)
	}
}

// task returns the task of a coroutine, which begins when it is first needed.
func (t *Tasks) task(co *coro.Coroutine) *task {
	k := t.tasks[co]
	if k == nil {
		k = new(task)
		k.ctx, k.Task = trace.NewTask(context.Background(), co.Name())
		t.tasks[co] = k
	}
	return k
}

// Close ends the tasks of coroutines that have not ended, whose thread was left
// without [coro.Thread.Close].
func (t *Tasks) Close() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	for co, k := range t.tasks {
		k.End()
		delete(t.tasks, co)
	}
	return nil
}

// Entry wraps an entry so that it is a region, under the coroutine's name, of
// the coroutine's task on its own goroutine: "go tool trace" then tells how long
// it ran and how long it was parked. Make the coroutine with
// [coro.Thread.NewFor], which names it after entry rather than after the
// wrapper:
//
//	co := thread.NewFor(entry, tasks.Entry(entry))
func (t *Tasks) Entry(entry coro.Entry) coro.Entry {
	needs(entry != nil, "Tasks.Entry", "the coro.Entry")
	return func(self *coro.Self) {
		if !trace.IsEnabled() {
			entry(self)
			return
		}
		t.mu.Lock()
		ctx := t.task(self.Coroutine()).ctx
		t.mu.Unlock()
		defer trace.StartRegion(ctx, self.Coroutine().Name()).End()
		entry(self)
	}
}

// Labels wraps an entry so that a CPU profile can be split by coroutine: samples
// get the labels "coroutine" and "thread". The name is the one that the
// coroutine has when it is first entered. Labels stick to a goroutine, so they
// are set once for each coroutine and cost nothing at a switch; setting them
// takes about a microsecond and some 10 allocations. As with [Tasks.Entry], use
// [coro.Thread.NewFor].
func Labels(entry coro.Entry) coro.Entry {
	needs(entry != nil, "Labels", "the coro.Entry")
	return func(self *coro.Self) {
		labels := pprof.Labels("coroutine", self.Coroutine().Name(), "thread", self.Thread().Name())
		// Do takes them back at the end, also when it unwinds: the goroutine
		// may go on as another coroutine.
		pprof.Do(context.Background(), labels, func(context.Context) { entry(self) })
	}
}
