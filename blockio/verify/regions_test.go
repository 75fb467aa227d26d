package verify_test

import (
	"math/rand/v2"
	"testing"

	"github.com/gohandoff/coroutine/blockio/verify"
)

// TestRegionsAreASet compares with a set of bytes.
func TestRegionsAreASet(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		var s verify.Regions
		var in [40]bool
		for range 30 {
			lo := rng.Int64N(39)
			hi := lo + 1 + rng.Int64N(40-lo)
			set := rng.IntN(2) == 0
			if set {
				s.Add(lo, hi)
			} else {
				s.Remove(lo, hi)
			}
			for i := lo; i < hi; i++ {
				in[i] = set
			}
			for i, want := range in {
				if got := s.Gaps(int64(i), int64(i)+1) == 0; got != want {
					t.Fatalf("byte %d: got %t, want %t", i, got, want)
				}
			}
			if !s.Tidy() {
				t.Fatal("regions touch or are out of order")
			}
		}
	}
}
