package blockio

import (
	"context"
	"fmt"

	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/aio"
)

// A crew is a number of coroutines that do the chunks of one piece of work, each
// taking the next one when it is done with its last. All of it is used by
// coroutines of one loop, without a lock.
//
// The other way, a coroutine for each chunk, starts a thousand coroutines for
// each GiB, and needs the limit besides.
type crew struct {
	devices [2]*Device
	ctx     context.Context // may be nil
	size    int             // how many coroutines
	tasks   []*aio.Task     // those at work
	stopped bool            // ctx is done
	spare   [][]byte        // buffers that nobody uses, each of the one length
	align   int             // of their addresses
}

// newCrew makes a crew of size coroutines that work on a and b.
func newCrew(ctx context.Context, size int, a, b *Device) crew {
	return crew{devices: [2]*Device{a, b}, ctx: ctx, size: size, align: max(a.limits.MemoryAlignment, b.limits.MemoryAlignment)}
}

// run has the crew call work, each member once, and waits for all of them: when
// it returns, none of their requests is in flight. The first error ends it, as
// does the context, with its cause. Where owner has a device drained, they are let
// in on its behalf.
func (c *crew) run(owner *coro.Self, name string, work func(self *coro.Self) error) error {
	g := aio.Group{FailFast: true}
	if c.ctx != nil {
		if c.ctx.Err() != nil {
			return context.Cause(c.ctx)
		}
		loop := aio.LoopOf(owner)
		stop := context.AfterFunc(c.ctx, func() { loop.Post(c.stop) })
		defer stop()
	}
	for i := range c.size {
		g.Go(owner, func(self *coro.Self) error {
			if c.stopped {
				return context.Cause(c.ctx)
			}
			for _, d := range c.devices {
				defer d.help(owner, self)()
			}
			t := aio.TaskOf(self)
			t.SetName(fmt.Sprintf("%s %d", name, i+1))
			c.tasks = append(c.tasks, t)
			return work(self)
		})
	}
	return g.Wait(owner)
}

// turn is called by a member between two chunks. Others have their turn, also where
// no driver ever waits, and the context is heeded.
func (c *crew) turn(self *coro.Self) error {
	if c.ctx != nil && c.ctx.Err() != nil {
		return context.Cause(c.ctx)
	}
	aio.Yield(self)
	return nil
}

// stop unwinds the members where they wait: a rate limit, a slow medium. It is
// called by the leader of the loop.
func (c *crew) stop() {
	c.stopped = true
	for _, t := range c.tasks {
		t.Cancel(context.Cause(c.ctx))
	}
	c.tasks = nil
}

// buffer returns a buffer of n bytes, the same n each time, that any driver can
// use as it is.
func (c *crew) buffer(n int) []byte {
	if last := len(c.spare) - 1; last >= 0 {
		b := c.spare[last]
		c.spare = c.spare[:last]
		return b
	}
	return alignedBytes(n, c.align)
}

// release takes a buffer back. It must not be called for one that a killed
// coroutine's request may still use; such a one is left to the collector.
func (c *crew) release(b []byte) { c.spare = append(c.spare, b) }
