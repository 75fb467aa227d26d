// Package iobench measures a block device: so many requests in flight at a time,
// of one size, here and there or one after the other, reads, writes or both.
package iobench

import (
	"context"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/aio"
)

// Options say what is asked of the device. All but those that say so must be set.
type Options struct {
	// Depth is how many coroutines send requests, each one at a time.
	Depth int
	// Count is how many requests are sent, Time for how long; the first that
	// is reached ends it. 0 is no limit.
	Count int64
	Time  time.Duration
	// BlockSize is the length of a request, in bytes.
	BlockSize int64
	// Offset is where the range begins that is used; Step is how far one
	// request is from the next, if they are not Random: then each begins at a
	// multiple of BlockSize from Offset on.
	Offset, Step int64
	Random       bool
	// Reads is how many of a hundred requests are reads; the others write.
	Reads int
	// Seed decides which places and which operations; one seed always gives
	// the same.
	Seed uint64
	// Pattern is the byte that is written.
	Pattern byte
	// Durable has each write durable when it returns.
	Durable bool
	// FlushEvery has the device flushed after so many writes; 0 is never.
	// Unless NoDrain is set, nothing else is in flight then.
	FlushEvery int64
	NoDrain    bool
	// Context, unless nil, ends it, too.
	Context context.Context
	// Progress, unless nil, is called ten times a second or so.
	Progress func(Progress)
}

// Progress tells how far a run is.
type Progress struct {
	// Requests is how many were sent, in Elapsed since the first.
	Requests int64
	Elapsed  time.Duration
	// Part is how much of the whole that is, 0 to 1.
	Part float64
}

// A Result is what was measured.
type Result struct {
	// Elapsed is the time from the first request to the end of the last.
	Elapsed time.Duration
	// Stats are the device's.
	Stats *blockio.Stats
	// User and System are the CPU time that the process took, and CPU says
	// whether the system tells.
	User, System time.Duration
	CPU          bool
	// Stopped says that Context ended it.
	Stopped bool
}

// Requests returns how many reads and writes were done.
func (r *Result) Requests() int64 {
	return int64(r.Stats.Op(blockio.OpRead).Requests + r.Stats.Op(blockio.OpWrite).Requests)
}

// Bytes returns how many bytes they moved.
func (r *Result) Bytes() int64 {
	return int64(r.Stats.Op(blockio.OpRead).Bytes + r.Stats.Op(blockio.OpWrite).Bytes)
}

// turn is after how many requests a coroutine lets others have a turn that would
// not wait of its own: what is at hand at once leaves nothing to the loop, which
// could then not even end the run.
const turn = 32

// tick is the time between two looks at how far it is.
const tick = 100 * time.Millisecond

// A bench is a run.
type bench struct {
	o       Options
	dev     *blockio.Device
	rng     *rand.Rand
	places  int64 // how many blocks there are
	sent    int64
	written int64
	next    int64 // of the next request in order, behind Offset
	start   time.Time
	stop    bool
}

// Run measures dev, which nobody else uses. The coroutine that calls it waits
// until all is done. The first request that fails ends it.
func Run(self *coro.Self, dev *blockio.Device, o Options) (Result, error) {
	b := &bench{
		o: o, dev: dev, rng: rand.New(rand.NewPCG(o.Seed, 0)),
		places: (dev.Size() - o.Offset) / o.BlockSize,
	}
	user, system, cpu := cpuTime()
	b.start = aio.LoopOf(self).Now()
	ticker := aio.Go(self, b.watch).SetName("ticker")
	crew := aio.Group{FailFast: true}
	for i := range o.Depth {
		crew.Go(self, func(self *coro.Self) error {
			self.Coroutine().SetName("bench " + strconv.Itoa(i+1))
			return b.work(self)
		})
	}
	err := crew.Wait(self)
	r := Result{Elapsed: aio.LoopOf(self).Now().Sub(b.start), Stats: dev.Stats(), CPU: cpu}
	u, s, _ := cpuTime()
	r.User, r.System = u-user, s-system
	r.Stopped = o.Context != nil && o.Context.Err() != nil
	ticker.Cancel(nil)
	return r, err
}

// watch ends the run when its time is over, and tells how far it is.
func (b *bench) watch(self *coro.Self) error {
	for !b.stop {
		wait := tick
		elapsed := aio.LoopOf(self).Now().Sub(b.start)
		if b.o.Time > 0 {
			if elapsed >= b.o.Time {
				b.stop = true
				return nil
			}
			wait = min(wait, b.o.Time-elapsed)
		}
		if b.o.Context != nil && b.o.Context.Err() != nil {
			b.stop = true
		}
		if b.o.Progress != nil {
			b.o.Progress(b.progress(elapsed))
		}
		aio.Sleep(self, wait)
	}
	return nil
}

func (b *bench) progress(elapsed time.Duration) Progress {
	p := Progress{Requests: b.sent, Elapsed: elapsed}
	if b.o.Time > 0 {
		p.Part = float64(elapsed) / float64(b.o.Time)
	}
	if b.o.Count > 0 {
		p.Part = max(p.Part, float64(b.sent)/float64(b.o.Count))
	}
	return p
}

// work is one of the coroutines: one request after the other.
func (b *bench) work(self *coro.Self) error {
	p := b.dev.NewBuffer(int(b.o.BlockSize))
	for i := range p {
		p[i] = b.o.Pattern
	}
	flags := blockio.Flags(0)
	if b.o.Durable {
		flags = blockio.FUA
	}
	// What is read must not be what is written next.
	in := p
	if b.o.Reads > 0 && b.o.Reads < 100 {
		in = b.dev.NewBuffer(int(b.o.BlockSize))
	}
	for done := 1; b.more(); done++ {
		off := b.place()
		if b.reads() {
			if err := b.dev.ReadAt(self, in, off); err != nil {
				return err
			}
		} else {
			if err := b.dev.WriteAtFlags(self, p, off, flags); err != nil {
				return err
			}
			if err := b.flush(self); err != nil {
				return err
			}
		}
		if done%turn == 0 {
			aio.Yield(self)
		}
	}
	return nil
}

// more takes the right to send one request more.
func (b *bench) more() bool {
	if b.stop || b.o.Count > 0 && b.sent == b.o.Count {
		return false
	}
	b.sent++
	return true
}

// place returns where the next request goes.
func (b *bench) place() int64 {
	if b.o.Random {
		return b.o.Offset + b.rng.Int64N(b.places)*b.o.BlockSize
	}
	// Modulo the range, so that a step of many blocks comes to others in the
	// next round.
	whole := b.places * b.o.BlockSize
	pos := b.next % whole
	if pos > whole-b.o.BlockSize {
		pos = 0
	}
	b.next = pos + b.o.Step
	return b.o.Offset + pos
}

// reads decides whether the next request does.
func (b *bench) reads() bool {
	switch b.o.Reads {
	case 0, 100:
		return b.o.Reads > 0
	}
	return b.rng.IntN(100) < b.o.Reads
}

// flush flushes if it is time to, after a write.
func (b *bench) flush(self *coro.Self) error {
	b.written++
	if b.o.FlushEvery == 0 || b.written%b.o.FlushEvery != 0 {
		return nil
	}
	if !b.o.NoDrain {
		b.dev.DrainedBegin(self)
		defer b.dev.DrainedEnd(self)
	}
	return b.dev.Flush(self)
}
