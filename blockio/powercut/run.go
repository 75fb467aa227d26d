package powercut

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/aio"
)

// A Case is what is tested. Its functions are called many times, each time on a
// loop of its own with a virtual clock, and must do the same each time: what they
// keep belongs on the device, or in the Log.
type Case struct {
	// Size is the size of the device in bytes.
	Size int64
	// Setup lays out the device before anything is tested, once; all that it
	// wrote is durable. It may be nil: then the device is all zero.
	Setup func(self *coro.Self, d *blockio.Device) error
	// Workload works, and notes in log what was confirmed. At the cut it is
	// unwound, with all coroutines of its loop. An error before is a failure.
	Workload func(self *coro.Self, d *blockio.Device, log *Log) error
	// Check looks at what a cut has left, and returns what is wrong. It runs
	// with the power on; where it writes, the power fails once more, and it
	// is called again. A panic and a deadlock are failures, too.
	Check func(self *coro.Self, d *blockio.Device, log *Log) error
}

// Options say how many cuts there are to be. The zero Options are 1000 cuts.
type Options struct {
	// Cuts is how many cuts to try in all; 0 is 1000, or no limit if Seeds is
	// set.
	Cuts int
	// Seeds is how many seeds to try at most; 0 is no limit.
	Seeds int
	// PerSeed is how many cuts to try with each seed, chosen by it; 0 is all
	// that there are.
	PerSeed int
	// Seed is the first seed; 0 is 1.
	Seed uint64
	// Cut, if not 0, is the only cut that is tried, with the first seed: to
	// repeat a [Failure].
	Cut int

	// Sector is the size of what no cut tears; 0 is 512.
	Sector int
	// Limits are those of the disk; the zero Limits are those of a file.
	Limits blockio.Limits
	// Latency is the most that a request takes, of the virtual clock; 0 is
	// a millisecond.
	Latency time.Duration
	// Channel has the loops switch by [coro.Channel]; the default is
	// [coro.Direct], which is faster.
	Channel bool
}

// A Result tells what Run has tried.
type Result struct {
	// Seeds is how many seeds were begun.
	Seeds int
	// Cuts is how many cuts were tried.
	Cuts int
	// Again is how many cuts there were besides in Check.
	Again int
}

// Run tries power cuts, until one fails or there were as many as opts say. The
// error is a [*Failure] if a cut has shown one, or what Setup returned. It panics
// if c has no Workload or no Check.
//
// It works on the calling goroutine and returns when all is done.
func Run(opts Options, c Case) (Result, error) {
	if c.Workload == nil || c.Check == nil {
		panic("powercut: Run: want a Case with a Workload and a Check")
	}
	opts.fill()
	r := &runner{c: c, opts: opts}
	if err := r.setup(); err != nil {
		return r.result, fmt.Errorf("powercut: setup: %w", err)
	}
	if opts.Cut != 0 {
		r.result.Seeds = 1
		_, err := r.attempt(opts.Seed, opts.Cut, 0)
		return r.result, err
	}
	for seed := opts.Seed; !r.full(); seed++ {
		if err := r.seed(seed); err != nil {
			return r.result, err
		}
	}
	return r.result, nil
}

func (o *Options) fill() {
	if o.Cuts == 0 && o.Seeds == 0 {
		o.Cuts = 1000
	}
	if o.Seed == 0 {
		o.Seed = 1
	}
	if o.Sector == 0 {
		o.Sector = 512
	}
	if o.Latency == 0 {
		o.Latency = time.Millisecond
	}
}

// A runner is one call of Run.
type runner struct {
	c      Case
	opts   Options
	image  *Disk // what Setup has left
	result Result
}

// full reports whether there were enough seeds or cuts.
func (r *runner) full() bool {
	o := &r.opts
	return o.Seeds > 0 && r.result.Seeds >= o.Seeds || r.enough()
}

// enough reports whether there were enough cuts.
func (r *runner) enough() bool { return r.opts.Cuts > 0 && r.result.Cuts >= r.opts.Cuts }

// setup makes the image that all runs begin with.
func (r *runner) setup() error {
	o := &r.opts
	power := NewPower(0)
	r.image = NewDisk(power, r.c.Size, WithSector(o.Sector), WithLimits(o.Limits), WithLatency(o.Latency))
	if r.c.Setup == nil {
		return nil
	}
	err := r.onLoop(0, power, r.image, func(self *coro.Self, d *blockio.Device) error { return r.c.Setup(self, d) })
	r.image.settle(r.image.done)
	return err
}

