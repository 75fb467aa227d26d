package verify

import (
	"errors"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/coro"
)

// A side is one of the two drivers. What it is asked is aligned to the larger of
// the two alignments, and may reach past the end of its own last block; there it
// has zeroes, and gets zeroes, which it need not see.
type side struct {
	blockio.Driver
	align int64
}

func newSide(d blockio.Driver) side { return side{d, int64(max(1, d.Limits().Alignment))} }

// clip returns how many of n bytes from off are in the blocks of the driver.
func (s side) clip(off, n int64) int64 {
	end := (s.Size() + s.align - 1) &^ (s.align - 1)
	return max(0, min(n, end-off))
}

func (s side) read(self *coro.Self, p []byte, off int64) error {
	n := s.clip(off, int64(len(p)))
	clear(p[n:])
	if n == 0 {
		return nil
	}
	return s.ReadAt(self, p[:n], off)
}

func (s side) write(self *coro.Self, p []byte, off int64, flags blockio.Flags) error {
	n := s.clip(off, int64(len(p)))
	if n == 0 {
		return nil
	}
	return s.WriteAt(self, p[:n], off, flags)
}

// discard does nothing where the driver cannot.
func (s side) discard(self *coro.Self, off, n int64) error {
	x, ok := s.Driver.(blockio.Discarder)
	if n = s.clip(off, n); !ok || n == 0 {
		return nil
	}
	err := x.Discard(self, off, n)
	if errors.Is(err, blockio.ErrNotSupported) {
		return nil
	}
	return err
}

func (s side) zero(self *coro.Self, off, n int64, flags blockio.Flags) error {
	x, ok := s.Driver.(blockio.ZeroWriter)
	if !ok {
		return blockio.ErrNotSupported
	}
	if n = s.clip(off, n); n == 0 {
		return nil
	}
	return x.WriteZeroes(self, off, n, flags)
}

func (s side) resize(self *coro.Self, n int64) error {
	x, ok := s.Driver.(blockio.Resizer)
	if !ok {
		return blockio.ErrNotSupported
	}
	return x.Resize(self, n)
}
