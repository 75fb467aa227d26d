package cosync_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/cosync"
)

// A world is the real thing behind the interface of the model.
type world struct {
	thread *coro.Thread
	cos    []*coro.Coroutine
	a, b   cosync.Mutex
	q      cosync.Queue
	rw     cosync.RWMutex
	s      *cosync.Semaphore
	log    log
}

func newWorld(h coro.Handoff, progs [][]op) *world {
	w := &world{thread: coro.NewThread(coro.WithHandoff(h)), s: cosync.NewSemaphore(semUnits)}
	for i, p := range progs {
		w.cos = append(w.cos, w.thread.New(w.entry(i, p)))
	}
	return w
}

func (w *world) play(c choice) {
	switch co := w.cos[c.co]; {
	case c.kill:
		w.thread.Kill(co)
	case co.Status() != coro.Dead:
		w.thread.Enter(co)
	}
}

// mine is what a coroutine knows that it holds.
type mine struct {
	a, b, r, w bool
	units      int
}

func (w *world) entry(i int, prog []op) coro.Entry {
	return func(self *Self) {
		var has mine
		defer func() {
			if has.a {
				w.a.Unlock(self)
			}
			if has.b {
				w.b.Unlock(self)
			}
			if has.r {
				w.rw.RUnlock(self)
			}
			if has.w {
				w.rw.Unlock(self)
			}
			if has.units > 0 {
				w.s.Release(self, int64(has.units))
			}
			w.log.add("c%d:end", i+1)
		}()
		for pc := 0; pc < len(prog); pc++ {
			result := w.do(self, prog[pc], &has)
			w.log.add("c%d:%s%s", i+1, prog[pc], result)
			if pc+1 == len(prog) || prog[pc+1] != opAnd {
				self.Yield()
				continue
			}
			for pc+1 < len(prog) && prog[pc+1] == opAnd {
				pc++
			}
		}
	}
}

// do runs one operation and tells its result as the model does.
func (w *world) do(self *Self, o op, has *mine) (result string) {
	defer func() {
		v := recover()
		if v == nil {
			return
		}
		err, ok := v.(error)
		switch {
		case !ok, errors.Is(err, coro.ErrKilled):
			panic(v)
		case errors.Is(err, coro.ErrReentered):
			result = " entered"
		case errors.Is(err, cosync.ErrRecursive):
			result = " recursive"
		case errors.Is(err, cosync.ErrDeadlock):
			result = " deadlock"
		case errors.Is(err, cosync.ErrNotHeld):
			result = " not held"
		default:
			panic(v)
		}
	}()
	switch o {
	case opLockA:
		w.a.Lock(self)
		has.a = true
	case opLockB:
		w.b.Lock(self)
		has.b = true
	case opTryA:
		ok := w.a.TryLock(self)
		has.a = has.a || ok
		return fmt.Sprint(" ", ok)
	case opUnlockA:
		w.a.Unlock(self)
		has.a = false
	case opUnlockB:
		w.b.Unlock(self)
		has.b = false
	case opWait:
		w.q.Wait(self, &w.a)
	case opFront:
		w.q.WaitFront(self, &w.a)
	case opNext:
		return fmt.Sprint(" ", w.q.Next(self))
	case opAll:
		w.q.RestartAll(self)
	case opRLock:
		w.rw.RLock(self)
		has.r = true
	case opLock:
		w.rw.Lock(self)
		has.w = true
	case opRUnlock:
		w.rw.RUnlock(self)
		has.r = false
	case opUnlock:
		w.rw.Unlock(self)
		has.w = false
	case opUp:
		w.rw.Upgrade(self)
		has.r, has.w = false, true
	case opDown:
		w.rw.Downgrade(self)
		has.r, has.w = true, false
	case opAcq1, opAcq2, opAcq3:
		w.s.Acquire(self, int64(o.arg()))
		has.units += o.arg()
	case opTry2:
		ok := w.s.TryAcquire(self, 2)
		if ok {
			has.units += 2
		}
		return fmt.Sprint(" ", ok)
	case opRel1, opRel2, opRel3:
		if o.arg() > has.units {
			return " units"
		}
		w.s.Release(self, int64(o.arg()))
		has.units -= o.arg()
	case opKill1, opKill2, opKill3:
		self.Kill(w.cos[o.arg()-1])
	}
	return ""
}

// compare plays the choices in both and reports the first difference.
func compare(t *testing.T, h coro.Handoff, progs [][]op, choices []choice) {
	t.Helper()
	m, w := newModel(progs), newWorld(h, progs)
	defer func() {
		if err := w.thread.Close(); err != nil {
			t.Fatalf("Close: %v\nprograms %v\nchoices %v", err, progs, choices)
		}
	}()
	for n, c := range choices {
		m.play(c)
		w.play(c)
		if got, want := fmt.Sprint(w.log), fmt.Sprint(m.log); got != want {
			t.Fatalf("after %d of %v\nprograms %v\n got %v\nwant %v", n+1, choices, progs, got, want)
		}
	}
}
