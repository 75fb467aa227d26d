package aio_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/aio"
)

// QEMU's tests of its event loop and thread pool, by their names.

// A wake that comes before the sleep must not be lost, nor the coroutine be
// woken a second time by the timer.
func TestQEMUSleepWokenBeforeItSleeps(t *testing.T) {
	eachHandoff(t, func(t *testing.T, loop newLoop) {
		l := loop(virtual())
		var s aio.Sleeper
		steps := 0
		l.Go(func(self *coro.Self) error {
			s.Wake()
			s.Sleep(self, 10*time.Second)
			steps++
			aio.Sleep(self, 20*time.Second)
			steps++
			return nil
		})
		run(t, l)
		if steps != 2 || l.Now().Sub(epoch) != 20*time.Second {
			t.Errorf("got %d steps in %v, want 2 in 20s", steps, l.Now().Sub(epoch))
		}
	})
}

func TestQEMULoopLifecycle(t *testing.T) {
	eachHandoff(t, func(t *testing.T, loop newLoop) {
		for range 10 {
			l := loop()
			ran := make(chan error)
			release := l.Hold()
			go func() { ran <- l.Run(context.Background()) }()
			done := make(chan struct{})
			l.Post(func() {
				wantIs(t, l.Run(context.Background()), aio.ErrRunning)
				wantIs(t, l.Close(), aio.ErrRunning)
				close(done)
			})
			<-done
			release()
			release()
			if err := <-ran; err != nil {
				t.Errorf("Run: %v", err)
			}
			for range 2 {
				if err := l.Close(); err != nil {
					t.Errorf("Close: %v", err)
				}
			}
			wantIs(t, l.Run(context.Background()), aio.ErrClosed)
			wantMisuse(t, coro.ErrClosed, func() { l.Go(stuck) })
			l.Post(func() { t.Error("posted after Close") })
		}
	})
}

// A coroutine goes from loop to loop and back, by itself.
func TestQEMUSchedule(t *testing.T) {
	eachHandoff(t, func(t *testing.T, loop newLoop) {
		hop(t, loop, 2, 1, 200)
	})
}

// hop has n coroutines move at random over so many loops.
func hop(t *testing.T, loop newLoop, loops, n, hops int) {
	t.Helper()
	ls := make([]*aio.Loop, loops)
	holds := make([]func(), loops)
	for i := range ls {
		ls[i] = loop()
		holds[i] = ls[i].Hold()
	}
	var left, total atomic.Int64
	left.Store(int64(n))
	for i := range n {
		ls[i%loops].Go(func(self *coro.Self) error {
			defer func() {
				if left.Add(-1) == 0 {
					for _, release := range holds {
						release()
					}
				}
			}()
			x := uint64(i)*0x9e3779b97f4a7c15 + 1
			for range hops {
				x ^= x << 13
				x ^= x >> 7
				x ^= x << 17
				to := ls[x%uint64(loops)]
				aio.Reschedule(self, to)
				if aio.LoopOf(self) != to {
					return errors.New("on the wrong loop")
				}
				total.Add(1)
				if x&0xf00 == 0 {
					aio.Sleep(self, time.Microsecond)
				}
			}
			return nil
		})
	}
	both(t, ls...)
	if got, want := total.Load(), int64(n*hops); got != want {
		t.Errorf("hops: got %d, want %d", got, want)
	}
}

// A chain of 25,000 coroutines, each of which schedules the next, then one of
// wakes.
func TestQEMUQueueChaining(t *testing.T) {
	const n = 25_000
	eachHandoff(t, func(t *testing.T, loop newLoop) {
		for _, wake := range []bool{false, true} {
			l := loop()
			cos := make([]*coro.Coroutine, n)
			ran := 0
			for i := range cos {
				cos[i] = l.Thread().New(func(self *coro.Self) {
					ran++
					switch {
					case i+1 == n:
					case wake:
						self.Wake(cos[i+1])
					default:
						l.Schedule(cos[i+1])
					}
				})
			}
			l.Schedule(cos[0])
			run(t, l)
			if ran != n {
				t.Errorf("ran: got %d, want %d", ran, n)
			}
		}
	})
}

// A coroutine that yielded on the loop is entered by a worker, a plain goroutine
// with a thread of its own, and goes home from there.
func TestQEMUWorkerEntersCoroutine(t *testing.T) {
	eachHandoff(t, func(t *testing.T, loop newLoop) {
		home, worker := loop(aio.WithName("home")), loop(aio.WithName("worker"))
		var j journal
		release := home.Hold()
		co := home.Thread().New(func(self *coro.Self) {
			self.Yield()
			j.add("on %s", aio.LoopOf(self).Name())
			aio.Reschedule(self, home)
			j.add("on %s", aio.LoopOf(self).Name())
			release()
		})
		home.Post(func() {
			home.Thread().Enter(co)
			worker.Post(func() { worker.Thread().Enter(co) })
		})
		releaseWorker := worker.Hold()
		home.Post(releaseWorker)
		both(t, home, worker)
		j.want(t, "on worker", "on home")
	})
}

func TestQEMUThreadPoolSubmit(t *testing.T) {
	eachHandoff(t, func(t *testing.T, loop newLoop) {
		l := loop()
		const n = 100
		var done atomic.Int32
		l.Go(func(self *coro.Self) error {
			var tasks []*aio.Task
			for i := range n {
				tasks = append(tasks, aio.Go(self, func(self *coro.Self) error {
					got, err := aio.Offload(self, func() (int, error) { return i, nil })
					if got != i {
						t.Errorf("got %d, want %d", got, i)
					}
					done.Add(1)
					return err
				}))
			}
			for _, task := range tasks {
				if err := task.Wait(self); err != nil {
					return err
				}
			}
			return nil
		})
		run(t, l)
		if done.Load() != n {
			t.Errorf("done: got %d, want %d", done.Load(), n)
		}
	})
}

// 100 jobs are submitted and all are cancelled: some have been done, some are
// being done and come to their end, the others never begin.
func TestQEMUThreadPoolCancel(t *testing.T) {
	eachHandoff(t, func(t *testing.T, loop newLoop) {
		l := loop(aio.WithWorkers(4))
		var begun, ended atomic.Int32
		gate := make(chan struct{})
		var tasks []*aio.Task
		for i := range 100 {
			tasks = append(tasks, l.Go(func(self *coro.Self) error {
				_, err := aio.Offload(self, func() (int, error) {
					begun.Add(1)
					if i >= 10 {
						<-gate
					}
					ended.Add(1)
					return 0, nil
				})
				return err
			}))
		}
		l.Go(func(self *coro.Self) error {
			for range 10 {
				tasks[9].Wait(self)
				aio.Yield(self)
			}
			for _, task := range tasks {
				task.Cancel(nil)
			}
			aio.Yield(self)
			close(gate)
			return nil
		})
		run(t, l)
		if begun.Load() != ended.Load() || begun.Load() > 14 {
			t.Errorf("begun %d, ended %d: want as many, and no more than 14", begun.Load(), ended.Load())
		}
		for _, task := range tasks[20:] {
			wantIs(t, task.Err(), context.Canceled)
		}
	})
}

func TestThousandsHopOverFourLoops(t *testing.T) {
	n := 3000
	if testing.Short() {
		n = 300
	}
	eachHandoff(t, func(t *testing.T, loop newLoop) {
		hop(t, loop, 4, n, 12)
	})
}
