package powercut

import (
	"errors"
	"math/rand/v2"

	"github.com/gohandoff/coroutine/coro"
)

// ErrPowerCut is the error of every call of a [Disk] from the power cut on.
var ErrPowerCut = errors.New("powercut: the power is off")

// A Power supplies disks, which lose it all at the same time. It belongs to the
// line of control of one loop, as its disks do. For most tests, [Run] does what
// is needed.
type Power struct {
	rng   *rand.Rand
	steps int
	trail []uint64 // what was asked for up to each step, as a number
	cutAt int
	off   bool
	disks []*Disk
	onCut func() // called once
	// end, if set, is called where a call fails because the power is off,
	// and has it not return: in Run, no line of the workload is to be run
	// after the cut, nor could one that tries again for ever be.
	end func(self *coro.Self)
}

// NewPower returns a supply whose disks take their chances from seed.
func NewPower(seed uint64) *Power {
	return &Power{rng: rand.New(rand.NewPCG(seed, 0x706f776572))}
}

// CutAt has the power fail in step n, counted from 1; see [Power.Steps]. 0 is
// never.
func (p *Power) CutAt(n int) { p.cutAt = n }

// Steps returns how many changes and flushes the disks have had. One counts when
// its time in flight is over, just before it is done.
func (p *Power) Steps() int { return p.steps }

// Off reports whether the power has failed.
func (p *Power) Off() bool { return p.off }

// Cut has the power fail now. A second time does nothing.
func (p *Power) Cut() {
	if p.off {
		return
	}
	p.off = true
	for _, d := range p.disks {
		d.cut()
	}
	if p.onCut != nil {
		p.onCut()
	}
}

// step counts a step, and reports whether the power fails in it.
func (p *Power) step(c *change) (cut bool) {
	what := mix(mix(uint64(c.off), uint64(c.n)), uint64(c.op)<<8|uint64(c.flags))
	if p.steps > 0 {
		what = mix(p.trail[p.steps-1], what)
	}
	p.trail = append(p.trail, what)
	if p.steps++; p.steps != p.cutAt {
		return false
	}
	p.Cut()
	return true
}

// dead is the end of a call when the power is off.
func (p *Power) dead(self *coro.Self) error {
	if p.end != nil {
		p.end(self)
	}
	return ErrPowerCut
}
