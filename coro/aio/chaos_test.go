package aio_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/aio"
	"github.com/gohandoff/coroutine/coro/cosync"
)

// Tasks on three loops start, await, cancel and time out each other at random,
// while they hop, lock, sleep and offload: whatever happens, no wake is lost, no
// coroutine is scheduled twice, and nothing is left. Some runs end by themselves,
// some by their context.
func TestChaos(t *testing.T) {
	rounds := uint64(60)
	if testing.Short() {
		rounds = 10
	}
	eachHandoff(t, func(t *testing.T, loop newLoop) {
		for seed := range rounds {
			c := &chaos{seed: seed}
			for range 3 {
				c.loops = append(c.loops, loop(aio.WithWorkers(2)))
			}
			ctx, cancel := context.WithCancel(context.Background())
			if seed%2 == 0 {
				// Ends in the middle of things.
				c.enough = func(n int) {
					if n == 100 {
						cancel()
					}
				}
			}
			// A task may go to a loop that has nothing to do; so none may end
			// before all tasks have.
			for _, l := range c.loops {
				c.holds = append(c.holds, l.Hold())
			}
			for i := range 9 {
				c.remember(c.loops[i%3].Go(c.body(uint64(i), 0)))
			}
			var all sync.WaitGroup
			for _, l := range c.loops {
				all.Go(func() {
					err := l.Run(ctx)
					if err != nil && !errors.Is(err, context.Canceled) && !errors.Is(err, aio.ErrDeadlock) {
						t.Errorf("seed %d: Run: %v", seed, err)
					}
				})
			}
			c.await(t, &all)
			cancel()
			for _, l := range c.loops {
				if err := l.Close(); err != nil {
					t.Errorf("seed %d: Close: %v", seed, err)
				}
				if n := l.Thread().Live(); n != 0 {
					t.Errorf("seed %d: live coroutines: got %d, want 0", seed, n)
				}
			}
			for _, task := range c.tasks {
				select {
				case <-task.Done():
				default:
					t.Errorf("seed %d: %v is not finished", seed, task)
				}
			}
		}
	})
}

// await waits for all, and shows the loops if that takes too long.
func (c *chaos) await(t *testing.T, all *sync.WaitGroup) {
	t.Helper()
	ended := make(chan struct{})
	go func() { all.Wait(); close(ended) }()
	select {
	case <-ended:
	case <-time.After(20 * time.Second):
		var b bytes.Buffer
		for _, l := range c.loops {
			_ = l.Dump(&b)
		}
		panic(fmt.Sprintf("seed %d hangs:\n%s", c.seed, b.String()))
	}
}

type chaos struct {
	seed   uint64
	loops  []*aio.Loop
	enough func(n int)
	locks  [2]cosync.Mutex
	shared [2]int // under locks

	mu    sync.Mutex
	tasks []*aio.Task
	left  int // of these
	steps int
	holds []func()
}

func (c *chaos) remember(task *aio.Task) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tasks = append(c.tasks, task)
	c.left++
	go func() {
		<-task.Done()
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.left--; c.left == 0 {
			for _, release := range c.holds {
				release()
			}
		}
	}()
}

// any returns one of the tasks, how many there are, and the number of the step.
func (c *chaos) any(r *rand.Rand) (task *aio.Task, tasks, step int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.steps++
	return c.tasks[r.IntN(len(c.tasks))], len(c.tasks), c.steps
}

func (c *chaos) body(id uint64, depth int) func(self *coro.Self) error {
	return func(self *coro.Self) error {
		r := rand.New(rand.NewPCG(c.seed, id))
		for range 12 {
			task, tasks, step := c.any(r)
			if c.enough != nil {
				c.enough(step)
			}
			short := time.Duration(r.IntN(50)) * time.Microsecond
			switch r.IntN(10) {
			case 0:
				aio.Yield(self)
			case 1:
				aio.Sleep(self, short)
			case 2:
				aio.Reschedule(self, c.loops[r.IntN(len(c.loops))])
			case 3:
				_, _ = aio.Offload(self, func() (int, error) { return 0, nil })
			case 4:
				if depth < 3 {
					_ = aio.Timeout(self, short, c.body(r.Uint64(), depth+1))
				}
			case 5:
				if tasks < 60 {
					child := aio.Go(self, c.body(r.Uint64(), depth+1))
					if r.IntN(4) == 0 {
						child.Detach()
					}
					c.remember(child)
				}
			case 6:
				if r.IntN(3) == 0 {
					task.Cancel(nil)
				}
			case 7:
				_ = aio.Timeout(self, 10*short, func(self *coro.Self) error { return task.Wait(self) })
			case 8:
				other, _, _ := c.any(r)
				_ = aio.Timeout(self, 10*short, func(self *coro.Self) error {
					aio.WaitAny(self, task, other)
					return nil
				})
			case 9:
				i := r.IntN(2)
				func() {
					c.locks[i].Lock(self)
					defer c.locks[i].Unlock(self)
					c.shared[i]++
					if r.IntN(2) == 0 {
						aio.Yield(self)
					}
				}()
			}
		}
		return nil
	}
}
