package job

import (
	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/aio"
)

// look returns what the crew copies next: the first range behind the cursor that
// is to be copied and that no other member is copying, at most a chunk. It counts
// how often it has passed the end.
func (j *job) look() (r blockio.Range, ends int, ok bool) {
	for cursor := j.cursor; ends < 2; {
		r, ok = j.bits.Next(cursor, j.chunk)
		if !ok {
			cursor = 0
			ends++
			continue
		}
		c := j.claims.copied(r.Start, r.End())
		for ; c != nil && c.lo > r.Start; c = j.claims.copied(r.Start, r.End()) {
			r.Length = c.lo - r.Start
		}
		if c == nil {
			return r, ends, true
		}
		cursor = c.hi
	}
	return blockio.Range{}, ends, false
}

// pick is look for one who will copy it.
func (j *job) pick() (blockio.Range, bool) {
	r, ends, ok := j.look()
	for range ends {
		j.passed()
	}
	if ok {
		j.cursor = r.End()
	}
	return r, ok
}

// passed has the cursor begin again.
func (j *job) passed() {
	j.cursor = 0
	j.passes++
}

// do has a member of the crew copy what next returns, if there is something, and
// reports whether there was. It waits for the rate before: one member at a time,
// so that what all of them have taken is paid for, and not within the Do, where a
// drained section would wait, too.
func (j *job) do(self *coro.Self, next func() (blockio.Range, bool), copy func(self *coro.Self, r blockio.Range) error) (ok bool, err error) {
	paid, paying := int64(0), j.pace.Rate > 0
	unlock := func() {
		if paying {
			paying = false
			j.paying.Unlock(self)
		}
	}
	if paying {
		j.paying.Lock(self)
		defer unlock()
		r, _, _ := j.look()
		paid = r.Length
		j.pace.Wait(self, paid)
	}
	err = j.src.Do(self, func(self *coro.Self) error {
		var r blockio.Range
		if !j.ended {
			r, ok = next()
		}
		j.pace.Take(r.Length - paid)
		unlock()
		if !ok {
			return nil
		}
		return copy(self, r)
	})
	return ok, err
}

// turns lets others run after a while, also if no driver yields: timers, those
// who cancel.
func (j *job) turns(self *coro.Self) {
	if j.steps++; j.steps%stepsPerTurn == 0 {
		aio.Yield(self)
	}
}

// stepsPerTurn is how many pieces are copied before others are let run: a few
// milliseconds in memory, microseconds if they are holes.
const stepsPerTurn = 16

// zeroStep is the most that is made zeroes at a time, in case the medium has to
// write them: writes to the range wait for it, and drained sections.
const zeroStep = 16 << 20

// move copies a range from below the source to the target. The caller has the
// claim on it. Nothing is read that is known to be zeroes.
func (j *job) move(self *coro.Self, r blockio.Range) error {
	var buf []byte
	for r.Length > 0 {
		status, n, err := j.below.BlockStatus(self, r.Start, r.Length)
		if err != nil {
			return err
		}
		zero := status&blockio.Zero != 0
		if n < r.Length { // a block that is zeroes in part is data
			if zero = zero && n >= j.block; zero {
				n &^= j.block - 1
			} else {
				n = min(r.Length, (n+j.block-1)&^(j.block-1))
			}
		}
		if zero {
			n = min(n, zeroStep)
			err = j.zero(self, r.Start, n)
		} else {
			if buf == nil {
				buf = j.buffer()
			}
			n = min(n, int64(len(buf)))
			err = j.data(self, buf[:n], r.Start)
		}
		if err != nil {
			return err
		}
		r.Start += n
		r.Length -= n
		j.turns(self)
	}
	if buf != nil {
		j.spare = append(j.spare, buf)
	}
	return nil
}

// data copies what is no zeroes, or not known to be.
func (j *job) data(self *coro.Self, p []byte, off int64) error {
	if err := j.below.ReadAt(self, p, off); err != nil {
		return err
	}
	j.moved.Data += int64(len(p))
	return j.dst.WriteAt(self, p, off)
}

// zero makes the target read as zeroes; where it has a hole already, nothing is
// to be done.
func (j *job) zero(self *coro.Self, off, n int64) error {
	j.moved.Zeroes += n
	status, k, err := j.dst.BlockStatus(self, off, n)
	if err != nil {
		return err
	}
	if status == blockio.Zero && k == n {
		return nil
	}
	return j.dst.WriteZeroes(self, off, n, blockio.MayUnmap)
}

// buffer returns a buffer of a piece that both drivers can use as it is. It is
// kept again by move, but not if that is unwound, when a driver may still use it.
func (j *job) buffer() []byte {
	if last := len(j.spare) - 1; last >= 0 {
		b := j.spare[last]
		j.spare = j.spare[:last]
		return b
	}
	if j.dst.Limits().MemoryAlignment > j.below.Limits().MemoryAlignment {
		return j.dst.NewBuffer(int(j.piece))
	}
	return j.below.NewBuffer(int(j.piece))
}
