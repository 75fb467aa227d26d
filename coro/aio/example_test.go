package aio_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/aio"
	"github.com/gohandoff/coroutine/coro/cosync"
)

// simulation gives a loop a virtual clock, so that examples take no time.
func simulation() *aio.Loop {
	return aio.NewLoop(aio.WithClock(aio.NewVirtualClock(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC))))
}

func ExampleLoop() {
	loop := aio.NewLoop()
	defer loop.Close()

	for i := range 2 {
		loop.Go(func(self *coro.Self) error {
			for step := range 3 {
				fmt.Println("task", i, "step", step)
				aio.Yield(self) // let the other one run
			}
			return nil
		})
	}
	fmt.Println(loop.Run(context.Background()))
	// Output:
	// task 0 step 0
	// task 1 step 0
	// task 0 step 1
	// task 1 step 1
	// task 0 step 2
	// task 1 step 2
	// <nil>
}

// Sleeping coroutines take no time on a virtual clock, only order.
func ExampleSleep() {
	loop := aio.NewLoop(aio.WithClock(aio.NewVirtualClock(time.Unix(0, 0))))
	defer loop.Close()
	for _, d := range []time.Duration{3 * time.Hour, 1 * time.Hour, 2 * time.Hour} {
		loop.Go(func(self *coro.Self) error {
			aio.Sleep(self, d)
			fmt.Println(d)
			return nil
		})
	}
	loop.Run(context.Background())
	// Output:
	// 1h0m0s
	// 2h0m0s
	// 3h0m0s
}

func ExampleSleeper() {
	loop := simulation()
	defer loop.Close()
	var s aio.Sleeper
	loop.Go(func(self *coro.Self) error {
		fmt.Println("woken:", s.Sleep(self, time.Hour))
		fmt.Println("woken:", s.Sleep(self, time.Hour))
		return nil
	})
	loop.Go(func(self *coro.Self) error {
		aio.Sleep(self, time.Minute)
		s.Wake()
		return nil
	})
	loop.Run(context.Background())
	// Output:
	// woken: true
	// woken: false
}

// When the time is over, the body does not go on behind the caller's back: it is
// unwound where it waits, and its deferred calls have run when Timeout returns.
func ExampleTimeout() {
	loop := simulation()
	defer loop.Close()
	loop.Go(func(self *coro.Self) error {
		err := aio.Timeout(self, time.Second, func(self *coro.Self) error {
			defer fmt.Println("closing the connection")
			aio.Sleep(self, time.Hour) // no answer
			fmt.Println("never printed")
			return nil
		})
		fmt.Println(err, errors.Is(err, aio.ErrTimeout))
		return nil
	})
	loop.Run(context.Background())
	// Output:
	// closing the connection
	// aio: timed out after 1s true
}

// Work that would block the loop is done by a worker, while others run.
func ExampleOffload() {
	loop := aio.NewLoop()
	defer loop.Close()
	loop.Go(func(self *coro.Self) error {
		sum, err := aio.Offload(self, func() (int, error) {
			sum := 0
			for i := range 1_000_000 {
				sum += i
			}
			return sum, nil
		})
		fmt.Println(sum, err)
		return nil
	})
	loop.Run(context.Background())
	// Output: 499999500000 <nil>
}

func ExampleTask_Wait() {
	loop := aio.NewLoop()
	defer loop.Close()
	loop.Go(func(self *coro.Self) error {
		child := aio.Go(self, func(self *coro.Self) error {
			aio.Sleep(self, time.Millisecond)
			return errors.New("no such file")
		})
		fmt.Println("child:", child.Wait(self))
		return nil
	})
	loop.Run(context.Background())
	// Output: child: no such file
}

func ExampleWaitAny() {
	loop := simulation()
	defer loop.Close()
	loop.Go(func(self *coro.Self) error {
		var mirrors []*aio.Task
		for _, d := range []time.Duration{3, 1, 2} {
			mirrors = append(mirrors, aio.Go(self, func(self *coro.Self) error {
				aio.Sleep(self, d*time.Second)
				return nil
			}))
		}
		first := aio.WaitAny(self, mirrors...)
		fmt.Println("mirror", first, "was first")
		for _, task := range mirrors {
			task.Cancel(nil) // does nothing to the first, which is finished
		}
		return nil
	})
	loop.Run(context.Background())
	// Output: mirror 1 was first
}

// A task is cancelled with its children, the youngest first.
func ExampleTask_Cancel() {
	loop := simulation()
	defer loop.Close()
	parent := loop.Go(func(self *coro.Self) error {
		defer fmt.Println("parent unwound")
		for i := range 2 {
			aio.Go(self, func(self *coro.Self) error {
				defer fmt.Println("child", i, "unwound")
				aio.Sleep(self, time.Hour)
				return nil
			})
		}
		aio.Sleep(self, time.Hour)
		return nil
	})
	loop.Go(func(self *coro.Self) error {
		aio.Sleep(self, time.Minute)
		parent.Cancel(errors.New("no longer wanted"))
		fmt.Println("parent:", parent.Wait(self))
		return nil
	})
	loop.Run(context.Background())
	// Output:
	// child 1 unwound
	// child 0 unwound
	// parent unwound
	// parent: no longer wanted
}

// Context is for libraries that know contexts and not coroutines.
func ExampleContext() {
	loop := aio.NewLoop()
	defer loop.Close()
	task := loop.Go(func(self *coro.Self) error {
		ctx := aio.Context(self)
		_, err := aio.Offload(self, func() (struct{}, error) {
			<-ctx.Done() // a call that ends when its context does
			fmt.Println("the call ends:", context.Cause(ctx))
			return struct{}{}, ctx.Err()
		})
		return err
	})
	loop.Go(func(self *coro.Self) error {
		task.Cancel(errors.New("the user left"))
		return nil
	})
	loop.Run(context.Background())
	fmt.Println("the task:", task.Err())
	// Output:
	// the call ends: the user left
	// the task: the user left
}

