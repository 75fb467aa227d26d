package powercut

import (
	"fmt"

	"github.com/gohandoff/coroutine/blockio"
)

// A mood is how a disk takes a cut. If every sector always had its own chance,
// the plain cases, such as that all is lost, would hardly ever come.
type mood int

const (
	loseAll mood = iota
	keepAll
	whole // each change is kept or lost
	torn  // each sector is
	order // up to some change all is kept, that one is torn, the rest is lost
	moods
)

// cut decides what is left, in durable.
func (d *Disk) cut() {
	rng := d.power.rng
	// What is in flight may have happened, in any order.
	rng.Shuffle(len(d.flight), func(i, j int) { d.flight[i], d.flight[j] = d.flight[j], d.flight[i] })
	for _, c := range d.flight {
		if c.op == blockio.OpFlush {
			c.fate = "in flight, was not done"
			if rng.IntN(2) == 0 {
				c.fate = "in flight, was done"
				d.settle(c.number)
			}
		}
	}
	n := len(d.pending)
	for _, c := range d.flight {
		if c.op != blockio.OpFlush {
			d.do(c)
		}
	}
	how := mood(rng.IntN(int(moods)))
	last := rng.IntN(len(d.pending) + 1) // for order
	resizing := true
	for i, c := range d.pending {
		fate := d.decide(how, i, last, &resizing, c)
		if i >= n {
			fate = "in flight, " + fate
		}
		c.fate = fate
	}
	d.pending = nil
}

// decide has one change survive or not, and says which.
func (d *Disk) decide(how mood, i, last int, resizing *bool, c *change) string {
	rng := d.power.rng
	keep, tear := how == keepAll, how == torn
	switch how {
	case whole:
		keep = rng.IntN(2) == 0
	case order:
		keep, tear = i < last, i == last
	}
	switch {
	case c.forced:
		c.store(d.durable)
		return "durable by FUA"
	case c.op == blockio.OpResize:
		// One is kept only if those before it are.
		keep = keep || tear && rng.IntN(2) == 0
		*resizing = *resizing && keep
		if !*resizing {
			return "lost"
		}
		c.store(d.durable)
		return "kept"
	case keep:
		c.store(d.durable)
		return "kept"
	case tear:
		k, of := c.tear(d.durable, d.sector, rng)
		switch k {
		case 0:
			return "lost"
		case of:
			return "kept"
		}
		return fmt.Sprintf("torn, %d of %d sectors kept", k, of)
	}
	return "lost"
}
