package blockio_test

import (
	"encoding/json"
	"math/rand/v2"
	"testing"

	"github.com/gohandoff/coroutine/blockio"
)

// TestRangesAreASetOfBytes compares with a slice of flags.
func TestRangesAreASetOfBytes(t *testing.T) {
	const size = 60
	for seed := range uint64(500) {
		rng := rand.New(rand.NewPCG(seed, 5))
		var s blockio.Ranges
		var model [size]bool
		for range 12 {
			off := rng.IntN(size)
			n := rng.IntN(min(12, size-off) + 1)
			s.Add(int64(off), int64(n))
			for i := off; i < off+n; i++ {
				model[i] = true
			}
			checkRanges(t, seed, &s, model[:])
		}
		text, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		var back blockio.Ranges
		if err := json.Unmarshal(text, &back); err != nil {
			t.Fatal(err)
		}
		checkRanges(t, seed, &back, model[:])
	}
}

func checkRanges(t *testing.T, seed uint64, s *blockio.Ranges, model []bool) {
	t.Helper()
	got := make([]bool, len(model))
	last := int64(-1)
	for _, r := range s.List() {
		if r.Length <= 0 || r.Start <= last {
			t.Fatalf("seed %d: %v is not in order, or touches", seed, s.List())
		}
		last = r.End()
		for i := r.Start; i < r.End(); i++ {
			got[i] = true
		}
	}
	sum := int64(0)
	for i := range model {
		if got[i] != model[i] {
			t.Fatalf("seed %d: byte %d: got %t, want %t in %v", seed, i, got[i], model[i], s.List())
		}
		if model[i] {
			sum++
		}
		want := i // the first byte from i on that is not in the set, and the first after it that is
		for want < len(model) && model[want] {
			want++
		}
		end := want
		for end < len(model) && !model[end] {
			end++
		}
		gap, ok := s.Next(int64(i), int64(len(model)))
		if ok != (want < len(model)) || ok && (gap.Start != int64(want) || gap.End() != int64(end)) {
			t.Fatalf("seed %d: next gap from %d: got %v %t, want %d to %d in %v", seed, i, gap, ok, want, end, s.List())
		}
	}
	if s.Bytes() != sum {
		t.Fatalf("seed %d: bytes: got %d, want %d", seed, s.Bytes(), sum)
	}
}

func TestRangesRefuseNonsense(t *testing.T) {
	for _, text := range []string{`[{"start":-1,"length":2}]`, `[{"start":1,"length":-2}]`, `[{"start":9223372036854775807,"length":2}]`, `7`} {
		var s blockio.Ranges
		if err := json.Unmarshal([]byte(text), &s); err == nil {
			t.Errorf("%s: no error", text)
		}
	}
}
