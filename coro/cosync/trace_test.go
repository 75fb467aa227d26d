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
