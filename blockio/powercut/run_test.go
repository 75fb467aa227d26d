package powercut_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/blockio/powercut"
	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/aio"
)

func ExampleRun() {
	result, err := powercut.Run(powercut.Options{Cuts: 200}, powercut.Case{
		Size: 64 << 10,
		Workload: func(self *coro.Self, d *blockio.Device, log *powercut.Log) error {
			for n := uint64(1); n <= 10; n++ {
				if err := d.WriteAt(self, binary.LittleEndian.AppendUint64(nil, n), 0); err != nil {
					return err
				}
				if err := d.Flush(self); err != nil {
					return err
				}
				log.Note("confirmed", n)
			}
			return nil
		},
		Check: func(self *coro.Self, d *blockio.Device, log *powercut.Log) error {
			p := make([]byte, 8)
			if err := d.ReadAt(self, p, 0); err != nil {
				return err
			}
			if got, want := binary.LittleEndian.Uint64(p), uint64(log.Len("confirmed")); got < want {
				return fmt.Errorf("the device has %d, but %d was confirmed", got, want)
			}
			return nil
		},
	})
	fmt.Println(result.Cuts, "cuts:", err)
	// Output:
	// 200 cuts: <nil>
}

// pair writes two sectors that belong together, one after the other.
func pair(self *coro.Self, d *blockio.Device, log *powercut.Log) error {
	for _, off := range []int64{0, 512} {
		if err := d.WriteAt(self, []byte("x"), off); err != nil {
			return err
		}
	}
	return nil
}

func fine(*coro.Self, *blockio.Device, *powercut.Log) error { return nil }

// failure runs c and returns how it fails.
func failure(t *testing.T, opts powercut.Options, c powercut.Case) *powercut.Failure {
	t.Helper()
	_, err := powercut.Run(opts, c)
	var f *powercut.Failure
	if !errors.As(err, &f) {
		t.Fatalf("got error %v, want a *Failure", err)
	}
	return f
}

func TestFailureTellsWhatTheCutLeft(t *testing.T) {
	secondOnly := errors.New("the second is there without the first")
	c := powercut.Case{Size: 4096, Workload: pair, Check: func(self *coro.Self, d *blockio.Device, _ *powercut.Log) error {
		p := make([]byte, 1024)
		if err := d.ReadAt(self, p, 0); err != nil {
			return err
		}
		if p[0] == 0 && p[512] != 0 {
			return secondOnly
		}
		return nil
	}}
	f := failure(t, powercut.Options{}, c)
	if !errors.Is(f, secondOnly) {
		t.Errorf("got error %v, want %v", f, secondOnly)
	}
	if f.Steps != 2 || f.Cut < 2 || f.Cut > 3 || len(f.Trace) != 2 || !strings.Contains(f.Trace[0], "write of 1 bytes at 0: lost") || !strings.Contains(f.Trace[1], "kept") {
		t.Errorf("got %+v", f)
	}
	g := failure(t, powercut.Options{Seed: f.Seed, Cut: f.Cut}, c)
	if diff := cmp.Diff(f.Trace, g.Trace); diff != "" {
		t.Errorf("repeated (-first +again):\n%s", diff)
	}
}

func TestWorkloadThatFailsIsAFailureWithoutACut(t *testing.T) {
	bad := errors.New("bad")
	f := failure(t, powercut.Options{}, powercut.Case{Size: 4096, Check: fine, Workload: func(*coro.Self, *blockio.Device, *powercut.Log) error { return bad }})
	if !errors.Is(f, bad) || f.Cut != 0 {
		t.Errorf("got %v, want one without a cut", f)
	}
}

func TestSetupIsDurable(t *testing.T) {
	calls := 0
	c := powercut.Case{
		Size: 4096, Workload: pair,
		Setup: func(self *coro.Self, d *blockio.Device) error {
			calls++
			return d.WriteAt(self, []byte("s"), 1024)
		},
		Check: func(self *coro.Self, d *blockio.Device, _ *powercut.Log) error {
			p := make([]byte, 1)
			if err := d.ReadAt(self, p, 1024); err != nil || p[0] != 's' {
				return fmt.Errorf("got %q, error %w", p, err)
			}
			return nil
		},
	}
	if _, err := powercut.Run(powercut.Options{Cuts: 50}, c); err != nil || calls != 1 {
		t.Errorf("got error %v, and %d calls of Setup, want 1", err, calls)
	}
	bad := errors.New("bad")
	c.Setup = func(*coro.Self, *blockio.Device) error { return bad }
	if _, err := powercut.Run(powercut.Options{}, c); !errors.Is(err, bad) {
		t.Errorf("got error %v, want %v", err, bad)
	}
}

