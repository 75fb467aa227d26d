package aio_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/aio"
	"github.com/gohandoff/coroutine/coro/cosync"
)

var update = flag.Bool("update", false, "rewrite the golden files in testdata")

var (
	lineNumber  = regexp.MustCompile(`\.go:\d+`)
	handoffName = regexp.MustCompile(`\((channel|direct)\)`)
)

// golden compares got with a file, line numbers and the handoff left out.
func golden(t *testing.T, name, got string) {
	t.Helper()
	got = handoffName.ReplaceAllString(lineNumber.ReplaceAllString(got, ".go:N"), "(H)")
	file := filepath.Join("testdata", name+".txt")
	if *update {
		if err := os.MkdirAll("testdata", 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got), rewrite it with -update:\n%s", file, diff)
	}
}

// reports is what loops in a deadlock report.
func reports(t *testing.T, loops ...*aio.Loop) string {
	t.Helper()
	errs := make([]error, len(loops))
	var all sync.WaitGroup
	for i, l := range loops {
		all.Go(func() { errs[i] = l.Run(context.Background()) })
	}
	all.Wait()
	var b bytes.Buffer
	for _, err := range errs {
		var e *aio.DeadlockError
		if !errors.As(err, &e) {
			t.Fatalf("Run: got %v, want a deadlock", err)
		}
		b.WriteString(e.Error() + "\n")
	}
	return b.String()
}

func TestDeadlockReports(t *testing.T) {
	eachHandoff(t, func(t *testing.T, loop newLoop) {
		t.Run("yield", func(t *testing.T) {
			l := loop()
			l.Go(stuck).SetName("writer")
			golden(t, "deadlock-yield", reports(t, l))
		})
		t.Run("cycle", func(t *testing.T) {
			l := loop(aio.WithName("main"))
			var tasks [3]*aio.Task
			for i, name := range []string{"a", "b", "c"} {
				tasks[i] = l.Go(func(self *coro.Self) error {
					return tasks[(i+1)%3].Wait(self)
				}).SetName(name)
			}
			l.Go(func(self *coro.Self) error { return tasks[0].Wait(self) }).SetName("onlooker")
			golden(t, "deadlock-cycle", reports(t, l))
		})
		t.Run("itself", func(t *testing.T) {
			l := loop()
			var task *aio.Task
			task = l.Go(func(self *coro.Self) error { return task.Wait(self) }).SetName("narcissus")
			golden(t, "deadlock-itself", reports(t, l))
		})
		t.Run("queue", func(t *testing.T) {
			l := loop()
			var m cosync.Mutex
			var q cosync.Queue
			for _, name := range []string{"consumer1", "consumer2"} {
				l.Go(func(self *coro.Self) error {
					m.Lock(self)
					defer m.Unlock(self)
					q.Wait(self, &m)
					return nil
				}).SetName(name)
			}
			golden(t, "deadlock-queue", reports(t, l))
		})
		t.Run("two loops", func(t *testing.T) {
			a, b := loop(aio.WithName("a")), loop(aio.WithName("b"))
			var ta, tb *aio.Task
			ta = a.Go(func(self *coro.Self) error { return tb.Wait(self) }).SetName("on a")
			tb = b.Go(func(self *coro.Self) error { return ta.Wait(self) }).SetName("on b")
			golden(t, "deadlock-two-loops", reports(t, a, b))
		})
	})
}

// False alarms are worse than silence.
func TestNoFalseAlarm(t *testing.T) {
	start := func(l *aio.Loop) { go func() { _ = l.Run(context.Background()) }() }
	helpers := []struct {
		name string
		help func(from *aio.Loop, wake func())
		late bool // when the other loop is stuck already
	}{
		{"a loop that runs", func(from *aio.Loop, wake func()) {
			from.Post(wake)
			start(from)
		}, false},
		{"a loop that sleeps", func(from *aio.Loop, wake func()) {
			from.Go(func(self *coro.Self) error { aio.Sleep(self, time.Millisecond); wake(); return nil })
			start(from)
		}, false},
		{"a loop whose workers work", func(from *aio.Loop, wake func()) {
			from.Go(func(self *coro.Self) error {
				_, err := aio.Offload(self, func() (int, error) { return 0, nil })
				wake()
				return err
			})
			start(from)
		}, false},
		{"a loop that is run again", func(from *aio.Loop, wake func()) {
			_ = from.Run(context.Background())
			from.Post(wake)
		}, false},
		{"a loop that has not been run", func(from *aio.Loop, wake func()) {
			from.Post(wake)
			start(from)
		}, true},
	}
	eachHandoff(t, func(t *testing.T, loop newLoop) {
		for _, h := range helpers {
			t.Run(h.name, func(t *testing.T) {
				l, other := loop(aio.WithName("hopes")), loop(aio.WithName("brings"))
				parked := make(chan *coro.Coroutine, 1)
				l.Go(func(self *coro.Self) error {
					parked <- self.Coroutine()
					self.Yield()
					return nil
				})
				done := make(chan struct{})
				wake := func() { l.Schedule(<-parked); close(done) }
				if !h.late {
					h.help(other, wake)
				}
				ended := make(chan error)
				go func() { ended <- l.Run(context.Background()) }()
				switch {
				case h.late:
					co := <-parked
					parked <- co
					h.help(other, wake)
				case h.name == "a loop that is run again":
					co := <-parked
					parked <- co
					start(other)
				}
				<-done
				if err := <-ended; err != nil {
					t.Errorf("Run: %v", err)
				}
				for errors.Is(other.Close(), aio.ErrRunning) {
					runtime.Gosched() // it is about to end
				}
			})
		}
	})
}

