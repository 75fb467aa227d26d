package blockio_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/blockio/mem"
	"github.com/gohandoff/coroutine/blockio/null"
	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/aio"
)

// BenchmarkRead is one request of 4 KiB after the other, by depth coroutines in
// turn: at depth 1 a plain loop, beyond that each yields after its request, as
// it would on a medium. The raw baselines beside it are the driver's call without
// a Device, and the yield alone.
func BenchmarkRead(b *testing.B) {
	drivers := map[string]func() blockio.Driver{
		"mem":  func() blockio.Driver { return mem.New(1 << 20) },
		"null": func() blockio.Driver { return null.New(1 << 20) },
	}
	for _, name := range []string{"mem", "null"} {
		for _, how := range []string{"device", "raw"} {
			for _, depth := range []int{1, 64} {
				b.Run(fmt.Sprintf("%s/%s/depth=%d", name, how, depth), func(b *testing.B) {
					benchRead(b, drivers[name](), how == "raw", depth)
				})
			}
		}
	}
}

func benchRead(b *testing.B, driver blockio.Driver, raw bool, depth int) {
	b.ReportAllocs()
	loop := aio.NewLoop(aio.WithThread(coro.WithHandoff(coro.Direct)))
	defer loop.Close()
	n, more := 0, true
	loop.Go(func(self *coro.Self) error {
		d, err := blockio.Open(self, driver)
		if err != nil {
			return err
		}
		defer d.Close(self)
		for i := int64(0); i < d.Size(); i += 4096 {
			if err := d.WriteAt(self, make([]byte, 4096), i); err != nil {
				return err
			}
		}
		var tasks []*aio.Task
		for range depth {
			tasks = append(tasks, aio.Go(self, func(self *coro.Self) error {
				p := make([]byte, 4096)
				for more = more && b.Loop(); more; more = more && b.Loop() {
					n++
					off := int64(n%256) * 4096
					var err error
					if raw {
						err = driver.ReadAt(self, p, off)
					} else {
						err = d.ReadAt(self, p, off)
					}
					if err != nil {
						return err
					}
					if depth > 1 {
						aio.Yield(self)
					}
				}
				return nil
			}))
		}
		for _, t := range tasks {
			if err := t.Wait(self); err != nil {
				return err
			}
		}
		return nil
	})
	if err := loop.Run(context.Background()); err != nil {
		b.Fatal(err)
	}
}
