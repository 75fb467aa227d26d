package aio_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/aio"
)

// A recorder keeps a trace as text.
type recorder struct{ strings.Builder }

func (r *recorder) Trace(e coro.Event) { fmt.Fprintf(r, "%d %v\n", e.Seq, e) }

// program runs a random program, which steps says, on a virtual clock, and
// returns its trace. The same steps and policy give the same trace.
func program(t testing.TB, h coro.Handoff, steps []byte, policy aio.Policy) string {
	var r recorder
	l := aio.NewLoop(virtual(), aio.WithPolicy(policy), aio.WithWorkers(2),
		aio.WithThread(coro.WithHandoff(h), coro.WithTracer(&r)))
	p := &randomProgram{loop: l, steps: steps}
	for range 3 {
		p.tasks = append(p.tasks, l.Go(p.body(0)))
	}
	err := l.Run(context.Background())
	if err != nil && !errors.Is(err, aio.ErrDeadlock) && !errors.Is(err, errBoom) && !errors.Is(err, aio.ErrTimeout) && !errors.Is(err, context.Canceled) {
		t.Fatalf("Run: %v", err)
	}
	if n := l.Thread().Live(); n != 0 {
		t.Errorf("live coroutines: got %d, want 0", n)
	}
	fmt.Fprintf(&r, "end: %v at %v\n", strings.SplitN(fmt.Sprint(err), "\n", 2)[0], l.Now().Sub(epoch))
	if err := l.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	return r.String()
}

type randomProgram struct {
	loop     *aio.Loop
	steps    []byte
	sleepers [3]aio.Sleeper
	tasks    []*aio.Task
}

func (p *randomProgram) next() byte {
	if len(p.steps) == 0 {
		return 0
	}
	b := p.steps[0]
	p.steps = p.steps[1:]
	return b
}

// body does what the next steps say, until they are used up.
func (p *randomProgram) body(depth int) func(self *coro.Self) error {
	return func(self *coro.Self) error {
		for len(p.steps) > 0 {
			b := p.next()
			d := time.Duration(b>>4) * time.Second
			switch b % 16 {
			case 0, 1, 2:
				aio.Yield(self)
			case 3, 4:
				aio.Sleep(self, d)
			case 5:
				p.sleepers[d/time.Second%3].Wake()
			case 6:
				v := caught(func() { p.sleepers[d/time.Second%3].Sleep(self, d) })
				if v == nil {
					break
				}
				if e, ok := v.(error); !ok || !errors.Is(e, aio.ErrSleeping) {
					panic(v)
				}
			case 7, 8:
				if _, err := aio.Offload(self, func() (int, error) { return int(b), nil }); err != nil {
					return err
				}
			case 9, 10:
				if depth < 4 {
					_ = aio.Timeout(self, d, p.body(depth+1))
				}
			case 11:
				if len(p.tasks) < 20 {
					p.tasks = append(p.tasks, aio.Go(self, p.body(depth+1)))
				}
			case 12:
				p.tasks[int(d/time.Second)%len(p.tasks)].Cancel(nil)
			case 13:
				if task := p.tasks[int(d/time.Second)%len(p.tasks)]; task.Coroutine() != self.Coroutine() {
					_ = task.Wait(self)
				}
			case 14:
				p.loop.Post(func() { p.sleepers[0].Wake() })
			case 15:
				if b == 0xff {
					return errBoom
				}
				return nil
			}
		}
		return nil
	}
}

// The trace is the same, byte for byte: on both handoffs, when run again with the
// same seed, and when what was recorded is replayed.
func sameTrace(t testing.TB, steps []byte, seed uint64) {
	t.Helper()
	record := &aio.Record{Of: aio.Shuffle(seed)}
	want := program(t, coro.Channel, steps, record)
	for name, got := range map[string]string{
		"direct": program(t, coro.Direct, steps, aio.Shuffle(seed)),
		"again":  program(t, coro.Channel, steps, aio.Shuffle(seed)),
		"replay": program(t, coro.Direct, steps, aio.Replay(record.Decisions)),
	} {
		if diff := cmp.Diff(strings.Split(want, "\n"), strings.Split(got, "\n")); diff != "" {
			t.Fatalf("seed %d, steps %x: %s differs (-first +%s):\n%s", seed, steps, name, name, diff)
		}
	}
}

func TestRandomProgramsAreDeterministic(t *testing.T) {
	n := uint64(1000)
	if testing.Short() {
		n = 100
	}
	for seed := range n {
		r := rand.New(rand.NewPCG(seed, 1))
		steps := make([]byte, 5+r.IntN(60))
		for i := range steps {
			steps[i] = byte(r.Uint32())
		}
		sameTrace(t, steps, seed)
	}
}

func FuzzLoop(f *testing.F) {
	f.Add([]byte{0x03, 0x13, 0x29, 0x33, 0x07, 0x0b, 0x1c, 0x0d, 0x05, 0x16}, uint64(1))
	f.Add([]byte("a loop of sleeps, yields, wakes, offloads and timeouts"), uint64(2))
	f.Fuzz(func(t *testing.T, steps []byte, seed uint64) {
		if len(steps) > 500 {
			return // longer ones find nothing more, only later
		}
		sameTrace(t, steps, seed)
	})
}

func TestReplayOfAnotherProgramIsDiagnosed(t *testing.T) {
	eachHandoff(t, func(t *testing.T, loop newLoop) {
		for _, decisions := range [][]int{{5}, {-1}} {
			l := loop(aio.WithPolicy(aio.Replay(decisions)))
			l.Post(func() {})
			l.Post(func() {})
			v := caught(func() { _ = l.Run(context.Background()) })
			if s, _ := v.(string); !strings.Contains(s, "not the program that was recorded") {
				t.Errorf("got %v", v)
			}
		}
	})
}

func TestAPolicyThatChoosesWhatIsNotThereIsDiagnosed(t *testing.T) {
	eachHandoff(t, func(t *testing.T, loop newLoop) {
		l := loop(aio.WithPolicy(always(7)))
		l.Post(func() {})
		l.Post(func() {})
		if v := caught(func() { _ = l.Run(context.Background()) }); v != "aio: the policy chose 7 of 2 that are ready" {
			t.Errorf("got %v", v)
		}
	})
}

type always int

func (a always) Next(int) int { return int(a) }
