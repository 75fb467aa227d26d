package aio

import (
	"runtime"
	"sync"

	"github.com/gohandoff/coroutine/coro"
)

// Offload has fn run by a worker goroutine and returns what it returns; the
// running coroutine is parked meanwhile. A panic in fn comes back as a panic
// with a [*coro.PanicError], runtime.Goexit as runtime.Goexit. At most as many
// are run at a time as the loop has workers, the others wait in a queue.
//
// While fn waits in the queue, cancelling or killing the coroutine takes it out.
// Once it runs, it is not disturbed: a cancelled task is unwound only when fn has
// returned, so that fn may use memory of the coroutine. (Kill, which cannot wait
// otherwise, then blocks the loop until fn returns.)
//
// fn must not use self. On a loop with a virtual clock, the loop itself has fn
// called, in its turn, and waits for it: then there is no queue, and a run depends
// on nothing but the program. Offload yields.
//
// What happened before Offload happens before fn, and that before Offload returns.
// Offload panics with a [*coro.UsageError] if fn is nil ([ErrNilFunc]), and where
// [Yield] does.
func Offload[T any](self *coro.Self, fn func() (T, error)) (T, error) {
	l := parkable(self)
	if fn == nil {
		panic(coro.NewUsageError(self, ErrNilFunc, self.String(), "", "asked to offload it", "pass the function that a worker is to run"))
	}
	var v T
	var err error
	l.offload(self, &job{fn: func() { v, err = fn() }})
	return v, err
}

// A job is a function on its way through the workers.
type job struct {
	fn   func()
	loop *Loop
	co   *coro.Coroutine

	// Under loop.mu.
	state    jobState
	finished chan struct{} // made by who waits for it without parking

	failure *coro.PanicError
	exited  bool
}

type jobState uint8

const (
	jobQueued jobState = iota
	jobRuns
	jobDone
	jobDropped
)

// String says what waits for it.
func (j *job) String() string { return "offloaded work" }

// over reports whether fn has come to its end.
func (j *job) over() bool {
	j.loop.mu.Lock()
	defer j.loop.mu.Unlock()
	return j.state == jobDone
}

func (j *job) undisturbed() bool {
	j.loop.mu.Lock()
	defer j.loop.mu.Unlock()
	return j.state == jobRuns
}

// run calls fn and notes how it ended.
func (j *job) run() {
	returned := false
	defer func() {
		if returned {
			return
		}
		if v := recover(); v != nil {
			j.failure = coro.CaughtPanic("work offloaded by "+j.co.Name(), v)
		} else {
			j.exited = true
		}
	}()
	j.fn()
	returned = true
}

// offload has j done and waits for it. The caller has seen to it that self can
// park.
func (l *Loop) offload(self *coro.Self, j *job) {
	j.loop, j.co = l, self.Coroutine()
	if self.Thread().Traced() {
		self.Trace(EventOffload, nil, "")
	}
	if l.clock.Virtual() {
		l.bring(item{told: true, fn: j.runInTurn})
	} else {
		l.submit(j)
	}
	defer j.drop()
	// Somebody may enter the coroutine by hand; then it waits on.
	for !j.over() || j.co.Scheduled() {
		self.Park(j)
	}
	if j.failure != nil {
		panic(j.failure)
	}
	if j.exited {
		runtime.Goexit()
	}
	unwindIfCancelled(self)
}

// runInTurn does the job on a loop with a virtual clock.
func (j *job) runInTurn() {
	l := j.loop
	l.mu.Lock()
	dropped := j.state == jobDropped
	l.mu.Unlock()
	if dropped {
		return
	}
	j.runProtected()
	l.mu.Lock()
	j.state = jobDone
	l.mu.Unlock()
	if j.co.Scheduled() || coro.MarkScheduled(nil, j.co) != nil {
		return
	}
	l.bring(item{co: j.co, told: true})
}

// runProtected is run on the loop's own goroutine, which a Goexit in fn must not
// end here.
func (j *job) runProtected() {
	done := make(chan struct{})
	go func() {
		defer close(done)
		j.run()
	}()
	<-done
}

// drop is called when the coroutine is unwound while the job is under way.
func (j *job) drop() {
	l := j.loop
	l.mu.Lock()
	switch {
	case j.state == jobQueued:
		j.state = jobDropped
		if !l.clock.Virtual() {
			l.outside--
		}
	case j.state == jobRuns:
		j.finished = make(chan struct{})
		l.mu.Unlock()
		<-j.finished
		return
	}
	l.mu.Unlock()
}

// A pool is the set of workers of a loop, under loop.mu.
type pool struct {
	queue   []*job
	idle    []chan *job // parked workers, the one that parked last at the end
	workers int
	all     sync.WaitGroup
}

// counts returns how many functions are run, and how many wait for a worker.
func (p *pool) counts() (running, queued int) {
	for _, j := range p.queue {
		if j.state == jobQueued {
			queued++
		}
	}
	return p.workers - len(p.idle), queued
}

// submit gives j to a worker, or puts it in the queue.
func (l *Loop) submit(j *job) {
	l.mu.Lock()
	l.outside++
	p := &l.pool
	switch n := len(p.idle); {
	case n > 0:
		w := p.idle[n-1]
		p.idle = p.idle[:n-1]
		j.state = jobRuns
		l.mu.Unlock()
		w <- j
		return
	case p.workers < l.workers:
		p.workers++
		j.state = jobRuns
		p.all.Add(1)
		go l.work(j)
	default:
		p.queue = append(p.queue, j)
	}
	l.mu.Unlock()
}

// work is a worker: it does one job after another.
func (l *Loop) work(j *job) {
	defer l.pool.all.Done()
	next := make(chan *job, 1)
	defer func() {
		if j == nil {
			return
		}
		// runtime.Goexit in j ends this goroutine; another takes its place.
		if j = l.completed(j, nil); j != nil {
			l.pool.all.Add(1)
			go l.work(j)
		}
	}()
	for j != nil {
		j.run()
		done := j
		if j = l.completed(done, next); j == nil {
			j = <-next
		}
	}
}

// completed brings the coroutine of a job that is done home, and returns the
// next job. If there is none the worker is idle and gets its next job, or nil to
// end, through next; without next, the worker ends.
func (l *Loop) completed(j *job, next chan *job) *job {
	l.mu.Lock()
	j.state = jobDone
	l.outside--
	wake, in := l.asleep, l.resting // also if there is nothing to do but to see that
	l.asleep = false
	if j.finished != nil {
		close(j.finished)
	} else if !j.co.Scheduled() && coro.MarkScheduled(nil, j.co) == nil {
		l.inbox.push(item{co: j.co})
	}
	p := &l.pool
	var todo *job
	for len(p.queue) > 0 && todo == nil {
		if q := p.queue[0]; q.state == jobQueued {
			todo = q
			todo.state = jobRuns
		}
		p.queue[0] = nil
		p.queue = p.queue[1:]
	}
	switch {
	case todo != nil:
	case next != nil:
		p.idle = append(p.idle, next)
	default:
		p.workers--
	}
	l.mu.Unlock()
	if wake {
		l.rouse(in)
	}
	return todo
}

// stop ends all workers, which are idle, and waits for them.
func (p *pool) stop(l *Loop) {
	l.mu.Lock()
	idle := p.idle
	p.idle = nil
	p.workers -= len(idle)
	l.mu.Unlock()
	for _, w := range idle {
		w <- nil
	}
	p.all.Wait()
}
