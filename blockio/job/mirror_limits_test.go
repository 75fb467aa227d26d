package job_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/blockio/blocktrace"
	"github.com/gohandoff/coroutine/blockio/job"
	"github.com/gohandoff/coroutine/blockio/mem"
	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/aio"
)

func TestDrainedSectionFindsTheMirrorQuiet(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		p := newPair(t, self, 64<<10)
		p.to.lag = 10 * ms
		m := startMirror(t, self, p, job.ModeAuto)
		aio.Sleep(self, ms)
		wantEqual(t, "calls of the target", 2, p.to.going)
		p.src.DrainedBegin(self)
		left := m.Status().Remaining
		wantEqual(t, "calls of the target", 0, p.to.going)
		aio.Sleep(self, 100*ms)
		wantEqual(t, "calls of the target", 0, p.to.going)
		wantEqual(t, "remaining", left, m.Status().Remaining)
		p.src.DrainedEnd(self)
		must(t, m.Stop(self))
	})
}

func TestCancelInADrainedSection(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		p := newPair(t, self, 64<<10)
		p.to.lag = 10 * ms
		m := startMirror(t, self, p, job.ModeAuto)
		aio.Sleep(self, ms)
		p.src.DrainedBegin(self)
		m.Cancel(self)
		p.src.DrainedEnd(self)
		wantUntouched(t, self, p)
	})
}

func TestAtMostCoroutinesChunksAreInFlight(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		p := newPair(t, self, 256<<10)
		p.to.lag = ms
		m, err := job.StartMirror(self, p.src, p.dst, job.MirrorOptions{Coroutines: 5, Chunk: 4096, Granularity: 4096})
		must(t, err)
		must(t, m.Stop(self))
		wantEqual(t, "most calls of the target", 5, p.to.most)
	})
}

func TestZeroesStayZeroes(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		const size = 8 << 30
		p := &pair{from: newDisk(size), to: newDisk(size)}
		p.src, p.dst = open(t, self, p.from, "src"), open(t, self, p.to, "dst")
		must(t, p.src.WriteAt(self, fill(4096, 'a'), 7<<30))
		must(t, p.dst.WriteAt(self, fill(4096, 'x'), 5<<30)) // is to become a hole
		m, err := job.StartMirror(self, p.src, p.dst, job.MirrorOptions{})
		must(t, err)
		must(t, m.WaitReady(self))
		must(t, p.src.WriteAt(self, fill(4096, 'b'), 1<<30))
		must(t, p.src.WriteZeroes(self, 7<<30, 4096, blockio.MayUnmap))
		must(t, p.src.Discard(self, 1<<30, 4096))
		must(t, m.Stop(self))
		wantEqual(t, "pages of the source", 0, p.from.pages())
		wantEqual(t, "pages of the target", 0, p.to.pages())
	})
}

func TestMirrorRefuses(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		p := newPair(t, self, 64<<10)
		larger := open(t, self, mem.New(128<<10), "larger")
		fixed := open(t, self, mem.New(64<<10, mem.WithLimits(blockio.Limits{ReadOnly: true})), "fixed")
		shut := open(t, self, mem.New(64<<10), "shut")
		must(t, shut.Close(self))
		same, over := open(t, self, p.from, "same"), open(t, self, blocktrace.New(p.from, nil), "over")
		large, huge := open(t, self, mem.New(1<<60), "large"), open(t, self, mem.New(1<<60), "huge")
		ctx, cancel := context.WithCancelCause(context.Background())
		mine := errors.New("mine")
		cancel(mine)
		for _, x := range []struct {
			src, dst *blockio.Device
			o        job.MirrorOptions
			want     string
		}{
			{p.src, p.src, job.MirrorOptions{}, "job: mirror of src to src: source and destination are the same device"},
			{p.src, larger, job.MirrorOptions{}, "job: mirror of src to larger: the sizes differ: the source has 65536 bytes, the target has 131072"},
			{p.src, fixed, job.MirrorOptions{}, "job: mirror of src to fixed: target: the device is read-only"},
			{p.src, p.dst, job.MirrorOptions{Rate: -1}, "job: mirror of src to dst: rate -1: want 0 or more"},
			{p.src, p.dst, job.MirrorOptions{Granularity: 3}, "job: mirror of src to dst: granularity 3: want a power of two"},

			{p.src, p.dst, job.MirrorOptions{Coroutines: -1}, "job: mirror of src to dst: coroutines -1: want 0 or more"},
			{p.src, p.dst, job.MirrorOptions{Chunk: -1}, "job: mirror of src to dst: chunk -1: want 0 or more"},
			{p.src, p.dst, job.MirrorOptions{Chunk: 1<<30 + 1}, "job: mirror of src to dst: chunk 1073741825: want up to 1073741824"},
			{large, huge, job.MirrorOptions{Coroutines: 1 << 30}, "job: mirror of large to huge: coroutines 1073741824: want up to 65536"},
			{large, huge, job.MirrorOptions{Granularity: 1 << 20}, "job: mirror of large to huge: granularity 1048576: too fine for 1152921504606846976 bytes, want 17179869184 or more"},
			{nil, p.dst, job.MirrorOptions{}, "job: mirror of nil to dst: the source is nil"},
			{p.src, nil, job.MirrorOptions{}, "job: mirror of src to nil: the target is nil"},
			{p.src, same, job.MirrorOptions{}, "job: mirror of src to same: source and destination are the same device: the target stands on the source"},
			{p.src, over, job.MirrorOptions{}, "job: mirror of src to over: source and destination are the same device: the target stands on the source"},
			{over, p.src, job.MirrorOptions{}, "job: mirror of over to src: source and destination are the same device: the source stands on the target"},
			{p.src, p.dst, job.MirrorOptions{Mode: 7}, "job: mirror of src to dst: mode 7: want ModeAuto, ModePassive or ModeActive"},
			{p.src, shut, job.MirrorOptions{}, "job: mirror of src to shut: read of 0 bytes at 0 on shut: the device is closed"},
			{shut, p.dst, job.MirrorOptions{}, "job: mirror of shut to dst: replace on shut: the device is closed"},
			{p.src, p.dst, job.MirrorOptions{Context: ctx}, "mine"},
		} {
			m, err := job.StartMirror(self, x.src, x.dst, x.o)
			if m != nil {
				err = m.Wait(self)
			}
			if err == nil || !strings.Contains(err.Error(), x.want) {
				t.Errorf("got error %v, want %s", err, x.want)
			}
			wantUntouched(t, self, p)
		}
	})
}

