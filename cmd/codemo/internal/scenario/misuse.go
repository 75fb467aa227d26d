package scenario

import (
	"errors"
	"fmt"
	"strings"

	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/cosync"
)

// caught prints the misuse that body must panic with: want.
func (e *Env) caught(want error, body func()) {
	defer func() {
		v := recover()
		err, _ := v.(error)
		if !errors.Is(err, want) {
			panic(fmt.Errorf("want a misuse of the kind %q, got: %v", want, v))
		}
		if outer := new(coro.PanicError); errors.As(err, &outer) {
			err = outer.Unwrap()
		}
		e.Say("%s", strings.TrimRight(err.Error(), "\n"))
	}()
	body()
}

func misuseAll(e *Env) error {
	for i, s := range eachMisuse {
		if i > 0 {
			e.Say("")
		}
		e.Say("# %s: %s", s.Name, s.About)
		if err := s.Run(e); err != nil {
			return err
		}
	}
	return nil
}

func misuseSelf(e *Env) error {
	e.Enter(e.make("worker", func(self *coro.Self) {
		e.caught(coro.ErrReentered, func() { self.Enter(self.Coroutine()) })
	}))
	return nil
}

func misuseReenter(e *Env) error {
	var outer *coro.Coroutine
	inner := e.make("inner", func(self *coro.Self) {
		e.caught(coro.ErrReentered, func() { self.Enter(outer) })
	})
	outer = e.make("outer", func(self *coro.Self) { self.Enter(inner) })
	e.Enter(outer)
	return nil
}

func misuseYield(e *Env) error {
	e.caught(coro.ErrNoCaller, func() { e.Leader().Yield() })
	return nil
}

func misuseScheduled(e *Env) error {
	sleeper := e.make("sleeper", func(*coro.Self) {})
	e.Enter(e.make("waker", func(self *coro.Self) {
		self.Wake(sleeper)
		e.caught(coro.ErrScheduled, func() { self.Enter(sleeper) })
	}))
	return nil
}

func misuseTerminated(e *Env) error {
	brief := e.make("brief", func(*coro.Self) {})
	e.Enter(brief)
	e.caught(coro.ErrTerminated, func() { e.Enter(brief) })
	return nil
}

func misuseLocks(e *Env) error {
	var mu cosync.Mutex
	careless := e.make("careless", func(self *coro.Self) { mu.Lock(self) })
	e.caught(coro.ErrLocksHeld, func() { e.Enter(careless) })
	return nil
}

func misuseOutside(e *Env) error {
	other := e.make("other", func(*coro.Self) {})
	e.Enter(e.make("confused", func(self *coro.Self) {
		// The thread's Enter acts as the leader, which does not run now.
		e.caught(coro.ErrOutside, func() { e.Enter(other) })
		self.Enter(other)
	}))
	return nil
}

func misuseKilled(e *Env) error {
	stubborn := e.make("stubborn", func(self *coro.Self) {
		defer e.Say("stubborn ends all the same")
		defer self.Yield()
		self.Yield()
	})
	e.Enter(stubborn)
	e.caught(coro.ErrKilledYield, func() { e.Kill(stubborn) })
	return nil
}

func misuseElsewhere(e *Env) error {
	other := coro.NewThread(coro.WithName("other"))
	stranger := other.New(func(*coro.Self) {}).SetName("stranger")
	e.Enter(e.make("waker", func(self *coro.Self) {
		e.caught(coro.ErrNoScheduler, func() { self.Wake(stranger) })
	}))
	return other.Close()
}

func misuseClose(e *Env) error {
	e.Enter(e.make("worker", func(*coro.Self) {
		e.caught(coro.ErrEntered, func() { e.Close() })
	}))
	return nil
}

func misuseEntry(e *Env) error {
	e.caught(coro.ErrNilEntry, func() { e.New(nil) })
	return nil
}

func misuseNil(e *Env) error {
	e.caught(coro.ErrNil, func() { e.Enter(nil) })
	return nil
}

var misuses = append([]Scenario{
	{Name: "misuse", About: "every misuse below, one after the other", Run: misuseAll},
}, eachMisuse...)

// eachMisuse shows what one misuse panics with. It stands at the end of the file,
// so that one more does not move the places that the others are told. Each recovers, and goes on with
// the same coroutines where it can: a misuse changes nothing.
var eachMisuse = []Scenario{
	{Name: "misuse-self", About: "a coroutine enters itself", Run: misuseSelf},
	{Name: "misuse-reenter", About: "a coroutine enters the one that entered it", Run: misuseReenter},
	{Name: "misuse-yield", About: "the leader yields, though nobody entered it", Run: misuseYield},
	{Name: "misuse-scheduled", About: "a coroutine is woken, and entered before its turn", Run: misuseScheduled},
	{Name: "misuse-terminated", About: "a dead coroutine is entered", Run: misuseTerminated},
	{Name: "misuse-locks", About: "a coroutine ends while it holds a lock", Run: misuseLocks},
	{Name: "misuse-outside", About: "a coroutine uses a Self that is not its own", Run: misuseOutside},
	{Name: "misuse-killed", About: "a deferred call yields while its coroutine is killed", Run: misuseKilled},
	{Name: "misuse-elsewhere", About: "one of another thread is woken, and has no event loop", Run: misuseElsewhere},
	{Name: "misuse-close", About: "a coroutine closes the thread that it runs on", Run: misuseClose},
	{Name: "misuse-entry", About: "a coroutine is created with nothing to run", Run: misuseEntry},
	{Name: "misuse-nil", About: "a coroutine that does not exist is entered", Run: misuseNil},
}
