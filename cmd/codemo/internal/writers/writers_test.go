package writers_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/blockio/blocktest"
	"github.com/gohandoff/coroutine/blockio/mem"
	"github.com/gohandoff/coroutine/cmd/codemo/internal/writers"
	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/aio"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestAContextEndsChecks(t *testing.T) {
	blocktest.OnLoop(t, coro.Channel, 0, false, func(self *coro.Self) error {
		dev, err := blockio.Open(self, mem.New(64<<10))
		if err != nil {
			return err
		}
		ctx, cancel := context.WithCancelCause(t.Context())
		defer cancel(nil)
		load, err := writers.Start(self, dev, writers.Options{Coroutines: 1, Block: 512, Context: ctx})
		if err != nil {
			return err
		}
		for range 5 {
			aio.Yield(self)
		}
		if err := load.Stop(self); err != nil {
			return err
		}
		enough := errors.New("enough")
		cancel(enough)
		for what, err := range map[string]error{
			"last": load.CheckLast(self, dev), "first": load.CheckFirst(self, dev), "rest": load.CheckRest(self, dev, dev),
		} {
			if err != enough {
				t.Errorf("%s: got %v, want the context's cause", what, err)
			}
		}
		return nil
	})
}

// TestChecksFindWhatIsWrong has the load write, and then damages what the checks
// look at.
func TestChecksFindWhatIsWrong(t *testing.T) {
	blocktest.OnLoop(t, coro.Channel, 0, false, func(self *coro.Self) error {
		open := func(name string) *blockio.Device {
			d, err := blockio.Open(self, mem.New(64<<10), blockio.WithName(name))
			if err != nil {
				t.Fatal(err)
			}
			return d
		}
		want := func(what string, err error, says string) {
			t.Helper()
			if says == "" && err != nil || says != "" && (err == nil || !strings.Contains(err.Error(), says)) {
				t.Errorf("%s: got error %v, want %q", what, err, says)
			}
		}
		dev, before := open("dev"), open("before")
		load, err := writers.Start(self, dev, writers.Options{Coroutines: 3, Block: 1000, Seed: 1})
		want("start", err, "")
		for range 20 {
			aio.Yield(self)
		}
		want("stop", load.Stop(self), "")
		if load.Writes < 10 || load.Blocks() < 5 {
			t.Fatalf("%d writes to %d blocks", load.Writes, load.Blocks())
		}
		want("last", load.CheckLast(self, dev), "")
		want("last, on the other", load.CheckLast(self, before), "are not what was written there last")
		want("first", load.CheckFirst(self, before), "")
		want("first, on the device", load.CheckFirst(self, dev), "are not what was there at the start")
		want("rest", load.CheckRest(self, dev, before), "")
		if err := before.WriteAt(self, []byte("x"), 65_000); err != nil { // behind the last whole block
			return err
		}
		want("rest, damaged", load.CheckRest(self, dev, before), "first difference at offset 65000")
		_, err = writers.Start(self, dev, writers.Options{Coroutines: 1, Block: 1 << 20})
		want("too small", err, "want room for a write of 1048576")
		return nil
	})
}
