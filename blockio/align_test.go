package blockio_test

import (
	"errors"
	"fmt"
	"syscall"
	"testing"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/blockio/mem"
	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/aio"
)

func TestUnalignedWriteKeepsItsNeighbours(t *testing.T) {
	for _, x := range []struct {
		off, n int64
		calls  []string
		want   string
	}{
		{10, 20, []string{"read 0+512", "write 0+512"}, "10xo 20xn 2018xo"},
		{0, 512, []string{"write 0+512"}, "512xn 1536xo"},
		{0, 100, []string{"read 0+512", "write 0+512"}, "100xn 1948xo"},
		{500, 24, []string{"read 0+512", "read 512+512", "write 0+1024"}, "500xo 24xn 1524xo"},
		{512, 600, []string{"read 1024+512", "write 512+1024"}, "512xo 600xn 936xo"},
		{100, 924, []string{"read 0+512", "write 0+1024"}, "100xo 924xn 1024xo"},
		{1, 2046, []string{"read 0+512", "read 1536+512", "write 0+2048"}, "1xo 2046xn 1xo"},
	} {
		t.Run(fmt.Sprintf("%d+%d", x.off, x.n), func(t *testing.T) {
			each(t, func(t *testing.T, self *coro.Self) {
				s := newStub(2048, blockio.Limits{Alignment: 512})
				d := open(t, self, s)
				must(t, d.WriteAt(self, fill(2048, 'o'), 0))
				s.calls = nil
				must(t, d.WriteAt(self, fill(int(x.n), 'n'), x.off))
				s.wantCalls(t, x.calls...)
				wantEqual(t, "contents", x.want, runs(contents(t, self, d)))
			})
		})
	}
}

// QEMU 10.2.2 reports success and stores zeroes around what was written.
func TestFailedReadOfReadModifyWriteChangesNothing(t *testing.T) {
	type change func(d *blockio.Device, self *coro.Self) error
	for name, do := range map[string]change{
		"head": func(d *blockio.Device, self *coro.Self) error { return d.WriteAt(self, fill(1000, 'n'), 1500) },
		"tail": func(d *blockio.Device, self *coro.Self) error { return d.WriteAt(self, fill(1000, 'n'), 1024) },
		"both": func(d *blockio.Device, self *coro.Self) error { return d.WriteAt(self, fill(10, 'n'), 2000) },
		"vector": func(d *blockio.Device, self *coro.Self) error {
			return d.WriteVAt(self, [][]byte{fill(512, 'n'), fill(500, 'n')}, 1024, blockio.FUA)
		},
		"zeroes": func(d *blockio.Device, self *coro.Self) error {
			return d.WriteZeroes(self, 512, 2000, blockio.MayUnmap)
		},
		"huge": func(d *blockio.Device, self *coro.Self) error { return d.WriteAt(self, fill(1<<20, 'n'), 1900) },
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, self *coro.Self) {
				size := 8192
				if name == "huge" {
					size = 2 << 20
				}
				s := newStub(int64(size), blockio.Limits{Alignment: 512})
				d := open(t, self, s)
				must(t, d.WriteAt(self, fill(size, 'o'), 0))
				fail := map[string]bool{}
				s.fail = func(op blockio.Op, off, n int64) error {
					if op == blockio.OpRead && (off == 1536 || off == 1024 || off == 2048 || off == 1<<20+1536) {
						fail[fmt.Sprint(off)] = true
						return syscall.EIO
					}
					return nil
				}
				err := do(d, self)
				var e *blockio.OpError
				if !errors.As(err, &e) || !errors.Is(err, syscall.EIO) || e.Part.Op != blockio.OpRead || e.Part.Length != 512 {
					t.Errorf("got error %v, want %v of a read", err, syscall.EIO)
				}
				if len(fail) != 1 {
					t.Errorf("got failed reads %v, want one", fail)
				}
				s.fail = nil
				wantEqual(t, "contents", fmt.Sprintf("%dxo", size), runs(contents(t, self, d)))
			})
		})
	}
}

func TestUnalignedWritesOfOneBlockExcludeEachOther(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		s := newStub(1024, blockio.Limits{Alignment: 512})
		s.lag = ms
		d := open(t, self, s)
		var tasks []*aio.Task
		for i := range 8 {
			tasks = append(tasks, aio.Go(self, func(self *coro.Self) error {
				return d.WriteAt(self, fill(64, 'a'+byte(i)), int64(i)*64)
			}))
		}
		took := elapsed(self, func() { wait(t, self, tasks...) })
		wantEqual(t, "time of eight reads and writes, one after the other", 16*ms, took)
		wantEqual(t, "contents", "64xa 64xb 64xc 64xd 64xe 64xf 64xg 64xh 512x.", runs(contents(t, self, d)))
		wantEqual(t, "requests that had to wait", 7, d.Stats().Serialised)
	})
}

