package aio_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/aio"
)

// A depot is a Poller. A request that was handed over is done when the test says
// so, or at once.
type depot struct {
	atOnce bool
	asked  []*aio.Completion // not handed over
	inside []*aio.Completion // handed over
	done   chan struct{}     // the oldest of inside is done
	ready  []*aio.Completion // done, but not completed
	wake   chan struct{}
	sleeps chan time.Duration // each Wait is told here before it sleeps, if there is room
	told   journal
}

func newDepot(l *aio.Loop) *depot {
	d := &depot{done: make(chan struct{}), wake: make(chan struct{}, 1), sleeps: make(chan time.Duration, 100)}
	l.SetPoller(d)
	return d
}

func (d *depot) Pending() int { return len(d.asked) + len(d.inside) + len(d.ready) }

func (d *depot) handOver() {
	if n := len(d.asked); n > 0 {
		d.told.add("handed over %d", n)
	}
	d.inside = append(d.inside, d.asked...)
	d.asked = nil
	if d.atOnce {
		d.ready = append(d.ready, d.inside...)
		d.inside = nil
	}
}

func (d *depot) Poll() {
	d.handOver()
	ready := d.ready
	d.ready = nil
	for _, c := range ready {
		c.Complete()
	}
}

func (d *depot) Wait(within time.Duration) {
	d.handOver()
	if len(d.ready) > 0 {
		return
	}
	var over <-chan time.Time
	if within >= 0 {
		over = time.After(within)
	}
	select {
	case d.sleeps <- within:
	default:
	}
	select {
	case <-d.done:
		d.ready = append(d.ready, d.inside[0])
		d.inside = d.inside[1:]
	case <-d.wake:
	case <-over:
	}
}

