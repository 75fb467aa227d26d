package throttle_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/blockio/null"
	"github.com/gohandoff/coroutine/blockio/throttle"
	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/aio"
)

// TestKilledWaiterGivesItsTurnOn kills each one of those who wait, the one that
// sleeps for all of them included, and looks whether the others go when they can.
func TestKilledWaiterGivesItsTurnOn(t *testing.T) {
	for victim := 1; victim <= 4; victim++ {
		for _, at := range []time.Duration{0, 50 * ms, 100 * ms} {
			t.Run(fmt.Sprintf("%d at %v", victim, at), func(t *testing.T) {
				each(t, func(t *testing.T, self *coro.Self) {
					g := throttle.NewGroup(parse(t, "iops=10"))
					one, two := open(t, self, g), open(t, self, g)
					h := newHistory(self)
					var tasks []*aio.Task
					killer := aio.Go(self, func(self *coro.Self) error {
						if at > 0 {
							aio.Sleep(self, at) // the timer is before theirs
						} else {
							aio.Yield(self)
						}
						self.Kill(tasks[victim].Coroutine())
						return nil
					})
					aio.Yield(self)
					for i := range 5 {
						tasks = append(tasks, h.do(t, self, fmt.Sprint(i), reads([]*blockio.Device{one, two}[i%2], 1)))
					}
					wait(t, self, killer)
					for i, task := range tasks {
						if err := task.Wait(self); (err != nil) != (i == victim) {
							t.Errorf("request %d: %v", i, err)
						}
					}
					h.note("all")
					equal(t, "last", "300ms all", h.lines[len(h.lines)-1])
					equal(t, "statistics", throttle.Stats{Requests: 4, Throttled: g.Stats().Throttled, Waited: g.Stats().Waited}, g.Stats())
				})
			})
		}
	}
}

// TestKilledLargeRequestLetsSmallOnesGo has one wait for a bucket that is full
// in 10 seconds, and a small one behind it.
func TestKilledLargeRequestLetsSmallOnesGo(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		d := open(t, self, throttle.NewGroup(parse(t, "bps=100+1000")))
		h := newHistory(self)
		must(t, d.WriteAt(self, make([]byte, 900), 0))
		large := aio.Go(self, writes(d, 1000))
		aio.Yield(self)
		small := h.do(t, self, "small", writes(d, 10))
		aio.Sleep(self, 50*ms)
		self.Kill(large.Coroutine())
		_ = large.Wait(self)
		wait(t, self, small)
		equal(t, "times", []string{"50ms small"}, h.lines)
	})
}

// TestSetLimitsAppliesToThoseWhoWait changes the limits half a second after
// requests came.
func TestSetLimitsAppliesToThoseWhoWait(t *testing.T) {
	for _, x := range []struct {
		name, before, after string
		want                []string
	}{
		{"none", "iops=1", "none", []string{"0s 0", "500ms 1", "500ms 2", "500ms 3"}},
		// Half a token is there, and takes 50 ms to be one.
		{"faster", "iops=1", "iops=10", []string{"0s 0", "550ms 1", "650ms 2", "750ms 3"}},
		{"slower", "iops=1", "iops=1+5:iops-read=1", []string{"0s 0", "1s 1", "2s 2", "3s 3"}},
		{"a bucket that is smaller", "iops=10+2", "iops=10", []string{"0s 0", "0s 1", "100ms 2", "200ms 3"}},
	} {
		t.Run(x.name, func(t *testing.T) {
			each(t, func(t *testing.T, self *coro.Self) {
				g := throttle.NewGroup(parse(t, x.before))
				d := open(t, self, g)
				h := newHistory(self)
				var tasks []*aio.Task
				for i := range 4 {
					tasks = append(tasks, h.do(t, self, fmt.Sprint(i), reads(d, 1)))
				}
				aio.Sleep(self, 500*ms)
				must(t, g.SetLimits(parse(t, x.after)))
				equal(t, "limits", x.after, g.Limits().String())
				wait(t, self, tasks...)
				equal(t, "times", x.want, h.lines)
			})
		})
	}
}

