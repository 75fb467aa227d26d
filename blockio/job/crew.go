package job

import (
	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/coro"
)

// pick returns what the crew copies next: the first range behind the cursor that
// is to be copied and that no other member is copying, at most a chunk.
func (j *job) pick() (blockio.Range, bool) {
	for ends := 0; ends < 2; {
		r, ok := j.bits.Next(j.cursor, j.chunk)
		if !ok {
			j.passed()
			ends++
			continue
		}
		c := j.claims.copied(r.Start, r.End())
		for ; c != nil && c.lo > r.Start; c = j.claims.copied(r.Start, r.End()) {
			r.Length = c.lo - r.Start
		}
		if c != nil {
			j.cursor = c.hi
			continue
		}
		j.cursor = r.End()
		return r, true
	}
	return blockio.Range{}, false
}

// passed has the cursor begin again.
func (j *job) passed() {
	j.cursor = 0
	j.passes++
}

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

// buffer returns a buffer of a chunk that both drivers can use as it is. It is
// kept again by move, but not if that is unwound, when a driver may still use it.
func (j *job) buffer() []byte {
	if last := len(j.spare) - 1; last >= 0 {
		b := j.spare[last]
		j.spare = j.spare[:last]
		return b
	}
	if j.dst.Limits().MemoryAlignment > j.below.Limits().MemoryAlignment {
		return j.dst.NewBuffer(int(j.chunk))
	}
	return j.below.NewBuffer(int(j.chunk))
}
