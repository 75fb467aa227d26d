package job_test

import (
	"errors"
	"testing"
	"time"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/blockio/job"
	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/aio"
)

// slow copies next to nothing by itself, so that a test decides what is copied.
var slow = job.BackupOptions{Coroutines: 2, Chunk: 4096, Granularity: 4096, Rate: 1 << 10}

func startBackup(t *testing.T, self *coro.Self, p *pair, o job.BackupOptions) *job.Backup {
	t.Helper()
	b, err := job.StartBackup(self, p.src, p.dst, o)
	must(t, err)
	return b
}

func TestWriteWaitsUntilWhatWasThereIsCopied(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		p := newPair(t, self, 64<<10)
		b := startBackup(t, self, p, slow)
		aio.Sleep(self, time.Second) // the crew sleeps
		p.to.lag = 10 * ms
		write := func() { must(t, p.src.WriteAt(self, fill(512, 'b'), 60<<10)) }
		wantEqual(t, "time of the first write", 10*ms, elapsed(self, write))
		wantEqual(t, "time of the second", 0, elapsed(self, write))
		wantEqual(t, "copied before", int64(4096), b.Status().Before)
		must(t, p.src.WriteZeroes(self, 50<<10, 1, 0))
		must(t, p.src.Discard(self, 40<<10, 4096))
		must(t, p.src.WriteVAt(self, [][]byte{fill(512, 'c'), fill(512, 'c')}, 30<<10, 0))
		p.to.lag = 0
		must(t, b.Wait(self))
		wantEqual(t, "target", "65536xa", contents(t, self, p.dst))
		wantEqual(t, "source", "30720xa 1024xc 9216xa 4096x. 6144xa 1x. 10239xa 512xb 3584xa", contents(t, self, p.src))
		wantEqual(t, "done", true, b.Status().Done)
		wantUntouched(t, self, p)
	})
}

func TestWriterThatIsKilledWhileItCopiesLeavesTheBackup(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		p := newPair(t, self, 64<<10)
		b := startBackup(t, self, p, slow)
		aio.Sleep(self, time.Second)
		p.to.lag = 10 * ms
		write := func(self *coro.Self) error { return p.src.WriteAt(self, fill(512, 'b'), 60<<10) }
		victim, other := aio.Go(self, write), aio.Go(self, write)
		aio.Sleep(self, 5*ms)
		victim.Cancel(nil)
		must(t, other.Wait(self))
		must(t, b.Wait(self))
		wantEqual(t, "target", "65536xa", contents(t, self, p.dst))
	})
}

func TestTargetThatFailsForAWrite(t *testing.T) {
	bad := errors.New("bad")
	write := func(self *coro.Self, p *pair) error { return p.src.WriteAt(self, fill(512, 'b'), 60<<10) }
	t.Run("fails the backup", func(t *testing.T) {
		each(t, func(t *testing.T, self *coro.Self) {
			p := newPair(t, self, 64<<10)
			b := startBackup(t, self, p, slow)
			aio.Sleep(self, time.Second)
			p.to.fail = failOn(blockio.OpWrite, bad)
			must(t, write(self, p))
			if e := (*job.Error)(nil); !errors.As(b.Wait(self), &e) || !errors.Is(e, bad) || e.Job != "backup" {
				t.Errorf("got error %v, want %v", b.Wait(self), bad)
			}
			wantUntouched(t, self, p)
		})
	})
	t.Run("fails the write", func(t *testing.T) {
		each(t, func(t *testing.T, self *coro.Self) {
			p := newPair(t, self, 64<<10)
			o := slow
			o.OnError = job.FailWrite
			b := startBackup(t, self, p, o)
			aio.Sleep(self, time.Second)
			p.to.fail = failOn(blockio.OpWrite, bad)
			if err := write(self, p); !errors.Is(err, bad) {
				t.Errorf("got error %v, want %v", err, bad)
			}
			wantEqual(t, "source", "65536xa", contents(t, self, p.src))
			p.to.fail = nil
			must(t, write(self, p))
			must(t, b.Wait(self))
			wantEqual(t, "target", "65536xa", contents(t, self, p.dst))
		})
	})
	t.Run("that the crew makes", func(t *testing.T) {
		each(t, func(t *testing.T, self *coro.Self) {
			p := newPair(t, self, 64<<10)
			p.to.fail = failOn(blockio.OpWrite, bad)
			b := startBackup(t, self, p, slow)
			if err := b.Wait(self); !errors.Is(err, bad) {
				t.Errorf("got error %v, want %v", err, bad)
			}
			wantUntouched(t, self, p)
		})
	})
}

// TestWritesThatCopyAreBounded has many writers come at a time.
func TestWritesThatCopyAreBounded(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		p := newPair(t, self, 256<<10)
		b := startBackup(t, self, p, slow)
		aio.Sleep(self, time.Second)
		p.to.lag, p.to.most = 10*ms, 0
		var writers aio.Group
		for i := range int64(64) {
			writers.Go(self, func(self *coro.Self) error { return p.src.WriteAt(self, fill(512, 'b'), i*4096) })
		}
		must(t, writers.Wait(self))
		wantEqual(t, "most calls of the target", 2, p.to.most)
		must(t, b.Wait(self))
		wantEqual(t, "target", "262144xa", contents(t, self, p.dst))
	})
}

// TestBackupsOfOneMoment backs up two devices as they are at the same time.
func TestBackupsOfOneMoment(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		one, two := newPair(t, self, 64<<10), newPair(t, self, 64<<10)
		writer := aio.Go(self, func(self *coro.Self) error {
			for i := byte(1); ; i++ { // two is never ahead of one
				must(t, one.src.WriteAt(self, fill(512, i), 0))
				aio.Yield(self)
				must(t, two.src.WriteAt(self, fill(512, i), 0))
			}
		})
		for range 9 {
			aio.Yield(self)
		}
		one.src.DrainedBegin(self)
		two.src.DrainedBegin(self)
		a, b := startBackup(t, self, one, job.BackupOptions{}), startBackup(t, self, two, job.BackupOptions{})
		two.src.DrainedEnd(self)
		one.src.DrainedEnd(self)
		must(t, a.Wait(self))
		must(t, b.Wait(self))
		writer.Cancel(nil)
		x, y := make([]byte, 1), make([]byte, 1)
		must(t, one.dst.ReadAt(self, x, 0))
		must(t, two.dst.ReadAt(self, y, 0))
		if x[0] != y[0] && x[0] != y[0]+1 && y[0] != 'a' {
			t.Errorf("backups of one moment have %d and %d", x[0], y[0])
		}
	})
}

func TestBackupIsCancelledWithItsOwner(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		p := newPair(t, self, 64<<10)
		p.to.lag = 10 * ms
		var b *job.Backup
		owner := aio.Go(self, func(self *coro.Self) error {
			b = startBackup(t, self, p, job.BackupOptions{})
			return b.Wait(self)
		})
		aio.Sleep(self, 5*ms)
		owner.Cancel(nil)
		_ = owner.Wait(self)
		if err := b.Wait(self); !errors.Is(err, job.ErrCancelled) {
			t.Errorf("got error %v, want %v", err, job.ErrCancelled)
		}
		aio.Sleep(self, ms)
		wantUntouched(t, self, p)
	})
}
