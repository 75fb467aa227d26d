package lesson

import (
	_ "embed" // for the source that is shown
	"fmt"

	"github.com/gohandoff/coroutine/coro"
)

//go:embed setjmp.go
var setjmpSource string

var setjmp = Lesson{
	Name: "setjmp", About: "a point to come back to, and who cleans up on the way",
	source: setjmpSource,
	parts:  []part{{"jump", jumpBack}, {"frames", framesStay}},
}

//lesson:begin jump

// A point can be jumped back to, as long as its set has not returned.
type point struct{ name string }

// A jump is what unwinds the stack. The type is private, and it knows
// its point, so nobody takes another panic for this one.
type jump struct {
	to    *point
	value int
}

func (j jump) String() string {
	return fmt.Sprintf("jump to %s with %d", j.to.name, j.value)
}

// set runs first, and returns 0 when that returns. If somebody jumps
// meanwhile, it returns what he brings instead: it "returns again".
func (p *point) set(leader *coro.Self, first coro.Entry) (value int) {
	defer func() {
		caught := recover()
		panicked, ok := caught.(*coro.PanicError)
		if !ok {
			return // first has returned
		}
		j, ok := panicked.Value.(jump)
		if !ok || j.to != p {
			panic(panicked) // somebody else's
		}
		value = j.value
	}()
	leader.Enter(leader.New(first).SetName("first"))
	return 0
}

func (p *point) jump(value int) { panic(jump{p, value}) }

func jumpBack(e *Env) error {
	here, i := &point{"here"}, 0
	value := here.set(e.Leader(), func(self *coro.Self) {
		defer e.Say("first cleans up")
		e.Say("i = %d", i)
		i = 2
		deeper := self.New(func(*coro.Self) {
			defer e.Say("deeper cleans up")
			here.jump(1)
		}).SetName("deeper")
		self.Enter(deeper)
		e.Say("never printed")
	})
	e.Say("i = %d", i)
	e.Say("the second return has brought %d", value)
	return nil
}

//lesson:end

//lesson:begin frames
func framesStay(e *Env) error {
	co := e.New(func(self *coro.Self) {
		defer e.Say("the frame ends, with its defers")
		for i := 0; ; i += 2 {
			e.Say("i = %d", i)
			self.Yield() // away, to whoever entered; and back here
		}
	}).SetName("co")
	e.Enter(co)
	e.Say("co's frame is alive: co is %v", co.Status())
	e.Enter(co)
	e.Kill(co) // its Yield does not return
	return nil
}

//lesson:end
