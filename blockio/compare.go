package blockio

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/cosync"
)

// CompareOptions say how [Compare] goes about it. The zero value is fine.
type CompareOptions struct {
	// Coroutines is how many chunks are in flight, as in [CopyOptions].
	Coroutines int
	// Chunk is how many bytes of either device one request reads, as in
	// [CopyOptions].
	Chunk int
	// Context, unless nil, ends the comparison when it is done.
	Context context.Context
	// Progress is called as that of [CopyOptions].
	Progress func(CopyProgress)
	// ProgressEvery is as in [CopyOptions].
	ProgressEvery int64
}

// Compare reads two devices of the same size, except where both say that they
// have zeroes, and returns nil if they hold the same bytes. Else its error is a
// [*DifferentError] for the first byte that differs. It yields. It panics if a
// device is nil.
func Compare(self *coro.Self, a, b *Device, opts CompareOptions) error {
	mustBe(a, "Compare: the first device")
	mustBe(b, "Compare: the second device")
	if a.Size() != b.Size() {
		return fmt.Errorf("blockio: %w: %s has %d bytes, %s has %d", ErrSize, a.Name(), a.Size(), b.Name(), b.Size())
	}
	step, err := plan(&opts.Coroutines, opts.Chunk, a.Size(), a, b)
	if err == nil {
		c := newCrew(opts.Context, opts.Coroutines, a, b)
		err = compare(self, a, b, a.Size(), step, &c, opts)
		if c.ctx == nil || c.ctx.Err() == nil || !errors.Is(err, context.Cause(c.ctx)) {
			return err // which names the device, or both
		}
	}
	return fmt.Errorf("blockio: compare %s and %s: %w", a.Name(), b.Name(), err)
}

// compare compares the first size bytes of a and b.
func compare(self *coro.Self, a, b *Device, size, step int64, c *crew, opts CompareOptions) error {
	p := &comparison{
		size: size, step: step, limit: size,
		a: extents{dev: a, size: size}, b: extents{dev: b, size: size},
		tell: teller{stage: StageVerify, total: size, every: opts.ProgressEvery, call: opts.Progress},
	}
	p.plan.SetName("the plan of a comparison")
	err := c.run(self, "compare", func(self *coro.Self) error {
		var ours, theirs []byte // as late as that: what is zero on both needs none
		for {
			at, ok, err := p.next(self)
			if err != nil {
				return err
			}
			if !ok {
				if ours != nil {
					c.release(ours)
					c.release(theirs)
				}
				return nil
			}
			if !at.zero {
				if ours == nil {
					ours, theirs = c.buffer(int(p.step)), c.buffer(int(p.step))
				}
				if err := p.check(self, at.Range, ours[:at.Length], theirs[:at.Length]); err != nil {
					return err
				}
			}
			p.done += at.Length
			p.tell.progress(p.done)
			if err := c.turn(self); err != nil {
				return err
			}
		}
	})
	if err == nil && p.found != nil {
		return p.found
	}
	return err
}

// A comparison is the state of one compare.
type comparison struct {
	size  int64
	step  int64
	done  int64
	found *DifferentError
	limit int64 // nothing behind it matters any more
	tell  teller

	plan cosync.Mutex // held while next waits for a device
	pos  int64        // all before it has been given out
	a, b extents
}

// next gives out the next chunk. Chunks are given out in order, so that when all
// of them are done the difference found is the first.
func (p *comparison) next(self *coro.Self) (at chunk, ok bool, err error) {
	p.plan.Lock(self)
	defer p.plan.Unlock(self)
	if p.pos >= p.limit {
		return chunk{}, false, nil
	}
	sa, enda, err := p.a.at(self, p.pos)
	if err != nil {
		return chunk{}, false, err
	}
	sb, endb, err := p.b.at(self, p.pos)
	if err != nil {
		return chunk{}, false, err
	}
	end := p.pos
	if at.zero = sa&sb&Zero != 0; at.zero {
		end = cut(p.pos, min(enda, endb), p.size, p.step, p.step, true)
	}
	if end == p.pos {
		at.zero = false
		end = p.pos + min(p.size-p.pos, p.step-p.pos%p.step)
	}
	at.Range = Range{p.pos, end - p.pos}
	p.pos = end
	return at, true, nil
}

// check compares one chunk.
func (p *comparison) check(self *coro.Self, at Range, ours, theirs []byte) error {
	if err := p.a.dev.ReadAt(self, ours, at.Start); err != nil {
		return err
	}
	if err := p.b.dev.ReadAt(self, theirs, at.Start); err != nil {
		return err
	}
	if bytes.Equal(ours, theirs) {
		return nil
	}
	for i := range ours {
		if ours[i] != theirs[i] {
			if off := at.Start + int64(i); off < p.limit {
				p.limit = off
				p.found = &DifferentError{p.a.dev.Name(), p.b.dev.Name(), off, ours[i], theirs[i]}
			}
			break
		}
	}
	return nil
}
