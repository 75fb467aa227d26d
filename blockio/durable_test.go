package blockio_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"syscall"
	"testing"
	"time"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/blockio/mem"
	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/aio"
)

func TestFlushReturnsAfterTheMediumConfirmed(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		s := newStub(8192, blockio.Limits{})
		s.lag = 10 * ms
		d := open(t, self, s)
		must(t, d.WriteAt(self, fill(512, 'a'), 0))
		took := elapsed(self, func() { must(t, d.Flush(self)) })
		wantEqual(t, "time of a flush", 10*ms, took)
		s.wantCalls(t, "write 0+512", "flush 0+0")
		must(t, d.Flush(self)) // there is nothing to flush
		s.wantCalls(t)
	})
}

func TestFlushCoversWhatReturnedBeforeIt(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		s := newStub(8192, blockio.Limits{})
		s.lag = 10 * ms
		d := open(t, self, s)
		must(t, d.WriteAt(self, fill(512, 'a'), 0))
		// A write that ends while a flush is under way may have missed it.
		flush := at(self, 0, d.Flush)
		write := at(self, 0, func(self *coro.Self) error { return d.WriteAt(self, fill(512, 'b'), 512) })
		aio.Sleep(self, 5*ms)
		wait(t, self, write, flush)
		s.calls = nil
		must(t, d.Flush(self))
		s.wantCalls(t, "flush 0+0")
	})
}

func TestManyFlushesShareFew(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		s := newStub(1<<20, blockio.Limits{})
		s.lag = 10 * ms
		d := open(t, self, s)
		var tasks []*aio.Task
		for i := range int64(100) {
			tasks = append(tasks, aio.Go(self, func(self *coro.Self) error {
				return errors.Join(d.WriteAt(self, fill(512, 'a'), i*512), d.Flush(self))
			}))
		}
		wait(t, self, tasks...)
		if n := d.Stats().DriverFlushes; n > 2 {
			t.Errorf("got %d flushes of the driver for a hundred at a time, want one or two", n)
		}
	})
}

func TestFailedFlushIsNotTakenForASuccess(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		s := newStub(8192, blockio.Limits{})
		d := open(t, self, s, blockio.WithName("disk"))
		must(t, d.WriteAt(self, fill(512, 'a'), 0))
		s.fail = func(blockio.Op, int64, int64) error { return syscall.EIO }
		for range 2 {
			err := d.Flush(self)
			if !errors.Is(err, syscall.EIO) {
				t.Errorf("got error %v, want %v", err, syscall.EIO)
			}
			wantEqual(t, "text", "blockio: flush on disk: "+syscall.EIO.Error(), err.Error())
		}
		s.fail = nil
		s.calls = nil
		must(t, d.Flush(self))
		s.wantCalls(t, "flush 0+0")
	})
}

func TestForcedWriteIsDurableWhenItReturns(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		for _, knows := range []bool{false, true} {
			s := newStub(8192, blockio.Limits{Alignment: 512, FUA: knows})
			d := open(t, self, blockChecked(t, s))
			must(t, d.WriteAtFlags(self, fill(512, 'a'), 0, blockio.FUA))
			must(t, d.WriteAtFlags(self, fill(1, 'a'), 0, blockio.FUA))
			must(t, d.WriteZeroes(self, 0, 512, blockio.FUA))
			if knows {
				s.wantCalls(t, "write 0+512", "read 0+512", "write 0+512", "write zeroes 0+512")
			} else {
				s.wantCalls(t, "write 0+512", "flush 0+0", "read 0+512", "write 0+512", "flush 0+0", "write zeroes 0+512", "flush 0+0")
			}
		}
	})
}

// A cache is a driver whose writes are lost with the power unless flushed: the
// medium beneath it has only what a flush brought there.
type cache struct {
	*mem.Driver
	medium *mem.Driver
	dirty  map[int64]bool // blocks of 512
	rng    *rand.Rand
}

func (c *cache) WriteAt(self *coro.Self, p []byte, off int64, flags blockio.Flags) error {
	aio.Sleep(self, time.Duration(c.rng.IntN(10))*ms)
	for i := int64(0); i < int64(len(p)); i += 512 {
		c.dirty[off+i] = true
	}
	return c.Driver.WriteAt(self, p, off, flags)
}

func (c *cache) Flush(self *coro.Self) error {
	brought := map[int64][]byte{}
	for off := range c.dirty {
		p := make([]byte, 512)
		if err := c.Driver.ReadAt(self, p, off); err != nil {
			return err
		}
		brought[off] = p
	}
	clear(c.dirty)
	aio.Sleep(self, time.Duration(c.rng.IntN(10))*ms)
	for off, p := range brought {
		if err := c.medium.WriteAt(self, p, off, 0); err != nil {
			return err
		}
	}
	return nil
}

// Each coroutine counts up in a place of its own, in blocks that it shares with
// others, and notes what was confirmed; then the power goes.
func TestPowerCutLosesNothingThatWasFlushed(t *testing.T) {
	for seed := range uint64(20) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			const size, workers = 8192, 32
			c := &cache{
				Driver: mem.New(size, mem.WithLimits(blockio.Limits{Alignment: 512})), medium: mem.New(size),
				dirty: map[int64]bool{}, rng: rand.New(rand.NewPCG(seed, 0)),
			}
			var confirmed [workers]uint64
			loop := aio.NewLoop(aio.WithClock(aio.NewVirtualClock(time.Unix(0, 0))), aio.WithPolicy(aio.Shuffle(seed)))
			defer loop.Close()
			ctx, cut := context.WithCancel(context.Background())
			loop.Go(func(self *coro.Self) error {
				// Without vectors, zeroes and so on: the cache knows writes only.
				d := open(t, self, basic{c})
				for i := range workers {
					aio.Go(self, func(self *coro.Self) error {
						off := int64(i) * size / workers
						for n := uint64(1); ; n++ {
							flags := blockio.Flags(c.rng.IntN(2)) // FUA or not
							err := d.WriteAtFlags(self, binary.LittleEndian.AppendUint64(nil, n), off, flags)
							if err == nil && flags == 0 {
								err = d.Flush(self)
							}
							if err != nil {
								return err
							}
							confirmed[i] = n
						}
					})
				}
				aio.Sleep(self, time.Duration(50+c.rng.IntN(500))*ms)
				cut()
				return nil
			})
			if err := loop.Run(ctx); !errors.Is(err, context.Canceled) {
				t.Fatal(err)
			}
			p := make([]byte, size)
			must(t, c.medium.ReadAt(nil, p, 0))
			some := false
			for i, want := range confirmed {
				got := binary.LittleEndian.Uint64(p[i*size/workers:])
				if got < want {
					t.Errorf("worker %d: the medium has %d, but %d was confirmed", i, got, want)
				}
				some = some || want > 0
			}
			if !some {
				t.Error("nothing was confirmed before the power went")
			}
		})
	}
}
