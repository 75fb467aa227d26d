package blockio_test

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/aio"
)

// eachLoop runs f with a loop of each handoff, with a virtual clock.
func eachLoop(t *testing.T, f func(t *testing.T, l *aio.Loop)) {
	t.Helper()
	for _, h := range []coro.Handoff{coro.Channel, coro.Direct} {
		t.Run(h.String(), func(t *testing.T) {
			l := aio.NewLoop(aio.WithClock(aio.NewVirtualClock(time.Time{})), aio.WithThread(coro.WithHandoff(h)))
			defer l.Close()
			f(t, l)
		})
	}
}

// TestCloseDeferredByOneThatIsCancelled: it closes the device all the same, when
// the requests of others are done, and Run waits for that.
func TestCloseDeferredByOneThatIsCancelled(t *testing.T) {
	eachLoop(t, func(t *testing.T, l *aio.Loop) {
		s := newStub(8192, blockio.Limits{Alignment: 512})
		s.lag = 10 * ms
		ctx, cancel := context.WithCancel(t.Context())
		l.Go(func(self *coro.Self) error {
			d := open(t, self, s)
			defer d.Close(self)
			// Not its child, but shielded, as who must not be disturbed is.
			aio.GoShielded(self, func(self *coro.Self) error { return d.WriteAt(self, fill(512, 'x'), 0) })
			aio.Sleep(self, 5*ms)
			cancel()
			aio.Sleep(self, time.Hour)
			return nil
		})
		if err := l.Run(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("Run: %v", err)
		}
		s.wantCalls(t, "write 0+512", "flush 0+0", "close 0+0")
	})
}

func TestTheErrorOfADeferredCloseIsThatOfRun(t *testing.T) {
	eachLoop(t, func(t *testing.T, l *aio.Loop) {
		s := newStub(8192, blockio.Limits{})
		s.lag = 10 * ms
		s.fail = func(op blockio.Op, _, _ int64) error {
			if op == blockio.OpFlush {
				return syscall.EIO
			}
			return nil
		}
		ctx, cancel := context.WithCancel(t.Context())
		l.Go(func(self *coro.Self) error {
			d := open(t, self, s)
			defer d.Close(self)
			cancel()
			aio.Sleep(self, time.Hour)
			return nil
		})
		if err := l.Run(ctx); !errors.Is(err, context.Canceled) || !errors.Is(err, syscall.EIO) {
			t.Errorf("Run: got %v, want %v, too", err, syscall.EIO)
		}
		s.wantCalls(t, "flush 0+0", "close 0+0")
	})
}

// TestCloseThatIsKilledGoesOn kills a Close at each ms of its way.
func TestCloseThatIsKilledGoesOn(t *testing.T) {
	for kill := range 45 {
		t.Run(fmt.Sprintf("after %d ms", kill), func(t *testing.T) {
			eachLoop(t, func(t *testing.T, l *aio.Loop) {
				s := newStub(8192, blockio.Limits{})
				s.lag = 10 * ms
				l.Go(func(self *coro.Self) error {
					d := open(t, self, s)
					write := aio.Go(self, func(self *coro.Self) error { return d.WriteAt(self, fill(512, 'x'), 0) })
					closing := at(self, 1*ms, d.Close)
					second := at(self, 2*ms, d.Close)
					aio.Sleep(self, time.Duration(kill)*ms)
					closing.Cancel(nil)
					wait(t, self, write, second)
					must(t, d.Close(self))
					if err := d.ReadAt(self, fill(512, 0), 0); !errors.Is(err, blockio.ErrClosed) {
						t.Errorf("a read afterwards gives %v", err)
					}
					return nil
				})
				must(t, l.Run(t.Context()))
				// Killed while the driver flushes, it has it flush again.
				if kill >= 10 && kill < 20 {
					s.wantCalls(t, "write 0+512", "flush 0+0", "flush 0+0", "close 0+0")
				} else {
					s.wantCalls(t, "write 0+512", "flush 0+0", "close 0+0")
				}
			})
		})
	}
}

// TestCloseThatNothingCanWakeLetsGoOfTheDriver: it is a deadlock, and told, but the
// driver is closed.
func TestCloseThatNothingCanWakeLetsGoOfTheDriver(t *testing.T) {
	for _, cancelled := range []bool{false, true} {
		t.Run(fmt.Sprintf("cancelled=%t", cancelled), func(t *testing.T) {
			eachLoop(t, func(t *testing.T, l *aio.Loop) {
				s := newStub(8192, blockio.Limits{})
				s.after = func(self *coro.Self, op blockio.Op) {
					if op == blockio.OpFlush {
						self.Park(ms) // nobody wakes it
					}
				}
				ctx, cancel := context.WithCancel(t.Context())
				l.Go(func(self *coro.Self) error {
					d := open(t, self, blockio.Filter{Driver: s})
					defer d.Close(self)
					if cancelled {
						cancel()
						aio.Sleep(self, time.Hour)
					}
					return nil
				})
				if err := l.Run(ctx); !errors.Is(err, aio.ErrDeadlock) {
					t.Errorf("Run: got %v, want a deadlock", err)
				}
				if last := s.calls[len(s.calls)-1]; last != "close 0+0" {
					t.Errorf("calls of the driver: %v, want close in the end", s.calls)
				}
			})
		})
	}
}
