package job_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/blockio/job"
	"github.com/gohandoff/coroutine/blockio/mem"
	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/aio"
)

func TestTargetOfAnotherJobIsRefused(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		p := newPair(t, self, 64<<10)
		other := newPair(t, self, 64<<10)
		m := startMirror(t, self, p, job.ModeAuto)
		busy := func(want string, err error) {
			t.Helper()
			if !errors.Is(err, job.ErrBusy) {
				t.Errorf("got error %v, want %v", err, job.ErrBusy)
				return
			}
			wantEqual(t, "error", want, err.Error())
		}
		_, err := job.StartMirror(self, other.src, p.dst, small)
		busy("job: mirror of src to dst: target: another job is using the device: it is that of a mirror of src", err)
		_, err = job.StartBackup(self, other.src, p.dst, job.BackupOptions{})
		busy("job: backup of src to dst: target: another job is using the device: it is that of a mirror of src", err)
		wantUntouched(t, self, other)

		// In a ring of jobs, what one copies the next would copy for ever.
		_, err = job.StartMirror(self, p.dst, p.src, small)
		busy("job: mirror of dst to src: target: another job is using the device: a mirror copies it to dst", err)
		next, err := job.StartMirror(self, p.dst, other.dst, small)
		must(t, err)
		_, err = job.StartMirror(self, other.dst, p.src, small)
		busy("job: mirror of dst to src: target: another job is using the device: a mirror copies it to dst", err)
		next.Cancel(self)

		must(t, m.Stop(self))
		m, err = job.StartMirror(self, other.src, p.dst, small)
		must(t, err)
		must(t, m.Stop(self))
	})
}

func TestTargetIsFreeHoweverAJobEnds(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		p := newPair(t, self, 64<<10)
		p.to.lag = ms
		for _, end := range []func(m *job.Mirror, owner *aio.Task){
			func(m *job.Mirror, _ *aio.Task) { m.Cancel(self) },
			func(m *job.Mirror, owner *aio.Task) { owner.Cancel(nil) },
		} {
			var m *job.Mirror
			owner := aio.Go(self, func(self *coro.Self) error {
				m = startMirror(t, self, p, job.ModeAuto)
				return m.Wait(self)
			})
			aio.Sleep(self, ms)
			end(m, owner)
			_ = owner.Wait(self)
			_ = m.Wait(self)
		}
		p.src.DrainedBegin(self) // so that it cannot begin
		owner := aio.Go(self, func(self *coro.Self) error {
			_, err := job.StartMirror(self, p.src, p.dst, small)
			return err
		})
		aio.Sleep(self, ms)
		owner.Cancel(nil)
		_ = owner.Wait(self)
		p.src.DrainedEnd(self)
		must(t, startMirror(t, self, p, job.ModeAuto).Stop(self))
	})
}

func TestTargetOfAnotherSizeIsNoCopy(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		for name, end := range map[string]func(m *job.Mirror) error{
			"Stop":  func(m *job.Mirror) error { return m.Stop(self) },
			"Pivot": func(m *job.Mirror) error { return m.Pivot(self) },
		} {
			for _, size := range []int64{4096, 128 << 10} {
				p := newPair(t, self, 64<<10)
				m := startMirror(t, self, p, job.ModeAuto)
				must(t, m.WaitReady(self))
				must(t, p.dst.Resize(self, size))
				if err := end(m); !errors.Is(err, blockio.ErrSize) {
					t.Errorf("%s: got error %v, want %v", name, err, blockio.ErrSize)
				}
				wantEqual(t, "ended", true, m.Ended())
				wantUntouched(t, self, p)
			}
		}
	})
}

// The task of the job waits for the end of the section to take its filter off.
func TestFailureBeforeADrainedSectionIsToldInIt(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		broken := errors.New("broken")
		for name, end := range map[string]func(m *job.Mirror) error{
			"Stop":   func(m *job.Mirror) error { return m.Stop(self) },
			"Pivot":  func(m *job.Mirror) error { return m.Pivot(self) },
			"Cancel": func(m *job.Mirror) error { m.Cancel(self); return m.Wait(self) },
		} {
			p := newPair(t, self, 64<<10)
			p.from.lag, p.to.fail = ms, failOn(blockio.OpWrite, broken)
			m := startMirror(t, self, p, job.ModeAuto)
			aio.Sleep(self, ms/2) // the crew is reading
			p.src.DrainedBegin(self)
			aio.Sleep(self, ms)
			wantEqual(t, "ended", true, m.Ended())
			if err := end(m); !errors.Is(err, broken) {
				t.Errorf("%s: got error %v, want %v", name, err, broken)
			}
			wantEqual(t, "source is on its driver", true, p.src.Driver() == blockio.Driver(p.from))
			p.src.DrainedEnd(self)
			p.to.fail = nil
			must(t, startMirror(t, self, p, job.ModeAuto).Stop(self))
		}
	})
}

func TestErrorsOfTheEndAreThoseOfTheJob(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		p := newPair(t, self, 64<<10)
		p.to.fail = failOn(blockio.OpFlush, errors.New("out of order"))
		m := startMirror(t, self, p, job.ModeAuto)
		must(t, m.WaitReady(self))
		p.src.DrainedBegin(self) // so that it is not flushed before
		first := m.Pivot(self)
		p.src.DrainedEnd(self)
		for _, err := range []error{first, m.Pivot(self), m.Wait(self)} {
			if _, ok := err.(*job.Error); !ok {
				t.Errorf("got a %T, want a *job.Error", err)
			}
			wantEqual(t, "error", "job: mirror of src to dst: flush on dst: out of order", err.Error())
		}
	})
}

func TestTargetOfAnotherLoopIsDiagnosed(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		p := newPair(t, self, 64<<10)
		other := aio.NewLoop(aio.WithClock(aio.NewVirtualClock(time.Time{})))
		defer other.Close()
		other.Go(func(self *coro.Self) error {
			dst := open(t, self, mem.New(64<<10), "other")
			defer dst.Close(self)
			defer func() {
				if err, _ := recover().(error); !errors.Is(err, blockio.ErrElsewhere) {
					t.Errorf("panicked with %v, want %v", err, blockio.ErrElsewhere)
				}
			}()
			_, err := job.StartMirror(self, dst, p.dst, job.MirrorOptions{})
			return err
		})
		must(t, other.Run(context.Background()))
		wantUntouched(t, self, p)
	})
}
