package blockio

import (
	"slices"
	"time"

	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/aio"
)

// A saver has the checkpoint of a [Copy] stored now and then. It needs no timer
// and no coroutine: whoever has done a chunk when it is time does it, and the
// others go on.
type saver struct {
	call  func(self *coro.Self, cp *Checkpoint) error
	every time.Duration
	next  time.Time
	busy  bool
}

func (s *saver) begin(opts CopyOptions, now time.Time) {
	s.call, s.every = opts.Save, opts.SaveEvery
	if s.every <= 0 {
		s.every = DefaultSaveEvery
	}
	s.next = now.Add(s.every)
}

// save saves if it is time. The state is taken before the flush: of what is done
// meanwhile nobody knows whether it is covered.
func (s *saver) save(self *coro.Self, c *copier) error {
	now := aio.LoopOf(self).Now()
	if s.call == nil || s.busy || now.Before(s.next) || c.done().Bytes() == c.size {
		return nil
	}
	s.busy = true
	defer func() { s.busy = false }()
	cp := &Checkpoint{Size: c.size, Done: c.done().clone()}
	if err := c.dst.dev.Flush(self); err != nil {
		return err
	}
	if err := s.call(self, cp); err != nil {
		return err
	}
	s.next = aio.LoopOf(self).Now().Add(s.every)
	return nil
}

// clone returns a set of the same bytes.
func (s *Ranges) clone() Ranges { return Ranges{list: slices.Clone(s.list), sum: s.sum} }
