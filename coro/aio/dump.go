package aio

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"time"
)

// Dump writes what the loop has to do and what it waits for: what is ready, in
// order; the timers, the next first, each with the time that is left and who
// waits for it; offloaded work; coroutines on their way from other loops; requests
// of a [Poller]; holds. Then follows the dump of its thread with every coroutine,
// see [coro.Thread.Dump]. It may be called by any goroutine at any time, also
// while a coroutine hangs.
func (l *Loop) Dump(w io.Writer) error {
	var b bytes.Buffer
	l.dump(&b)
	b.WriteByte('\n')
	if err := l.thread.Dump(&b); err != nil {
		return err
	}
	_, err := w.Write(b.Bytes())
	return err
}

func (l *Loop) dump(b *bytes.Buffer) {
	now := l.clock.Now() // not under the lock: it is somebody else's code
	l.mu.Lock()
	defer l.mu.Unlock()
	fmt.Fprintf(b, "loop %s: %s\n", l.name, l.doing())
	label := "ready:"
	for i := range l.inbox.n {
		line(b, &label, l.inbox.at(i).String())
	}
	label = "timers:"
	timers := slices.Clone(l.timers.heap)
	slices.SortFunc(timers, func(x, y *timer) int {
		if before(x, y) {
			return -1
		}
		return 1
	})
	for _, t := range timers {
		line(b, &label, t.describe(now))
	}
	running, queued := l.pool.counts()
	if running+queued > 0 {
		fmt.Fprintf(b, "\t%-9s %d under way, at most %d at a time\n", "offloads:", running+queued, l.workers)
	}
	if n := l.outside - l.holds - running - queued; n > 0 {
		fmt.Fprintf(b, "\t%-9s %d on their way from other loops\n", "moves:", n)
	}
	if n := l.requests.Load(); n > 0 {
		fmt.Fprintf(b, "\t%-9s %d under way\n", "requests:", n)
	}
	if l.holds > 0 {
		fmt.Fprintf(b, "\t%-9s %d\n", "holds:", l.holds)
	}
}

func line(b *bytes.Buffer, label *string, text string) {
	fmt.Fprintf(b, "\t%-9s %s\n", *label, text)
	*label = ""
}

// doing says in words what the loop does. The caller holds mu.
func (l *Loop) doing() string {
	switch {
	case l.closed:
		return "closed"
	case !l.running:
		return "does not run"
	case l.stuck:
		return "waits for other loops"
	case l.asleep:
		return "sleeps"
	case l.draining.Load():
		return "comes to its end"
	}
	return "runs"
}

// String says what is to be done.
func (x item) String() string {
	if x.co != nil {
		return x.co.Name()
	}
	return "bottom half"
}

func (t *timer) describe(now time.Time) string {
	s := "due: "
	if d := t.at.Sub(now); d > 0 {
		s = fmt.Sprintf("in %v: ", d)
	}
	if t.do != nil {
		return s + "ends " + t.who.Name()
	}
	return s + "wakes " + t.who.Name()
}
