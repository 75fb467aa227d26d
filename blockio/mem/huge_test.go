package mem_test

import (
	"errors"
	"io/fs"
	"math"
	"testing"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/blockio/blocktest"
	"github.com/gohandoff/coroutine/blockio/mem"
	"github.com/gohandoff/coroutine/coro"
)

// What is not there costs nothing, however much of it: to walk over the chunks of
// such a device would take years.
func TestHugeDeviceCostsWhatIsInIt(t *testing.T) {
	for _, h := range []coro.Handoff{coro.Channel, coro.Direct} {
		blocktest.OnLoop(t, h, 0, false, func(self *coro.Self) error {
			const size, chunk = int64(math.MaxInt64 - 64<<20), 2 << 20
			driver := mem.New(size)
			d, err := blockio.Open(self, driver)
			if err != nil {
				return err
			}
			const far = size/chunk/2*chunk + 4096
			write := func(offs ...int64) {
				for _, off := range offs {
					if err := d.WriteAt(self, make([]byte, 4096), off); err != nil {
						t.Errorf("write: %v", err)
					}
				}
			}
			status := func(off int64, want blockio.Status, wantLen int64) {
				t.Helper()
				s, n, err := d.BlockStatus(self, off, d.Size()-off)
				if s != want || n != wantLen || err != nil {
					t.Errorf("status at %d: got %v of %d bytes, error %v; want %v of %d", off, s, n, err, want, wantLen)
				}
			}
			status(0, blockio.Zero, size)
			write(4096, 3*chunk, far)
			status(0, blockio.Zero, 4096)
			status(4096, blockio.Data, 4096)
			status(8192, blockio.Zero, 3*chunk-8192)
			status(3*chunk+4096, blockio.Zero, far-3*chunk-4096)
			status(far, blockio.Data, 4096)
			status(far+4096, blockio.Zero, size-far-4096)
			for what, err := range map[string]error{
				"write zeroes": d.WriteZeroes(self, 1, size-1, blockio.MayUnmap),
				"discard":      d.Discard(self, 0, size),
				"shrink":       d.Resize(self, 1<<20),
			} {
				if err != nil {
					t.Errorf("%s: %v", what, err)
				}
			}
			if n := driver.Pages(); n != 0 {
				t.Errorf("got %d pages kept, want none", n)
			}
			status(0, blockio.Zero, 1<<20)
			return d.Close(self)
		})
	}
}

func TestClosedDriverIsOfNoUseToAnotherDevice(t *testing.T) {
	blocktest.OnLoop(t, coro.Direct, 0, false, func(self *coro.Self) error {
		driver := mem.New(1 << 20)
		d, err := blockio.Open(self, driver)
		if err != nil {
			return err
		}
		if err := d.Close(self); err != nil {
			return err
		}
		if d, err = blockio.Open(self, driver); err != nil {
			return err
		}
		p := make([]byte, 512)
		_, _, status := d.BlockStatus(self, 0, 512)
		for what, err := range map[string]error{
			"read": d.ReadAt(self, p, 0), "write": d.WriteAt(self, p, 0), "flush": d.Flush(self), "status": status,
			"discard": d.Discard(self, 0, 1<<20), "zeroes": d.WriteZeroes(self, 0, 512, 0),
			"grow": d.Resize(self, 2<<20), "shrink": d.Resize(self, 1),
		} {
			if !errors.Is(err, fs.ErrClosed) {
				t.Errorf("%s: got error %v, want %v", what, err, fs.ErrClosed)
			}
		}
		return nil
	})
}