func TestAlignedWriteWaitsForTheUnalignedOneInItsBlock(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		s := newStub(1024, blockio.Limits{Alignment: 512})
		s.lag = 10 * ms
		d := open(t, self, s)
		// Without order, the aligned write would come between the read
		// and the write of the other, and be undone.
		rmw := at(self, 0, func(self *coro.Self) error { return d.WriteAt(self, fill(10, 'a'), 0) })
		whole := at(self, 5*ms, func(self *coro.Self) error { return d.WriteAt(self, fill(512, 'b'), 0) })
		elsewhere := at(self, 5*ms, func(self *coro.Self) error { return d.WriteAt(self, fill(512, 'c'), 512) })
		wait(t, self, rmw, whole, elsewhere)
		wantEqual(t, "contents", "512xb 512xc", runs(contents(t, self, d)))
		wantEqual(t, "requests that had to wait", 1, d.Stats().Serialised)
	})
}

func TestOverlappingAlignedRequestsDoNotWait(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		s := newStub(1024, blockio.Limits{Alignment: 512})
		s.lag = 10 * ms
		d := open(t, self, s)
		took := elapsed(self, func() {
			wait(t, self,
				at(self, 0, func(self *coro.Self) error { return d.WriteAt(self, fill(512, 'a'), 0) }),
				at(self, 0, func(self *coro.Self) error { return d.WriteAt(self, fill(1024, 'b'), 0) }),
				at(self, 0, func(self *coro.Self) error { return d.ReadAt(self, make([]byte, 1024), 0) }))
		})
		wantEqual(t, "time", 10*ms, took)
	})
}

// A cycle would be a deadlock, which the loop reports.
func TestSerialisingRequestsNeverWaitInACycle(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		s := newStub(8192, blockio.Limits{Alignment: 512})
		s.lag = ms
		d := open(t, self, s)
		var tasks []*aio.Task
		for i := range int64(60) {
			off, n := i*977%7000, i*613%1100+1
			tasks = append(tasks, aio.Go(self, func(self *coro.Self) error { return d.WriteAt(self, fill(int(n), 'a'), off) }))
		}
		wait(t, self, tasks...)
		if d.Stats().Serialised < 30 {
			t.Errorf("got %d requests that had to wait, want many", d.Stats().Serialised)
		}
	})
}

func TestMemoryThatIsNotAlignedIsCopied(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		l := blockio.Limits{Alignment: 512, MemoryAlignment: 4096}
		s := newStub(1<<20, l)
		d := open(t, self, blockChecked(t, s))
		p := fill(8192+4097, 'a')[1:]
		for p := p; len(p) >= 8192; p = p[512:] { // one of them is aligned, perhaps
			must(t, d.WriteAt(self, p[:8192], 0))
			clear(p[:8192])
			must(t, d.ReadAt(self, p[:8192], 0))
			wantEqual(t, "read", "8192xa", runs(p[:8192]))
		}
		wantEqual(t, "read-modify-writes", 0, d.Stats().ReadModifyWrites)
	})
}

func TestNewBufferIsUsedAsItIs(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		d := open(t, self, blockChecked(t, newStub(1<<20, blockio.Limits{Alignment: 512, MemoryAlignment: 4096})), blockio.WithAligned())
		for _, n := range []int{512, 8192, 512} {
			p := d.NewBuffer(n)
			wantEqual(t, "length", n, len(p))
			must(t, d.WriteAt(self, p, 0))
			must(t, d.ReadAt(self, p, 0))
		}
		wantEqual(t, "bounced", 0, d.Stats().BouncedBytes)
	})
}

func TestDeviceOpenedWithAlignedRefusesWhatIsNot(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		s := newStub(8192, blockio.Limits{Alignment: 512})
		d := open(t, self, s, blockio.WithAligned())
		for _, err := range []error{
			d.ReadAt(self, make([]byte, 512), 1),
			d.WriteAt(self, make([]byte, 511), 0),
			d.ReadVAt(self, [][]byte{make([]byte, 100), make([]byte, 412)}, 0),
		} {
			if !errors.Is(err, blockio.ErrAlignment) {
				t.Errorf("got error %v, want %v", err, blockio.ErrAlignment)
			}
		}
		s.wantCalls(t)
		must(t, d.WriteAt(self, make([]byte, 512), 512))
	})
}

// A device of 1000 bytes on blocks of 512: the last one is there in part only.
func TestBlockAcrossTheEndReadsAsZeroesBehindIt(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		s := newStub(1000, blockio.Limits{Alignment: 512})
		d := open(t, self, blockChecked(t, s))
		must(t, d.WriteAt(self, fill(1000, 'a'), 0))
		s.wantCalls(t, "write 0+1024") // nothing is behind the end that would have to be read
		must(t, d.WriteAt(self, fill(10, 'b'), 990))
		s.wantCalls(t, "read 512+512", "write 512+512")
		must(t, d.Resize(self, 1024))
		wantEqual(t, "contents", "990xa 10xb 24x.", runs(contents(t, self, d)))
		must(t, d.Resize(self, 700))
		must(t, d.Resize(self, 1000))
		wantEqual(t, "contents", "700xa 300x.", runs(contents(t, self, d)))
		must(t, d.WriteZeroes(self, 600, 400, 0))
		wantEqual(t, "contents", "600xa 400x.", runs(contents(t, self, d)))
	})
}

