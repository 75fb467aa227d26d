package cow_test

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/coro"
)

// A ledger knows what an overlay may hold after a power cut, cell by cell. Each
// cell has one writer at a time, and is filled with one byte.
type ledger struct {
	now   int
	cells [][]value
	sizes []int64 // that the overlay may have
}

// cellSize is half a sector, so that writes share sectors.
const cellSize = 256

// A value is one that a cell may have: written, and perhaps not yet flushed.
type value struct {
	v     byte
	ended int // 0 while the write goes on
}

// newLedger is that of an overlay of n cells of which the first have a pattern.
func newLedger(n, backing int) *ledger {
	l := &ledger{now: 1, sizes: []int64{int64(n) * cellSize}}
	for i := range n {
		v := byte(0)
		if i < backing {
			v = byte(i%250) + 1
		}
		l.cells = append(l.cells, []value{{v, 1}})
	}
	return l
}

// put does a write of v to cells; with durable, it is flushed when it succeeds.
func (l *ledger) put(i, n int, v byte, durable bool, do func() error) error {
	for k := i; k < i+n; k++ {
		l.cells[k] = append(l.cells[k], value{v: v})
	}
	if err := do(); err != nil {
		return err
	}
	l.now++
	for k := i; k < i+n; k++ {
		c := l.cells[k]
		c[len(c)-1].ended = l.now
		if durable {
			l.cells[k] = c[len(c)-1:]
		}
	}
	return nil
}

// flush does something that makes all durable that had ended before.
func (l *ledger) flush(do func() error) error {
	l.now++
	begin := l.now
	if err := do(); err != nil {
		return err
	}
	for k, c := range l.cells {
		last := 0
		for i, v := range c {
			if v.ended != 0 && v.ended <= begin {
				last = i
			}
		}
		l.cells[k] = c[last:]
	}
	return nil
}

// resize does a resize to n cells.
func (l *ledger) resize(n int, do func() error) error {
	for len(l.cells) < n {
		l.cells = append(l.cells, []value{{0, 1}})
	}
	l.sizes = append(l.sizes, int64(n)*cellSize)
	if err := do(); err != nil {
		return err
	}
	l.sizes = l.sizes[1:]
	for len(l.cells) > n {
		l.cells = l.cells[:len(l.cells)-1]
	}
	return nil
}

// check compares the overlay with what it may hold.
func (l *ledger) check(self *coro.Self, d *blockio.Device) error {
	if !slices.Contains(l.sizes, d.Size()) {
		return fmt.Errorf("the size is %d, may be %v", d.Size(), l.sizes)
	}
	p := make([]byte, d.Size())
	if err := d.ReadAt(self, p, 0); err != nil {
		return err
	}
	for i := range len(p) / cellSize {
		c := p[i*cellSize:][:cellSize]
		if !bytes.Equal(c, bytes.Repeat(c[:1], cellSize)) {
			return fmt.Errorf("cell %d is torn", i)
		}
		if !slices.ContainsFunc(l.cells[i], func(v value) bool { return v.v == c[0] }) {
			return fmt.Errorf("cell %d is %d, may be %v (value, when its write ended)", i, c[0], l.cells[i])
		}
	}
	return nil
}

// settle checks an overlay that was opened again, and takes what it holds.
func (l *ledger) settle(self *coro.Self, d *blockio.Device) error {
	if err := l.check(self, d); err != nil {
		return err
	}
	p := make([]byte, d.Size())
	if err := d.ReadAt(self, p, 0); err != nil {
		return err
	}
	for i := range l.cells {
		l.cells[i] = []value{{p[i*cellSize], l.now}}
	}
	return nil
}
