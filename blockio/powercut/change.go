package powercut

import (
	"fmt"
	"math/rand/v2"

	"github.com/gohandoff/coroutine/blockio"
)

// A change is one request that changes the disk, or a flush.
type change struct {
	op     blockio.Op
	off, n int64
	flags  blockio.Flags
	data   []byte // the caller's, while it is in flight
	idle   bool   // a discard that does nothing

	step   int  // 0 until it is done
	number int  // its place among what was done; of a flush, the last it covers
	forced bool // durable because of FUA; later ones may overwrite it
	fate   string
	pieces []piece
}

const inFlight = "in flight"

// A piece is whole sectors, as they are after a change. So one of them that
// survives has what earlier changes have done to other bytes of it, as a sector
// of a medium has.
type piece struct {
	off, n int64
	data   []byte // nil: zeroes
}

// perform does the change on s, and notes the sectors.
func (c *change) perform(s *store, sector int64) {
	switch {
	case c.op == blockio.OpFlush || c.idle:
	case c.op == blockio.OpResize:
		s.resize(c.n)
	case c.op == blockio.OpWrite:
		s.write(c.data, c.off)
		c.image(s, c.off, c.off+c.n, sector)
	default:
		c.zero(s, sector)
	}
}

// zero is perform for zeroes: there may be very many.
func (c *change) zero(s *store, sector int64) {
	end := min(c.off+c.n, s.size)
	if end <= c.off {
		return
	}
	s.zero(c.off, end-c.off)
	head, tail := (c.off+sector-1)&^(sector-1), end&^(sector-1)
	if head >= tail {
		c.image(s, c.off, end, sector)
		return
	}
	if c.off < head {
		c.image(s, c.off, head, sector)
	}
	c.pieces = append(c.pieces, piece{head, tail - head, nil})
	if tail < end {
		c.image(s, tail, end, sector)
	}
}

// image notes the sectors of a range.
func (c *change) image(s *store, off, end, sector int64) {
	off, end = off&^(sector-1), (end+sector-1)&^(sector-1)
	p := piece{off, end - off, make([]byte, end-off)}
	s.read(p.data, off)
	c.pieces = append(c.pieces, p)
}

// store stores all of the change in s.
func (c *change) store(s *store) {
	if c.op == blockio.OpResize {
		s.resize(c.n)
		return
	}
	for _, p := range c.pieces {
		p.store(s)
	}
}

func (p piece) store(s *store) {
	if p.data == nil {
		s.zero(p.off, max(0, min(p.n, s.size-p.off)))
		return
	}
	s.write(p.data, p.off)
}

// tear stores some sectors of the change in s, and returns how many of how many.
func (c *change) tear(s *store, sector int64, rng *rand.Rand) (kept, all int64) {
	for _, p := range c.pieces {
		n := p.n / sector
		all += n
		if p.data == nil { // not one by one
			k := rng.Int64N(n + 1)
			piece{p.off, k * sector, nil}.store(s)
			kept += k
			continue
		}
		for i := range n {
			if rng.IntN(2) == 0 {
				piece{p.off + i*sector, sector, p.data[i*sector:][:sector]}.store(s)
				kept++
			}
		}
	}
	return kept, all
}

// String tells what was asked for, and what became of it.
func (c *change) String() string {
	s := c.op.String()
	switch c.op {
	case blockio.OpFlush:
	case blockio.OpResize:
		s += fmt.Sprintf(" to %d bytes", c.n)
	default:
		s += fmt.Sprintf(" of %d bytes at %d", c.n, c.off)
	}
	if c.flags != 0 {
		s += " (" + c.flags.String() + ")"
	}
	if c.fate != "" {
		s += ": " + c.fate
	}
	if c.step == 0 {
		return "      -  " + s
	}
	return fmt.Sprintf("%7d  %s", c.step, s)
}

// A ring holds the last few changes.
type ring struct {
	last [24]*change
	n    int
}

func (r *ring) add(c *change) {
	r.last[r.n%len(r.last)] = c
	r.n++
}

// lines describes them, oldest first.
func (r *ring) lines() (s []string) {
	for i := max(0, r.n-len(r.last)); i < r.n; i++ {
		s = append(s, r.last[i%len(r.last)].String())
	}
	return s
}