func TestLargeRequestsAreSplit(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		s := newStub(8192, blockio.Limits{Alignment: 512, MaxTransfer: 1024, MaxDiscard: 4096, DiscardAlignment: 2048})
		d := open(t, self, s)
		must(t, d.WriteAt(self, fill(2560, 'a'), 512))
		s.wantCalls(t, "write 512+1024", "write 1536+1024", "write 2560+512")
		must(t, d.ReadAt(self, make([]byte, 1500), 0))
		s.wantCalls(t, "read 0+1024", "read 1024+512")
		must(t, d.Discard(self, 1000, 7192))
		s.wantCalls(t, "discard 2048+4096", "discard 6144+2048")
		must(t, d.WriteZeroes(self, 512, 7168, 0))
		s.wantCalls(t, "write zeroes 512+3584", "write zeroes 4096+3584")
	})
}

func TestPartialFailureNamesTheSubRange(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		s := newStub(8192, blockio.Limits{Alignment: 512, MaxTransfer: 1024})
		d := open(t, self, s, blockio.WithName("disk"))
		s.fail = func(op blockio.Op, off, n int64) error {
			if op == blockio.OpWrite && off >= 2048 {
				return fmt.Errorf("pwrite: %w", syscall.ENOSPC)
			}
			return nil
		}
		err := d.WriteAt(self, fill(4096, 'a'), 0)
		want := &blockio.OpError{
			Op: blockio.OpWrite, Device: "disk", Offset: 0, Length: 4096,
			Part: blockio.Part{Op: blockio.OpWrite, Offset: 2048, Length: 1024},
		}
		var e *blockio.OpError
		if !errors.As(err, &e) || !errors.Is(err, syscall.ENOSPC) {
			t.Fatalf("got error %v, want an *OpError for ENOSPC", err)
		}
		want.Err = e.Err
		if *e != *want {
			t.Errorf("got %+v, want %+v", e, want)
		}
		wantEqual(t, "text", "blockio: write of 4096 bytes at 0 on disk: in write of 1024 bytes at 2048: pwrite: "+syscall.ENOSPC.Error(), err.Error())
		s.wantCalls(t, "write 0+1024", "write 1024+1024", "write 2048+1024") // and nothing behind it
		n, err := d.Bind(self).WriteAt(fill(4096, 'b'), 1024)
		wantEqual(t, "bytes written", 1024, n)
		if !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("got error %v", err)
		}
	})
}

func TestVectors(t *testing.T) {
	pieces := func(c byte, sizes ...int) (v [][]byte) {
		for i, n := range sizes {
			v = append(v, fill(n, c+byte(i)))
		}
		return v
	}
	each(t, func(t *testing.T, self *coro.Self) {
		for _, hide := range []bool{false, true} {
			s := newStub(8192, blockio.Limits{Alignment: 512, MaxPieces: 2, MaxTransfer: 1024})
			var driver blockio.Driver = blockChecked(t, s)
			if hide {
				driver = basic{driver}
			}
			d := open(t, self, driver)
			must(t, d.WriteVAt(self, pieces('a', 512, 0, 1024, 512, 0, 512), 0, 0)) // whole blocks
			must(t, d.WriteVAt(self, pieces('p', 1, 0, 700, 3), 3000, blockio.FUA)) // not
			must(t, d.WriteVAt(self, nil, 100, 0))
			wantEqual(t, "contents", "512xa 1024xc 512xd 512xf 440x. 1xp 700xr 3xs 4488x.", runs(contents(t, self, d)))
			v := [][]byte{make([]byte, 100), nil, make([]byte, 412), make([]byte, 1024), make([]byte, 600)}
			must(t, d.ReadVAt(self, v, 0))
			wantEqual(t, "pieces", []string{"100xa", "", "412xa", "1024xc", "512xd 88xf"},
				[]string{runs(v[0]), runs(v[1]), runs(v[2]), runs(v[3]), runs(v[4])})
		}
	})
}

func TestFastPathAllocatesNothing(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		d := open(t, self, mem.New(1<<20, mem.WithAlignment(512)))
		p := make([]byte, 4096)
		must(t, d.WriteAt(self, p, 0))
		for name, f := range map[string]func(){
			"read":      func() { _ = d.ReadAt(self, p, 0) },
			"write":     func() { _ = d.WriteAt(self, p, 0) },
			"unaligned": func() { _ = d.WriteAt(self, p[:100], 7) },
			"flush":     func() { _ = d.Flush(self) },
		} {
			f()
			if n := testing.AllocsPerRun(100, f); n != 0 {
				t.Errorf("%s: got %v allocations, want none", name, n)
			}
		}
	})
}
