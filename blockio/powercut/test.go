package powercut

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// A TB is what [Test] needs of a *testing.T.
type TB interface {
	// Helper is that of testing.TB, as all of these.
	Helper()
	// Name is used to say how to repeat a failure.
	Name() string
	// Logf gets how many cuts there were.
	Logf(format string, args ...any)
	// Errorf gets a failure.
	Errorf(format string, args ...any)
}

// Test is [Run] for tests: it has t fail with the failure, and with the command
// that repeats it. The environment can change how much is done:
//
//	POWERCUT=10000    so many cuts, whatever opts say
//	POWERCUT=7/31     only the cut 31 of seed 7, as a failure tells
func Test(t TB, opts Options, c Case) Result {
	t.Helper()
	if err := opts.environment(os.Getenv("POWERCUT")); err != nil {
		t.Errorf("powercut: the variable POWERCUT is %v", err)
		return Result{}
	}
	r, err := Run(opts, c)
	if f, ok := err.(*Failure); ok {
		t.Errorf("%v\nor with the command\n\tPOWERCUT=%d/%d go test -run '^%s$'", err, f.Seed, f.Cut, strings.ReplaceAll(t.Name(), "/", "$/^"))
		return r
	}
	if err != nil {
		t.Errorf("%v", err)
		return r
	}
	t.Logf("%d power cuts with %d seeds, and %d more in the check", r.Cuts, r.Seeds, r.Again)
	return r
}

// environment changes the options as s says.
func (o *Options) environment(s string) error {
	if s == "" {
		return nil
	}
	seed, cut, repeat := strings.Cut(s, "/")
	if !repeat {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 {
			return fmt.Errorf("%q, want a number of cuts or SEED/CUT", s)
		}
		o.Cuts, o.Seeds, o.PerSeed, o.Cut = n, 0, 0, 0
		return nil
	}
	n, err := strconv.ParseUint(seed, 10, 64)
	k, err2 := strconv.Atoi(cut)
	if err != nil || err2 != nil || k < 1 {
		return fmt.Errorf("%q, want a number of cuts or SEED/CUT", s)
	}
	o.Seed, o.Cut = n, k
	return nil
}