// A source that the loop does not know of holds it, and posts what comes.
func ExampleLoop_Hold() {
	loop := aio.NewLoop()
	defer loop.Close()
	release := loop.Hold()
	go func() { // a server's socket, say
		defer release()
		for _, request := range []string{"one", "two"} {
			loop.Go(func(self *coro.Self) error {
				aio.Yield(self)
				fmt.Println("request", request)
				return nil
			})
		}
	}()
	fmt.Println(loop.Run(context.Background()))
	// Output:
	// request one
	// request two
	// <nil>
}

func ExampleNewVirtualClock() {
	start := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	loop := aio.NewLoop(aio.WithClock(aio.NewVirtualClock(start)))
	defer loop.Close()
	loop.Go(func(self *coro.Self) error {
		aio.Sleep(self, 366*24*time.Hour)
		fmt.Println(aio.LoopOf(self).Now().Format(time.DateOnly))
		return nil
	})
	loop.Run(context.Background())
	// Output: 2001-01-01
}

// Some orders show a bug and others do not. Shuffle tries one for each seed, a
// Record keeps what it chose, and Replay does the same again.
func ExampleReplay() {
	race := func(policy aio.Policy) (winner string) {
		loop := aio.NewLoop(aio.WithPolicy(policy))
		defer loop.Close()
		for _, name := range []string{"tortoise", "hare", "snail"} {
			loop.Go(func(self *coro.Self) error {
				aio.Yield(self)
				if winner == "" {
					winner = name
				}
				return nil
			})
		}
		loop.Run(context.Background())
		return winner
	}

	fmt.Println(race(nil)) // first in, first out
	for seed := uint64(1); ; seed++ {
		record := &aio.Record{Of: aio.Shuffle(seed)}
		if race(record) == "snail" {
			fmt.Println("the snail can win:", race(aio.Replay(record.Decisions)))
			break
		}
	}
	// Output:
	// tortoise
	// the snail can win: snail
}

// Two tasks wait for each other. The loop finds out, and says who waits for what
// and where.
func ExampleDeadlockError() {
	loop := aio.NewLoop(aio.WithName("main"))
	defer loop.Close()
	var left, right *aio.Task
	left = loop.Go(func(self *coro.Self) error { return right.Wait(self) }).SetName("left")
	right = loop.Go(func(self *coro.Self) error { return left.Wait(self) }).SetName("right")

	err := loop.Run(context.Background())
	var deadlock *aio.DeadlockError
	fmt.Println(errors.Is(err, aio.ErrDeadlock), errors.As(err, &deadlock))
	fmt.Println(deadlock.Cycle)
	for _, info := range deadlock.Waiting {
		fmt.Println(info.Name, "waits for", info.WaitsFor)
	}
	// Output:
	// true true
	// [left right]
	// left waits for task right
	// right waits for task left
}

// A producer that is faster than its consumer: the semaphore bounds what is on
// its way between them.
func Example_pipeline() {
	loop := simulation()
	defer loop.Close()
	var (
		slots = cosync.NewSemaphore(2)
		ready aio.Sleeper
		queue []int
	)
	loop.Go(func(self *coro.Self) error { // the producer
		for i := range 4 {
			slots.Acquire(self, 1)
			fmt.Println("made", i)
			queue = append(queue, i)
			ready.Wake()
		}
		return nil
	})
	loop.Go(func(self *coro.Self) error { // the consumer
		for range 4 {
			for len(queue) == 0 {
				ready.Sleep(self, time.Hour)
			}
			i := queue[0]
			queue = queue[1:]
			aio.Sleep(self, time.Second) // work
			fmt.Println("used", i)
			slots.Release(self, 1)
		}
		return nil
	})
	fmt.Println(loop.Run(context.Background()))
	// Output:
	// made 0
	// made 1
	// used 0
	// made 2
	// used 1
	// made 3
	// used 2
	// used 3
	// <nil>
}

// A coroutine goes to another loop, which is another goroutine, and comes back:
// straight-line code over two lines of control, without a lock.
func ExampleReschedule() {
	front, back := aio.NewLoop(aio.WithName("front")), aio.NewLoop(aio.WithName("back"))
	defer front.Close()
	defer back.Close()

	release := back.Hold() // back has nothing to do at first
	frontHold := front.Hold()
	front.Go(func(self *coro.Self) error {
		fmt.Println("on", aio.LoopOf(self).Name())
		aio.Reschedule(self, back)
		fmt.Println("on", aio.LoopOf(self).Name())
		aio.Reschedule(self, front)
		fmt.Println("on", aio.LoopOf(self).Name())
		release()
		frontHold()
		return nil
	})
	ended := make(chan error)
	go func() { ended <- back.Run(context.Background()) }()
	fmt.Println(front.Run(context.Background()), <-ended)
	// Output:
	// on front
	// on back
	// on front
	// <nil> <nil>
}

// A bottom half runs on the loop, outside any coroutine.
func ExampleLoop_Post() {
	loop := aio.NewLoop()
	defer loop.Close()
	loop.Go(func(self *coro.Self) error {
		loop.Post(func() { fmt.Println("bottom half") })
		fmt.Println("task goes on")
		aio.Yield(self)
		fmt.Println("task is back")
		return nil
	})
	loop.Run(context.Background())
	// Output:
	// task goes on
	// bottom half
	// task is back
}
