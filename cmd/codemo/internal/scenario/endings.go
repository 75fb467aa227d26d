package scenario

import (
	"errors"
	"io"
	"runtime"

	"github.com/gohandoff/coroutine/coro"
)

var endings = []Scenario{
	{Name: "kill", About: "a killed coroutine's Yield does not return; its defers run", Run: kill},
	{Name: "panic", About: "a panic unwinds coroutine after coroutine, to the enterer", Run: panics},
	{Name: "goexit", About: "runtime.Goexit, so t.FailNow too, ends the enterer likewise", Run: goexit},
}

func kill(e *Env) error {
	writer := e.make("writer", func(self *coro.Self) {
		e.Say("opens a file")
		defer e.Say("closes the file")
		self.Yield()
		e.Say("never printed")
	})
	never := e.make("never", func(*coro.Self) {})
	e.Enter(writer)
	e.Kill(writer)
	e.Say("writer is %v", writer.Status())
	e.Say("one that was never entered is simply dead:")
	e.Kill(never)
	e.Say("killing the dead does nothing")
	e.Kill(writer)
	return nil
}

func panics(e *Env) (err error) {
	inner := e.make("inner", func(self *coro.Self) {
		defer e.Say("inner cleans up")
		panic(io.ErrUnexpectedEOF)
	})
	outer := e.make("outer", func(self *coro.Self) {
		defer e.Say("outer cleans up")
		self.Enter(inner)
	})
	defer func() {
		failure, ok := recover().(*coro.PanicError)
		if !ok {
			err = errors.New("Enter did not panic with a *coro.PanicError")
			return
		}
		e.Say("recovered: %v", failure.Value)
		e.Say("panicked: %s, through %v", failure.Coroutine, failure.Through)
		e.Say("errors.Is(err, io.ErrUnexpectedEOF): %v", errors.Is(failure, io.ErrUnexpectedEOF))
	}()
	e.Enter(outer)
	return nil
}

// goexit gives the leader's part to a goroutine of its own, which ends.
func goexit(e *Env) error {
	done := make(chan struct{})
	returned := false
	go func() {
		defer close(done)
		defer e.Say("leader's goroutine cleans up, and ends")
		e.Enter(e.make("quitter", func(self *coro.Self) {
			defer e.Say("quitter cleans up")
			runtime.Goexit()
		}))
		returned = true
	}()
	<-done
	if returned {
		return errors.New("Enter returned after runtime.Goexit")
	}
	e.Say("the thread goes on with another leader")
	e.Enter(e.make("next", func(*coro.Self) {}))
	return nil
}
