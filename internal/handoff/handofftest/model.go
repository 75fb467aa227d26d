package handofftest

import (
	"math/rand/v2"

	"github.com/google/go-cmp/cmp"

	"github.com/gohandoff/coroutine/internal/handoff"
)

var modelTests = []test{
	{"10,000 random schedules go as the model goes", testRandom},
}

// A random schedule has a few lines and a row of actors: the leader, who is
// nobody's runner, and each line's runner. Whoever runs draws the next thing to
// do from what is legal for him. All draw from one generator and write to one
// trace, neither of them guarded: only the one who runs may touch them.
//
// The model draws from a generator of the same seed, and replays what is drawn
// on a plain stack of actors, without goroutines. The two traces must be equal.

// leader is the actor that is nobody's runner; the others are numbered as
// their lines.
const leader = -1

// lines and steps bound a schedule. After so many steps everybody goes home.
const (
	lines = 3
	steps = 30
)

// state is what an actor may assume about a line.
type state uint8

const (
	fresh     state = iota // no runner; also again after the runner's end
	idle                   // a runner without work
	suspended              // in Yield
	entered                // runs, or has entered another one
)

type verb uint8

const (
	run     verb = iota // give the line work
	enter               // Enter(Enter)
	kill                // Enter(Kill)
	askDown             // Ask
	release             // Release
	yield
	askUp // AskBack
	returnKept
	returnEnded
	panics
	goexit
	got    // a signal from the line
	asked  // runs what was asked for
	killed // found a Kill in Yield
)

// An event is one entry of the trace.
type event struct {
	Actor  int
	Verb   verb
	Line   int
	Signal handoff.Signal
}

// script is what both the lines and the model are driven by.
type script struct {
	rng   *rand.Rand
	left  int // steps
	state [lines]state
	trace []event
}

func newScript(seed uint64) *script {
	return &script{rng: rand.New(rand.NewPCG(seed, 0)), left: steps}
}

func (p *script) add(actor int, v verb, line int, sig handoff.Signal) {
	p.trace = append(p.trace, event{actor, v, line, sig})
}

// draw picks what actor does next. With no steps left it is what brings the
// schedule to its end; for the leader, release of line -1 is the very end.
func (p *script) draw(actor int) (v verb, line int) {
	if p.left == 0 {
		if actor != leader {
			return returnEnded, actor
		}
		for i, st := range p.state {
			switch st {
			case suspended:
				return kill, i
			case idle:
				return release, i
			}
		}
		return release, -1
	}
	p.left--
	type choice struct {
		v    verb
		line int
	}
	choices := make([]choice, 0, 16)
	for i, st := range p.state {
		switch st {
		case fresh:
			choices = append(choices, choice{run, i})
		case idle:
			choices = append(choices, choice{run, i}, choice{run, i}, choice{release, i})
		case suspended:
			choices = append(choices, choice{enter, i}, choice{enter, i}, choice{kill, i}, choice{askDown, i})
		}
	}
	if actor != leader {
		choices = append(choices, choice{yield, actor}, choice{yield, actor}, choice{askUp, actor},
			choice{returnKept, actor}, choice{returnEnded, actor}, choice{panics, actor})
		if p.rng.IntN(20) == 0 {
			choices = append(choices, choice{goexit, actor})
		}
	}
	// The leader always has one: nothing is entered while he runs.
	c := choices[p.rng.IntN(len(choices))]
	p.add(actor, c.v, c.line, 0)
	return c.v, c.line
}

// The model.

// modelled returns the trace of the schedule that seed draws.
func modelled(seed uint64) []event {
	p := newScript(seed)
	actors := []int{leader}
	// up hands control from the running actor to the one below it.
	up := func(sig handoff.Signal, left state) {
		line := actors[len(actors)-1]
		actors = actors[:len(actors)-1]
		p.state[line] = left
		p.add(actors[len(actors)-1], got, line, sig)
	}
	for {
		actor := actors[len(actors)-1]
		v, line := p.draw(actor)
		switch v {
		case run, enter:
			p.state[line] = entered
			actors = append(actors, line)
		case kill:
			actors = append(actors, line)
			p.add(line, killed, line, handoff.Kill)
			up(handoff.Terminate, fresh)
		case askDown:
			p.add(line, asked, line, 0)
		case askUp:
			p.add(actors[len(actors)-2], asked, line, 0)
		case release:
			if line < 0 {
				return p.trace
			}
			p.state[line] = fresh
		case yield:
			up(handoff.Yield, suspended)
		case returnKept:
			up(handoff.Terminate, idle)
		case returnEnded:
			up(handoff.Terminate, fresh)
		case panics:
			up(handoff.Panic, fresh)
		case goexit:
			for len(actors) > 1 {
				up(handoff.Goexit, fresh)
			}
			return p.trace
		}
	}
}

