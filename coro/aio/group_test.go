package aio_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/aio"
)

// groupLoops runs f as a task of a loop with a virtual clock, for both handoffs,
// and returns what Run returns.
func groupLoops(t *testing.T, f func(t *testing.T, self *coro.Self) error) {
	t.Helper()
	for _, h := range []coro.Handoff{coro.Channel, coro.Direct} {
		t.Run(h.String(), func(t *testing.T) {
			l := aio.NewLoop(aio.WithThread(coro.WithHandoff(h)), aio.WithClock(aio.NewVirtualClock(time.Unix(0, 0))))
			defer l.Close()
			l.Go(func(self *coro.Self) error { return f(t, self) })
			if err := l.Run(context.Background()); err != nil {
				t.Errorf("Run: %v", err)
			}
		})
	}
}

// Five parts of one piece of work, two at a time.
func ExampleGroup() {
	loop := aio.NewLoop(aio.WithClock(aio.NewVirtualClock(time.Unix(0, 0))))
	defer loop.Close()
	loop.Go(func(self *coro.Self) error {
		g := aio.Group{Limit: 2}
		for i := range 5 {
			g.Go(self, func(self *coro.Self) error {
				aio.Sleep(self, time.Second)
				fmt.Printf("part %d done after %ds\n", i, loop.Now().Unix())
				return nil
			})
		}
		return g.Wait(self)
	})
	fmt.Println(loop.Run(context.Background()))
	// Output:
	// part 0 done after 1s
	// part 1 done after 1s
	// part 2 done after 2s
	// part 3 done after 2s
	// part 4 done after 3s
	// <nil>
}

func TestGroupLimit(t *testing.T) {
	for _, limit := range []int{0, 1, 3, 100} {
		t.Run(fmt.Sprint(limit), func(t *testing.T) {
			groupLoops(t, func(t *testing.T, self *coro.Self) error {
				g := aio.Group{Limit: limit}
				running, most := 0, 0
				for i := range 20 {
					g.Go(self, func(self *coro.Self) error {
						running++
						most = max(most, running)
						aio.Sleep(self, time.Duration(i%4)*time.Millisecond)
						running--
						return nil
					})
				}
				err := g.Wait(self)
				want := 20
				if limit > 0 {
					want = min(limit, 20)
				}
				if diff := cmp.Diff([2]int{want, 0}, [2]int{most, running}); diff != "" {
					t.Errorf("most at a time, and left (-want +got):\n%s", diff)
				}
				return err
			})
		})
	}
}

func TestGroupFirstError(t *testing.T) {
	for _, failFast := range []bool{false, true} {
		t.Run(fmt.Sprint(failFast), func(t *testing.T) {
			groupLoops(t, func(t *testing.T, self *coro.Self) error {
				g := aio.Group{Limit: 3, FailFast: failFast}
				var got []string
				for i := range 5 {
					g.Go(self, func(self *coro.Self) error {
						defer func() { got = append(got, fmt.Sprint("end ", i)) }()
						aio.Sleep(self, time.Duration(10-i)*time.Second)
						got = append(got, fmt.Sprint("slept ", i))
						return fmt.Errorf("error %d", i)
					})
				}
				if err := g.Wait(self); err == nil || err.Error() != "error 2" {
					t.Errorf("Wait = %v, want error 2", err)
				}
				want := []string{
					"slept 2", "end 2", "slept 1", "end 1", "slept 0", "end 0", "slept 3", "end 3", "slept 4", "end 4",
				}
				if failFast {
					want = []string{"slept 2", "end 2", "end 1", "end 0"}
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("what happened (-want +got):\n%s", diff)
				}
				return nil
			})
		})
	}
}

func TestGroupPanic(t *testing.T) {
	groupLoops(t, func(t *testing.T, self *coro.Self) error {
		g := aio.Group{FailFast: true}
		ended := false
		g.Go(self, func(self *coro.Self) error {
			defer func() { ended = true }()
			aio.Sleep(self, time.Hour)
			return nil
		})
		g.Go(self, func(self *coro.Self) error { aio.Yield(self); panic(errEnough) })
		defer func() {
			err, _ := recover().(error)
			var p *coro.PanicError
			if !errors.As(err, &p) || !errors.Is(err, errEnough) || !ended {
				t.Errorf("Wait panicked with %v, and the rest is cancelled: %v", err, ended)
			}
		}()
		g.Wait(self)
		t.Error("Wait returned")
		return nil
	})
}

