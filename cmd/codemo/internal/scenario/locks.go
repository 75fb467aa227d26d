package scenario

import (
	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/cosync"
)

var locks = []Scenario{
	{Name: "mutex", About: "a mutex is handed over, first come, first served", Run: mutex},
	{Name: "queue", About: "a bounded buffer: the full and the empty wait in queues", Run: queue},
	{Name: "rwlock", About: "readers share, a writer does not starve, and downgrades", Run: rwlock},
	{Name: "deadlock", About: "two take two locks crosswise; it is found as it closes", Run: deadlock},
}

// mutex shows that unlocking gives the mutex to the one who has waited longest,
// there and then, and not to whoever is quick.
func mutex(e *Env) error {
	var mu cosync.Mutex
	mu.SetName("mu")
	first := e.make("first", func(self *coro.Self) {
		mu.Lock(self)
		e.Say("first has it, and yields")
		self.Yield()
		mu.Unlock(self)
		e.Say("first tries again: %v, it is second's already", mu.TryLock(self))
		mu.Lock(self)
		e.Say("first has it again, after all who came before")
		mu.Unlock(self)
	})
	e.Enter(first)
	for _, name := range []string{"second", "third"} {
		e.Enter(e.make(name, func(self *coro.Self) {
			mu.Lock(self)
			defer mu.Unlock(self)
			e.Say("%s has it", name)
		}))
	}
	e.Say("two wait for %s", &mu)
	e.Enter(first)
	return nil
}

// queue is the bounded buffer of the textbooks. It needs no mutex: on one
// thread, nobody else runs between two yields.
func queue(e *Env) error {
	const room, total = 2, 5
	var items []int
	var filled, emptied cosync.Queue
	filled.SetName("filled")
	emptied.SetName("emptied")
	consumer := e.make("consumer", func(self *coro.Self) {
		for range total {
			for len(items) == 0 {
				filled.Wait(self, nil)
			}
			e.Say("takes %d", items[0])
			items = items[1:]
			emptied.Next(self)
		}
	})
	producer := e.make("producer", func(self *coro.Self) {
		for i := range total {
			for len(items) == room {
				emptied.Wait(self, nil)
			}
			items = append(items, i+1)
			e.Say("puts %d", i+1)
			filled.Next(self)
		}
	})
	e.Enter(consumer)
	e.Enter(producer)
	return nil
}

// rwlock has a reader that comes after a writer wait for it, although others
// are reading: a stream of readers would keep the writer out for ever.
//
//	ann, bob   read
//	  writer   waits for both
//	    cyd    waits for the writer, and reads with it once it has downgraded
func rwlock(e *Env) error {
	var rw cosync.RWMutex
	rw.SetName("page")
	text := "old"
	reader := func(name string) *coro.Coroutine {
		return e.make(name, func(self *coro.Self) {
			rw.RLock(self)
			defer rw.RUnlock(self)
			e.Say("%s reads %q", name, text)
			self.Yield()
		})
	}
	ann, bob, cyd := reader("ann"), reader("bob"), reader("cyd")
	writer := e.make("writer", func(self *coro.Self) {
		rw.Lock(self)
		text = "new"
		e.Say("writer writes %q, and goes on as a reader", text)
		rw.Downgrade(self)
		defer rw.RUnlock(self)
		self.Yield()
		e.Say("writer still reads %q", text)
	})
	for _, co := range []*coro.Coroutine{ann, bob, writer, cyd} {
		e.Enter(co)
	}
	e.Say("%s", &rw)
	e.Enter(ann)
	e.Enter(bob)
	e.Say("%s", &rw)
	e.Enter(writer)
	e.Enter(cyd)
	return nil
}

// deadlock has the one that would close the circle told so; it lets go, and the
// other one gets both.
//
//	left            right
//	locks a
//	                locks b
//	                locks a: waits for left
//	locks b: would wait for right
func deadlock(e *Env) error {
	var a, b cosync.Mutex
	a.SetName("a")
	b.SetName("b")
	left := e.make("left", func(self *coro.Self) {
		a.Lock(self)
		defer a.Unlock(self)
		self.Yield()
		e.caught(cosync.ErrDeadlock, func() { b.Lock(self) })
		e.Say("left gives up, and lets go of a")
	})
	right := e.make("right", func(self *coro.Self) {
		b.Lock(self)
		defer b.Unlock(self)
		a.Lock(self)
		defer a.Unlock(self)
		e.Say("right has both")
	})
	e.Enter(left)
	e.Enter(right)
	e.Enter(left)
	return nil
}
