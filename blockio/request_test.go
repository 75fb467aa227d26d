package blockio_test

import (
	"errors"
	"io/fs"
	"math"
	"syscall"
	"testing"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/blockio/mem"
	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/aio"
)

func TestRequestReturnsWhenItIsDone(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		s := newStub(8192, blockio.Limits{})
		s.lag = ms
		d := open(t, self, s)
		took := elapsed(self, func() {
			must(t, d.WriteAt(self, fill(4096, 'a'), 0))
			must(t, d.ReadAt(self, make([]byte, 4096), 0))
		})
		wantEqual(t, "time of two requests, one after the other", 2*ms, took)
	})
}

func TestManyRequestsAreInFlight(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		s := newStub(1<<20, blockio.Limits{})
		s.lag = ms
		d := open(t, self, s)
		took := elapsed(self, func() {
			var tasks []*aio.Task
			for i := range int64(100) {
				tasks = append(tasks, aio.Go(self, func(self *coro.Self) error { return d.WriteAt(self, fill(512, 'a'), i*512) }))
			}
			tasks = append(tasks, at(self, ms/2, func(*coro.Self) error {
				wantEqual(t, "requests in flight", 100, d.Stats().InFlight)
				return nil
			}))
			wait(t, self, tasks...)
		})
		wantEqual(t, "time of a hundred requests together", ms, took)
		wantEqual(t, "requests in flight", 0, d.Stats().InFlight)
	})
}

func TestAtMostMaxInFlightFirstComeFirstServed(t *testing.T) {
	blocktestFIFO(t, 3)
	blocktestFIFO(t, 1)
}

func blocktestFIFO(t *testing.T, limit int) {
	each(t, func(t *testing.T, self *coro.Self) {
		s := newStub(1<<20, blockio.Limits{})
		s.lag = ms
		d := open(t, self, s, blockio.WithMaxInFlight(limit))
		most := 0
		s.after = func(*coro.Self, blockio.Op) { most = max(most, s.going) }
		var came, served []int64
		var tasks []*aio.Task
		for i := range int64(20) {
			tasks = append(tasks, aio.Go(self, func(self *coro.Self) error {
				came = append(came, i)
				err := d.ReadAt(self, make([]byte, 512), i*512)
				served = append(served, i)
				return err
			}))
		}
		wait(t, self, tasks...)
		wantEqual(t, "most at a time", limit, most)
		if limit == 1 {
			wantEqual(t, "order", came, served)
		}
	})
}

