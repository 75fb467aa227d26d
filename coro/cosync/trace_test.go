package cosync_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/cosync"
)

// A tape is a tracer that keeps lines.
type tape []string

func (t *tape) Trace(e coro.Event) { *t = append(*t, e.String()) }

// TestTrace: the events of this package, among those of coro.
func TestTrace(t *testing.T) {
	const want = `create leader -> entry
enter leader -> c1
lock c1 -> leader (mutex "m")
yield c1 -> leader
create leader -> entry
enter leader -> c2
park c2 -> leader (mutex "m", held by c1)
yield c2 -> leader (mutex "m", held by c1)
enter leader -> c1
unlock c1 -> leader (mutex "m")
wake c1 -> c2
terminate c1 -> leader
enter leader -> c2
lock c2 -> leader (mutex "m")
unlock c2 -> leader (mutex "m")
terminate c2 -> leader`
	for _, h := range handoffs {
		t.Run(h.String(), func(t *testing.T) {
			var got tape
			th := coro.NewThread(coro.WithHandoff(h), coro.WithTracer(&got))
			defer th.Close()
			var mu cosync.Mutex
			mu.SetName("m")
			c1 := in(th, "c1", func(self *Self) {
				mu.Lock(self)
				self.Yield()
				mu.Unlock(self)
			})
			in(th, "c2", func(self *Self) {
				mu.Lock(self)
				mu.Unlock(self)
			})
			th.Enter(c1)
			for i, line := range got {
				if strings.HasPrefix(line, "create") {
					got[i] = "create leader -> entry" // it has no name yet
				}
			}
			if diff := cmp.Diff(want, strings.Join(got, "\n")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestTraceNamesTheLock: a reader of a trace finds which lock, queue or semaphore
// it was, in which way, and who held it.
func TestTraceNamesTheLock(t *testing.T) {
	var (
		rw  cosync.RWMutex
		sem = cosync.NewSemaphore(2)
		q   cosync.Queue
	)
	rw.SetName("table")
	sem.SetName("slots")
	q.SetName("full")
	for _, h := range handoffs {
		for _, test := range []struct {
			name          string
			first, second func(self *Self)
			want          []string // of these kinds only
		}{
			{
				"rwmutex",
				func(self *Self) { rw.Lock(self); self.Yield(); rw.Downgrade(self); rw.RUnlock(self) },
				func(self *Self) { rw.RLock(self); rw.RUnlock(self) },
				[]string{
					`lock c1 (rwmutex "table" for writing)`,
					`park c2 (rwmutex "table", held for writing by c1, for reading)`,
					`unlock c1 (rwmutex "table" for writing)`,
					`lock c1 (rwmutex "table" for reading)`,
					`unlock c1 (rwmutex "table" for reading)`,
					`lock c2 (rwmutex "table" for reading)`,
					`unlock c2 (rwmutex "table" for reading)`,
				},
			},
			{
				"semaphore",
				func(self *Self) { sem.Acquire(self, 2); self.Yield(); sem.Release(self, 2) },
				func(self *Self) { sem.Acquire(self, 1); sem.Release(self, 1) },
				[]string{
					`lock c1 (semaphore "slots": 2 of 2)`,
					`park c2 (semaphore "slots": 1 of 2)`,
					`unlock c1 (semaphore "slots": 2 of 2)`,
					`lock c2 (semaphore "slots": 1 of 2)`,
					`unlock c2 (semaphore "slots": 1 of 2)`,
				},
			},
			{
				"queue",
				func(self *Self) { self.Yield(); q.Next(self) },
				func(self *Self) { q.Wait(self, nil) },
				[]string{`park c2 (queue "full")`},
			},
		} {
			t.Run(test.name+"/"+h.String(), func(t *testing.T) {
				var all tape
				th := coro.NewThread(coro.WithHandoff(h), coro.WithTracer(&all))
				defer th.Close()
				c1 := in(th, "c1", test.first)
				in(th, "c2", test.second)
				th.Enter(c1)
				var got []string
				for _, line := range all {
					switch kind, _, _ := strings.Cut(line, " "); kind {
					case "lock", "park", "unlock":
						got = append(got, strings.Replace(line, " -> leader", "", 1))
					}
				}
				if diff := cmp.Diff(test.want, got); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			})
		}
	}
}