func TestResizeOfTheSourceIsRefused(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		p := newPair(t, self, 64<<10)
		m := startMirror(t, self, p, job.ModeAuto)
		if err := p.src.Resize(self, 4096); !errors.Is(err, job.ErrBusy) {
			t.Errorf("got error %v, want %v", err, job.ErrBusy)
		}
		must(t, m.Stop(self))
		must(t, p.src.Resize(self, 4096))
	})
}

func TestCloseOfTheSourceEndsTheMirror(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		p := newPair(t, self, 64<<10)
		p.to.lag = 10 * ms
		m := startMirror(t, self, p, job.ModeAuto)
		aio.Sleep(self, ms)
		must(t, p.src.Close(self))
		if err := m.Wait(self); !errors.Is(err, blockio.ErrClosed) {
			t.Errorf("got error %v, want %v", err, blockio.ErrClosed)
		}
		must(t, p.dst.Close(self))
	})
}

func TestContextCancelsTheMirror(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		p := newPair(t, self, 64<<10)
		p.to.lag = 10 * ms
		ctx, cancel := context.WithCancelCause(context.Background())
		o := small
		o.Context = ctx
		m, err := job.StartMirror(self, p.src, p.dst, o)
		must(t, err)
		aio.Sleep(self, ms)
		mine := errors.New("mine")
		defer aio.LoopOf(self).Hold()() // the context tells the loop from another goroutine
		cancel(mine)
		if err := m.Wait(self); !errors.Is(err, mine) {
			t.Errorf("got error %v, want %v", err, mine)
		}
		aio.Sleep(self, ms)
		wantUntouched(t, self, p)
	})
}

// TestStackedJobs has a backup stand on a mirror: the mirror can stop, but not
// pivot.
func TestStackedJobs(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		p := newPair(t, self, 64<<10)
		third := open(t, self, newDisk(64<<10), "third")
		m := startMirror(t, self, p, job.ModeAuto)
		b, err := job.StartBackup(self, p.src, third, job.BackupOptions{Rate: 1 << 20})
		must(t, err)
		wantEqual(t, "drivers", "src: backup to third", strings.SplitN(blockio.Describe(p.src), ": 65536", 2)[0])
		if err := m.Pivot(self); !errors.Is(err, job.ErrBusy) {
			t.Errorf("got error %v, want %v", err, job.ErrBusy)
		}
		must(t, p.src.WriteAt(self, fill(512, 'b'), 0))
		must(t, m.Stop(self))
		must(t, p.src.WriteAt(self, fill(512, 'c'), 0))
		must(t, b.Wait(self))
		wantUntouched(t, self, p)
		wantEqual(t, "mirror", "512xb 65024xa", contents(t, self, p.dst))
		wantEqual(t, "backup", "65536xa", contents(t, self, third))
	})
}

func TestProgressIsTold(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		p := newPair(t, self, 64<<10)
		var last job.MirrorStatus
		calls := 0
		o := small
		o.Progress = func(s job.MirrorStatus) { last, calls = s, calls+1 }
		m, err := job.StartMirror(self, p.src, p.dst, o)
		must(t, err)
		must(t, m.WaitReady(self))
		wantEqual(t, "calls", 16, calls)
		wantEqual(t, "last", job.MirrorStatus{Size: 64 << 10, Moved: job.Moved{Data: 64 << 10}, Active: true, Ready: true}, last)
		must(t, m.Stop(self))
	})
}

func TestModeAsText(t *testing.T) {
	for _, m := range []job.Mode{job.ModeAuto, job.ModePassive, job.ModeActive} {
		text, err := m.MarshalText()
		must(t, err)
		var got job.Mode
		must(t, got.UnmarshalText(text))
		wantEqual(t, "mode", m, got)
	}
	err := new(job.Mode).UnmarshalText([]byte("lazy"))
	wantEqual(t, "error", `job: mode "lazy": want auto, passive or active`, fmt.Sprint(err))
}