// seed tries the cuts of one seed. The first run is without a cut, and tells how
// many there are; its own comes when the workload has returned.
func (r *runner) seed(seed uint64) error {
	r.result.Seeds++
	steps, err := r.attempt(seed, 0, 0)
	if err != nil {
		return err
	}
	cuts := rand.New(rand.NewPCG(seed, 0x63757473)).Perm(steps)
	if n := r.opts.PerSeed; n > 0 && n < len(cuts) {
		cuts = cuts[:n]
	}
	for _, k := range cuts {
		if r.enough() {
			break
		}
		if _, err := r.attempt(seed, k+1, steps); err != nil {
			return err
		}
	}
	return nil
}

// attempt runs the workload with a cut, and checks what is left. steps is how
// many steps there are, if that is known.
func (r *runner) attempt(seed uint64, cut, steps int) (int, error) {
	r.result.Cuts++
	power := NewPower(seed)
	power.CutAt(cut)
	disk := r.image.Reopen(power)
	log := &Log{power: power}
	err := r.onLoop(seed, power, disk, func(self *coro.Self, d *blockio.Device) error { return r.c.Workload(self, d, log) })
	f := &Failure{Seed: seed, Cut: cut, Steps: steps}
	if !power.off {
		f.Steps = power.steps
		if err != nil {
			f.Cut, f.Err, f.Trace = 0, err, disk.recent.lines()
			return 0, f
		}
		if cut != 0 && cut != power.steps+1 {
			f.Err = fmt.Errorf("%w: it has %d steps, and none is %d", ErrNotRepeatable, power.steps, cut)
			return 0, f
		}
		f.Cut = power.steps + 1
		power.Cut()
	}
	err = r.check(f, disk, log)
	if err != nil {
		f.Err, f.Trace = err, disk.recent.lines()
		return 0, f
	}
	return power.steps, nil
}

// check has Check look at what is left on disk. If it writes, the power fails
// in that, too.
func (r *runner) check(f *Failure, disk *Disk, log *Log) error {
	seed := mix(f.Seed, uint64(f.Cut))
	look := func(power *Power, disk *Disk) error {
		return r.onLoop(seed, power, disk, func(self *coro.Self, d *blockio.Device) error { return r.c.Check(self, d, log) })
	}
	power := NewPower(seed)
	if err := look(power, disk.Reopen(power)); err != nil || power.steps == 0 {
		return err
	}
	f.Again = 1 + int(seed%uint64(power.steps))
	r.result.Again++
	power = NewPower(seed)
	power.CutAt(f.Again)
	disk = disk.Reopen(power)
	if err := look(power, disk); !power.off {
		if err == nil {
			err = fmt.Errorf("%w: the check has %d steps, and none is %d", ErrNotRepeatable, power.steps, f.Again)
		}
		return err
	}
	power = NewPower(seed)
	return look(power, disk.Reopen(power))
}

// onLoop runs body on a loop of its own, to its end or to the cut, of which it
// returns nothing: what happens then, nobody can know.
func (r *runner) onLoop(seed uint64, power *Power, disk *Disk, body func(*coro.Self, *blockio.Device) error) (err error) {
	handoff := coro.Direct
	if r.opts.Channel {
		handoff = coro.Channel
	}
	opts := []aio.Option{
		aio.WithClock(aio.NewVirtualClock(time.Unix(0, 0))),
		aio.WithThread(coro.WithHandoff(handoff)), aio.WithName("powercut"),
	}
	if seed != 0 {
		opts = append(opts, aio.WithPolicy(aio.Shuffle(seed)))
	}
	loop := aio.NewLoop(opts...)
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	power.onCut = func() { cancel(ErrPowerCut) }
	power.end = func(self *coro.Self) {
		if self.InCoroutine() {
			self.Unwind()
		}
	}
	ended := false
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("%w: %v", ErrPanic, v)
			ended = true
		}
		closing := loop.Close()
		if ended && err == nil {
			err = closing
		}
		if power.off {
			err = nil
		}
	}()
	loop.Go(func(self *coro.Self) error {
		d, err := blockio.Open(self, disk, blockio.WithName("disk"))
		if err != nil {
			return err
		}
		return body(self, d)
	})
	err = loop.Run(ctx)
	ended = true
	return err
}

// mix makes one seed of two.
func mix(a, b uint64) uint64 {
	x := a*0x9e3779b97f4a7c15 ^ (b+1)*0xbf58476d1ce4e5b9
	x ^= x >> 29
	return x * 0x94d049bb133111eb
}
