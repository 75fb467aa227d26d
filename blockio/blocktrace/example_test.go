package blocktrace_test

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/blockio/blocktrace"
	"github.com/gohandoff/coroutine/blockio/mem"
	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/aio"
)

func Example() {
	loop := aio.NewLoop(aio.WithClock(aio.NewVirtualClock(time.Unix(0, 0))))
	defer loop.Close()
	loop.Go(func(self *coro.Self) error {
		driver := blocktrace.New(mem.New(1<<20, mem.WithAlignment(512)), blocktrace.NewPrinter(os.Stdout).Print)
		d, err := blockio.Open(self, driver)
		if err != nil {
			return err
		}
		defer d.Close(self)
		return d.WriteAt(self, []byte("hello"), 1000)
	})
	if err := loop.Run(context.Background()); err != nil {
		fmt.Println(err)
	}
	// Output:
	// 0.000000 #1 read 512 bytes at 512 (1 in flight)
	// 0.000000 #1 read 512 bytes at 512: ok after 0s (0 in flight)
	// 0.000000 #2 write 512 bytes at 512 (1 in flight)
	// 0.000000 #2 write 512 bytes at 512: ok after 0s (0 in flight)
	// 0.000000 #3 flush (1 in flight)
	// 0.000000 #3 flush: ok after 0s (0 in flight)
	// 0.000000 #4 close (1 in flight)
	// 0.000000 #4 close: ok after 0s (0 in flight)
}
