package blockio_test

import (
	"bytes"
	"testing"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/blockio/blocktest"
	"github.com/gohandoff/coroutine/blockio/mem"
	"github.com/gohandoff/coroutine/coro"
)

// FuzzRequests does requests, one after the other, on a device with limits, and
// on a slice of bytes. The first bytes of the input choose the limits, then four
// bytes are a request: what, where, and how long.
func FuzzRequests(f *testing.F) {
	f.Add([]byte{9, 0, 0, 0, 1, 10, 0, 200, 0, 10, 0, 100, 2, 12, 0, 50, 0, 0, 0, 255})
	f.Add([]byte{12, 1, 1, 1, 1, 255, 15, 255, 3, 200, 15, 9, 1, 0, 15, 255, 4, 0, 8, 0, 0, 0, 0, 255})
	f.Fuzz(func(t *testing.T, in []byte) {
		if len(in) < 4 || len(in) > 400 {
			return
		}
		alignment := 1 << (in[0] % 13)
		l := blockio.Limits{
			Alignment: alignment, MaxTransfer: alignment * int(in[1]%5), MaxPieces: int(in[2] % 4),
			MemoryAlignment: 1 << (in[3] % 4), FUA: in[3]&16 != 0,
		}
		const size = 9999
		blocktest.OnLoop(t, coro.Direct, 0, false, func(self *coro.Self) error {
			d, err := blockio.Open(self, blocktest.Check(t, mem.New(size, mem.WithLimits(l)), 0))
			if err != nil {
				return err
			}
			want := make([]byte, size)
			for in := in[4:]; len(in) >= 4; in = in[4:] {
				off := min(int64(in[1])|int64(in[2])<<8, int64(len(want)))
				n := min(int64(in[3])*16+int64(in[0]>>4), int64(len(want))-off)
				if err := sameOnBoth(t, self, d, &want, int(in[0]%8), off, n); err != nil {
					return err
				}
			}
			if got := contents(t, self, d); !bytes.Equal(got, want) {
				t.Errorf("got %s\nwant %s", runs(got), runs(want))
			}
			return d.Close(self)
		})
	})
}

func sameOnBoth(t *testing.T, self *coro.Self, d *blockio.Device, want *[]byte, what int, off, n int64) error {
	p := fill(int(n), 'a'+byte(off%26))
	part := (*want)[off : off+n]
	switch what {
	case 0, 1:
		copy(part, p)
		return d.WriteAtFlags(self, p, off, blockio.Flags(what))
	case 2:
		copy(part, p)
		return d.WriteVAt(self, [][]byte{p[:n/3], p[n/3 : n/2], p[n/2:]}, off, 0)
	case 3, 4:
		clear(part)
		return d.WriteZeroes(self, off, n, blockio.Flags(what)&blockio.MayUnmap)
	case 5:
		now := max(off, 1)
		if now < int64(len(*want)) {
			*want = (*want)[:now:now]
		} else {
			*want = append(*want, make([]byte, now-int64(len(*want)))...)
		}
		return d.Resize(self, now)
	case 6:
		if err := d.ReadVAt(self, [][]byte{p[:n/2], p[n/2:]}, off); err != nil {
			return err
		}
	default:
		if err := d.ReadAt(self, p, off); err != nil {
			return err
		}
	}
	if !bytes.Equal(p, part) {
		t.Errorf("read %d bytes at %d: got %s\nwant %s", n, off, runs(p), runs(part))
	}
	return nil
}