func TestCheckThatPanicsOrHangsIsAFailure(t *testing.T) {
	c := powercut.Case{Size: 4096, Workload: pair, Check: func(*coro.Self, *blockio.Device, *powercut.Log) error {
		panic("what is this?")
	}}
	if f := failure(t, powercut.Options{}, c); !errors.Is(f, powercut.ErrPanic) || !strings.Contains(f.Error(), "what is this?") {
		t.Errorf("got %v, want %v", f, powercut.ErrPanic)
	}
	c.Check = func(self *coro.Self, _ *blockio.Device, _ *powercut.Log) error {
		self.Yield() // nobody enters it again
		return nil
	}
	if f := failure(t, powercut.Options{}, c); !errors.Is(f, aio.ErrDeadlock) {
		t.Errorf("got %v, want %v", f, aio.ErrDeadlock)
	}
}

func TestRunThatCannotBeRepeatedIsAFailure(t *testing.T) {
	runs := 0
	c := powercut.Case{Size: 4096, Check: fine, Workload: func(self *coro.Self, d *blockio.Device, log *powercut.Log) error {
		if runs++; runs > 1 {
			return nil
		}
		return pair(self, d, log)
	}}
	if f := failure(t, powercut.Options{}, c); !errors.Is(f, powercut.ErrNotRepeatable) {
		t.Errorf("got %v, want %v", f, powercut.ErrNotRepeatable)
	}
}

// The workload does not go on after the cut: what it ignores or tries again does
// not matter, and what it notes is not there.
func TestCutEndsTheWorkload(t *testing.T) {
	c := powercut.Case{
		Size: 4096,
		Workload: func(self *coro.Self, d *blockio.Device, log *powercut.Log) error {
			defer func() {
				d.Close(self)
				log.Note("end", 1)
			}()
			insist := func(self *coro.Self) error {
				for n := 0; n < 10; {
					if d.WriteAt(self, []byte("x"), 0) == nil {
						n++
					}
				}
				return nil
			}
			other := aio.Go(self, insist)
			insist(self)
			return other.Wait(self)
		},
		Check: func(_ *coro.Self, _ *blockio.Device, log *powercut.Log) error {
			if n := log.Len("end"); n > 1 {
				return fmt.Errorf("noted %d times", n)
			}
			return nil
		},
	}
	for _, channel := range []bool{false, true} {
		powercut.Test(t, powercut.Options{Cuts: 200, Channel: channel}, c)
	}
}

// The recovery writes twice without a flush; the cut in it finds that.
func TestPowerFailsInTheCheckToo(t *testing.T) {
	mixed := errors.New("mixed")
	f := failure(t, powercut.Options{Seeds: 100}, powercut.Case{
		Size: 4096, Workload: func(self *coro.Self, d *blockio.Device, _ *powercut.Log) error {
			return errors.Join(d.WriteAt(self, []byte("dirty"), 0), d.Flush(self))
		},
		Check: func(self *coro.Self, d *blockio.Device, _ *powercut.Log) error {
			p := make([]byte, 1024)
			if err := d.ReadAt(self, p, 0); err != nil {
				return err
			}
			switch {
			case p[0] == 'r' && p[512] != 'r':
				return mixed
			case p[0] == 'd':
				return errors.Join(d.WriteAt(self, []byte("r"), 512), d.WriteAt(self, []byte("r"), 0))
			}
			return nil
		},
	})
	if !errors.Is(f, mixed) || f.Again == 0 || !strings.Contains(f.Error(), "of the check") {
		t.Errorf("got %v, want another cut in the check", f)
	}
}

// A recorder is a test that notes how it fails.
type recorder struct {
	testing.TB
	text string
}

func (r *recorder) Errorf(format string, args ...any) { r.text += fmt.Sprintf(format, args...) }

func TestEnvironmentChangesHowMuchIsDone(t *testing.T) {
	c := powercut.Case{Size: 4096, Workload: pair, Check: fine}
	t.Setenv("POWERCUT", "77")
	if r := powercut.Test(t, powercut.Options{Seeds: 1}, c); r.Cuts != 77 {
		t.Errorf("got %d cuts, want 77", r.Cuts)
	}
	t.Setenv("POWERCUT", "7/2")
	if r := powercut.Test(t, powercut.Options{}, c); r.Cuts != 1 {
		t.Errorf("got %d cuts, want 1", r.Cuts)
	}
	for _, s := range []string{"x", "0", "-1", "1/", "/1", "1/0", "1/2/3"} {
		t.Setenv("POWERCUT", s)
		r := &recorder{TB: t}
		powercut.Test(r, powercut.Options{}, c)
		if want := "powercut: the variable POWERCUT is " + fmt.Sprintf("%q", s) + ", want a number of cuts or SEED/CUT"; r.text != want {
			t.Errorf("%q: got %q, want %q", s, r.text, want)
		}
	}
	t.Setenv("POWERCUT", "")
	c.Check = func(*coro.Self, *blockio.Device, *powercut.Log) error { return errors.New("bad") }
	r := &recorder{TB: t}
	powercut.Test(r, powercut.Options{}, c)
	if want := "POWERCUT=1/3 go test -run '^" + t.Name() + "$'"; !strings.Contains(r.text, want) {
		t.Errorf("got %q, want %q in it", r.text, want)
	}
}
