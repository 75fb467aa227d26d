package trace

import (
	"bytes"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/gohandoff/coroutine/coro"
)

// A Sink takes records in order. A [Stream] calls it on the goroutine that takes
// the step, so it must not enter, yield or wake, nor print to that Stream.
type Sink interface {
	// WriteRecord takes one record.
	WriteRecord(r Record) error
}

// An Option sets up a recorder.
type Option func(*options)

type options struct {
	now func() time.Duration
}

// WithClock has a recorder note when things happen, by now; times count from the
// first event. It costs what now costs: some 40 ns for time.Now. Give it
// [Since] for the real time, or a clock of your own for a trace that is the same
// on each run.
func WithClock(now func() time.Duration) Option {
	return func(o *options) { o.now = now }
}

// Since returns a clock for [WithClock]: the real time since start, which never
// goes backwards.
func Since(start time.Time) func() time.Duration {
	return func() time.Duration { return time.Since(start) }
}

// A Stream is a recorder that hands every event to its sinks at once. It is a
// [coro.Tracer] for any number of threads, and an [io.Writer] for what the
// program prints, which takes its place among the events as lines of
// [KindPrint]. Its methods may be called by any goroutine.
type Stream struct {
	mu      sync.Mutex
	now     func() time.Duration
	start   time.Duration
	started bool
	sinks   []Sink
	names   namer
	err     error

	created *coro.Event // not handed on yet: it gets its name after New
	at      time.Duration
	partial []byte // a print that has not ended its line
	control Party  // who has control, as far as the last event tells
	thread  string
}

// NewStream makes a recorder that writes to sink. End it with [Stream.Close].
func NewStream(sink Sink, opts ...Option) *Stream {
	needs(sink != nil, "NewStream", "the Sink")
	return NewTee([]Sink{sink}, opts...)
}

// NewTee is [NewStream] for several sinks, each of which gets every record.
func NewTee(sinks []Sink, opts ...Option) *Stream {
	for i, s := range sinks {
		needs(s != nil, "NewTee", fmt.Sprintf("sink %d", i+1))
	}
	var o options
	apply("NewTee", &o, opts)
	return &Stream{sinks: slices.Clone(sinks), now: o.now}
}

// Trace implements [coro.Tracer].
func (s *Stream) Trace(e coro.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.flush()
	s.at = s.time()
	if e.Kind == coro.EventCreate {
		s.created = &e
		return
	}
	r := s.names.record(e)
	r.Time = s.at
	s.put(r)
}

// Write implements [io.Writer] for what the program prints.
func (s *Stream) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.flushCreated()
	s.at = s.time()
	s.partial = append(s.partial, p...)
	for {
		line, rest, found := bytes.Cut(s.partial, []byte("\n"))
		if !found {
			break
		}
		s.print(string(line))
		s.partial = rest
	}
	return len(p), s.err
}

// Flush hands on what a Stream keeps back: a creation whose name may not have
// been given yet, and a print without the end of its line.
func (s *Stream) Flush() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.flush()
	return s.err
}

// Close flushes the stream, closes those sinks that have a Close, and returns
// the first error of all.
func (s *Stream) Close() error {
	err := s.Flush()
	for _, sink := range s.sinks {
		if c, ok := sink.(interface{ Close() error }); ok {
			if e := c.Close(); err == nil {
				err = e
			}
		}
	}
	return err
}

func (s *Stream) time() time.Duration {
	if s.now == nil {
		return 0
	}
	now := s.now()
	if !s.started {
		s.started, s.start = true, now
	}
	return now - s.start
}

func (s *Stream) flush() {
	s.flushCreated()
	if len(s.partial) > 0 {
		line := string(s.partial)
		s.partial = nil
		s.print(line)
	}
}

// flushCreated hands on the creation that waits for its name. No print waits at
// the same time: a creation ends a print.
func (s *Stream) flushCreated() {
	if e := s.created; e != nil {
		s.created = nil
		r := s.names.record(*e)
		r.Time = s.at
		s.put(r)
	}
}

func (s *Stream) print(line string) {
	s.put(Record{Thread: s.thread, Time: s.at, Kind: KindPrint, From: s.control, Detail: line})
}

func (s *Stream) put(r Record) {
	switch {
	case enters(r.Kind), ends(r.Kind):
		s.thread, s.control = r.Thread, r.To
	case r.Kind != KindPrint:
		s.thread, s.control = r.Thread, r.From
	}
	for _, sink := range s.sinks {
		if err := sink.WriteRecord(r); s.err == nil {
			s.err = err
		}
	}
}
