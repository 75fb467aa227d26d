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
	"github.com/gohandoff/coroutine/coro/cosync"
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
	// Context, unless nil, ends it, too, within a tenth of a second: requests
	// in flight then are cancelled, and are not in the result.
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
	alone   cosync.Mutex // of who drains the device
	next    int64        // of the next request in order, behind Offset
	start   time.Time
	stop    bool // no more requests
	crew    *aio.Task
	stopped *Result // the figures when Context was done

	user, system time.Duration // CPU time at the start
	cpu          bool
}

// Run measures dev, which nobody else uses. The coroutine that calls it waits
// until all is done. The first request that fails ends it.
func Run(self *coro.Self, dev *blockio.Device, o Options) (Result, error) {
	b := &bench{
		o: o, dev: dev, rng: rand.New(rand.NewPCG(o.Seed, 0)),
		places: (dev.Size() - o.Offset) / o.BlockSize,
	}
	b.user, b.system, b.cpu = cpuTime()
	b.start = aio.LoopOf(self).Now()
	b.crew = aio.Go(self, b.work).SetName("crew")
	ticker := aio.Go(self, b.watch).SetName("ticker")
	err := b.crew.Wait(self)
	ticker.Cancel(nil)
	if b.stopped != nil {
		return *b.stopped, nil
	}
	return b.result(self), err
}

// result returns the figures as they are now.
func (b *bench) result(self *coro.Self) Result {
	r := Result{Elapsed: aio.LoopOf(self).Now().Sub(b.start), Stats: b.dev.Stats(), CPU: b.cpu}
	user, system, _ := cpuTime()
	r.User, r.System = user-b.user, system-b.system
	return r
}

// watch ends the run when its time is over or somebody has enough of it, and tells
// how far it is.
func (b *bench) watch(self *coro.Self) error {
	for {
		wait := tick
		elapsed := aio.LoopOf(self).Now().Sub(b.start)
		b.stop = b.o.Time > 0 && elapsed >= b.o.Time
		if b.o.Time > 0 && !b.stop {
			wait = min(wait, b.o.Time-elapsed)
		}
		if ctx := b.o.Context; ctx != nil && ctx.Err() != nil {
			r := b.result(self)
			r.Stopped = true
			b.stopped = &r
			b.crew.Cancel(context.Cause(ctx))
			return nil
		}
		if b.o.Progress != nil {
			b.o.Progress(b.progress(elapsed))
		}
		aio.Sleep(self, wait)
	}
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

// work has all coroutines do their part.
func (b *bench) work(self *coro.Self) error {
	crew := aio.Group{FailFast: true}
	for i := range b.o.Depth {
		crew.Go(self, func(self *coro.Self) error {
			self.Coroutine().SetName("bench " + strconv.Itoa(i+1))
			return b.requests(self)
		})
	}
	return crew.Wait(self)
}

// requests is one of the coroutines: one request after the other.
func (b *bench) requests(self *coro.Self) error {
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
	b.next = int64((uint64(pos) + uint64(b.o.Step)) % uint64(whole)) // which is no overflow
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
		// One at a time: two who have the device drained would wait for each other.
		b.alone.Lock(self)
		defer b.alone.Unlock(self)
		b.dev.DrainedBegin(self)
		defer b.dev.DrainedEnd(self)
	}
	return b.dev.Flush(self)
}
