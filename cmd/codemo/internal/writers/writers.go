// Package writers is a load for demonstrations: coroutines that write to a device
// at random and know afterwards what each block must hold.
package writers

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"hash/maphash"
	"math/rand/v2"
	"time"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/aio"
)

// Options say what is written.
type Options struct {
	// Coroutines is how many write, each one block after the other.
	Coroutines int
	// Block is the length of a write, in bytes.
	Block int64
	// Rate is how many bytes a second they write at most; 0 is no limit.
	Rate int64
	// Seed decides which blocks.
	Seed uint64
	// Context, unless nil, ends the checks of what was written with its cause.
	Context context.Context
}

// A Load is coroutines that write. It belongs to the loop of its device.
type Load struct {
	dev  *blockio.Device
	o    Options
	crew aio.Group
	stop bool

	written map[int64]uint64 // by block: how often
	before  map[int64]uint64 // by block: a hash of what it held at first
	seed    maphash.Seed

	// Writes is how many were done, Longest how long the longest took.
	Writes  int64
	Longest time.Duration
}

// Start has the coroutines begin to write to dev.
func Start(self *coro.Self, dev *blockio.Device, o Options) (*Load, error) {
	blocks := dev.Size() / o.Block
	if blocks == 0 && o.Coroutines > 0 {
		return nil, fmt.Errorf("%s has %d bytes: want room for a write of %d", dev.Name(), dev.Size(), o.Block)
	}
	o.Coroutines = int(min(int64(o.Coroutines), blocks))
	l := &Load{dev: dev, o: o, written: map[int64]uint64{}, before: map[int64]uint64{}, seed: maphash.MakeSeed()}
	l.crew.FailFast = true
	for i := range o.Coroutines {
		l.crew.Go(self, func(self *coro.Self) error {
			aio.TaskOf(self).SetName(fmt.Sprintf("writer %d", i+1))
			return l.work(self, int64(i), blocks)
		})
	}
	return l, nil
}

// Stop waits until all have done their last write.
func (l *Load) Stop(self *coro.Self) error {
	l.stop = true
	return l.crew.Wait(self)
}

// work is one of the coroutines. Of every so many blocks one is its own, so that
// no two write to the same one and each knows what must be there.
func (l *Load) work(self *coro.Self, id, blocks int64) error {
	rng := rand.New(rand.NewPCG(l.o.Seed, uint64(id)))
	loop, n := aio.LoopOf(self), int64(l.o.Coroutines)
	mine := (blocks - id + n - 1) / n
	p := l.dev.NewBuffer(int(l.o.Block))
	next := loop.Now()
	for !l.stop {
		block := rng.Int64N(mine)*n + id
		if _, known := l.before[block]; !known {
			if err := l.dev.ReadAt(self, p, block*l.o.Block); err != nil {
				return err
			}
			l.before[block] = maphash.Bytes(l.seed, p)
		}
		generate(p, block, l.written[block]+1)
		begin := loop.Now()
		if err := l.dev.WriteAt(self, p, block*l.o.Block); err != nil {
			return err
		}
		l.Longest = max(l.Longest, loop.Now().Sub(begin))
		l.written[block]++
		l.Writes++
		if l.o.Rate > 0 {
			next = next.Add(time.Duration(float64(l.o.Block*n) / float64(l.o.Rate) * float64(time.Second)))
			if wait := next.Sub(loop.Now()); wait > 0 && !l.stop {
				aio.Sleep(self, min(wait, time.Second))
			}
		} else {
			aio.Yield(self)
		}
	}
	return nil
}

// generate fills p with what a block holds after so many writes.
func generate(p []byte, block int64, times uint64) {
	rng := rand.New(rand.NewPCG(uint64(block), times))
	for ; len(p) >= 8; p = p[8:] {
		binary.LittleEndian.PutUint64(p, rng.Uint64())
	}
	for i := range p {
		p[i] = byte(rng.Uint32())
	}
}

// Blocks returns how many blocks were written.
func (l *Load) Blocks() int { return len(l.written) }

// enough returns why the checks are to end.
func (l *Load) enough() error {
	if l.o.Context == nil {
		return nil
	}
	return context.Cause(l.o.Context)
}

// CheckLast returns an error unless dev holds in each block that was written what
// was written there last.
func (l *Load) CheckLast(self *coro.Self, dev *blockio.Device) error {
	p, want := dev.NewBuffer(int(l.o.Block)), make([]byte, l.o.Block)
	for block, times := range l.written {
		if err := l.enough(); err != nil {
			return err
		}
		if err := dev.ReadAt(self, p, block*l.o.Block); err != nil {
			return err
		}
		if generate(want, block, times); !bytes.Equal(p, want) {
			return fmt.Errorf("%s: the %d bytes at %d are not what was written there last", dev.Name(), len(p), block*l.o.Block)
		}
	}
	return nil
}

// CheckFirst returns an error unless dev holds in each block that was written what
// was there before.
func (l *Load) CheckFirst(self *coro.Self, dev *blockio.Device) error {
	p := dev.NewBuffer(int(l.o.Block))
	for block, want := range l.before {
		if err := l.enough(); err != nil {
			return err
		}
		if err := dev.ReadAt(self, p, block*l.o.Block); err != nil {
			return err
		}
		if maphash.Bytes(l.seed, p) != want {
			return fmt.Errorf("%s: the %d bytes at %d are not what was there at the start", dev.Name(), len(p), block*l.o.Block)
		}
	}
	return nil
}

// CheckRest returns an error unless a and b hold the same in all blocks that were
// not written.
func (l *Load) CheckRest(self *coro.Self, a, b *blockio.Device) error {
	const step = 1 << 20
	x, y := a.NewBuffer(step), b.NewBuffer(step)
	for off := int64(0); off < a.Size(); off += step {
		if err := l.enough(); err != nil {
			return err
		}
		n := min(step, a.Size()-off)
		if err := a.ReadAt(self, x[:n], off); err != nil {
			return err
		}
		if err := b.ReadAt(self, y[:n], off); err != nil {
			return err
		}
		if bytes.Equal(x[:n], y[:n]) {
			continue
		}
		for i := range n {
			if _, written := l.written[(off+i)/l.o.Block]; x[i] != y[i] && !written {
				return &blockio.DifferentError{A: a.Name(), B: b.Name(), Offset: off + i, InA: x[i], InB: y[i]}
			}
		}
	}
	return nil
}