// Whatever is wrong with a request, the driver never hears of it.
func TestDriverSeesOnlyLegalCalls(t *testing.T) {
	const size = 10_000
	buf := make([]byte, 100)
	type request func(d *blockio.Device, self *coro.Self) error
	read := func(n int, off int64) request {
		return func(d *blockio.Device, self *coro.Self) error { return d.ReadAt(self, buf[:n], off) }
	}
	write := func(n int, off int64, flags blockio.Flags) request {
		return func(d *blockio.Device, self *coro.Self) error { return d.WriteAtFlags(self, buf[:n], off, flags) }
	}
	zeroes := func(off, n int64, flags blockio.Flags) request {
		return func(d *blockio.Device, self *coro.Self) error { return d.WriteZeroes(self, off, n, flags) }
	}
	discard := func(off, n int64) request {
		return func(d *blockio.Device, self *coro.Self) error { return d.Discard(self, off, n) }
	}
	status := func(off, n int64) request {
		return func(d *blockio.Device, self *coro.Self) error {
			_, _, err := d.BlockStatus(self, off, n)
			return err
		}
	}
	resize := func(n int64) request {
		return func(d *blockio.Device, self *coro.Self) error { return d.Resize(self, n) }
	}
	for _, x := range []struct {
		name string
		do   request
		want error
	}{
		{"read before the begin", read(1, -1), blockio.ErrOutOfRange},
		{"read across the end", read(100, size-99), blockio.ErrOutOfRange},
		{"read behind the end", read(1, size), blockio.ErrOutOfRange},
		{"read far behind the end", read(100, math.MaxInt64), blockio.ErrOutOfRange},
		{"read far before the begin", read(100, math.MinInt64), blockio.ErrOutOfRange},
		{"read of nothing behind the end", read(0, size+1), blockio.ErrOutOfRange},
		{"read of nothing at the end", read(0, size), nil},
		{"write across the end", write(100, size-99, 0), blockio.ErrOutOfRange},
		{"write that overflows", write(100, math.MaxInt64-50, 0), blockio.ErrOutOfRange},
		{"write of nothing", write(0, 5, 0), nil},
		{"write with unknown flags", write(1, 0, 1<<7), blockio.ErrFlags},
		{"write with the flags of another", write(1, 0, blockio.MayUnmap), blockio.ErrFlags},
		{"zeroes of negative length", zeroes(10, -1, 0), blockio.ErrOutOfRange},
		{"zeroes that overflow", zeroes(10, math.MaxInt64, 0), blockio.ErrOutOfRange},
		{"zeroes with unknown flags", zeroes(0, 1, 1<<6), blockio.ErrFlags},
		{"zeroes of nothing", zeroes(0, 0, 0), nil},
		{"discard across the end", discard(size-1, 2), blockio.ErrOutOfRange},
		{"discard of negative length", discard(5, math.MinInt64), blockio.ErrOutOfRange},
		{"discard of less than a page", discard(100, 4095), nil},
		{"status behind the end", status(size, 1), blockio.ErrOutOfRange},
		{"status of nothing", status(size, 0), nil},
		{"resize to less than nothing", resize(-1), blockio.ErrOutOfRange},
		{"resize to more than there is", resize(math.MaxInt64), blockio.ErrOutOfRange},
	} {
		t.Run(x.name, func(t *testing.T) {
			each(t, func(t *testing.T, self *coro.Self) {
				s := newStub(size, blockio.Limits{})
				d := open(t, self, s)
				err := x.do(d, self)
				if !errors.Is(err, x.want) {
					t.Errorf("got error %v, want %v", err, x.want)
				}
				var e *blockio.OpError
				if err != nil && (!errors.As(err, &e) || e.Part != (blockio.Part{})) {
					t.Errorf("got %#v, want an *OpError of no call of the driver", err)
				}
				s.wantCalls(t)
			})
		})
	}
}

// changes are all operations that a read-only device refuses.
var changes = map[string]func(d *blockio.Device, self *coro.Self) error{
	"write":   func(d *blockio.Device, self *coro.Self) error { return d.WriteAt(self, make([]byte, 512), 0) },
	"zeroes":  func(d *blockio.Device, self *coro.Self) error { return d.WriteZeroes(self, 0, 512, 0) },
	"discard": func(d *blockio.Device, self *coro.Self) error { return d.Discard(self, 0, 4096) },
	"resize":  func(d *blockio.Device, self *coro.Self) error { return d.Resize(self, 512) },
}

func TestReadOnlyDeviceRefusesChanges(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		byDriver := newStub(8192, blockio.Limits{ReadOnly: true})
		byOption := newStub(8192, blockio.Limits{})
		for _, d := range []*blockio.Device{open(t, self, byDriver), open(t, self, byOption, blockio.WithReadOnly())} {
			for name, change := range changes {
				if err := change(d, self); !errors.Is(err, blockio.ErrReadOnly) {
					t.Errorf("%s: got error %v, want %v", name, err, blockio.ErrReadOnly)
				}
			}
			must(t, d.Flush(self)) // there is nothing to flush
			must(t, d.ReadAt(self, make([]byte, 512), 0))
		}
		byDriver.wantCalls(t, "read 0+512")
		byOption.wantCalls(t, "read 0+512")
	})
}

func TestClosedDeviceRefusesAll(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		s := newStub(8192, blockio.Limits{})
		d := open(t, self, s)
		must(t, d.Close(self))
		s.wantCalls(t, "flush 0+0", "close 0+0")
		must(t, d.Close(self)) // closing twice does nothing
		all := map[string]func(d *blockio.Device, self *coro.Self) error{
			"read":  func(d *blockio.Device, self *coro.Self) error { return d.ReadAt(self, make([]byte, 512), 0) },
			"flush": func(d *blockio.Device, self *coro.Self) error { return d.Flush(self) },
		}
		for name, f := range changes {
			all[name] = f
		}
		for name, f := range all {
			if err := f(d, self); !errors.Is(err, blockio.ErrClosed) || !errors.Is(err, fs.ErrClosed) {
				t.Errorf("%s: got error %v, want %v", name, err, blockio.ErrClosed)
			}
		}
		s.wantCalls(t)
	})
}

