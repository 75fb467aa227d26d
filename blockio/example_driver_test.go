package blockio_test

import (
	"context"
	"fmt"
	"math/bits"
	"testing"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/blockio/blocktest"
	"github.com/gohandoff/coroutine/blockio/mem"
	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/aio"
)

// A veiled driver keeps what is on another device from curious eyes: it swaps
// the halves of each byte. It never sees an illegal call, so it checks nothing.
type veiled struct{ below *blockio.Device }

func (v veiled) Size() int64                           { return v.below.Size() }
func (v veiled) Limits() blockio.Limits                { return blockio.Limits{FUA: true} }
func (v veiled) Flush(self *coro.Self) error           { return v.below.Flush(self) }
func (v veiled) Close(self *coro.Self) error           { return v.below.Close(self) }
func (v veiled) Resize(self *coro.Self, n int64) error { return v.below.Resize(self, n) }
func (v veiled) String() string                        { return "veiled" }

// Children makes it show in Describe what there is below.
func (v veiled) Children() []blockio.Child {
	return []blockio.Child{{Role: "below", Driver: v.below.Driver()}}
}

// ReadAt yields in the middle, while the device below reads: nothing to arrange.
func (v veiled) ReadAt(self *coro.Self, p []byte, off int64) error {
	err := v.below.ReadAt(self, p, off)
	for i := range p {
		p[i] = bits.RotateLeft8(p[i], 4)
	}
	return err
}

// WriteAt must leave p as it is, so it swaps in a copy.
func (v veiled) WriteAt(self *coro.Self, p []byte, off int64, flags blockio.Flags) error {
	swapped := make([]byte, len(p))
	for i := range p {
		swapped[i] = bits.RotateLeft8(p[i], 4)
	}
	return v.below.WriteAtFlags(self, swapped, off, flags)
}

// newVeiled makes a veiled driver of size bytes.
func newVeiled(self *coro.Self, size int64) (blockio.Driver, error) {
	below, err := blockio.Open(self, mem.New(size, mem.WithAlignment(512)))
	return veiled{below}, err
}

func ExampleDriver() {
	loop := aio.NewLoop()
	defer loop.Close()
	loop.Go(func(self *coro.Self) error {
		driver, err := newVeiled(self, 4096)
		if err != nil {
			return err
		}
		d, err := blockio.Open(self, driver, blockio.WithName("diary"))
		if err != nil {
			return err
		}
		defer d.Close(self)
		if err := d.WriteAt(self, []byte("dear diary"), 1000); err != nil {
			return err
		}
		p := make([]byte, 10)
		if err := d.ReadAt(self, p, 1000); err != nil {
			return err
		}
		fmt.Printf("%s\n%v\n", p, d.ReadAt(self, p, 4090))
		return nil
	})
	if err := loop.Run(context.Background()); err != nil {
		fmt.Println(err)
	}
	// Output:
	// dear diary
	// blockio: read of 10 bytes at 4090 on diary: out of range: the size is 4096
}

// TestVeiled has the conformance suite look for what it got wrong.
func TestVeiled(t *testing.T) {
	blocktest.Run(t, func(t *testing.T, self *coro.Self, size int64) blockio.Driver {
		driver, err := newVeiled(self, size)
		if err != nil {
			t.Fatal(err)
		}
		return driver
	})
}