// TestGroupKilled ends who waits for a group, in Go and in Wait, by
// cancellation and by hand: the group's tasks are cancelled.
func TestGroupKilled(t *testing.T) {
	for _, where := range []string{"go", "wait"} {
		for _, how := range []string{"cancel", "kill"} {
			t.Run(where+"/"+how, func(t *testing.T) {
				groupLoops(t, func(t *testing.T, self *coro.Self) error {
					ended := 0
					task := aio.Go(self, func(self *coro.Self) error {
						g := aio.Group{}
						if where == "go" {
							g.Limit = 3
						}
						for range 4 {
							g.Go(self, func(self *coro.Self) error {
								defer func() { ended++ }()
								aio.Sleep(self, time.Hour)
								t.Error("slept to the end")
								return nil
							})
							if where == "wait" {
								aio.Yield(self)
							}
						}
						return g.Wait(self)
					})
					aio.Sleep(self, time.Second)
					if how == "cancel" {
						task.Cancel(errEnough)
					} else {
						self.Kill(task.Coroutine())
					}
					if err := task.Wait(self); err == nil {
						t.Error("no error of the task that was ended")
					}
					aio.Sleep(self, time.Second)
					want := 4
					if where == "go" {
						want = 3
					}
					if ended != want {
						t.Errorf("%d tasks ended, want %d", ended, want)
					}
					return nil
				})
			})
		}
	}
}

// TestGroupSlotOfTheDead has one be killed that waits for a slot, between
// two others: the slot goes to the next.
func TestGroupSlotOfTheDead(t *testing.T) {
	groupLoops(t, func(t *testing.T, self *coro.Self) error {
		var got []string
		g := aio.Group{Limit: 1}
		var goers []*aio.Task
		work := func(name string) func(self *coro.Self) error {
			return func(self *coro.Self) error {
				aio.Sleep(self, time.Second)
				got = append(got, name)
				return nil
			}
		}
		g.Go(self, work("first"))
		for _, name := range []string{"a", "b", "c"} {
			goers = append(goers, aio.Go(self, func(self *coro.Self) error {
				g.Go(self, work(name))
				aio.Sleep(self, time.Minute) // its children pass to others only then
				return nil
			}))
		}
		aio.Yield(self)
		goers[1].Cancel(nil)
		for _, task := range goers {
			task.Wait(self)
		}
		g.Wait(self)
		// The end of b cancels what the group runs just then.
		if diff := cmp.Diff([]string{"a", "c"}, got); diff != "" {
			t.Errorf("what ran (-want +got):\n%s", diff)
		}
		return nil
	})
}

// TestGroupLoops has a group's tasks move to another loop and end there.
func TestGroupLoops(t *testing.T) {
	l, other := aio.NewLoop(), aio.NewLoop(aio.WithName("other"))
	defer l.Close()
	defer other.Close()
	release := other.Hold()
	n := 0
	l.Go(func(self *coro.Self) error {
		defer release()
		g := aio.Group{Limit: 4}
		for range 200 {
			g.Go(self, func(self *coro.Self) error {
				aio.Reschedule(self, other)
				n++
				return nil
			})
		}
		return g.Wait(self)
	})
	result := make(chan error)
	go func() { result <- tryRunNet(other) }()
	runNet(t, l)
	if err := <-result; err != nil {
		t.Errorf("the other loop: %v", err)
	}
	if n != 200 {
		t.Errorf("%d ran, want 200", n)
	}
}

// TestGroupNameInTrace: who waits for a group, or in it, says which one it is.
func TestGroupNameInTrace(t *testing.T) {
	for _, test := range []struct{ name, want string }{
		{"", "a slot of a group; a group"},
		{"checks", `a slot of group "checks"; group "checks"`},
	} {
		eachHandoff(t, func(t *testing.T, loop newLoop) {
			var waits []string
			l := loop(virtual(), aio.WithThread(coro.WithTracer(tracerFunc(func(e coro.Event) {
				if e.Kind == coro.EventYield && strings.Contains(e.Detail, "group") {
					waits = append(waits, e.Detail)
				}
			}))))
			l.Go(func(self *coro.Self) error {
				g := aio.Group{Name: test.name, Limit: 1}
				g.Go(self, sleepFor(time.Second))
				g.Go(self, sleepFor(time.Second))
				return g.Wait(self)
			})
			run(t, l)
			if got := strings.Join(waits, "; "); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

type tracerFunc func(coro.Event)

func (f tracerFunc) Trace(e coro.Event) { f(e) }
