package blockio_test

import (
	"bytes"
	"context"
	"math/rand/v2"
	"testing"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/blockio/mem"
	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/aio"
)

func TestSmoke(t *testing.T) {
	loop := aio.NewLoop(aio.WithThread(coro.WithHandoff(coro.Direct)))
	defer loop.Close()
	loop.Go(func(self *coro.Self) error {
		for _, l := range []blockio.Limits{{}, {Alignment: 512, MemoryAlignment: 512, MaxTransfer: 1024}, {Alignment: 4096, FUA: true}} {
			const size = 100_100
			d, err := blockio.Open(self, mem.New(size, mem.WithLimits(l)))
			if err != nil {
				return err
			}
			want := make([]byte, size)
			rng := rand.New(rand.NewPCG(1, 2))
			for range 2000 {
				off := rng.Int64N(size)
				n := rng.Int64N(min(10000, size-off) + 1)
				switch rng.IntN(3) {
				case 0:
					p := make([]byte, n)
					for i := range p {
						p[i] = byte(rng.Uint32())
					}
					copy(want[off:], p)
					if err := d.WriteVAt(self, [][]byte{p[:n/3], p[n/3 : n/2], p[n/2:]}, off, blockio.FUA); err != nil {
						return err
					}
				case 1:
					clear(want[off : off+n])
					if err := d.WriteZeroes(self, off, n, blockio.MayUnmap); err != nil {
						return err
					}
				case 2:
					p := make([]byte, n)
					if err := d.ReadVAt(self, [][]byte{p[:n/3], p[n/3 : n/2], p[n/2:]}, off); err != nil {
						return err
					}
					if !bytes.Equal(p, want[off:off+n]) {
						t.Fatalf("%+v: read %d at %d differs", l, n, off)
					}
				}
			}
			t.Log("\n" + d.Stats().String() + blockio.Describe(d))
			if err := d.Close(self); err != nil {
				return err
			}
		}
		return nil
	})
	if err := loop.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
}
