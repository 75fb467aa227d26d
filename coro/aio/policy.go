package aio

import (
	"fmt"
	"math/rand/v2"
)

// A Policy decides which of the things that are ready a loop does next. Without
// one, it is the one that has been ready longest. It is called by the loop only.
type Policy interface {
	// Next returns the place of the next one among n that are ready, in the
	// order in which they became so: 0 to n-1.
	Next(n int) int
}

// Shuffle returns a policy that picks at random, the same way for the same seed.
func Shuffle(seed uint64) Policy {
	return &shuffle{rand.New(rand.NewPCG(seed, seed^0x9e3779b97f4a7c15))} // the golden ratio, to fill the second word
}

type shuffle struct{ *rand.Rand }

func (s *shuffle) Next(n int) int { return s.IntN(n) }

// A Record is a policy that notes the decisions of another; [Replay] repeats
// them. A run of a program whose only source of order is its loop, with a virtual
// clock, can so be repeated exactly.
type Record struct {
	// Of decides; nil is first in, first out.
	Of Policy
	// Decisions are the places chosen so far.
	Decisions []int
}

// Next asks Of and notes its answer.
func (r *Record) Next(n int) int {
	i := 0
	if r.Of != nil {
		i = r.Of.Next(n)
	}
	r.Decisions = append(r.Decisions, i)
	return i
}

// Replay returns a policy that repeats decisions, and goes on first in, first
// out when they are used up. Its Next panics if a decision does not fit, which
// means that the program is not the one that was recorded.
func Replay(decisions []int) Policy { return &replay{rest: decisions} }

type replay struct {
	rest []int
	done int
}

func (r *replay) Next(n int) int {
	if len(r.rest) == 0 {
		return 0
	}
	i := r.rest[0]
	if i < 0 || i >= n {
		panic(fmt.Sprintf("aio: replay: decision %d is %d, but %d are ready: not the program that was recorded", r.done, i, n))
	}
	r.rest = r.rest[1:]
	r.done++
	return i
}
