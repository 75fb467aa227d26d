package scenario

import (
	"bufio"
	"crypto/sha256"
	_ "embed" // for Sample
	"errors"
	"fmt"
	"io"

	"github.com/gohandoff/coroutine/coro"
)

// Sample is what producer-consumer reads when it is given no file.
//
//go:embed sample.txt
var Sample string

var values = []Scenario{
	{Name: "producer-consumer", About: "a producer reads lines, a consumer counts and hashes them", Run: pipeline, Reads: true},
	{Name: "generator", About: "a coroutine as iter.Seq: a loop that ends early kills it", Run: generator},
	{Name: "dialogue", About: "values go both ways: each Enter asks, each Yield answers", Run: dialogue},
}

// A tally is what the consumer has found out.
type tally struct {
	lines int
	bytes int64
	sum   []byte
}

// pipeline has a producer and a consumer that know nothing of each other, and
// are both written as loops: the leader carries lines from one to the other.
func pipeline(e *Env) error {
	var failure error
	producer := coro.NewTyped(e, func(self *coro.Self, c *coro.Typed[struct{}, []byte], _ struct{}) []byte {
		r := bufio.NewReader(e.Text)
		for {
			line, err := r.ReadBytes('\n')
			if len(line) > 0 {
				c.Yield(self, line)
			}
			if err != nil {
				if !errors.Is(err, io.EOF) {
					failure = err
				}
				return nil
			}
		}
	})
	producer.Coroutine().SetName("producer")
	consumer := coro.NewTyped(e, func(self *coro.Self, c *coro.Typed[[]byte, tally], line []byte) (t tally) {
		hash := sha256.New()
		for ; line != nil; line = c.Yield(self, t) {
			t.lines++
			t.bytes += int64(len(line))
			hash.Write(line)
		}
		t.sum = hash.Sum(nil)
		return t
	})
	consumer.Coroutine().SetName("consumer")

	for line := range producer.All(e.Leader()) {
		consumer.Enter(e.Leader(), line)
	}
	total, _ := consumer.Enter(e.Leader(), nil)
	if failure != nil {
		return fmt.Errorf("producer: %w", failure)
	}
	e.Say("%d lines, %d bytes", total.lines, total.bytes)
	e.Say("sha256 %x", total.sum)
	return nil
}

func generator(e *Env) error {
	squares := coro.FromSeq(e, func(yield func(int) bool) {
		defer e.Say("squares ends")
		for i := 1; ; i++ {
			if !yield(i * i) {
				return
			}
		}
	})
	squares.Coroutine().SetName("squares")
	for n := range squares.All(e.Leader()) {
		e.Say("%d", n)
		if n > 5 {
			break
		}
	}
	return nil
}

// dialogue is the averager of the textbooks: the coroutine keeps the sum in a
// local variable between two questions.
func dialogue(e *Env) error {
	averager := coro.NewTyped(e, func(self *coro.Self, c *coro.Typed[float64, float64], x float64) float64 {
		sum, n := 0.0, 0.0
		for {
			sum, n = sum+x, n+1
			if x = c.Yield(self, sum/n); x < 0 {
				return sum
			}
		}
	})
	averager.Coroutine().SetName("averager")
	for _, x := range []float64{10, 20, 60} {
		mean, outcome := averager.Enter(e.Leader(), x)
		e.Say("sent %g, mean %g (%v)", x, mean, outcome)
	}
	sum, outcome := averager.Enter(e.Leader(), -1)
	e.Say("sent -1, sum %g (%v)", sum, outcome)
	return nil
}
