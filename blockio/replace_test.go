package blockio_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/blockio/blocktest"
	"github.com/gohandoff/coroutine/blockio/mem"
	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/aio"
)

// by has Replace put in a driver as it is.
func by(driver blockio.Driver) func(*coro.Self, blockio.Driver) (blockio.Driver, error) {
	return func(*coro.Self, blockio.Driver) (blockio.Driver, error) { return driver, nil }
}

// replaceOK replaces, which must work, and returns the old driver.
func replaceOK(t *testing.T, self *coro.Self, d *blockio.Device, driver blockio.Driver) (old blockio.Driver) {
	t.Helper()
	must(t, d.Replace(self, func(_ *coro.Self, was blockio.Driver) (blockio.Driver, error) {
		old = was
		return driver, nil
	}))
	return old
}

func TestReplaceWaitsForWhatIsInFlightAndHoldsTheRest(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		first, second := newStub(8192, blockio.Limits{}), newStub(8192, blockio.Limits{})
		first.lag, second.lag = 10*ms, 10*ms
		d := open(t, self, first)
		before := at(self, 0, func(self *coro.Self) error { return d.WriteAt(self, fill(512, 'a'), 0) })
		during := at(self, 2*ms, func(self *coro.Self) error { return d.WriteAt(self, fill(512, 'b'), 512) })
		aio.Sleep(self, ms)
		took := elapsed(self, func() {
			must(t, d.Replace(self, func(self *coro.Self, old blockio.Driver) (blockio.Driver, error) {
				wantEqual(t, "requests in flight", 0, d.Stats().InFlight)
				wantEqual(t, "is the old driver", true, old == blockio.Driver(first))
				aio.Sleep(self, 5*ms)
				return second, nil
			}))
		})
		wantEqual(t, "time it took", 14*ms, took)
		wantEqual(t, "is the new driver", true, d.Driver() == blockio.Driver(second))
		wait(t, self, before, during)
		first.wantCalls(t, "write 0+512")
		second.wantCalls(t, "write 512+512")
	})
}

// TestReplaceLooksAtLimitsAnew replaces a driver by one that asks for more, while
// requests of all kinds wait that would have been legal for the first. Check
// reports those that are not for the second.
func TestReplaceLooksAtLimitsAnew(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		d := open(t, self, newStub(1<<16, blockio.Limits{}))
		d.DrainedBegin(self)
		strict := mem.New(1<<16, mem.WithLimits(blockio.Limits{
			Alignment: 4096, MemoryAlignment: 512, MaxTransfer: 8192, MaxPieces: 2, MaxDiscard: 8192, DiscardAlignment: 4096,
		}))
		tasks := []*aio.Task{
			at(self, 0, func(self *coro.Self) error { return d.WriteAt(self, fill(30000, 'a'), 1) }),
			at(self, 0, func(self *coro.Self) error { return d.WriteAtFlags(self, fill(1, 'b'), 40000, blockio.FUA) }),
			at(self, 0, func(self *coro.Self) error {
				return d.WriteVAt(self, [][]byte{fill(4096, 'c'), fill(4096, 'c'), fill(4096, 'c')}, 45056, 0)
			}),
			at(self, 0, func(self *coro.Self) error { return d.WriteZeroes(self, 32000, 20, 0) }),
			at(self, 0, func(self *coro.Self) error { return d.Discard(self, 60000, 1000) }),
			at(self, 0, func(self *coro.Self) error { return d.ReadAt(self, make([]byte, 100), 7) }),
			at(self, 0, d.Flush),
		}
		aio.Sleep(self, ms)
		replaceOK(t, self, d, blockChecked(t, strict))
		wantEqual(t, "alignment", 4096, d.Limits().Alignment)
		d.DrainedEnd(self)
		wait(t, self, tasks...)
		wantEqual(t, "contents", "1x. 30000xa 9999x. 1xb 5055x. 12288xc 8192x.", runs(contents(t, self, d)))
	})
}

