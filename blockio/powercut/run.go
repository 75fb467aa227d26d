package powercut

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
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
// error is a [*Failure] if a cut has shown one, or what Setup returned; or it says
// which number in opts makes no sense, or that the workload does nothing. It
// panics if c has no Workload or no Check.
//
// It works on the calling goroutine and returns when all is done.
func Run(opts Options, c Case) (Result, error) {
	if c.Workload == nil || c.Check == nil {
		panic("powercut: Run: want a Case with a Workload and a Check")
	}
	if err := opts.check(c.Size); err != nil {
		return Result{}, err
	}
	opts.fill()
	r := &runner{c: c, opts: opts}
	if err := r.setup(); err != nil {
		return r.result, fmt.Errorf("powercut: setup: %w", err)
	}
	if opts.Cut != 0 {
		r.result.Seeds = 1
		_, err := r.attempt(opts.Seed, opts.Cut, nil)
		return r.result, err
	}
	for seed := opts.Seed; !r.full(); seed++ {
		if err := r.seed(seed); err != nil {
			return r.result, err
		}
	}
	if r.steps == 0 {
		return r.result, errors.New("powercut: the workload changes nothing and flushes nothing: there is no step for the power to fail in")
	}
	return r.result, nil
}

// check tells what makes no sense.
func (o *Options) check(size int64) error {
	for _, x := range []struct {
		name string
		n    int64
	}{
		{"Case.Size", size},
		{"Options.Cuts", int64(o.Cuts)},
		{"Options.Seeds", int64(o.Seeds)},
		{"Options.PerSeed", int64(o.PerSeed)},
		{"Options.Cut", int64(o.Cut)},
		{"Options.Latency", int64(o.Latency)},
	} {
		if x.n < 0 {
			return fmt.Errorf("powercut: %s is %d, want 0 or more", x.name, x.n)
		}
	}
	if o.Sector != 0 && !goodSector(o.Sector) {
		return fmt.Errorf("powercut: Options.Sector is %d, want %s", o.Sector, wantSector)
	}
	return nil
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
	steps  int   // of all seeds, without a cut
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
// many there are; its own comes when the workload has returned. With the first
// seed the same is done once more, to see whether it is the same.
func (r *runner) seed(seed uint64) error {
	r.result.Seeds++
	trail, err := r.attempt(seed, 0, nil)
	if err != nil {
		return err
	}
	if r.steps += len(trail); r.result.Seeds == 1 {
		if power, disk, _, err := r.work(seed, 0); err != nil || !slices.Equal(trail, power.trail) {
			if err == nil {
				err = differs(trail, power.trail)
			}
			return &Failure{Seed: seed, Steps: len(trail), Err: err, Trace: disk.recent.lines()}
		}
	}
	cuts := rand.New(rand.NewPCG(seed, 0x63757473)).Perm(len(trail))
	if n := r.opts.PerSeed; n > 0 && n < len(cuts) {
		cuts = cuts[:n]
	}
	for _, k := range cuts {
		if r.enough() {
			break
		}
		if _, err := r.attempt(seed, k+1, trail); err != nil {
			return err
		}
	}
	return nil
}

// work runs the workload with a cut.
func (r *runner) work(seed uint64, cut int) (*Power, *Disk, *Log, error) {
	power := NewPower(seed)
	power.CutAt(cut)
	disk := r.image.Reopen(power)
	log := &Log{power: power}
	err := r.onLoop(seed, power, disk, func(self *coro.Self, d *blockio.Device) error { return r.c.Workload(self, d, log) })
	return power, disk, log, err
}

// attempt runs the workload with a cut, and checks what is left. It returns the
// steps that there were. known are those that there are without a cut, nil if
// that is not known.
func (r *runner) attempt(seed uint64, cut int, known []uint64) ([]uint64, error) {
	r.result.Cuts++
	power, disk, log, err := r.work(seed, cut)
	f := &Failure{Seed: seed, Cut: cut, Steps: len(known)}
	switch {
	case power.off:
	case err != nil:
		f.Cut, f.Steps, f.Err, f.Trace = 0, power.steps, err, disk.recent.lines()
		return nil, f
	case cut != 0 && known == nil && cut != power.steps+1:
		return nil, fmt.Errorf("powercut: Cut is %d, but with seed %d there are cuts 1 to %d; if there was one before, %w",
			cut, seed, power.steps+1, ErrNotRepeatable)
	}
	if known != nil && !slices.Equal(known[:min(cut, len(known))], power.trail) {
		f.Err, f.Trace = differs(known, power.trail), disk.recent.lines()
		return nil, f
	}
	if !power.off {
		f.Cut, f.Steps = power.steps+1, power.steps
		power.Cut()
	}
	if again, err := r.check(f, disk, log); err != nil {
		f.Err, f.Trace = err, disk.recent.lines()
		if f.Again > 0 {
			f.Trace = append(f.Trace, "   step  the last changes in the check, and what the other cut left of them")
			f.Trace = append(f.Trace, again.recent.lines()...)
		}
		return nil, f
	}
	return power.trail, nil
}

// differs says how a run is not as the one before.
func differs(before, now []uint64) error {
	for i := range min(len(before), len(now)) {
		if before[i] != now[i] {
			return fmt.Errorf("%w: step %d is another one", ErrNotRepeatable, i+1)
		}
	}
	return fmt.Errorf("%w: it has %d steps, that had %d", ErrNotRepeatable, len(now), len(before))
}

// check has Check look at what is left on disk. If it writes, the power fails
// in that, too; then the disk that this was done on is returned.
func (r *runner) check(f *Failure, disk *Disk, log *Log) (*Disk, error) {
	seed := mix(f.Seed, uint64(f.Cut))
	look := func(power *Power, disk *Disk) error {
		return r.onLoop(seed, power, disk, func(self *coro.Self, d *blockio.Device) error { return r.c.Check(self, d, log) })
	}
	power := NewPower(seed)
	if err := look(power, disk.Reopen(power)); err != nil || power.steps == 0 {
		return nil, err
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
		return disk, err
	}
	power = NewPower(seed)
	return disk, look(power, disk.Reopen(power))
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