func TestCloseWaitsForWhatIsInFlight(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		s := newStub(8192, blockio.Limits{MaxTransfer: 512})
		s.lag = 10 * ms
		d := open(t, self, s)
		write := at(self, 0, func(self *coro.Self) error { return d.WriteAt(self, fill(1024, 'a'), 0) })
		closing := at(self, ms, d.Close)
		second := at(self, 2*ms, func(self *coro.Self) error {
			err := d.Close(self)
			wantEqual(t, "calls when the second Close returns", []string{"write 0+512", "write 512+512", "flush 0+0", "close 0+0"}, s.calls)
			return err
		})
		late := at(self, 3*ms, func(self *coro.Self) error { return d.ReadAt(self, make([]byte, 512), 0) })
		wait(t, self, write, closing, second)
		if err := late.Wait(self); !errors.Is(err, blockio.ErrClosed) {
			t.Errorf("got error %v of a read while it is being closed, want %v", err, blockio.ErrClosed)
		}
	})
}

func TestCloseWaitsForDrainedSectionsOfOthers(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		s := newStub(8192, blockio.Limits{})
		d := open(t, self, s)
		d.DrainedBegin(self)
		held := at(self, 0, func(self *coro.Self) error { return d.ReadAt(self, make([]byte, 512), 0) })
		closing := at(self, ms, d.Close)
		aio.Sleep(self, 10*ms)
		if err := held.Wait(self); !errors.Is(err, blockio.ErrClosed) {
			t.Errorf("got error %v of a request that was held, want %v", err, blockio.ErrClosed)
		}
		s.wantCalls(t)
		d.DrainedEnd(self)
		wait(t, self, closing)
		s.wantCalls(t, "flush 0+0", "close 0+0")
	})
}

func TestFailedFlushInCloseClosesAllTheSame(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		s := newStub(8192, blockio.Limits{})
		s.fail = func(op blockio.Op, _, _ int64) error {
			if op == blockio.OpFlush {
				return syscall.EIO
			}
			return nil
		}
		d := open(t, self, s, blockio.WithName("disk"))
		err := d.Close(self)
		if !errors.Is(err, syscall.EIO) {
			t.Errorf("got error %v, want %v", err, syscall.EIO)
		}
		s.wantCalls(t, "flush 0+0", "close 0+0")
		must(t, d.Close(self))
	})
}

func TestOpenRefusesLimitsWithoutSense(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		for _, l := range []blockio.Limits{
			{Alignment: 3},
			{Alignment: -512},
			{Alignment: 1 << 30},
			{MemoryAlignment: 100},
			{Alignment: 4096, MaxTransfer: 512},
			{Alignment: 512, MaxTransfer: 1000},
			{MaxDiscard: 512, DiscardAlignment: 4096},
			{MaxPieces: -1},
		} {
			if _, err := blockio.Open(self, mem.New(8192, mem.WithLimits(l))); !errors.Is(err, blockio.ErrDriver) {
				t.Errorf("%+v: got error %v, want %v", l, err, blockio.ErrDriver)
			}
		}
	})
}

func TestUseOnAnotherLoopIsDiagnosed(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		d := open(t, self, mem.New(8192))
		thread := coro.NewThread()
		defer thread.Close()
		stranger := thread.New(func(self *coro.Self) {
			defer func() {
				var e *coro.UsageError
				if err, _ := recover().(error); !errors.As(err, &e) || !errors.Is(err, blockio.ErrElsewhere) {
					t.Errorf("got panic %v, want %v", err, blockio.ErrElsewhere)
				}
			}()
			_ = d.ReadAt(self, make([]byte, 512), 0)
		})
		thread.Enter(stranger)
		must(t, d.ReadAt(self, make([]byte, 512), 0))
	})
}
