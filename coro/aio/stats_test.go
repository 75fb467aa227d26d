package aio_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/aio"
)

// TestStats asks a loop for its numbers from within, where each of them is known.
func TestStats(t *testing.T) {
	for _, h := range []coro.Handoff{coro.Channel, coro.Direct} {
		t.Run(h.String(), func(t *testing.T) {
			l := loopsOn(t, h)(aio.WithWorkers(1), aio.WithName("measured"))
			if l.Probe() {
				t.Error("Probe before Run: got true, want false")
			}
			begun, free := make(chan struct{}), make(chan struct{})
			work := func(self *coro.Self) error {
				_, err := aio.Offload(self, func() (int, error) {
					begun <- struct{}{}
					<-free
					return 0, nil
				})
				return err
			}
			l.Go(work)
			l.Go(work)
			release := l.Hold()
			l.Go(func(self *coro.Self) error {
				defer release()
				<-begun
				defer close(free)
				l.Post(func() {})
				want := aio.Stats{Name: "measured", Doing: "runs", Tasks: 3, Ready: 1, OffloadsRunning: 1, OffloadsQueued: 1, Holds: 1}
				if diff := cmp.Diff(want, l.Stats()); diff != "" {
					t.Errorf("Stats (-want +got):\n%s", diff)
				}
				if !l.Probe() || l.Probe() {
					t.Error("two probes: got other than true, then false")
				}
				if st := l.Stats(); st.Probes != 0 || st.Ready != 2 {
					t.Errorf("with a probe in the queue: got %+v", st)
				}
				aio.Yield(self)
				if st := l.Stats(); st.Probes != 1 || st.Latency < 0 || st.MaxLatency < st.Latency || st.Ready != 0 {
					t.Errorf("when the probe is back: got %+v", st)
				}
				go func() { <-begun }()
				return nil
			})
			run(t, l)
			if st := l.Stats(); st.Tasks != 0 || st.Doing != "does not run" || st.OffloadsRunning != 0 {
				t.Errorf("after Run: got %+v", st)
			}
		})
	}
}