func (d *depot) Interrupt() {
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// ask is a request.
func (d *depot) ask(self *coro.Self) {
	var c aio.Completion
	c.Begin(self)
	d.asked = append(d.asked, &c)
	c.Wait(self)
}

func TestRequestsOfAnIterationAreHandedOverTogether(t *testing.T) {
	eachHandoff(t, func(t *testing.T, loop newLoop) {
		l := loop()
		d := newDepot(l)
		d.atOnce = true
		for range 5 {
			l.Go(func(self *coro.Self) error {
				d.ask(self)
				d.ask(self)
				return nil
			})
		}
		run(t, l)
		d.told.want(t, "handed over 5", "handed over 5")
	})
}

func TestRequestsGoOnBesideALoopThatIsNeverIdle(t *testing.T) {
	eachHandoff(t, func(t *testing.T, loop newLoop) {
		l := loop()
		d := newDepot(l)
		d.atOnce = true
		answered := false
		l.Go(func(self *coro.Self) error {
			for !answered {
				aio.Yield(self)
			}
			return nil
		})
		l.Go(func(self *coro.Self) error {
			d.ask(self)
			answered = true
			return nil
		})
		run(t, l)
	})
}

func TestALoopSleepsWhereItsRequestsAre(t *testing.T) {
	eachHandoff(t, func(t *testing.T, loop newLoop) {
		l := loop(aio.WithIsolated())
		d := newDepot(l)
		var j journal
		l.Go(func(self *coro.Self) error {
			d.ask(self)
			j.add("answered")
			return nil
		})
		l.Go(func(self *coro.Self) error {
			aio.Sleep(self, time.Millisecond)
			j.add("slept")
			return nil
		})
		go func() {
			if within := <-d.sleeps; within < 0 {
				t.Errorf("sleeps until something comes, want until the timer")
			}
			for <-d.sleeps >= 0 {
			}
			l.Post(func() { j.add("posted") }) // must end its sleep
			<-d.sleeps
			d.done <- struct{}{}
		}()
		run(t, l)
		j.want(t, "slept", "posted", "answered")
	})
}

func TestOffloadedWorkEndsASleepInAPoller(t *testing.T) {
	eachHandoff(t, func(t *testing.T, loop newLoop) {
		l := loop()
		d := newDepot(l)
		var j journal
		l.Go(func(self *coro.Self) error {
			d.ask(self)
			j.add("answered")
			return nil
		})
		l.Go(func(self *coro.Self) error {
			aio.Offload(self, func() (int, error) { <-d.sleeps; return 0, nil }) //nolint:errcheck // nil
			j.add("offloaded")
			go func() { d.done <- struct{}{} }()
			return nil
		})
		run(t, l)
		j.want(t, "offloaded", "answered")
	})
}

func TestARequestUnderWayIsNotDisturbed(t *testing.T) {
	eachHandoff(t, func(t *testing.T, loop newLoop) {
		for name, end := range map[string]func(self *coro.Self, task *aio.Task){
			"Cancel": func(self *coro.Self, task *aio.Task) { task.Cancel(nil) },
			"Kill":   func(self *coro.Self, task *aio.Task) { self.Kill(task.Coroutine()) },
		} {
			l := loop()
			d := newDepot(l)
			var j journal
			task := l.Go(func(self *coro.Self) error {
				defer func() { j.add("unwound") }()
				defer func() { j.add("pending: %d", d.Pending()) }()
				d.ask(self)
				j.add("ran on")
				return nil
			})
			l.Go(func(self *coro.Self) error {
				go func() {
					<-d.sleeps
					d.done <- struct{}{}
				}()
				end(self, task)
				return nil
			})
			run(t, l)
			j.want(t, "pending: 0", "unwound")
			if err := task.Err(); !errors.Is(err, context.Canceled) {
				t.Errorf("%s: the task ended with %v, want canceled", name, err)
			}
		}
	})
}

func TestRunEndsWhenTheLastRequestIsDone(t *testing.T) {
	eachHandoff(t, func(t *testing.T, loop newLoop) {
		l := loop()
		d := newDepot(l)
		ctx, cancel := context.WithCancel(t.Context())
		l.Go(func(self *coro.Self) error {
			d.ask(self)
			t.Error("ran on")
			return nil
		})
		go func() {
			<-d.sleeps
			cancel()
			<-d.sleeps // it has heard of that, and waits for the request
			d.done <- struct{}{}
		}()
		if err := l.Run(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("Run: got %v, want canceled", err)
		}
		if n := d.Pending(); n != 0 {
			t.Errorf("%d requests are under way after Run", n)
		}
	})
}

func TestAVirtualClockStandsStillWhileRequestsAreUnderWay(t *testing.T) {
	eachHandoff(t, func(t *testing.T, loop newLoop) {
		l := loop(virtual())
		d := newDepot(l)
		l.Go(func(self *coro.Self) error {
			d.ask(self)
			if now := l.Now(); !now.Equal(epoch) {
				t.Errorf("it is %v, want %v", now, epoch)
			}
			return nil
		})
		l.Go(sleepFor(time.Hour))
		go func() { d.done <- struct{}{} }()
		run(t, l)
	})
}

// Everybody can see what the loop waits for, and a probe ends its sleep.
func TestALoopThatWaitsForARequestTellsSo(t *testing.T) {
	eachHandoff(t, func(t *testing.T, loop newLoop) {
		l := loop()
		d := newDepot(l)
		l.Go(func(self *coro.Self) error {
			d.ask(self)
			return nil
		}).SetName("asks")
		ended := make(chan error, 1)
		go func() { ended <- l.Run(t.Context()) }()
		<-d.sleeps
		if got := l.Stats().Requests; got != 1 {
			t.Errorf("Stats: %d requests, want 1", got)
		}
		var dump strings.Builder
		if err := l.Dump(&dump); err != nil || !strings.Contains(dump.String(), "requests: 1 under way") {
			t.Errorf("Dump: %v, got\n%s", err, &dump)
		}
		if !l.Probe() {
			t.Error("Probe: false")
		}
		<-d.sleeps // it has been woken, and sleeps again
		if got := l.Stats().Probes; got != 1 {
			t.Errorf("Stats: %d probes, want 1", got)
		}
		d.done <- struct{}{}
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if got := l.Stats().Requests; got != 0 {
			t.Errorf("Stats: %d requests, want none", got)
		}
	})
}
