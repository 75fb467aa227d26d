package fault_test

import (
	"context"
	"fmt"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/blockio/fault"
	"github.com/gohandoff/coroutine/blockio/mem"
	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/aio"
)

// onLoop runs body on a loop of its own.
func onLoop(body func(self *coro.Self) error) {
	loop := aio.NewLoop()
	defer loop.Close()
	loop.Go(body)
	if err := loop.Run(context.Background()); err != nil {
		fmt.Println(err)
	}
}

func ExampleNew() {
	onLoop(func(self *coro.Self) error {
		rule, err := fault.Parse("write:n=2:errno=ENOSPC")
		if err != nil {
			return err
		}
		driver, err := fault.New(mem.New(1<<20), rule)
		if err != nil {
			return err
		}
		d, err := blockio.Open(self, driver, blockio.WithName("disk"))
		if err != nil {
			return err
		}
		for off := range int64(3) {
			fmt.Println(d.WriteAt(self, []byte("x"), off))
		}
		fmt.Println(driver.Events())
		return d.Close(self)
	})
	// Output:
	// <nil>
	// blockio: write of 1 bytes at 1 on disk: no space left on device (write:n=2:errno=ENOSPC)
	// <nil>
	// [rule 0: write of 1 bytes at 1, match 2]
}

func ExampleDriver_Wait() {
	onLoop(func(self *coro.Self) error {
		driver, err := fault.New(mem.New(1<<20), fault.MustParse("write:n=1:break=first"))
		if err != nil {
			return err
		}
		d, err := blockio.Open(self, driver)
		if err != nil {
			return err
		}
		writer := aio.Go(self, func(self *coro.Self) error {
			defer fmt.Println("written")
			return d.WriteAt(self, []byte("x"), 0)
		})
		if err := driver.Wait(self, "first"); err != nil {
			return err
		}
		fmt.Println("held:", driver.Held("first"))
		driver.Release(self, "first")
		return writer.Wait(self)
	})
	// Output:
	// held: 1
	// written
}
