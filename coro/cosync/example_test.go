package cosync_test

import (
	"fmt"

	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/cosync"
)

// A mutex is held across a yield; who comes meanwhile waits, and has it from the
// unlock on.
func ExampleMutex() {
	t := coro.NewThread()
	defer t.Close()

	var mu cosync.Mutex
	worker := func(self *coro.Self) {
		mu.Lock(self)
		defer mu.Unlock(self)
		fmt.Println(self, "begins")
		self.Yield()
		fmt.Println(self, "ends")
	}
	a := t.New(worker).SetName("a")
	b := t.New(worker).SetName("b")
	t.Enter(a)
	t.Enter(b) // waits for a
	t.Enter(a)
	t.Enter(b)
	// Output:
	// a begins
	// a ends
	// b begins
	// b ends
}

// A consumer waits for items in a loop.
func ExampleQueue() {
	t := coro.NewThread()
	defer t.Close()

	var arrived cosync.Queue
	var items []string
	t.Enter(t.New(func(self *coro.Self) {
		for {
			for len(items) == 0 {
				arrived.Wait(self, nil) // one thread: no mutex needed
			}
			fmt.Println("consumed", items[0])
			items = items[1:]
		}
	}))
	t.Enter(t.New(func(self *coro.Self) {
		for _, item := range []string{"bread", "cheese"} {
			items = append(items, item)
			fmt.Println("produced", item)
			arrived.Next(self)
		}
	}))
	// Output:
	// produced bread
	// produced cheese
	// consumed bread
	// consumed cheese
}

// What was read before an Upgrade is to be read again.
func ExampleRWMutex_Upgrade() {
	t := coro.NewThread()
	defer t.Close()

	var rw cosync.RWMutex
	value := ""
	fill := func(self *coro.Self) {
		rw.RLock(self)
		self.Yield()
		if value == "" {
			rw.Upgrade(self)
			defer rw.Unlock(self)
			if value == "" { // another one may have been first
				value = self.String()
				fmt.Println(self, "filled it")
			}
			return
		}
		rw.RUnlock(self)
	}
	a := t.New(fill).SetName("a")
	b := t.New(fill).SetName("b")
	t.Enter(a)
	t.Enter(b)
	t.Enter(a) // lets go of the read lock, waits for b
	t.Enter(b) // queues up behind a
	fmt.Println("value is", value)
	// Output:
	// a filled it
	// value is a
}

// A large request is served in its turn, though small ones would fit.
func ExampleSemaphore() {
	t := coro.NewThread()
	defer t.Close()

	slots := cosync.NewSemaphore(3)
	use := func(n int64) *coro.Coroutine {
		co := t.New(func(self *coro.Self) {
			slots.Acquire(self, n)
			defer slots.Release(self, n)
			fmt.Println("using", n)
			self.Yield()
		})
		t.Enter(co)
		return co
	}
	first := use(2)
	large := use(3) // waits
	use(1)          // waits, too
	t.Enter(first)
	t.Enter(large)
	// Output:
	// using 2
	// using 3
	// using 1
}

// A cycle of waiting is found by the one who would close it.
func ExampleMutex_Lock_deadlock() {
	t := coro.NewThread()
	defer t.Close()

	var a, b cosync.Mutex
	locker := func(first, second *cosync.Mutex) coro.Entry {
		return func(self *coro.Self) {
			first.Lock(self)
			defer first.Unlock(self)
			self.Yield()
			defer func() {
				if v := recover(); v != nil {
					fmt.Println(v.(*coro.UsageError).Err)
				}
			}()
			second.Lock(self)
			fmt.Println("got both")
			second.Unlock(self)
		}
	}
	c1, c2 := t.New(locker(&a, &b)), t.New(locker(&b, &a))
	t.Enter(c1)
	t.Enter(c2)
	t.Enter(c1)
	t.Enter(c2)
	// Output:
	// Deadlock
	// got both
}
