package cosync_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gohandoff/coroutine/coro"
)

type Self = coro.Self

var handoffs = []coro.Handoff{coro.Channel, coro.Direct}

// both runs the test on each handoff, on a thread that is closed without error.
func both(t *testing.T, test func(t *testing.T, th *coro.Thread), opts ...coro.Option) {
	t.Helper()
	for _, h := range handoffs {
		t.Run(h.String(), func(t *testing.T) {
			th := coro.NewThread(append([]coro.Option{coro.WithHandoff(h)}, opts...)...)
			defer func() {
				if err := th.Close(); err != nil {
					t.Errorf("Close: %v", err)
				}
			}()
			test(t, th)
		})
	}
}

// A log is what happened, in order.
type log []string

func (l *log) add(format string, args ...any) { *l = append(*l, fmt.Sprintf(format, args...)) }

func (l *log) want(t *testing.T, want string) {
	t.Helper()
	got := strings.Join(*l, " ")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
	*l = nil
}

// usage runs f and returns the UsageError that it panics with, also through a
// coroutine.
func usage(t *testing.T, f func()) (err *coro.UsageError) {
	t.Helper()
	defer func() {
		t.Helper()
		switch v := recover().(type) {
		case nil:
			t.Fatal("no panic")
		case error:
			if !errors.As(v, &err) {
				t.Fatalf("panic %v, want a UsageError", v)
			}
		default:
			t.Fatalf("panic %v, want a UsageError", v)
		}
	}()
	f()
	return nil
}

// misused is usage with a sentinel to find.
func misused(t *testing.T, want error, f func()) *coro.UsageError {
	t.Helper()
	err := usage(t, f)
	if !errors.Is(err, want) {
		t.Errorf("got %v, want %v", err, want)
	}
	return err
}

// A loop is the least event loop: a goroutine, the leader of a thread, that
// enters what is scheduled until the last of its coroutines has ended.
type loop struct {
	thread *coro.Thread
	mu     sync.Mutex
	cond   sync.Cond
	queue  []*coro.Coroutine
	live   int
}

func newLoop(name string, h coro.Handoff) *loop {
	l := new(loop)
	l.cond.L = &l.mu
	l.thread = coro.NewThread(coro.WithHandoff(h), coro.WithName(name), coro.WithScheduler(l))
	return l
}

func (l *loop) Schedule(co *coro.Coroutine) {
	if err := coro.MarkScheduled(nil, co); err != nil {
		panic(err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.queue = append(l.queue, co)
	l.cond.Signal()
}

// start makes a coroutine that runs when run does.
func (l *loop) start(entry coro.Entry) *coro.Coroutine {
	l.mu.Lock()
	l.live++
	l.mu.Unlock()
	co := l.thread.New(func(self *Self) {
		defer func() { l.live-- }()
		entry(self)
	})
	l.Schedule(co)
	return co
}

// again puts self at the back of the loop's queue.
func (l *loop) again(self *Self) {
	l.Schedule(self.Coroutine())
	self.Yield()
}

// run is the leader. live is its own from then on.
func (l *loop) run() error {
	for l.live > 0 {
		l.mu.Lock()
		for len(l.queue) == 0 {
			l.cond.Wait()
		}
		co := l.queue[0]
		l.queue = l.queue[1:]
		l.mu.Unlock()
		l.thread.Leader().EnterScheduled(co)
	}
	return l.thread.Close()
}

// runAll runs loops on goroutines of their own.
func runAll(t *testing.T, loops ...*loop) {
	t.Helper()
	var wg sync.WaitGroup
	for _, l := range loops {
		wg.Go(func() {
			if err := l.run(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}
