package verify_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/blockio/mem"
	"github.com/gohandoff/coroutine/blockio/verify"
	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/aio"
)

// An offByOne driver is new, and loses the last byte of each write.
type offByOne struct{ blockio.Filter }

func (o offByOne) WriteAt(self *coro.Self, p []byte, off int64, flags blockio.Flags) error {
	return o.Filter.WriteAt(self, p[:len(p)-1], off, flags)
}

func Example() {
	loop := aio.NewLoop()
	defer loop.Close()
	loop.Go(func(self *coro.Self) error {
		tested := offByOne{blockio.Filter{Driver: mem.New(1 << 20)}}
		v, err := verify.New(tested, mem.New(1<<20))
		if err != nil {
			return err
		}
		d, err := blockio.Open(self, v)
		if err != nil {
			return err
		}
		defer d.Close(self)
		if err := d.WriteAt(self, []byte("hello"), 1000); err != nil {
			return err
		}
		err = d.ReadAt(self, make([]byte, 512), 800)
		fmt.Println(errors.Is(err, verify.ErrDifferent))
		return err
	})
	fmt.Println(loop.Run(context.Background()))
	// Output:
	// true
	// blockio: read of 512 bytes at 800 on verify: verify: read of 512 bytes at 800: the drivers differ at 1004: tested 0x00, known 0x6f
}