func TestReplaceByAReadOnlyDriverRefusesHeldWrites(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		d := open(t, self, newStub(8192, blockio.Limits{}))
		d.DrainedBegin(self)
		w := at(self, 0, func(self *coro.Self) error { return d.WriteAt(self, fill(1, 'a'), 0) })
		s := at(self, 0, func(self *coro.Self) error { return d.Resize(self, 4096) })
		aio.Sleep(self, ms)
		replaceOK(t, self, d, mem.New(8192, mem.WithLimits(blockio.Limits{ReadOnly: true})))
		d.DrainedEnd(self)
		for _, task := range []*aio.Task{w, s} {
			if err := task.Wait(self); !errors.Is(err, blockio.ErrReadOnly) {
				t.Errorf("got error %v, want %v", err, blockio.ErrReadOnly)
			}
		}
		wantEqual(t, "read-only", true, d.ReadOnly())
		replaceOK(t, self, d, mem.New(8192))
		must(t, d.WriteAt(self, fill(1, 'a'), 0))
	})
}

func TestReplaceThatFailsLeavesTheOldDriver(t *testing.T) {
	mine := errors.New("mine")
	for _, x := range []struct {
		name   string
		change func(*coro.Self, blockio.Driver) (blockio.Driver, error)
		want   error
	}{
		{"an error", func(*coro.Self, blockio.Driver) (blockio.Driver, error) { return nil, mine }, mine},
		{"nil", by(nil), blockio.ErrDriver},
		{"another size", by(mem.New(4096)), blockio.ErrSize},
		{"limits without sense", by(mem.New(8192, mem.WithAlignment(3))), blockio.ErrDriver},
	} {
		t.Run(x.name, func(t *testing.T) {
			each(t, func(t *testing.T, self *coro.Self) {
				s := newStub(8192, blockio.Limits{})
				d := open(t, self, s)
				err := d.Replace(self, x.change)
				if e := new(blockio.OpError); !errors.Is(err, x.want) || !errors.As(err, &e) || e.Op != blockio.OpReplace {
					t.Errorf("got error %v, want %v", err, x.want)
				}
				wantEqual(t, "is the old driver", true, d.Driver() == blockio.Driver(s))
				must(t, d.WriteAt(self, fill(1, 'a'), 0))
			})
		})
	}
}

func TestReplaceThatIsKilledLeavesTheOldDriver(t *testing.T) {
	for name, kill := range map[string]time.Duration{"while it drains": 5 * ms, "in change": 15 * ms} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, self *coro.Self) {
				s := newStub(8192, blockio.Limits{})
				s.lag = 10 * ms
				d := open(t, self, s)
				w := at(self, 0, func(self *coro.Self) error { return d.WriteAt(self, fill(1, 'a'), 0) })
				victim := at(self, ms, func(self *coro.Self) error {
					return d.Replace(self, func(self *coro.Self, _ blockio.Driver) (blockio.Driver, error) {
						aio.Sleep(self, 10*ms)
						return mem.New(8192), nil
					})
				})
				held := at(self, 2*ms, func(self *coro.Self) error { return d.WriteAt(self, fill(1, 'b'), 1) })
				next := at(self, 3*ms, func(self *coro.Self) error { return d.Replace(self, by(plain{blockio.Filter{Driver: s}})) })
				aio.Sleep(self, kill)
				victim.Cancel(nil)
				wait(t, self, w, held, next)
				wantEqual(t, "contents", "1xa 1xb 8190x.", runs(contents(t, self, d)))
				wantEqual(t, "driver", "plain", d.Driver().String())
			})
		})
	}
}

