package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/blockio/blocktest"
	"github.com/gohandoff/coroutine/blockio/mem"
	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/aio"
)

type writerFunc func(p []byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// TestAnInterruptEndsTheHold interrupts a mirror that has caught up and is to stay
// so for as good as ever, on a virtual clock.
func TestAnInterruptEndsTheHold(t *testing.T) {
	for _, h := range []coro.Handoff{coro.Channel, coro.Direct} {
		blocktest.OnLoop(t, h, 0, false, func(self *coro.Self) error {
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			enough := errors.New("enough")
			f := mirrorFlags{hold: 1e5 * time.Hour, liveFlags: liveFlags{loadSize: 512}}
			l := &live{liveFlags: &f.liveFlags, ctx: ctx, start: aio.LoopOf(self).Now()}
			l.out = writerFunc(func(p []byte) (int, error) {
				if strings.Contains(string(p), "caught up") {
					cancel(enough)
				}
				return len(p), nil
			})
			for _, dev := range []**blockio.Device{&l.src, &l.dst} {
				var err error
				if *dev, err = blockio.Open(self, mem.New(64<<10)); err != nil {
					return err
				}
			}
			if err := f.run(l, self); !errors.Is(err, enough) || l.complete {
				t.Errorf("%v: got %v, complete %v; want %v", h, err, l.complete, enough)
			}
			return errors.Join(l.src.Close(self), l.dst.Close(self))
		})
	}
}

// TestWhatIsCompleteIsNotSaidToBeElse has nothing but the report fail.
func TestWhatIsCompleteIsNotSaidToBeElse(t *testing.T) {
	src := filepath.Join(t.TempDir(), "src")
	if err := os.WriteFile(src, make([]byte, 1<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	full := writerFunc(func([]byte) (int, error) { return 0, errors.New("no space left") })
	for _, command := range []string{"mirror", "backup"} {
		var stderr bytes.Buffer
		if code := run([]string{command, src, src + "2"}, full, &stderr); code != exitFailure || stderr.String() != "codemo: no space left\n" {
			t.Errorf("%s: exit code %d, %q; want the error of the report only", command, code, &stderr)
		}
	}
}
