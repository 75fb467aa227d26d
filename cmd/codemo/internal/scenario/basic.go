package scenario

import "github.com/gohandoff/coroutine/coro"

var basic = []Scenario{
	{Name: "classic", About: "create, enter, yield, enter: work done in two parts", Run: classic},
	{Name: "nesting", About: "coroutines enter one another, and yield to their callers", Run: nesting},
	{Name: "wake", About: "the woken run when their waker yields, depth first", Run: wake},
}

func classic(e *Env) error {
	hello := e.make("hello", func(self *coro.Self) {
		e.Say("some work")
		self.Yield()
		e.Say("more work")
	})
	e.Say("hello is %v", hello.Status())
	e.Enter(hello)
	e.Say("hello is %v", hello.Status())
	e.Enter(hello)
	e.Say("hello is %v", hello.Status())
	return nil
}

// nesting has each coroutine create and enter the next; they all yield once, so
// that the leader comes by twice.
func nesting(e *Env) error {
	const deepest = 4
	var level func(n int) coro.Entry
	level = func(n int) coro.Entry {
		return func(self *coro.Self) {
			if n == deepest {
				e.Say("level %d, called by %v", n, self.Coroutine().Caller())
				self.Yield()
				e.Say("level %d again, called by %v", n, self.Coroutine().Caller())
				return
			}
			next := self.New(level(n + 1)).SetName(levelName(n + 1))
			self.Enter(next)
			self.Yield()
			self.Enter(next)
		}
	}
	first := e.make(levelName(1), level(1))
	e.Enter(first)
	e.Say("everybody waits")
	e.Enter(first)
	return nil
}

func levelName(n int) string { return "level" + string(rune('0'+n)) }

// wake lets a wake b and c; b wakes d, which has its turn before c.
//
//	a           wakes b, c, yields
//	  b         wakes d, yields
//	    d
//	  c
func wake(e *Env) error {
	var b, c, d *coro.Coroutine
	a := e.make("a", func(self *coro.Self) {
		self.Wake(b)
		self.Wake(c)
		e.Say("b and c wait for their turn")
	})
	b = e.make("b", func(self *coro.Self) {
		self.Wake(d)
		e.Say("d's turn comes before c's")
	})
	c = e.make("c", func(self *coro.Self) { e.Say("c's turn") })
	d = e.make("d", func(self *coro.Self) { e.Say("d's turn") })
	e.Enter(a)
	e.Say("everybody woken has run")
	return nil
}
