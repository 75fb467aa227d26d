package lesson

import (
	"bufio"
	"context"
	_ "embed" // for the source that is shown
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/aio"
	"github.com/gohandoff/coroutine/coro/cosync"
)

//go:embed deadlock.go
var deadlockSource string

var deadlock = Lesson{
	Name: "deadlock", About: "a cycle of locks, a loop that waits for nobody; and plain Go",
	source: deadlockSource,
	parts:  []part{{"asleep", asleep}, {"silent", silent}, {"cycle", cycle}, {"parked", parked}},
}

//lesson:begin plain

// PlainDeadlock locks two mutexes crosswise, and so never returns. With
// a ticker, something else in the process goes on.
func PlainDeadlock(ticker bool) {
	var a, b sync.Mutex
	var both sync.WaitGroup
	both.Add(2)
	lock := func(first, second *sync.Mutex) {
		first.Lock()
		both.Done()
		both.Wait() // the other one has its first, too
		second.Lock()
	}
	if ticker {
		go func() {
			for range time.Tick(time.Millisecond) {
			}
		}()
	}
	fmt.Println("locking")
	go lock(&b, &a)
	lock(&a, &b)
}

//lesson:end

const (
	// PlainCommand is the command that calls [PlainDeadlock], in a process
	// of its own: what is shown is how it dies.
	PlainCommand = "plain-deadlock"
	// PlainTicker is its argument for a ticker.
	PlainTicker = "ticker"

	patience = 200 * time.Millisecond
)

// asleep runs the program, and says what is heard of it.
func asleep(e *Env) error { return lastWords(e) }

// silent does the same with a ticker.
func silent(e *Env) error { return lastWords(e, PlainTicker) }

func lastWords(e *Env, args ...string) error {
	words, hung, err := plain(e, args...)
	if err != nil {
		return err
	}
	if hung {
		words = "nothing, until it is killed"
		if len(args) == 0 {
			words += ": so this command has code in C linked in"
		}
	}
	e.Say("%s", words)
	return nil
}

// plain runs PlainDeadlock in a process of its own. It returns the first line
// that this dies with, or that it had to be killed.
func plain(e *Env, args ...string) (line string, hung bool, err error) {
	if e.self == nil {
		return "(not tried)", false, nil
	}
	cmd := e.self(append([]string{PlainCommand}, args...)...)
	cmd.Env = append(os.Environ(), "GOTRACEBACK=single")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return "", false, err
	}
	if err := cmd.Start(); err != nil {
		return "", false, err
	}
	ended := make(chan struct{})
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		// How long it takes to start is not the question.
		if _, err := bufio.NewReader(stdout).ReadString('\n'); err != nil {
			return
		}
		select {
		case <-ended:
		case <-time.After(patience):
			hung = true
			cmd.Process.Kill() // it may have ended just now
		}
	}()
	cmd.Wait()
	close(ended)
	<-watched
	line, _, _ = strings.Cut(stderr.String(), "\n")
	return line, hung && line == "", nil
}

//lesson:begin cycle
func cycle(e *Env) error {
	var a, b cosync.Mutex
	a.SetName("a")
	b.SetName("b")
	left := e.New(func(self *coro.Self) {
		a.Lock(self)
		defer a.Unlock(self)
		self.Yield()
		err := caught(func() { b.Lock(self) }) // would close the cycle
		if err != nil {
			e.Say("%v", err)
			return
		}
		defer b.Unlock(self)
		e.Say("left has both")
	}).SetName("left")
	right := e.New(func(self *coro.Self) {
		b.Lock(self)
		defer b.Unlock(self)
		a.Lock(self) // waits for left
		defer a.Unlock(self)
		e.Say("right has both")
	}).SetName("right")
	e.Enter(left)
	e.Enter(right)
	e.Enter(left)
	return nil
}

// caught returns the misuse that f panics with.
func caught(f func()) (err error) {
	defer func() { err, _ = recover().(error) }()
	f()
	return nil
}

//lesson:end

//lesson:begin parked
func parked(e *Env) error {
	loop := e.Loop(aio.WithIsolated())
	var ready cosync.Queue
	ready.SetName("ready")
	boss := loop.Go(func(self *coro.Self) error {
		defer e.Say("boss is unwound")
		ready.Wait(self, nil) // nobody calls ready.Next
		return nil
	}).SetName("boss")
	loop.Go(func(self *coro.Self) error {
		defer e.Say("clerk is unwound")
		return boss.Wait(self)
	}).SetName("clerk")

	err := loop.Run(context.Background())
	e.Say("%v", err)
	if !errors.Is(err, aio.ErrDeadlock) {
		return fmt.Errorf("want %w, got %v", aio.ErrDeadlock, err)
	}
	return loop.Close()
}

//lesson:end