// TestSetLimitsOftenTakesNothing sets the same limits far more often than a token
// drips.
func TestSetLimitsOftenTakesNothing(t *testing.T) {
	for _, limits := range []string{"iops=3+1", "bps=7+3", "bps-write=11+100@77"} {
		t.Run(limits, func(t *testing.T) {
			each(t, func(t *testing.T, self *coro.Self) {
				var took [2]time.Duration
				for i := range took {
					g := throttle.NewGroup(parse(t, limits))
					d := open(t, self, g)
					done := false
					setter := aio.Go(self, func(self *coro.Self) error {
						for i == 1 && !done {
							aio.Sleep(self, 37*ms)
							if err := g.SetLimits(g.Limits()); err != nil {
								return err
							}
						}
						return nil
					})
					start := aio.LoopOf(self).Now()
					for range 30 {
						must(t, d.WriteAt(self, make([]byte, 10), 0))
					}
					took[i] = aio.LoopOf(self).Now().Sub(start)
					done = true
					wait(t, self, setter)
				}
				equal(t, "time", took[0], took[1])
			})
		})
	}
}

// TestSetLimitsForgivesNoDebtAndMakesNone has a debt of 10 s at 100 bytes a
// second.
func TestSetLimitsForgivesNoDebtAndMakesNone(t *testing.T) {
	for _, x := range []struct {
		after string
		want  string
	}{
		{"bps=100+10", "10s done"},
		{"bps=1000+10", "1s done"}, // ten times as fast
		{"bps=1+1", "10.9s done"},  // 9.9 s of debt as before, and a second for a bucket of 1
	} {
		t.Run(x.after, func(t *testing.T) {
			each(t, func(t *testing.T, self *coro.Self) {
				g := throttle.NewGroup(parse(t, "bps=100+10"))
				d := open(t, self, g)
				h := newHistory(self)
				must(t, d.WriteAt(self, make([]byte, 1000), 0))
				must(t, g.SetLimits(parse(t, x.after)))
				must(t, d.WriteAt(self, make([]byte, 10), 0))
				h.note("done")
				equal(t, "time", []string{x.want}, h.lines)
			})
		})
	}
}

func TestSetLimitsRefusesWhatMakesNoSense(t *testing.T) {
	g := throttle.NewGroup(throttle.Limits{IOPS: throttle.Limit{Rate: 5}})
	err := g.SetLimits(throttle.Limits{ReadBytes: throttle.Limit{Rate: -1}})
	var le *throttle.LimitError
	if !errors.Is(err, throttle.ErrLimits) || !errors.As(err, &le) || le.Limit != "bps-read" {
		t.Errorf("got %v, want a LimitError about bps-read", err)
	}
	equal(t, "limits", "iops=5", g.Limits().String())
}

// TestDrainWaitsForTurns also shows the two ways for who cannot wait.
func TestDrainWaitsForTurns(t *testing.T) {
	for _, x := range []struct {
		name string
		opts []blockio.Option
		open bool
		want []string
	}{
		{"at the pace of the limits", nil, false, []string{"0s 0", "1s 1", "2s 2", "3s 3", "3s drained"}},
		{"without limits", nil, true, []string{"0s 0", "0s 1", "0s 2", "0s 3", "0s drained"}},
		{"with few in flight", []blockio.Option{blockio.WithMaxInFlight(1)}, false, []string{"0s 0", "1s 1", "1s drained", "2s 2", "3s 3"}},
	} {
		t.Run(x.name, func(t *testing.T) {
			each(t, func(t *testing.T, self *coro.Self) {
				g := throttle.NewGroup(parse(t, "iops=1"))
				d := open(t, self, g, x.opts...)
				h := newHistory(self)
				var tasks []*aio.Task
				for i := range 4 {
					tasks = append(tasks, h.do(t, self, fmt.Sprint(i), reads(d, 1)))
				}
				aio.Yield(self)
				if x.open {
					must(t, g.SetLimits(throttle.Limits{}))
				}
				d.DrainedBegin(self)
				h.note("drained")
				d.DrainedEnd(self)
				wait(t, self, tasks...)
				equal(t, "times", x.want, h.lines)
				must(t, d.Close(self))
			})
		})
	}
}

