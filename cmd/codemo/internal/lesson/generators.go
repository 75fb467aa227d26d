package lesson

import (
	_ "embed" // for the source that is shown
	"iter"

	"github.com/gohandoff/coroutine/coro"
)

//go:embed generators.go
var generatorsSource string

var generators = Lesson{
	Name: "generators", About: "iter.Seq, iter.Pull and typed coroutines: same and different",
	source: generatorsSource,
	parts: []part{
		{"same", sameValues},
		{"early", stopEarly},
		{"merge", mergeTwo},
		{"both", bothWays},
	},
}

//lesson:begin tree

// A tree holds numbers in order.
type tree struct {
	left  *tree
	value int
	right *tree
}

// seq gives yield the numbers. Each level has to pass on that it is
// enough.
func (t *tree) seq(yield func(int) bool) bool {
	return t == nil ||
		t.left.seq(yield) && yield(t.value) && t.right.seq(yield)
}

func (t *tree) all() iter.Seq[int] {
	return func(yield func(int) bool) { t.seq(yield) }
}

// walk yields the numbers, from any depth. Nobody passes on anything: if
// it is enough, Yield does not return.
func (t *tree) walk(self *coro.Self, c *coro.Typed[struct{}, int]) {
	if t == nil {
		return
	}
	t.left.walk(self, c)
	c.Yield(self, t.value)
	t.right.walk(self, c)
}

//lesson:end

var oak = &tree{&tree{nil, 1, nil}, 2, &tree{&tree{nil, 3, nil}, 4, nil}}

//lesson:begin same
func (t *tree) walker(e *Env) *coro.Typed[struct{}, int] {
	type gen = coro.Typed[struct{}, int]
	c := coro.NewTyped(e, func(self *coro.Self, c *gen, _ struct{}) int {
		defer e.Say("walk ends")
		t.walk(self, c)
		return 0 // not among the values
	})
	c.Coroutine().SetName("walk")
	return c
}

func sameValues(e *Env) error {
	for n := range oak.all() {
		e.Say("seq: %d", n)
	}
	next, stop := iter.Pull(oak.all())
	defer stop() // or a goroutine stays behind
	for n, ok := next(); ok; n, ok = next() {
		e.Say("pull: %d", n)
	}
	for n := range oak.walker(e).All(e.Leader()) {
		e.Say("coroutine: %d", n)
	}
	return nil
}

//lesson:end

//lesson:begin early
func stopEarly(e *Env) error {
	for n := range oak.all() {
		e.Say("seq: %d", n)
		break // seq's yield returns false, at each level
	}
	for n := range oak.walker(e).All(e.Leader()) {
		e.Say("coroutine: %d", n)
		break // walk's Yield does not return, and its defers run
	}
	return nil
}

//lesson:end

//lesson:begin merge

// mergeTwo merges two sorted generators: neither is the outer loop.
// FromSeq makes a coroutine of any iter.Seq.
func mergeTwo(e *Env) error {
	odd := coro.FromSeq(e, iter.Seq[int](func(yield func(int) bool) {
		_ = yield(1) && yield(3)
	}))
	odd.Coroutine().SetName("odd")
	even := coro.FromSeq(e, iter.Seq[int](func(yield func(int) bool) {
		_ = yield(2) && yield(4)
	}))
	even.Coroutine().SetName("even")

	a, moreA := odd.Enter(e.Leader(), struct{}{})
	b, moreB := even.Enter(e.Leader(), struct{}{})
	for moreA == coro.Yielded || moreB == coro.Yielded {
		if moreB != coro.Yielded || moreA == coro.Yielded && a < b {
			e.Say("%d", a)
			a, moreA = odd.Enter(e.Leader(), struct{}{})
		} else {
			e.Say("%d", b)
			b, moreB = even.Enter(e.Leader(), struct{}{})
		}
	}
	return nil
}

//lesson:end

//lesson:begin both
func bothWays(e *Env) error {
	type adder = coro.Typed[int, int]
	add := func(self *coro.Self, c *adder, n int) int {
		sum := 0
		for n != 0 {
			sum += n
			n = c.Yield(self, sum) // an answer out, a question in
		}
		return sum
	}
	total := coro.NewTyped(e, add)
	total.Coroutine().SetName("total")
	for _, n := range []int{20, 22, 0} {
		sum, outcome := total.Enter(e.Leader(), n)
		e.Say("sent %d, got %d (%v)", n, sum, outcome)
	}
	return nil
}

//lesson:end
