package lesson

import (
	_ "embed" // for the source that is shown

	"github.com/gohandoff/coroutine/coro"
)

//go:embed ucontext.go
var ucontextSource string

var ucontext = Lesson{
	Name: "ucontext", About: "contexts with stacks: an endless loop, and a game of ping-pong",
	source: ucontextSource,
	parts:  []part{{"hello", helloAgain}, {"pingpong", pingPong}},
}

//lesson:begin hello
func helloAgain(e *Env) error {
	hello := e.New(func(self *coro.Self) {
		defer e.Say("and good night")
		for {
			e.Say("Hello world")
			self.Yield() // getcontext: here is where one comes back to
		}
	}).SetName("hello")

	for range 3 { // C's goes on until ^C
		e.Enter(hello) // setcontext
	}
	e.Kill(hello)
	return nil
}

//lesson:end

//lesson:begin pingpong

// A trampoline lets coroutines hand over to each other. None enters
// another: it says who is next and yields, and the leader enters that.
type trampoline struct{ next *coro.Coroutine }

// swap hands over from self to another, as swapcontext does.
func (t *trampoline) swap(self *coro.Self, to *coro.Coroutine) {
	t.next = to
	self.Yield()
}

// run goes on until somebody ends without a swap: C calls it uc_link.
func (t *trampoline) run(leader *coro.Self, first *coro.Coroutine) {
	for t.next = first; t.next != nil; {
		co := t.next
		t.next = nil
		leader.Enter(co)
	}
}

func pingPong(e *Env) error {
	var t trampoline
	var ping, pong *coro.Coroutine
	ping = e.New(func(self *coro.Self) {
		for i := range 2 {
			e.Say("ping %d", i+1)
			t.swap(self, pong)
		}
		e.Say("game over")
	}).SetName("ping")
	pong = e.New(func(self *coro.Self) {
		defer e.Say("pong is unwound")
		for i := 0; ; i++ {
			e.Say("     pong %d", i+1)
			t.swap(self, ping)
		}
	}).SetName("pong")
	t.run(e.Leader(), ping)
	e.Say("pong is still %v; the thread's Close ends it", pong.Status())
	return nil
}

//lesson:end
