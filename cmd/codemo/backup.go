package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/gohandoff/coroutine/blockio/job"
	"github.com/gohandoff/coroutine/cmd/codemo/internal/size"
	"github.com/gohandoff/coroutine/coro"
)

func newBackup() *cobra.Command {
	var f liveFlags
	cmd := &cobra.Command{
		Use:   "backup SRC DST",
		Short: "Watch a file being copied as it was while it is written to",
		Long: `backup copies SRC to DST as SRC is at the start, while coroutines of this
program write to SRC at random (--load): a write waits until what it
overwrites has been copied. At the end all is compared: what was in SRC at the
start must be on DST.

This is for watching. It has no guest but those coroutines, and no other
program may write to SRC meanwhile. In a program of your own, package
blockio/job does the same for any device.

DST is created, or replaced if it is a file. With --load, what is in SRC is
destroyed; it is on DST then.`,
		Example: `  codemo bench-io --create 1G -c 1 disk.img
  codemo backup --load 8 --overwrite disk.img monday.img`,
		Args: files("source", "destination"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.check(); err != nil {
				return err
			}
			return runLive(cmd, args[0], args[1], &f, func(l *live, self *coro.Self) error { return runBackup(l, self) })
		},
	}
	f.add(cmd)
	return cmd
}

// runBackup backs up and compares.
func runBackup(l *live, self *coro.Self) error {
	b, err := job.StartBackup(self, l.src, l.dst, job.BackupOptions{
		Coroutines: l.coroutines, Chunk: int(l.chunk), Rate: int64(l.rate), Context: l.ctx,
	})
	if err != nil {
		return err
	}
	if err := l.startLoad(self); err != nil { // not before: what it finds first is what DST must hold
		b.Cancel(self)
		return err
	}
	watch := l.watch(self, func() string {
		s := b.Status()
		return fmt.Sprintf("copied %s, for writes %s, left %s, written %s", size.Format(s.Data+s.Zeroes),
			size.Format(s.Before), size.Format(s.Remaining), size.Format(l.load.Writes*int64(l.loadSize)))
	})
	defer watch.Cancel(nil)
	if err := b.Wait(self); err != nil {
		return err
	}
	l.complete = true
	took := l.elapsed(self)
	watch.Cancel(nil)
	if err := l.load.Stop(self); err != nil {
		return err
	}
	s := b.Status()
	fmt.Fprintf(l.out, "backed up in %.3f s: %s copied, %s zeroes, %s for writes that waited\n",
		took.Seconds(), size.Format(s.Data), size.Format(s.Zeroes), size.Format(s.Before))
	fmt.Fprint(l.out, l.wrote())
	if err := l.load.CheckFirst(self, l.dst); err != nil {
		return err
	}
	if err := l.load.CheckRest(self, l.src, l.dst); err != nil {
		return err
	}
	_, err = fmt.Fprintln(l.out, "verified: DST holds what SRC held at the start")
	return err
}
