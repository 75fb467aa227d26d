package powercut

import (
	"fmt"
	"slices"
	"time"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/aio"
)

// A Disk is a [blockio.Driver] in memory that can lose its power; the package
// comment says what it loses then. Make one with [NewDisk].
//
// Requests take some turns of the loop, at random, and time of its clock if
// [WithLatency] says so.
type Disk struct {
	power   *Power
	limits  blockio.Limits
	sector  int64
	latency time.Duration

	now     *store    // what readers see
	durable *store    // what no power cut can take; at the cut, what is left
	pending []*change // done, in order, and not durable
	flight  []*change // begun, and not done
	done    int       // how many changes were done: the number of the last one
	recent  ring
}

// A DiskOption sets up a [Disk] in [NewDisk].
type DiskOption func(*Disk)

// WithSector sets the size of a sector, which no cut tears, to n bytes; the
// default is 512. It panics if n is not a power of two, or more than 1 MiB.
func WithSector(n int) DiskOption {
	if !goodSector(n) {
		panic(fmt.Sprintf("powercut: WithSector(%d): want %s", n, wantSector))
	}
	return func(d *Disk) { d.sector = int64(n) }
}

// Each write keeps the whole of the sectors that it is in.
func goodSector(n int) bool { return n > 0 && n <= 1<<20 && n&(n-1) == 0 }

const wantSector = "a power of two, up to 1048576"

// WithLimits has the disk ask for l; the default asks for nothing and does not
// know FUA, as a file.
func WithLimits(l blockio.Limits) DiskOption { return func(d *Disk) { d.limits = l } }

// WithLatency has each request take up to t of the loop's clock; the default is
// no time.
func WithLatency(t time.Duration) DiskOption { return func(d *Disk) { d.latency = t } }

// NewDisk makes a disk of size bytes, all zero, which is supplied by p. It panics
// if p is nil.
func NewDisk(p *Power, size int64, opts ...DiskOption) *Disk {
	d := &Disk{sector: 512}
	for _, o := range opts {
		if o == nil {
			panic("powercut: NewDisk with a nil DiskOption")
		}
		o(d)
	}
	d.now = newStore(size)
	d.durable = d.now.clone()
	return d.plug(p)
}

func (d *Disk) plug(p *Power) *Disk {
	if p == nil {
		panic("powercut: a disk with a nil Power: make one with NewPower")
	}
	d.power = p
	p.disks = append(p.disks, d)
	return d
}

// Reopen makes a new disk, on another supply, with what d has that no power cut
// can take: after the cut, what has survived. d is as before. It panics if p is
// nil.
func (d *Disk) Reopen(p *Power) *Disk {
	r := &Disk{limits: d.limits, sector: d.sector, latency: d.latency}
	r.now = d.durable.clone()
	r.durable = r.now.clone()
	return r.plug(p)
}

// Size returns the number of bytes.
func (d *Disk) Size() int64 { return d.now.size }

// Limits returns what NewDisk was told.
func (d *Disk) Limits() blockio.Limits { return d.limits }

// String returns "powercut".
func (d *Disk) String() string { return "powercut" }

// Close does nothing: closing is no flush.
func (d *Disk) Close(*coro.Self) error { return nil }

// ReadAt fills p with what is at off.
func (d *Disk) ReadAt(self *coro.Self, p []byte, off int64) error {
	if err := d.wait(self); err != nil {
		return err
	}
	d.now.read(p, off)
	return nil
}

// WriteAt stores p at off.
func (d *Disk) WriteAt(self *coro.Self, p []byte, off int64, flags blockio.Flags) error {
	return d.change(self, &change{op: blockio.OpWrite, off: off, n: int64(len(p)), flags: flags, data: p})
}

// WriteZeroes makes n bytes from off read as zeroes.
func (d *Disk) WriteZeroes(self *coro.Self, off, n int64, flags blockio.Flags) error {
	return d.change(self, &change{op: blockio.OpZeroes, off: off, n: n, flags: flags})
}

// Discard leaves what is there, or zeroes, at random.
func (d *Disk) Discard(self *coro.Self, off, n int64) error {
	c := &change{op: blockio.OpDiscard, off: off, n: n}
	c.idle = d.power.rng.IntN(2) == 0
	return d.change(self, c)
}

// Resize makes the size n bytes.
func (d *Disk) Resize(self *coro.Self, n int64) error {
	return d.change(self, &change{op: blockio.OpResize, n: n})
}

// BlockStatus tells pages of 4096 bytes that were written from others.
func (d *Disk) BlockStatus(self *coro.Self, off, n int64) (blockio.Status, int64, error) {
	if err := d.wait(self); err != nil {
		return 0, 0, err
	}
	s := blockio.Zero
	if d.now.pages[off/pageSize] != nil {
		s = blockio.Data
	}
	return s, min(pageSize-off%pageSize, n), nil
}

// Flush makes durable what was done when it was called.
func (d *Disk) Flush(self *coro.Self) error {
	c := &change{op: blockio.OpFlush, number: d.done}
	defer d.leave(c)
	if err := d.enter(self, c); err != nil {
		return err
	}
	d.settle(c.number)
	return nil
}

// change does one change: it is in flight for a while, and then done at once.
func (d *Disk) change(self *coro.Self, c *change) error {
	defer d.leave(c)
	if err := d.enter(self, c); err != nil {
		return err
	}
	d.do(c)
	c.forced = c.flags&blockio.FUA != 0
	return nil
}

// enter has c in flight. It returns when c is to be done, or the power is off.
func (d *Disk) enter(self *coro.Self, c *change) error {
	if d.power.off {
		return d.power.dead(self)
	}
	d.recent.add(c)
	c.fate = inFlight
	d.flight = append(d.flight, c)
	if err := d.wait(self); err != nil {
		return err
	}
	if d.power.step(c) {
		return d.power.dead(self)
	}
	c.step = d.power.steps
	return nil
}

// leave is called when c is done, or its coroutine killed, or the power off.
func (d *Disk) leave(c *change) {
	if i := slices.Index(d.flight, c); i >= 0 {
		d.flight = slices.Delete(d.flight, i, i+1)
	}
	if c.fate == inFlight && !d.power.off {
		c.fate = ""
		if c.step == 0 {
			c.fate = "killed before it was done"
		}
	}
	c.data = nil // it is the caller's
}

// wait lets a request be in flight for a while.
func (d *Disk) wait(self *coro.Self) error {
	if d.power.off {
		return d.power.dead(self) // also for one that is being killed, and cannot yield
	}
	if self == nil || !self.InCoroutine() {
		return nil
	}
	for range d.power.rng.IntN(3) {
		aio.Yield(self)
	}
	if d.latency > 0 && d.power.rng.IntN(2) == 0 {
		aio.Sleep(self, 1+time.Duration(d.power.rng.Int64N(int64(d.latency))))
	}
	if d.power.off {
		return d.power.dead(self)
	}
	return nil
}

// do does c, for every reader to see.
func (d *Disk) do(c *change) {
	d.done++
	c.number = d.done
	c.perform(d.now, d.sector)
	d.pending = append(d.pending, c)
}

// settle makes durable the changes up to a number.
func (d *Disk) settle(number int) {
	n := 0
	for n < len(d.pending) && d.pending[n].number <= number {
		d.pending[n].store(d.durable)
		d.pending[n].fate = "durable"
		n++
	}
	d.pending = slices.Delete(d.pending, 0, n)
}
