package aio_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/aio"
)

func TestATaskOfAContextIsCancelledWithIt(t *testing.T) {
	eachHandoff(t, func(t *testing.T, loop newLoop) {
		l := loop()
		ctx, cancel := context.WithCancelCause(t.Context())
		unwound := false
		task := l.GoContext(ctx, func(self *coro.Self) error {
			defer func() { unwound = true }()
			cancel(errEnough)
			aio.Sleep(self, time.Hour)
			t.Error("it went on")
			return nil
		})
		task.Done() // asked about, so that Run does not return its error
		run(t, l)
		if err := task.Err(); !errors.Is(err, errEnough) || !unwound {
			t.Errorf("got error %v, unwound %v; want %v, true", err, unwound, errEnough)
		}
	})
}

func TestATaskOfAContextThatIsDoneNeverRuns(t *testing.T) {
	eachHandoff(t, func(t *testing.T, loop newLoop) {
		l := loop()
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(errEnough)
		task := l.GoContext(ctx, func(*coro.Self) error {
			t.Error("it ran")
			return nil
		})
		task.Done()
		run(t, l)
		if err := task.Err(); !errors.Is(err, errEnough) {
			t.Errorf("got error %v, want %v", err, errEnough)
		}
	})
}

func TestADetachedTaskIsNotCancelledWithItsParent(t *testing.T) {
	eachHandoff(t, func(t *testing.T, loop newLoop) {
		l := loop()
		var said journal
		child := func(name string) func(self *coro.Self) error {
			return func(self *coro.Self) error {
				defer func() { said.add("%s ends", name) }()
				aio.Sleep(self, time.Millisecond)
				said.add("%s has slept", name)
				return nil
			}
		}
		parent := l.Go(func(self *coro.Self) error {
			aio.Go(self, child("child"))
			aio.Go(self, child("detached")).Detach()
			aio.Yield(self) // both sleep
			aio.TaskOf(self).Cancel(nil)
			aio.Sleep(self, time.Hour)
			return nil
		})
		parent.Done()
		run(t, l)
		want := journal{"child ends", "detached has slept", "detached ends"}
		if diff := cmp.Diff(want, said); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	})
}

func TestWaitAnyOfNoneIsNoneAndDoesNotYield(t *testing.T) {
	eachHandoff(t, func(t *testing.T, loop newLoop) {
		l := loop()
		others := false
		l.Go(func(self *coro.Self) error {
			l.Post(func() { others = true })
			if got := aio.WaitAny(self); got != -1 || others {
				t.Errorf("got %d, yielded %v; want -1, false", got, others)
			}
			return nil
		})
		run(t, l)
	})
}

func TestCloseCancelsTasksThatNeverRan(t *testing.T) {
	eachHandoff(t, func(t *testing.T, loop newLoop) {
		l := loop()
		task := l.Go(func(*coro.Self) error {
			t.Error("it ran")
			return nil
		})
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		<-task.Done()
		if err := task.Err(); !errors.Is(err, aio.ErrClosed) {
			t.Errorf("got error %v, want %v", err, aio.ErrClosed)
		}
	})
}
