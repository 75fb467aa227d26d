package throttle_test

import (
	"context"
	"fmt"
	"time"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/blockio/mem"
	"github.com/gohandoff/coroutine/blockio/throttle"
	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/aio"
)

func Example() {
	loop := aio.NewLoop(aio.WithClock(aio.NewVirtualClock(time.Unix(0, 0))))
	defer loop.Close()
	loop.Go(func(self *coro.Self) error {
		limits, err := throttle.Parse("iops=10:bps=1M")
		if err != nil {
			return err
		}
		g := throttle.NewGroup(limits)
		start := loop.Now()
		for _, name := range []string{"red", "blue"} {
			d, err := blockio.Open(self, throttle.New(mem.New(8<<20), g))
			if err != nil {
				return err
			}
			for _, n := range []int{4096, 4096, 1 << 20} {
				aio.Go(self, func(self *coro.Self) error {
					err := d.WriteAt(self, make([]byte, n), 0)
					fmt.Printf("%-6v %-4s %7d bytes\n", loop.Now().Sub(start).Round(time.Millisecond), name, n)
					return err
				})
			}
		}
		return nil
	})
	if err := loop.Run(context.Background()); err != nil {
		fmt.Println(err)
	}
	// Output:
	// 0s     red     4096 bytes
	// 100ms  red     4096 bytes
	// 200ms  blue    4096 bytes
	// 300ms  red  1048576 bytes
	// 1.204s blue    4096 bytes
	// 1.304s blue 1048576 bytes
}
