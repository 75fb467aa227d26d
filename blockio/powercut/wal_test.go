package powercut_test

import (
	"errors"
	"testing"

	"github.com/gohandoff/coroutine/blockio/powercut"
)

// POWERCUT=10000 is the whole of it.
func TestLogLosesNothingThatWasCommitted(t *testing.T) {
	powercut.Test(t, powercut.Options{Cuts: 300}, walCase(bugs{}))
	powercut.Test(t, powercut.Options{Cuts: 100, Channel: true}, walCase(bugs{}))
}

func TestPlantedBugsAreFound(t *testing.T) {
	for name, b := range map[string]bugs{"no flush": {noFlush: true}, "no checksum": {noChecksum: true}} {
		t.Run(name, func(t *testing.T) {
			result, err := powercut.Run(powercut.Options{Seeds: 100}, walCase(b))
			var f *powercut.Failure
			if !errors.As(err, &f) {
				t.Fatalf("got error %v after %d cuts, want a *Failure", err, result.Cuts)
			}
			t.Logf("%+v: %v", result, err)
			_, again := powercut.Run(powercut.Options{Seed: f.Seed, Cut: f.Cut}, walCase(b))
			var g *powercut.Failure
			if !errors.As(again, &g) {
				t.Fatalf("repeated: got error %v, want a *Failure", again)
			}
			if g.Steps = f.Steps; g.Error() != f.Error() {
				t.Errorf("repeated:\n%v\nat first:\n%v", g, f)
			}
		})
	}
}
