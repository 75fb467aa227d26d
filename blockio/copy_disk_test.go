package blockio_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/aio"
)

// copyBlock is the block of a copyDisk, small so that random disks have many.
const copyBlock = 512

// A copyDisk is a driver for tests of Copy: bytes in memory, with holes, delays
// and faults.
type copyDisk struct {
	name   string
	data   []byte
	mapped []bool // of each block: it is no hole
	limits blockio.Limits
	delay  func() time.Duration                   // nil: never yields
	fault  func(op string, r blockio.Range) error // may be nil

	reads, writes, zeroes, flushes int
	busy, mostBusy                 int
}

func newCopyDisk(name string, size int) *copyDisk {
	return &copyDisk{name: name, data: make([]byte, size), mapped: make([]bool, (size+copyBlock-1)/copyBlock)}
}

// randomCopyDisk makes a disk with holes, data, and data that is zeroes.
func randomCopyDisk(rng *rand.Rand, name string, size int) *copyDisk {
	d := newCopyDisk(name, size)
	for off := 0; off < size; {
		n := min(size-off, copyBlock*(1+rng.IntN(40)))
		if kind := rng.IntN(3); kind > 0 {
			for i := off; i < off+n; i++ {
				if kind == 2 {
					d.data[i] = byte(rng.Uint32())
				}
				d.mapped[i/copyBlock] = true
			}
		}
		off += n
	}
	return d
}

// call is what every request goes through.
func (d *copyDisk) call(self *coro.Self, op string, off, n int64, fn func()) error {
	d.busy++
	d.mostBusy = max(d.mostBusy, d.busy)
	defer func() { d.busy-- }()
	if d.delay != nil {
		aio.Sleep(self, d.delay())
	}
	if d.fault != nil {
		if err := d.fault(op, blockio.Range{Start: off, Length: n}); err != nil {
			return err
		}
	}
	if a := int64(max(d.limits.Alignment, 1)); off%a != 0 || n%a != 0 {
		return fmt.Errorf("%s of %d bytes at %d is not aligned", op, n, off)
	}
	fn()
	return nil
}

func (d *copyDisk) ReadAt(self *coro.Self, p []byte, off int64) error {
	d.reads++
	return d.call(self, "read", off, int64(len(p)), func() {
		clear(p)
		copy(p, d.data[min(off, int64(len(d.data))):])
	})
}

func (d *copyDisk) WriteAt(self *coro.Self, p []byte, off int64, _ blockio.Flags) error {
	d.writes++
	return d.call(self, "write", off, int64(len(p)), func() {
		n := copy(d.data[off:], p)
		d.mark(off, int64(n), true)
	})
}

func (d *copyDisk) mark(off, n int64, mapped bool) {
	for i := off / copyBlock; i*copyBlock < off+n; i++ {
		d.mapped[i] = mapped
	}
}

func (d *copyDisk) WriteZeroes(self *coro.Self, off, n int64, flags blockio.Flags) error {
	d.zeroes++
	return d.call(self, "zeroes", off, n, func() {
		end := min(off+n, int64(len(d.data)))
		clear(d.data[off:end])
		if flags&blockio.MayUnmap != 0 {
			first, last := (off+copyBlock-1)/copyBlock*copyBlock, end
			if end < int64(len(d.data)) {
				last = end / copyBlock * copyBlock
			}
			if last > first {
				d.mark(first, last-first, false)
			}
		} else {
			d.mark(off, end-off, true)
		}
	})
}

func (d *copyDisk) BlockStatus(self *coro.Self, off, n int64) (s blockio.Status, l int64, err error) {
	err = d.call(self, "status", 0, 0, func() {
		i := off / copyBlock
		j := i
		for j < int64(len(d.mapped)) && d.mapped[j] == d.mapped[i] {
			j++
		}
		s, l = blockio.Zero, min(n, j*copyBlock-off)
		if d.mapped[i] {
			s = blockio.Data
		}
	})
	return s, l, err
}

func (d *copyDisk) Resize(self *coro.Self, n int64) error {
	return d.call(self, "resize", 0, 0, func() {
		d.data = append(slices.Clone(d.data[:min(n, int64(len(d.data)))]), make([]byte, max(0, n-int64(len(d.data))))...)
		mapped := make([]bool, (n+copyBlock-1)/copyBlock)
		copy(mapped, d.mapped)
		d.mapped = mapped
	})
}

func (d *copyDisk) Flush(self *coro.Self) error {
	d.flushes++
	return d.call(self, "flush", 0, 0, func() {})
}
func (d *copyDisk) Size() int64            { return int64(len(d.data)) }
func (d *copyDisk) Limits() blockio.Limits { return d.limits }
func (d *copyDisk) Close(*coro.Self) error { return nil }
func (d *copyDisk) String() string         { return d.name }

// holes returns how many blocks are holes.
func (d *copyDisk) holes() (n int) {
	for _, m := range d.mapped {
		if !m {
			n++
		}
	}
	return n
}

// copyLoop runs body as a task of a loop with a virtual clock, on both handoffs.
func copyLoop(t *testing.T, body func(t *testing.T, self *coro.Self)) {
	t.Helper()
	for _, h := range []coro.Handoff{coro.Channel, coro.Direct} {
		t.Run(h.String(), func(t *testing.T) {
			loop := aio.NewLoop(aio.WithThread(coro.WithHandoff(h)), aio.WithClock(aio.NewVirtualClock(time.Unix(0, 0))))
			defer loop.Close()
			loop.Go(func(self *coro.Self) error {
				body(t, self)
				return nil
			})
			if err := loop.Run(t.Context()); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func openCopyDisk(t *testing.T, self *coro.Self, d *copyDisk) *blockio.Device {
	t.Helper()
	dev, err := blockio.Open(self, d)
	if err != nil {
		t.Fatal(err)
	}
	return dev
}

// randomDelays makes each request of the disks take a while, so that they come
// back in any order.
func randomDelays(rng *rand.Rand, disks ...*copyDisk) {
	for _, d := range disks {
		d.delay = func() time.Duration { return time.Duration(rng.IntN(1000)) * time.Microsecond }
	}
}

func sameData(t *testing.T, got, want *copyDisk) {
	t.Helper()
	if !bytes.Equal(got.data, want.data) {
		t.Errorf("%s differs from %s", got.name, want.name)
	}
}

var errMedium = errors.New("medium error")

// sleepThen runs fn on the loop after d.
func sleepThen(self *coro.Self, d time.Duration, fn func()) {
	aio.Go(self, func(self *coro.Self) error {
		aio.Sleep(self, d)
		fn()
		return nil
	}).Detach()
}
