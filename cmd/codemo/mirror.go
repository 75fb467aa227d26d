package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/gohandoff/coroutine/blockio/job"
	"github.com/gohandoff/coroutine/cmd/codemo/internal/size"
	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/aio"
)

type mirrorFlags struct {
	liveFlags
	mode job.Mode
	hold time.Duration
	stop bool
}

func newMirror() *cobra.Command {
	var f mirrorFlags
	cmd := &cobra.Command{
		Use:   "mirror SRC DST",
		Short: "Watch a file move to another place while it is written to",
		Long: `mirror copies SRC to DST, as copy does, while coroutines of this program write
to SRC at random (--load), and keeps up with them. When DST has caught up, the
device that the coroutines write to pivots to DST, under their hands, and they
go on writing there. Then all is compared: what each of them wrote last must
be on DST.

This is for watching. It has no guest but those coroutines, and no other
program may write to SRC meanwhile. In a program of your own, package
blockio/job does the same for any device.

In mode passive, writes go to SRC and are copied later; if more is written
than copied, that has no end. In mode active, a write to what was copied
already goes to both. The mode auto is passive until all was copied once, and
active from then on.

DST is created, or replaced if it is a file. With --load, what is in SRC is
destroyed.`,
		Example: `  codemo bench-io --create 1G -c 1 disk.img
  codemo mirror --load 8 --overwrite disk.img new.img
  codemo mirror --load 8 --overwrite --hold 10m --live :8080 disk.img new.img
  codemo mirror --load 8 --load-rate 0 --mode active --overwrite a.img b.img`,
		Args: files("source", "destination"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.check(); err != nil {
				return err
			}
			return runLive(cmd, args[0], args[1], &f.liveFlags, func(l *live, self *coro.Self) error { return f.run(l, self) })
		},
	}
	f.add(cmd)
	fl := cmd.Flags()
	fl.TextVar(&f.mode, "mode", job.ModeAuto, "`MODE` is auto, passive or active")
	durationVar(fl, &f.hold, "hold", 0, 0, "keep both sides the same for so `LONG` before the end")
	fl.BoolVar(&f.stop, "stop", false, "stop with a copy on DST, instead of going on there")
	complete(cmd, "mode", "auto", "passive", "active")
	return cmd
}

// run mirrors, pivots and compares.
func (f *mirrorFlags) run(l *live, self *coro.Self) error {
	if err := l.startLoad(self); err != nil {
		return err
	}
	m, err := job.StartMirror(self, l.src, l.dst, job.MirrorOptions{
		Mode: f.mode, Coroutines: f.coroutines, Chunk: int(f.chunk), Rate: int64(f.rate), Context: l.ctx,
	})
	if err != nil {
		return err
	}
	watch := l.watch(self, func() string { return mirrorLine(m.Status()) })
	defer watch.Cancel(nil)
	if err := m.WaitReady(self); err != nil {
		return err
	}
	ready := l.elapsed(self)
	if f.hold > 0 {
		// It ends sooner if it fails, or is interrupted.
		if err := aio.Timeout(self, f.hold, m.Wait); !errors.Is(err, aio.ErrTimeout) {
			return err
		}
	}
	begin := l.elapsed(self)
	end := m.Pivot
	if f.stop {
		end = m.Stop
	}
	if f.stop && l.liveFlags.load > 0 {
		// What is on DST then is what they have written by then.
		if err := l.load.Stop(self); err != nil {
			return err
		}
	}
	if err := end(self); err != nil {
		return err
	}
	l.complete = true
	took := l.elapsed(self) - begin
	watch.Cancel(nil)
	if l.liveFlags.load > 0 && !f.stop {
		aio.Sleep(self, 50*time.Millisecond) // they go on, on DST
	}
	if err := l.load.Stop(self); err != nil {
		return err
	}
	s := m.Status()
	fmt.Fprintf(l.out, "caught up after %.3f s: %s copied, %s zeroes, %s of it again\n",
		ready.Seconds(), size.Format(s.Data), size.Format(s.Zeroes), size.Format(s.Again))
	fmt.Fprint(l.out, l.wrote())
	if l.liveFlags.load > 0 {
		fmt.Fprintf(l.out, "to both sides: %s of them\n", size.Format(s.Both))
	}
	fmt.Fprintf(l.out, "%s took %v, and held writes for %v\n", map[bool]string{false: "pivot", true: "stop"}[f.stop],
		took.Round(time.Microsecond), s.Pause.Round(time.Microsecond))
	return f.verify(l, self)
}

// mirrorLine says how far a mirror is.
func mirrorLine(s job.MirrorStatus) string {
	state := "passive"
	if s.Active {
		state = "active"
	}
	if s.Ready {
		state += ", caught up"
	}
	return fmt.Sprintf("copied %s, again %s, left %s, written %s, %s",
		size.Format(s.Data+s.Zeroes), size.Format(s.Again), size.Format(s.Remaining), size.Format(s.Written), state)
}

// verify compares DST, on which the writers' device stands after a pivot, with
// what they wrote, and the rest with SRC.
func (f *mirrorFlags) verify(l *live, self *coro.Self) error {
	on := l.src
	if f.stop {
		on = l.dst
	}
	if err := l.load.CheckLast(self, on); err != nil {
		return err
	}
	if err := l.load.CheckRest(self, l.src, l.dst); err != nil {
		return err
	}
	if err := on.Flush(self); err != nil {
		return err
	}
	if n := l.load.Blocks(); n > 0 {
		_, err := fmt.Fprintf(l.out, "verified: what was written last to %d blocks is on DST, the rest is the same\n", n)
		return err
	}
	_, err := fmt.Fprintln(l.out, "verified: the contents are the same")
	return err
}