func TestReplaceWaitsForDrainedSectionsOfOthers(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		s := newStub(8192, blockio.Limits{})
		d := open(t, self, s)
		d.DrainedBegin(self)
		r := at(self, 0, func(self *coro.Self) error {
			return d.Replace(self, func(self *coro.Self, old blockio.Driver) (blockio.Driver, error) {
				aio.Sleep(self, 10*ms)
				return plain{blockio.Filter{Driver: old}}, nil
			})
		})
		aio.Sleep(self, ms)
		must(t, d.WriteAt(self, fill(1, 'a'), 0)) // is not held: nobody else has drained
		wantEqual(t, "is the old driver", true, d.Driver() == blockio.Driver(s))
		d.DrainedEnd(self)
		aio.Sleep(self, ms)
		took := elapsed(self, func() { d.DrainedBegin(self) })
		wantEqual(t, "time until another is drained", 9*ms, took)
		wantEqual(t, "driver", "plain", d.Driver().String())
		d.DrainedEnd(self)
		wait(t, self, r)
	})
}

func TestReplacesAreDoneOneAfterTheOther(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		d := open(t, self, newStub(8192, blockio.Limits{}))
		var tasks []*aio.Task
		for range 3 {
			tasks = append(tasks, at(self, 0, func(self *coro.Self) error {
				return d.Replace(self, func(self *coro.Self, old blockio.Driver) (blockio.Driver, error) {
					aio.Sleep(self, ms)
					return plain{blockio.Filter{Driver: old}}, nil
				})
			}))
		}
		wait(t, self, tasks...)
		wantEqual(t, "filters", 3, strings.Count(blockio.Describe(d), "plain"))
	})
}

func TestCloseEndsAReplaceThatHasNotBegun(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		s := newStub(8192, blockio.Limits{})
		d := open(t, self, s)
		first := at(self, 0, func(self *coro.Self) error {
			return d.Replace(self, func(self *coro.Self, old blockio.Driver) (blockio.Driver, error) {
				aio.Sleep(self, 10*ms)
				return plain{blockio.Filter{Driver: old}}, nil
			})
		})
		second := at(self, ms, func(self *coro.Self) error { return d.Replace(self, by(mem.New(8192))) })
		aio.Sleep(self, 2*ms)
		must(t, d.Close(self)) // waits for the first
		must(t, first.Wait(self))
		for _, err := range []error{
			second.Wait(self), d.Replace(self, by(mem.New(8192))), d.Do(self, func(*coro.Self) error { return nil }),
		} {
			if !errors.Is(err, blockio.ErrClosed) {
				t.Errorf("got error %v, want %v", err, blockio.ErrClosed)
			}
		}
		s.wantCalls(t, "flush 0+0", "close 0+0") // through the filter
	})
}

func TestFlushAfterReplaceReachesTheNewDriver(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		first, second := newStub(8192, blockio.Limits{}), newStub(8192, blockio.Limits{})
		d := open(t, self, first)
		must(t, d.WriteAt(self, fill(1, 'a'), 0))
		must(t, d.Flush(self))
		replaceOK(t, self, d, second)
		must(t, d.Flush(self))
		must(t, d.Flush(self))
		first.wantCalls(t, "write 0+1", "flush 0+0")
		second.wantCalls(t, "flush 0+0")
	})
}

func TestReplaceWithinReplaceIsReported(t *testing.T) {
	for _, h := range []coro.Handoff{coro.Channel, coro.Direct} {
		loop := aio.NewLoop(aio.WithThread(coro.WithHandoff(h)))
		defer loop.Close()
		loop.Go(func(self *coro.Self) error {
			d := open(t, self, mem.New(8192), blockio.WithName("disk"))
			return d.Replace(self, func(self *coro.Self, old blockio.Driver) (blockio.Driver, error) {
				return old, d.Replace(self, by(old))
			})
		})
		if err := loop.Run(context.Background()); !errors.Is(err, aio.ErrDeadlock) || !strings.Contains(err.Error(), "replace on disk") {
			t.Errorf("got error %v", err)
		}
	}
}

