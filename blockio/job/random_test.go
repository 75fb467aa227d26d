package job_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/blockio/blocktest"
	"github.com/gohandoff/coroutine/blockio/job"
	"github.com/gohandoff/coroutine/blockio/mem"
	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/aio"
)

var seeds = flag.Int("job-seeds", 25, "how many random programs to run for each kind of job and handoff")

// A program is a random use of a device that a job copies.
type program struct {
	t        testing.TB
	rng      *rand.Rand
	src, dst *blockio.Device
	target   *disk // below dst
	model    blocktest.Model
	stop     bool // workers
	tasks    []*aio.Task
}

// newProgram makes the devices, which yield at random around each call, and fills
// the source.
func newProgram(t testing.TB, self *coro.Self, seed uint64) *program {
	p := &program{t: t, rng: rand.New(rand.NewPCG(seed, 3))}
	size := int64(64<<10 + p.rng.IntN(64<<10))
	if p.rng.IntN(2) == 0 {
		size &^= 4095
	}
	open := func(name string, n uint64, opts ...blockio.Option) *blockio.Device {
		limits := blockio.Limits{Alignment: []int{1, 512, 4096}[p.rng.IntN(3)], MaxTransfer: []int{0, 8192}[p.rng.IntN(2)]}
		p.target = &disk{Filter: blockio.Filter{Driver: mem.New(size, mem.WithLimits(limits))}}
		var driver blockio.Driver = p.target
		if p.rng.IntN(4) == 0 {
			driver = basic{driver}
		}
		d, err := blockio.Open(self, blocktest.Check(t, driver, seed+n), append(opts, blockio.WithName(name))...)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	var opts []blockio.Option
	if p.rng.IntN(3) == 0 {
		opts = append(opts, blockio.WithMaxInFlight(1+p.rng.IntN(4)))
	}
	p.src, p.dst = open("src", 1, opts...), open("dst", 2)
	for range p.rng.IntN(5) {
		p.write(self)
	}
	junk := bytes.Repeat([]byte("junk"), 4096)
	if p.rng.IntN(2) == 0 {
		p.ok(p.dst.WriteAt(self, junk, p.rng.Int64N(size-int64(len(junk)))))
	}
	return p
}

// basic hides what a driver can do besides.
type basic struct{ blockio.Driver }

// ok fails the test if err is not nil.
func (p *program) ok(err error) {
	if err != nil {
		p.t.Helper()
		p.t.Error(err)
	}
}

// pick chooses a range.
func (p *program) pick() (off, n int64) {
	size := p.src.Size()
	n = min(size, 1+p.rng.Int64N(1<<(4+p.rng.IntN(12))))
	off = p.rng.Int64N(size - n + 1)
	switch p.rng.IntN(4) {
	case 0:
		off, n = off&^4095, (n+4095)&^4095
		n = min(n, size-off)
	case 1:
		off = size - n
	case 2:
		off = min(off%16384, size-n) // where others write, too
	}
	return off, n
}

// write changes something.
func (p *program) write(self *coro.Self) {
	off, n := p.pick()
	buf := make([]byte, n)
	for i := range buf {
		buf[i] = byte(p.rng.Uint32())
	}
	switch p.rng.IntN(8) {
	case 0:
		p.change(p.model.Zero(off, n), func() error {
			return p.src.WriteZeroes(self, off, n, blockio.Flags(p.rng.UintN(4)))
		})
	case 1:
		p.change(p.model.Discard(off, n), func() error { return p.src.Discard(self, off, n) })
	case 2:
		p.change(p.model.Write(off, buf), func() error {
			return p.src.WriteVAt(self, [][]byte{buf[:n/2], buf[n/2:]}, off, 0)
		})
	default:
		p.change(p.model.Write(off, buf), func() error {
			return p.src.WriteAtFlags(self, buf, off, blockio.Flags(p.rng.UintN(2)))
		})
	}
}

// change does something that w stands for; it may be unwound.
func (p *program) change(w *blocktest.Write, do func() error) {
	ended := false
	defer func() {
		if !ended {
			w.Abort()
		}
	}()
	if err := do(); err != nil {
		p.t.Error(err)
		return
	}
	w.End()
	ended = true
}

// read reads, and compares with what may be read.
func (p *program) read(self *coro.Self, off, n int64) {
	buf := make([]byte, n)
	r := p.model.Read(off, n)
	defer r.Abort()
	p.ok(p.src.ReadAt(self, buf, off))
	p.ok(r.End(buf))
}

// work is one of those who use the source.
func (p *program) work(self *coro.Self) error {
	for range 40 {
		if p.stop {
			return nil
		}
		switch p.rng.IntN(6) {
		case 0:
			p.ok(p.src.Flush(self))
		case 1:
			off, n := p.pick()
			p.read(self, off, n)
		default:
			p.write(self)
		}
		for range p.rng.IntN(6) {
			aio.Yield(self)
		}
	}
	return nil
}

// begin starts the workers, and one who drains the source and kills some.
func (p *program) begin(self *coro.Self) {
	for range 1 + p.rng.IntN(6) {
		p.tasks = append(p.tasks, aio.Go(self, p.work))
	}
	workers := p.tasks
	p.tasks = append(p.tasks, aio.Go(self, func(self *coro.Self) error {
		for range p.rng.IntN(6) {
			p.pause(self, 60)
			if p.rng.IntN(3) == 0 {
				workers[p.rng.IntN(len(workers))].Cancel(nil)
				continue
			}
			p.drained(self, func() { p.pause(self, 10) })
		}
		return nil
	}))
}

// drained calls f in a drained section of the source.
func (p *program) drained(self *coro.Self, f func()) {
	p.src.DrainedBegin(self)
	defer p.src.DrainedEnd(self)
	f()
}

// pause lets others run for a while.
func (p *program) pause(self *coro.Self, most int) {
	for range p.rng.IntN(most) {
		aio.Yield(self)
	}
}

// end waits for the workers, and looks at the source, which must stand on the
// driver given, if one is.
func (p *program) end(self *coro.Self, source ...blockio.Driver) {
	for _, task := range p.tasks {
		if err := task.Wait(self); err != nil && !errors.Is(err, context.Canceled) {
			p.t.Error(err)
		}
	}
	p.read(self, 0, p.src.Size())
	for range 100 {
		aio.Yield(self) // to those who take off a filter
	}
	if s := blockio.Describe(p.src); strings.Contains(s, "mirror") || strings.Contains(s, "backup") {
		p.t.Errorf("a filter is left:\n%s", s)
	}
	if len(source) > 0 && p.src.Driver() != source[0] {
		p.t.Errorf("the source stands on %v", p.src.Driver())
	}
	p.ok(p.src.Close(self))
	p.ok(p.dst.Close(self))
}

// contents reads all of a device.
func (p *program) contents(self *coro.Self, d *blockio.Device) []byte {
	buf := make([]byte, d.Size())
	p.ok(d.ReadAt(self, buf, 0))
	return buf
}

// same compares all of a device with what it must hold.
func (p *program) same(self *coro.Self, d *blockio.Device, want []byte) {
	got := p.contents(self, d)
	for i := range got {
		if got[i] != want[i] {
			p.t.Errorf("%s: byte %d is %#02x, want %#02x", d, i, got[i], want[i])
			return
		}
	}
}

// startMirror starts a mirror of any kind.
func (p *program) startMirror(self *coro.Self) (*job.Mirror, error) {
	return job.StartMirror(self, p.src, p.dst, job.MirrorOptions{
		Mode: job.Mode(p.rng.IntN(3)), Coroutines: 1 + p.rng.IntN(5), Chunk: 4096 << p.rng.IntN(4), Granularity: 512 << p.rng.IntN(5),
	})
}

// mirror runs a mirror to its end.
func (p *program) mirror(self *coro.Self) error {
	p.begin(self)
	p.pause(self, 40)
	m, err := p.startMirror(self)
	if err != nil {
		return err
	}
	p.pause(self, 200)
	before, target := p.src.Driver(), p.dst.Driver()
	switch p.rng.IntN(4) {
	case 0: // a copy of this moment
		p.ok(m.WaitReady(self))
		p.drained(self, func() {
			p.ok(m.Stop(self))
			p.same(self, p.dst, p.contents(self, p.src))
		})
	case 1: // a copy of what there is when nobody writes any more
		p.stop = true
		p.ok(m.Stop(self))
		for _, task := range p.tasks {
			_ = task.Wait(self)
		}
		if m.Status().Remaining == 0 {
			break // what was written since then is on the source only
		}
	case 2:
		m.Cancel(self)
		if err := m.Wait(self); !errors.Is(err, job.ErrCancelled) {
			p.t.Errorf("a cancelled mirror has the error %v", err)
		}
	default:
		p.ok(m.Pivot(self))
		if p.src.Driver() != target || p.dst.Driver() == target || p.src.Driver() == before {
			p.t.Errorf("after a pivot the source stands on %v, the target on %v", p.src.Driver(), p.dst.Driver())
		}
	}
	p.end(self)
	return nil
}

// doomed runs jobs whose target fails or whose owner is cancelled, at any time,
// also while it is started or ended. The source must not mind.
func (p *program) doomed(self *coro.Self) error {
	source := p.src.Driver()
	p.begin(self)
	for range 1 + p.rng.IntN(3) {
		p.target.fail = nil
		owner := aio.Go(self, func(self *coro.Self) error {
			if p.rng.IntN(3) == 0 {
				b, err := job.StartBackup(self, p.src, p.dst, job.BackupOptions{Coroutines: 2, Chunk: 4096, Granularity: 1024})
				if err != nil {
					return err
				}
				return b.Wait(self)
			}
			m, err := p.startMirror(self)
			if err != nil {
				return err
			}
			p.pause(self, 100)
			return m.Stop(self)
		})
		p.pause(self, 300)
		if p.rng.IntN(2) == 0 {
			owner.Cancel(nil)
		} else {
			p.target.fail = func(blockio.Op) error { return errBad }
		}
		err := owner.Wait(self)
		if err != nil && !errors.Is(err, errBad) && !errors.Is(err, context.Canceled) && !errors.Is(err, job.ErrCancelled) {
			return err
		}
	}
	p.target.fail = nil
	p.end(self, source)
	return nil
}

var errBad = errors.New("bad")

// backup runs a backup to its end.
func (p *program) backup(self *coro.Self) error {
	p.begin(self)
	p.pause(self, 40)
	var want []byte
	var b *job.Backup
	var err error
	p.drained(self, func() {
		want = p.contents(self, p.src)
		b, err = job.StartBackup(self, p.src, p.dst, job.BackupOptions{
			Coroutines: 1 + p.rng.IntN(5), Chunk: 4096 << p.rng.IntN(4), Granularity: 512 << p.rng.IntN(5),
		})
	})
	if err != nil {
		return err
	}
	if p.rng.IntN(8) == 0 {
		p.pause(self, 200)
		b.Cancel(self)
		p.end(self)
		return nil
	}
	p.ok(b.Wait(self))
	p.same(self, p.dst, want)
	p.end(self)
	return nil
}

// eachSeed runs a kind of program with many seeds, on both handoffs.
func eachSeed(t *testing.T, run func(p *program, self *coro.Self) error) {
	for _, h := range []coro.Handoff{coro.Channel, coro.Direct} {
		t.Run(h.String(), func(t *testing.T) {
			for seed := uint64(1); seed <= uint64(*seeds) && !t.Failed(); seed++ {
				onSeed(t, h, seed, run)
				if t.Failed() {
					t.Errorf("seed %d", seed)
				}
			}
		})
	}
}

func onSeed(t testing.TB, h coro.Handoff, seed uint64, run func(p *program, self *coro.Self) error) {
	blocktest.OnLoop(t, h, seed, false, func(self *coro.Self) error {
		return run(newProgram(t, self, seed), self)
	})
}

func TestRandomMirrors(t *testing.T) { eachSeed(t, (*program).mirror) }
func TestRandomBackups(t *testing.T) { eachSeed(t, (*program).backup) }
func TestRandomEnds(t *testing.T)    { eachSeed(t, (*program).doomed) }

// TestBugsAreFound plants a bug, and wants the programs above to find it.
func TestBugsAreFound(t *testing.T) {
	for _, x := range []struct {
		name  string
		plant func() func()
		run   func(p *program, self *coro.Self) error
	}{
		{"a bit of a mirror is cleared after the read", job.ClearLate, (*program).mirror},
		{"a bit of a backup is cleared before the copy", job.ClearEarly, (*program).backup},
	} {
		t.Run(x.name, func(t *testing.T) {
			defer x.plant()()
			for seed := uint64(1); seed <= 200; seed++ {
				probe := &probe{TB: t}
				onSeed(probe, coro.Channel, seed, x.run)
				if probe.failed {
					t.Logf("found with seed %d: %s", seed, probe.first)
					return
				}
			}
			t.Error("not found")
		})
	}
}

// A probe is a test that may fail.
type probe struct {
	testing.TB
	failed bool
	first  string
}

func (p *probe) Helper() {}
func (p *probe) Errorf(format string, args ...any) {
	if !p.failed {
		p.first = fmt.Sprintf(format, args...)
	}
	p.failed = true
}
func (p *probe) Error(args ...any) { p.Errorf("%s", fmt.Sprint(args...)) }