// TestGroupBelongsToOneLoop uses a group on a second loop, before and after its
// drivers on the first are closed.
func TestGroupBelongsToOneLoop(t *testing.T) {
	for _, h := range []coro.Handoff{coro.Channel, coro.Direct} {
		t.Run(h.String(), func(t *testing.T) {
			g := throttle.NewGroup(parse(t, "iops=1"))
			run := func(name string, f func(self *coro.Self) error) error {
				loop := aio.NewLoop(aio.WithName(name), aio.WithThread(coro.WithHandoff(h)), aio.WithClock(aio.NewVirtualClock(time.Unix(0, 0))))
				defer loop.Close()
				loop.Go(f)
				return loop.Run(context.Background())
			}
			must(t, run("first", func(self *coro.Self) error {
				d := open(t, self, g)
				must(t, d.ReadAt(self, make([]byte, 1), 0))
				must(t, run("second", func(self *coro.Self) error {
					d := open(t, self, g)
					defer d.Close(self)
					defer func() {
						err, _ := recover().(error)
						if !errors.Is(err, throttle.ErrElsewhere) {
							t.Errorf("got a panic with %v, want %v", err, throttle.ErrElsewhere)
						}
					}()
					return d.ReadAt(self, make([]byte, 1), 0)
				}))
				return d.Close(self)
			}))
			must(t, run("third", func(self *coro.Self) error {
				d, err := blockio.Open(self, throttle.New(null.New(4096), g))
				must(t, err)
				must(t, d.ReadAt(self, make([]byte, 1), 0))
				equal(t, "time", time.Unix(0, 0), aio.LoopOf(self).Now())
				return d.Close(self)
			}))
		})
	}
}

func TestMisusePanics(t *testing.T) {
	for want, f := range map[string]func(){
		"throttle: iops=-1: want a rate from 0, no limit, to 1024T": func() {
			throttle.NewGroup(throttle.Limits{IOPS: throttle.Limit{Rate: -1}})
		},
		"throttle: New with a nil Group: make one with NewGroup": func() { throttle.New(null.New(1), nil) },
		"throttle: New with a nil Driver":                        func() { throttle.New(nil, throttle.NewGroup(throttle.Limits{})) },
	} {
		func() {
			defer func() { equal(t, "panic", want, fmt.Sprint(recover())) }()
			f()
		}()
	}
}

func TestKilledWaiterIsNotInTheStatistics(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		g := throttle.NewGroup(parse(t, "iops=1"))
		d := open(t, self, g)
		var tasks []*aio.Task
		for range 5 {
			tasks = append(tasks, aio.Go(self, func(self *coro.Self) error { return d.ReadAt(self, make([]byte, 1), 0) }))
		}
		aio.Sleep(self, 500*ms)
		tasks[1].Cancel(nil)
		for _, task := range tasks {
			_ = task.Wait(self)
		}
		equal(t, "statistics", throttle.Stats{Requests: 4, Throttled: 3, Waited: 6 * time.Second}, g.Stats())
	})
}

// Times are nanoseconds, of which there are 292 years.
func TestTimeOfManyYears(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		d := open(t, self, throttle.NewGroup(parse(t, "iops=1")))
		const year = 365 * 24 * time.Hour
		for range 5 {
			for range 3 {
				must(t, d.ReadAt(self, make([]byte, 1), 0))
			}
			aio.Sleep(self, 90*year)
		}
	})
}