// When the last loop that could help ends, the others learn of it.
func TestADeadlockIsFoundWhenTheOtherLoopEnds(t *testing.T) {
	eachHandoff(t, func(t *testing.T, loop newLoop) {
		l, other := loop(), loop()
		l.Go(stuck)
		parked := make(chan struct{})
		l.Post(func() { close(parked) })
		ended := make(chan error)
		go func() { ended <- l.Run(context.Background()) }()
		<-parked
		other.Go(sleepFor(time.Millisecond))
		run(t, other)
		wantIs(t, <-ended, aio.ErrDeadlock)
	})
}

func TestHoldHidesADeadlockUntilItIsReleased(t *testing.T) {
	eachHandoff(t, func(t *testing.T, loop newLoop) {
		l := loop()
		release := l.Hold()
		l.Go(stuck)
		go l.Post(func() { go release() })
		wantIs(t, l.Run(context.Background()), aio.ErrDeadlock)
	})
}

func TestDump(t *testing.T) {
	eachHandoff(t, func(t *testing.T, loop newLoop) {
		l := loop(virtual(), aio.WithName("main"))
		release := l.Hold()
		var b bytes.Buffer
		dump := func(when string) {
			b.WriteString("--- " + when + "\n")
			if err := l.Dump(&b); err != nil {
				t.Error(err)
			}
		}
		l.Go(sleepFor(2 * time.Second)).SetName("sleeper")
		l.Go(func(self *coro.Self) error {
			wantIs(t, aio.Timeout(self, time.Second, func(self *coro.Self) error {
				self.Coroutine().SetName("body")
				var s aio.Sleeper
				s.Sleep(self, time.Minute)
				return nil
			}), aio.ErrTimeout)
			return nil
		}).SetName("caller")
		l.Go(func(self *coro.Self) error {
			_, err := aio.Offload(self, func() (int, error) { return 0, nil })
			return err
		}).SetName("thinker")
		dump("before Run")
		l.Go(func(self *coro.Self) error {
			dump("in a coroutine")
			aio.Sleep(self, time.Second)
			dump("when the timeout is over")
			release()
			return nil
		}).SetName("dumper")
		run(t, l)
		dump("after Run")
		golden(t, "dump", b.String())
	})
}

// A dump may be asked for at any time, by anybody.
func TestDumpFromElsewhere(t *testing.T) {
	eachHandoff(t, func(t *testing.T, loop newLoop) {
		l := loop(aio.WithPolicy(aio.Shuffle(1)))
		stop := make(chan struct{})
		var all sync.WaitGroup
		for range 2 {
			all.Go(func() {
				for {
					select {
					case <-stop:
						return
					default:
						var b bytes.Buffer
						if err := l.Dump(&b); err != nil {
							t.Error(err)
						}
					}
				}
			})
		}
		for range 10 {
			l.Go(func(self *coro.Self) error {
				for range 20 {
					aio.Yield(self)
					aio.Sleep(self, time.Microsecond)
					aio.Offload(self, func() (int, error) { return 0, nil })
				}
				return nil
			})
		}
		run(t, l)
		close(stop)
		all.Wait()
	})
}

func TestTrace(t *testing.T) {
	eachHandoff(t, func(t *testing.T, loop newLoop) {
		var r recorder
		other := loop(aio.WithName("other"))
		l := loop(virtual(), aio.WithThread(coro.WithTracer(&r)))
		l.Go(func(self *coro.Self) error {
			aio.Yield(self)
			l.Post(func() {})
			_ = aio.Timeout(self, time.Second, func(self *coro.Self) error {
				self.Coroutine().SetName("body")
				aio.Sleep(self, time.Hour)
				return nil
			})
			if _, err := aio.Offload(self, func() (int, error) { return 0, nil }); err != nil {
				return err
			}
			aio.Go(self, sleepFor(0)).SetName("child")
			aio.Reschedule(self, other)
			return nil
		}).SetName("main")
		run(t, l)
		run(t, other)
		golden(t, "trace", r.String())
	})
}
