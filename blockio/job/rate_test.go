package job_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/gohandoff/coroutine/blockio/job"
	"github.com/gohandoff/coroutine/blockio/mem"
	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/aio"
)

// ahead is how far the crew may get ahead of its rate.
const ahead = 50 * ms

func TestRateIsThatOfTheWholeCrew(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		const size, rate = 8 << 20, 2 << 20
		p := newPair(t, self, size)
		p.to.lag = ms
		m, err := job.StartMirror(self, p.src, p.dst, job.MirrorOptions{Rate: rate, Chunk: 512 << 10})
		must(t, err)
		took := elapsed(self, func() { must(t, m.WaitReady(self)) })
		wantEqual(t, "time that a mirror took", size/rate*time.Second-ahead+ms, took)
		took = elapsed(self, func() { must(t, m.Stop(self)) })
		wantEqual(t, "time that Stop took", ms, took) // nobody sleeps to the end

		took = elapsed(self, func() {
			b, err := job.StartBackup(self, p.src, p.dst, job.BackupOptions{Rate: rate, Chunk: 512 << 10})
			must(t, err)
			must(t, b.Wait(self))
		})
		wantEqual(t, "time that a backup took", size/rate*time.Second-ahead+2*ms, took) // one for the flush
	})
}

// What is copied again because it was written is as much of it as anything.
func TestRateIsThatOfWhatIsCopiedAgain(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		p := newPair(t, self, 1<<20)
		m, err := job.StartMirror(self, p.src, p.dst, job.MirrorOptions{
			Mode: job.ModePassive, Rate: 1 << 20, Chunk: 64 << 10, Granularity: 4096, Coroutines: 1,
		})
		must(t, err)
		aio.Sleep(self, 10*time.Second)
		moved := m.Status().Data
		took := elapsed(self, func() {
			for i := range int64(64) { // scattered: a granule at a time
				must(t, p.src.WriteAt(self, fill(512, 'b'), i*16<<10))
			}
			for m.Status().Data < moved+64*4096 {
				aio.Sleep(self, ms)
			}
		})
		if want := 250*ms - ahead; took < want || took > want+10*ms {
			t.Errorf("256 KiB at a MiB a second took %v, want %v", took, want)
		}
		must(t, m.Stop(self))
	})
}

func TestCrewThatWaitsForItsRateCanBeDrainedAndCancelled(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		p := newPair(t, self, 1<<20)
		m, err := job.StartMirror(self, p.src, p.dst, job.MirrorOptions{Rate: 64 << 10, Chunk: 64 << 10})
		must(t, err)
		aio.Sleep(self, 100*ms)
		took := elapsed(self, func() {
			p.src.DrainedBegin(self)
			p.src.DrainedEnd(self)
			m.Cancel(self)
		})
		wantEqual(t, "time that it took", 0, took)
		wantUntouched(t, self, p)
	})
}

// Drivers in memory do not yield, and holes cost nothing.
func TestTimersAndCancelsAreNoticedMeanwhile(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		const size = 1 << 60
		src, dst := open(t, self, mem.New(size), "src"), open(t, self, mem.New(size), "dst")
		mine := errors.New("mine")
		for name, start := range map[string]func(ctx context.Context) (interface{ Wait(*coro.Self) error }, error){
			"mirror": func(ctx context.Context) (interface{ Wait(*coro.Self) error }, error) {
				return job.StartMirror(self, src, dst, job.MirrorOptions{Context: ctx})
			},
			"backup": func(ctx context.Context) (interface{ Wait(*coro.Self) error }, error) {
				return job.StartBackup(self, src, dst, job.BackupOptions{Context: ctx})
			},
		} {
			ctx, cancel := context.WithCancelCause(context.Background())
			j, err := start(ctx)
			must(t, err)
			for range 3 {
				aio.Yield(self)
			}
			cancel(mine)
			if err := j.Wait(self); !errors.Is(err, mine) {
				t.Errorf("%s: got error %v, want %v", name, err, mine)
			}
		}
	})
}