// The lines.

// players drives real lines by a script.
type players struct {
	*script
	s     *suite
	line  [lines]*handoff.Line
	actor [lines]int // who entered the line, and so is asked by AskBack
}

// played returns the trace of the schedule that seed draws, and leaves no
// goroutine behind.
func (s *suite) played(seed uint64) []event {
	p := &players{script: newScript(seed), s: s}
	for i := range p.line {
		p.line[i] = s.line()
	}
	apart(func() { p.act(leader) })
	trace := p.trace
	p.clear()
	return trace
}

// clear ends what a Goexit has left. The model stops there, so what clear
// traces is not compared.
func (p *players) clear() {
	for i, l := range p.line {
		switch p.state[i] {
		case suspended:
			l.Enter(handoff.Kill)
		case idle:
			l.Release()
		}
	}
}

// act is what an actor does from his entry to his end. It returns whether the
// runner asks to be kept.
func (p *players) act(actor int) (keep bool) {
	for {
		v, line := p.draw(actor)
		switch v {
		case run:
			p.state[line] = entered
			p.actor[line] = actor
			p.settle(actor, line, p.line[line].Run(work(func() bool { return p.act(line) })))
		case enter:
			p.state[line] = entered
			p.actor[line] = actor
			p.settle(actor, line, p.line[line].Enter(handoff.Enter))
		case kill:
			p.settle(actor, line, p.line[line].Enter(handoff.Kill))
		case askDown:
			p.line[line].Ask(func() { p.add(line, asked, line, 0) })
		case askUp:
			if !p.line[line].AskBack(func() { p.add(p.actor[line], asked, line, 0) }) {
				p.s.Error("AskBack could not")
			}
		case release:
			if line < 0 {
				return false
			}
			p.line[line].Release()
			p.state[line] = fresh
			p.line[line] = p.s.line()
		case yield:
			if down := p.line[line].Yield(); down != handoff.Enter {
				p.add(line, killed, line, down)
				panic(handoff.ErrKilled)
			}
		case returnKept:
			return true
		case returnEnded:
			return false
		case panics:
			panic(p.left)
		case goexit:
			exitNow()
		}
	}
}

// settle notes what came up from line.
func (p *players) settle(actor, line int, up handoff.Signal) {
	l := p.line[line]
	p.add(actor, got, line, up)
	switch {
	case up == handoff.Yield:
		p.state[line] = suspended
		return
	case up == handoff.Terminate && l.Kept():
		p.state[line] = idle
		return
	case up == handoff.Panic:
		if value, _ := l.Failure(); value != any(p.left) {
			p.s.Errorf("panic value: got %v, want %v", value, p.left)
		}
	case up == handoff.Goexit:
		p.state[line] = fresh
		l.Exit()
	}
	p.state[line] = fresh
	p.line[line] = p.s.line()
}

func testRandom(s *suite) {
	seen := map[handoff.Signal]int{}
	for seed := range uint64(10_000) {
		wanted, got := modelled(seed), s.played(seed)
		if diff := cmp.Diff(wanted, got); diff != "" {
			s.Fatalf("seed %d: (-model +lines)\n%s", seed, diff)
		}
		for _, e := range got {
			seen[e.Signal]++
		}
	}
	for _, sig := range []handoff.Signal{
		handoff.Yield, handoff.Terminate, handoff.Panic, handoff.Goexit, handoff.Kill,
	} {
		if seen[sig] < 100 {
			s.Errorf("the schedules had %d of %v, want 100 and more", seen[sig], sig)
		}
	}
	s.wantGoroutines(0)
}
