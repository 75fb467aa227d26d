package powercut_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/blockio/powercut"
	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/aio"
)

func TestOptionsThatMakeNoSenseAreRefused(t *testing.T) {
	for _, x := range []struct {
		opts powercut.Options
		size int64
		want string
	}{
		{powercut.Options{Cuts: -1}, 4096, "powercut: Options.Cuts is -1, want 0 or more"},
		{powercut.Options{Seeds: -1}, 4096, "powercut: Options.Seeds is -1, want 0 or more"},
		{powercut.Options{PerSeed: -1}, 4096, "powercut: Options.PerSeed is -1, want 0 or more"},
		{powercut.Options{Cut: -1}, 4096, "powercut: Options.Cut is -1, want 0 or more"},
		{powercut.Options{Latency: -1}, 4096, "powercut: Options.Latency is -1, want 0 or more"},
		{powercut.Options{Sector: 3}, 4096, "powercut: Options.Sector is 3, want a power of two, up to 1048576"},
		{powercut.Options{Sector: 1 << 30}, 4096, "powercut: Options.Sector is 1073741824, want a power of two, up to 1048576"},
		{powercut.Options{}, -1, "powercut: Case.Size is -1, want 0 or more"},
		{powercut.Options{Cut: 99}, 4096, "powercut: Cut is 99, but with seed 1 there are cuts 1 to 3; " +
			"if there was one before, a run is not as the one before with the same seed"},
	} {
		_, err := powercut.Run(x.opts, powercut.Case{Size: x.size, Workload: pair, Check: fine})
		if err == nil || err.Error() != x.want {
			t.Errorf("got error %v, want %v", err, x.want)
		}
	}
}

func TestWorkloadWithoutAStepIsAnError(t *testing.T) {
	_, err := powercut.Run(powercut.Options{}, powercut.Case{Size: 4096, Workload: fine, Check: fine})
	if err == nil || !strings.Contains(err.Error(), "there is no step for the power to fail in") {
		t.Errorf("got error %v, want one that says so", err)
	}
}

func TestDiskRefusesWhatCannotBe(t *testing.T) {
	for want, f := range map[string]func(){
		"powercut: WithSector(1073741824): want a power of two, up to 1048576": func() { powercut.WithSector(1 << 30) },
		"powercut: a disk with a nil Power: make one with NewPower":            func() { powercut.NewDisk(nil, 4096) },
		"powercut: NewDisk with a nil DiskOption":                              func() { powercut.NewDisk(powercut.NewPower(1), 4096, nil) },
	} {
		func() {
			defer func() {
				if v := recover(); v != want {
					t.Errorf("panicked with %v, want %v", v, want)
				}
			}()
			f()
		}()
	}
}

// A variable that a workload keeps shows in the second run at the latest.
func TestRunThatIsNotAsTheOneBeforeIsAFailure(t *testing.T) {
	for what, w := range map[string]func(run int, write func(off int64) error) error{
		"has 2 steps, that had 1": func(run int, write func(off int64) error) error {
			for i := range run {
				if err := write(int64(i) * 512); err != nil {
					return err
				}
			}
			return nil
		},
		"step 2 is another one": func(run int, write func(off int64) error) error {
			return errors.Join(write(0), write(int64(run)*512))
		},
	} {
		runs := 0
		f := failure(t, powercut.Options{Cuts: 50}, powercut.Case{
			Size: 64 << 10, Check: fine,
			Workload: func(self *coro.Self, d *blockio.Device, _ *powercut.Log) error {
				runs++
				return w(runs, func(off int64) error { return d.WriteAt(self, []byte("x"), off) })
			},
		})
		if !errors.Is(f, powercut.ErrNotRepeatable) || !strings.Contains(f.Error(), what) {
			t.Errorf("got %v, want %v: it %s", f, powercut.ErrNotRepeatable, what)
		}
	}
}

func TestDeadlockInADrainedSectionIsToldAsOne(t *testing.T) {
	f := failure(t, powercut.Options{}, powercut.Case{
		Size: 4096, Workload: pair,
		Check: func(self *coro.Self, d *blockio.Device, _ *powercut.Log) error {
			d.DrainedBegin(self)
			err := aio.Go(self, func(self *coro.Self) error { return d.WriteAt(self, []byte("x"), 0) }).Wait(self)
			d.DrainedEnd(self)
			return err
		},
	})
	if !errors.Is(f, aio.ErrDeadlock) {
		t.Errorf("got %v, want %v", f, aio.ErrDeadlock)
	}
}

func TestFailureTellsWhatTheCutInTheCheckLeft(t *testing.T) {
	bad := errors.New("bad")
	f := failure(t, powercut.Options{Seeds: 100}, powercut.Case{
		Size: 64 << 10, Workload: pair,
		Check: func(self *coro.Self, d *blockio.Device, _ *powercut.Log) error {
			p := make([]byte, 1)
			if err := d.ReadAt(self, p, 8192); err != nil || p[0] != 0 {
				return errors.Join(err, bad)
			}
			return d.WriteAt(self, []byte("r"), 8192)
		},
	})
	text := strings.Join(f.Trace, "\n")
	if !errors.Is(f, bad) || f.Again == 0 || !strings.Contains(text, "write of 1 bytes at 512") ||
		!strings.Contains(text, "in the check, and what the other cut left of them\n      -  write of 1 bytes at 8192: in flight, kept") {
		t.Errorf("got %v, want what the check wrote", f)
	}
}
