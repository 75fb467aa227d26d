package aio

import (
	"context"
	"runtime"
	"sync"

	"github.com/gohandoff/coroutine/coro"
)

// Await has fn run by a goroutine of its own and returns what it returns; the
// running coroutine is parked meanwhile. It is [Offload] for a function that
// waits, perhaps for ever, rather than works: any number run at a time, and
// cancelling or killing the coroutine ends it at once.
//
// ctx is done as soon as the coroutine is cancelled or killed; fn must then
// return promptly, since the coroutine, and with it the loop, waits for that, so
// that fn may use memory of the coroutine. A panic in fn comes back as a panic
// with a [*coro.PanicError], runtime.Goexit as runtime.Goexit.
//
// While fn runs, the loop neither ends for lack of work nor calls it a deadlock.
// A virtual clock does not wait for fn: it goes on to the next timer, if there
// is one. fn must not use self. Await yields.
func Await[T any](self *coro.Self, fn func(ctx context.Context) (T, error)) (T, error) {
	var v T
	var err error
	l := LoopOf(self)
	ctx, cancel := context.WithCancel(Context(self))
	defer cancel()
	j := &job{co: self.Coroutine(), fn: func() { v, err = fn(ctx) }}
	w := &errand{
		block: j.run,
		interrupt: func(finished <-chan struct{}) {
			cancel()
			<-finished
		},
	}
	l.await(self, w, awaited)
	if j.failure != nil {
		panic(j.failure)
	}
	if j.exited {
		runtime.Goexit()
	}
	return v, err
}

var awaited any = waitName("something outside")

// An errand is a blocking call that a helper, a goroutine of the loop, makes for a
// coroutine that is parked meanwhile. It may be used again when it is over.
//
// Invariants:
//   - The loop counts it, from when it begins until block has returned, as a
//     thing outside that may bring something; and as a hold, so that a loop
//     that comes to its end does not wait for it, but kills who waits.
//   - When await has returned or been unwound, block has returned: no helper
//     uses what belongs to the coroutine, or the errand itself, after that.
type errand struct {
	block func() // called by the helper
	// interrupt makes block return soon, receives from finished, and puts
	// right what it changed to that end. Called when the coroutine is unwound.
	interrupt func(finished <-chan struct{})

	loop *Loop
	co   *coro.Coroutine

	// Under loop.mu.
	done     bool
	finished chan struct{} // made when the coroutine is unwound
}

// await parks self, on what on says, until a helper has returned from w.block.
func (l *Loop) await(self *coro.Self, w *errand, on any) {
	if !self.InCoroutine() {
		self.Yield() // panics
	}
	w.loop, w.co = l, self.Coroutine()
	w.done, w.finished = false, nil
	l.help(w)
	defer w.drop()
	for {
		self.Park(on)
		l.mu.Lock()
		done := w.done
		l.mu.Unlock()
		// Somebody may enter the coroutine by hand. If the helper finishes
		// just then, the turn it brought is still to come, and must not be
		// left for another Park to find.
		if done && !w.co.Scheduled() {
			return
		}
	}
}

// drop ends the wait if the coroutine is being unwound in it.
func (w *errand) drop() {
	l := w.loop
	l.mu.Lock()
	if w.done {
		l.mu.Unlock()
		return
	}
	finished := make(chan struct{})
	w.finished = finished
	l.mu.Unlock()
	w.interrupt(finished)
}

// helpers are the goroutines that wait for coroutines, under loop.mu. Unlike the
// workers of the pool they are not limited in number: each may wait for ever, so
// that a limit would be a deadlock.
type helpers struct {
	idle   []chan *errand // parked helpers, the one that parked last at the end
	ending bool           // none may become idle any more
	all    sync.WaitGroup
}

// maxIdleHelpers is how many helpers are kept for reuse, each with a stack of
// 2 KiB or more. Starting one costs some 300 ns more than waking one.
const maxIdleHelpers = 64

// help gives w to a helper.
func (l *Loop) help(w *errand) {
	l.mu.Lock()
	l.outside++
	l.holds++
	h := &l.helpers
	if n := len(h.idle); n > 0 {
		next := h.idle[n-1]
		h.idle = h.idle[:n-1]
		l.mu.Unlock()
		next <- w // never blocks: it has room for one
		return
	}
	h.all.Add(1)
	l.mu.Unlock()
	go l.helper(w)
}

// helper is a helper: it waits for one coroutine after another.
func (l *Loop) helper(w *errand) {
	defer l.helpers.all.Done()
	defer func() {
		if w != nil {
			l.helped(w, nil) // runtime.Goexit in w.block
		}
	}()
	var next chan *errand
	for w != nil {
		w.block()
		if next == nil {
			next = make(chan *errand, 1)
		}
		done := w
		w = nil
		if l.helped(done, next) {
			w = <-next
		}
	}
}

// helped brings the coroutine of an errand that is over home. It reports whether
// the helper shall stay and receive from next, if that is not nil.
func (l *Loop) helped(w *errand, next chan *errand) (stay bool) {
	l.mu.Lock()
	w.done = true
	l.outside--
	l.holds--
	wake, in := false, l.resting
	if w.finished != nil {
		close(w.finished)
	} else if coro.MarkScheduled(nil, w.co) == nil {
		l.inbox.push(item{co: w.co})
		wake = l.asleep
		l.asleep = false
	}
	h := &l.helpers
	if next != nil && l.running && !h.ending && len(h.idle) < maxIdleHelpers {
		h.idle = append(h.idle, next)
		stay = true
	}
	l.mu.Unlock()
	if wake {
		l.rouse(in)
	}
	return stay
}

// stop ends all helpers, and waits for them. No coroutine is parked any more.
func (h *helpers) stop(l *Loop) {
	l.mu.Lock()
	h.ending = true
	idle := h.idle
	h.idle = nil
	l.mu.Unlock()
	for _, next := range idle {
		next <- nil
	}
	h.all.Wait()
	l.mu.Lock()
	h.ending = false
	l.mu.Unlock()
}
