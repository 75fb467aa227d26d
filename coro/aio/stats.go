package aio

import "time"

// Stats are the numbers of a [Loop] at one moment; [Loop.Stats] returns them.
type Stats struct {
	// Name is the loop's name.
	Name string
	// Doing says in words what the loop does: "runs", "sleeps", "does not run",
	// "closed", "waits for other loops" or "comes to its end".
	Doing string
	// Tasks is how many tasks on the loop are not finished.
	Tasks int
	// Ready is how many things are in the queue: coroutines that wait for
	// their turn, and bottom halves.
	Ready int
	// Timers is how many timers are armed.
	Timers int
	// OffloadsRunning is how many functions of [Offload] workers run now;
	// OffloadsQueued is how many wait for a worker.
	OffloadsRunning, OffloadsQueued int
	// Requests is how many requests of a [Poller], such as io_uring, are under
	// way.
	Requests int
	// Holds is how many holds there are, see [Loop.Hold].
	Holds int
	// Latency is how long what was put into the queue by the last probe waited
	// for its turn, and MaxLatency the longest of all probes: see
	// [Loop.Probe]. Both are 0 as long as none has come back. A probe that
	// has waited longer already counts for as long as it has.
	Latency, MaxLatency time.Duration
	// Probes is how many probes have come back.
	Probes uint64
}

// Stats returns the loop's numbers. It may be called by any goroutine at any time,
// also while a coroutine hangs; it does not yield.
func (l *Loop) Stats() Stats {
	now := time.Now()
	tasks := len(l.tasks.list(onLoop))
	l.mu.Lock()
	defer l.mu.Unlock()
	s := Stats{
		Tasks: tasks,
		Name:  l.name, Doing: l.doing(), Ready: l.inbox.n, Timers: len(l.timers.heap), Holds: l.holds,
		Latency: l.probe.last, MaxLatency: l.probe.longest, Probes: l.probe.n, Requests: int(l.requests.Load()),
	}
	s.OffloadsRunning, s.OffloadsQueued = l.pool.counts()
	if l.probe.out && l.running {
		if waits := now.Sub(l.probe.since); waits > s.Latency {
			s.Latency = waits
			s.MaxLatency = max(s.MaxLatency, waits)
		}
	}
	return s
}

// A probe measures how long something that is ready waits for its turn. All is
// under Loop.mu.
type probe struct {
	out     bool // one is in the queue
	since   time.Time
	last    time.Duration
	longest time.Duration
	n       uint64
}

// Probe puts a probe at the end of the loop's queue, a bottom half that notes how
// long it waited, in real time, for [Loop.Stats] to tell. It reports false, and
// does nothing, if the last one has not come back, or the loop does not run. It
// may be called by any goroutine; it does not yield. Who never calls it pays
// nothing.
//
// A probe is a turn like any other: a tracer is told of an [EventPost], a policy
// may choose it. So a run that is to be repeated exactly must not be probed.
func (l *Loop) Probe() bool {
	l.mu.Lock()
	if l.probe.out || !l.running || l.closed {
		l.mu.Unlock()
		return false
	}
	l.probe.out, l.probe.since = true, time.Now()
	// Not by way of bring: between two locks, Run might end.
	l.inbox.push(item{fn: l.probed})
	wake, in := l.asleep, l.resting
	l.asleep = false
	l.mu.Unlock()
	if wake {
		l.rouse(in)
	}
	return true
}

// probed is the bottom half of a probe.
func (l *Loop) probed() {
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	p := &l.probe
	p.out = false
	p.last = now.Sub(p.since)
	p.longest = max(p.longest, p.last)
	p.n++
}
