package lesson

import (
	_ "embed" // for the source that is shown
	"errors"

	"github.com/gohandoff/coroutine/coro"
)

//go:embed cloudwu.go
var cloudwuSource string

var cloudwu = Lesson{
	Name: "cloudwu", About: "a scheduler in one page: open, new, resume, yield, close",
	source: cloudwuSource,
	parts:  []part{{"counters", counters}, {"close", closeEarly}},
}

//lesson:begin api

// A schedule knows coroutines by their ids: 0, 1, 2 ...
type schedule struct {
	leader  *coro.Self
	all     []*coro.Coroutine
	running int // -1 while none is
}

func open(leader *coro.Self) *schedule {
	return &schedule{leader: leader, running: -1}
}

// new makes a coroutine, which does not run yet. An id whose coroutine
// is dead is used again.
func (s *schedule) new(name string, body coro.Entry) (id int) {
	co := s.leader.New(body).SetName(name)
	for id, old := range s.all {
		if old.Status() == coro.Dead {
			s.all[id] = co
			return id
		}
	}
	s.all = append(s.all, co)
	return len(s.all) - 1
}

// resume runs a coroutine until it yields or ends. On a dead one it
// does nothing. Only the leader may resume: there is one level.
func (s *schedule) resume(id int) error {
	if s.running >= 0 {
		return errors.New("resume: called within a coroutine")
	}
	if s.status(id) == coro.Dead {
		return nil
	}
	s.running = id
	defer func() { s.running = -1 }() // also if it panics
	s.leader.Enter(s.all[id])
	return nil
}

func (s *schedule) status(id int) coro.Status {
	return s.all[id].Status()
}

func (s *schedule) yield(self *coro.Self) { self.Yield() }

// close ends them all.
func (s *schedule) close() {
	for _, co := range s.all {
		s.leader.Kill(co)
	}
}

//lesson:end

//lesson:begin counters
func counters(e *Env) error {
	s := open(e.Leader())
	defer s.close()
	count := func(from int) coro.Entry {
		return func(self *coro.Self) {
			for i := range 5 {
				e.Say("coroutine %d : %d", s.running, from+i)
				s.yield(self)
			}
		}
	}
	a, b := s.new("counter0", count(0)), s.new("counter1", count(100))
	e.Say("main start")
	for s.status(a) != coro.Dead && s.status(b) != coro.Dead {
		if err := errors.Join(s.resume(a), s.resume(b)); err != nil {
			return err
		}
	}
	e.Say("main end")
	return nil
}

//lesson:end

//lesson:begin close
func closeEarly(e *Env) error {
	s := open(e.Leader())
	id := s.new("reader", func(self *coro.Self) {
		e.Say("opens a file")
		defer e.Say("closes the file")
		e.Say("resume within it: %v", s.resume(0))
		s.yield(self)
		e.Say("never printed")
	})
	if err := s.resume(id); err != nil {
		return err
	}
	e.Say("status %v, running %d", s.status(id), s.running)
	s.close()
	e.Say("status %v", s.status(id))
	return s.resume(id) // nothing happens
}

//lesson:end