// TestReplaceLosesNothing has coroutines write, read and flush at random, some of
// them killed, while filters come and go below them.
func TestReplaceLosesNothing(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		const size = 64 << 10
		bottom := mem.New(size, mem.WithAlignment(512))
		d := open(t, self, blocktest.Check(t, bottom, 1))
		rng := rand.New(rand.NewPCG(1, 1))
		var model blocktest.Model
		work := func(self *coro.Self) error {
			for range 60 {
				off, n := rng.Int64N(size-9000), 1+rng.Int64N(9000)
				p := fill(int(n), byte(rng.Uint32()))
				if rng.IntN(2) == 0 {
					off, n = off&^511, n&^511
				}
				if rng.IntN(3) > 0 {
					w := model.Write(off, p[:n])
					ended := false
					func() {
						defer func() {
							if !ended {
								w.Abort()
							}
						}()
						must(t, d.WriteAt(self, p[:n], off))
						w.End()
						ended = true
					}()
					continue
				}
				r := model.Read(off, n)
				func() {
					defer r.Abort()
					must(t, d.ReadAt(self, p[:n], off))
					must(t, r.End(p[:n]))
				}()
			}
			return nil
		}
		var tasks []*aio.Task
		for range 8 {
			tasks = append(tasks, aio.Go(self, work))
		}
		changer := aio.Go(self, func(self *coro.Self) error {
			for i := range 30 {
				must(t, d.Replace(self, func(self *coro.Self, old blockio.Driver) (blockio.Driver, error) {
					if c, ok := old.(*blocktest.Checked); ok && i%3 > 0 {
						return blocktest.Check(t, aligned{blockio.Filter{Driver: c.Inner()}, 512 << (i % 4)}, uint64(i)), nil
					}
					return blocktest.Check(t, bottom, uint64(i)), nil
				}))
				for range rng.IntN(20) {
					aio.Yield(self)
				}
				if i%10 == 0 {
					tasks[rng.IntN(len(tasks))].Cancel(nil)
				}
			}
			return nil
		})
		for _, task := range tasks {
			if err := task.Wait(self); err != nil && !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		}
		wait(t, self, changer)
		r := model.Read(0, size)
		must(t, r.End(contents(t, self, d)))
	})
}

// aligned is a filter that asks for more than the driver below.
type aligned struct {
	blockio.Filter
	alignment int
}

func (a aligned) Limits() blockio.Limits {
	l := a.Filter.Limits()
	l.Alignment = max(l.Alignment, a.alignment)
	return l
}

func (a aligned) String() string { return fmt.Sprintf("aligned to %d", a.alignment) }

func TestDoIsARequestAsAnyOther(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		d := open(t, self, newStub(8192, blockio.Limits{}))
		mine := errors.New("mine")
		first := at(self, 0, func(self *coro.Self) error {
			return d.Do(self, func(self *coro.Self) error { aio.Sleep(self, 10*ms); return mine })
		})
		victim := at(self, 0, func(self *coro.Self) error {
			return d.Do(self, func(self *coro.Self) error { aio.Sleep(self, time.Hour); return nil })
		})
		aio.Sleep(self, ms)
		wantEqual(t, "requests in flight", 2, d.Stats().InFlight)
		victim.Cancel(nil)
		wantEqual(t, "time until drained", 9*ms, elapsed(self, func() { d.DrainedBegin(self) }))
		if err := first.Wait(self); err != mine {
			t.Errorf("got error %v, want f's as it is", err)
		}
		second := at(self, 0, func(self *coro.Self) error { return d.Do(self, func(*coro.Self) error { return nil }) })
		aio.Sleep(self, ms)
		wantEqual(t, "held", uint64(1), d.Stats().Held)
		d.DrainedEnd(self)
		wait(t, self, second)
		wantEqual(t, "work done", uint64(3), d.Stats().Op(blockio.OpDo).Requests)
	})
}
