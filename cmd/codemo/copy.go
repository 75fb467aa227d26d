package main

import (
	"fmt"
	"io"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/cmd/codemo/internal/size"
	"github.com/gohandoff/coroutine/coro"
)

type copyFlags struct {
	handoff       coro.Handoff
	coroutines    int
	chunk, rate   size.Value
	zeroes        size.Value
	verify        bool
	hash          bool
	direct        bool
	driver        driverName
	faults        sideFaults
	cow           bool
	resume        bool
	removePartial bool
	saveEvery     time.Duration
	trace         string
}

func newCopy() *cobra.Command {
	f := copyFlags{chunk: blockio.DefaultChunk, zeroes: 4096}
	cmd := &cobra.Command{
		Use:   "copy SRC DST",
		Short: "Copy a file or disk with many coroutines, holes and all",
		Long: `copy copies a file or block device by means of coroutines, each of which reads
and writes one chunk after another. Holes stay holes, and blocks that are all
zeroes become holes. A destination that is a file is created, or replaced if
it is there; a block device must be large enough. What was copied is flushed
to the disk before copy succeeds.

If the copy is interrupted or fails midway, the destination stays as it is,
and beside it a checkpoint, DST.codemo-copy, that tells which parts are done:
--resume goes on from there, provided that both files are the same still. As
long as there is a checkpoint, the destination is not complete. With
--remove-partial neither is left. A second interrupt ends the process at once;
then, and after a kill or a power cut, --resume goes on from what was stored
last, every few seconds.

If somebody changes, removes or replaces one of the files meanwhile, copy fails.
A new destination gets the permissions of the source.

--verify reads both files again and compares them; with --direct-io from the
disk rather than from the page cache.

` + faultHelp + `
Before it, src: or dst: says on which side; else it is on both.

Sizes are bytes, or have a unit: 64k, 1M, 1.5G.`,
		Example: `  codemo copy disk.img copy.img
  codemo copy -m 64 --rate 100M --verify disk.img copy.img
  codemo copy --resume disk.img copy.img`,
		Args: files("source", "destination"),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case f.chunk < 512 || f.chunk > 1<<30:
				return usagef("--chunk %d: want 512 to 1G", f.chunk)
			case f.zeroes != 0 && (f.zeroes < 512 || f.zeroes > 1<<30 || f.zeroes&(f.zeroes-1) != 0):
				return usagef("--detect-zeroes %d: want a power of two from 512 to 1G, or 0", f.zeroes)
			case f.cow && f.driver != driverFile:
				return usagef("--cow and --driver %s: an overlay is read by --driver file", f.driver)
			case f.resume && f.removePartial:
				return usagef("--resume and --remove-partial: want one of them")
			}
			if err := inMemory("--coroutines", f.coroutines, "--chunk", f.chunk); err != nil {
				return err
			}
			return runCopy(cmd, args[0], args[1], f)
		},
	}
	handoffFlag(cmd, &f.handoff)
	fl := cmd.Flags()
	numberVar(fl, &f.coroutines, "coroutines", "m", blockio.DefaultCoroutines, 1, maxCoroutines, "how many coroutines copy, `N`")
	fl.Var(&f.chunk, "chunk", "what one request moves, a `SIZE`")
	fl.Var(&f.rate, "rate", "read at most `SIZE` a second")
	fl.Var(&f.zeroes, "detect-zeroes", "make blocks of `SIZE` holes that are all zeroes; 0 leaves them")
	fl.BoolVar(&f.verify, "verify", false, "compare afterwards")
	fl.BoolVar(&f.hash, "hash", false, "print the sha256 of the destination, too")
	fl.BoolVar(&f.direct, "direct-io", false, "go around the page cache")
	driverVar(cmd, &f.driver, []driverName{driverFile, driverUring}, "what reads and writes: `DRIVER` is file, or uring (io_uring) where the kernel allows it")
	fl.Var(&f.faults, "fault", "have requests go wrong by a `RULE` such as dst:write:n=3:errno=EIO; may be given several times")
	fl.BoolVar(&f.cow, "cow", false, "SRC is an overlay, as \"codemo cow\" makes them; never guessed. DST gets the disk in it")
	fl.BoolVar(&f.resume, "resume", false, "go on with a copy that did not come to its end")
	fl.BoolVar(&f.removePartial, "remove-partial", false, "remove the destination if the copy does not come to its end")
	durationVar(fl, &f.saveEvery, "save-every", blockio.DefaultSaveEvery, 1, "bring the checkpoint up to date each `TIME`")
	fl.StringVar(&f.trace, "trace", "", traceUsage)
	return cmd
}

// runCopy is copy with its arguments checked.
func runCopy(cmd *cobra.Command, src, dst string, f copyFlags) error {
	ctx, stop := interruptible(cmd.Context(), cmd.ErrOrStderr())
	defer stop()
	if err := keepApart(src, dst, f.trace, f.resume); err != nil {
		return err
	}
	job := &copyJob{
		ctx: ctx, src: src, dst: dst, flags: f, bar: copyBar{out: cmd.ErrOrStderr(), on: isTerminal(cmd.ErrOrStderr())},
	}
	if err := tracedLoop(f.trace, f.handoff, nil, job.run); err != nil {
		job.bar.clear()
		return err
	}
	return job.report(cmd.OutOrStdout())
}

// report prints what was done.
func (j *copyJob) report(out io.Writer) error {
	r := j.result
	took := (r.Elapsed - r.Verifying).Seconds()
	resumed := ""
	if r.Resumed > 0 {
		resumed = fmt.Sprintf(", %d resumed", r.Resumed)
	}
	_, err := fmt.Fprintf(out, "copied %d bytes (%d data, %d holes%s) in %.3f s, %s, %d requests, %d coroutines\n",
		r.Size, r.Data, r.Zeroes, resumed, took, size.Rate(r.Size-r.Resumed, took), r.Requests, r.Coroutines)
	if err == nil && j.flags.verify {
		_, err = fmt.Fprintf(out, "verified in %.3f s: the contents are the same\n", r.Verifying.Seconds())
	}
	if err == nil && j.hash != nil {
		_, err = fmt.Fprintf(out, "sha256 %x  %s\n", j.hash, j.dst)
	}
	return err
}

// A copyBar shows on a terminal how far the copy is.
type copyBar struct {
	out   io.Writer
	on    bool
	stage blockio.Stage
	bar   *progressbar.ProgressBar
}

// show is told of progress.
func (b *copyBar) show(p blockio.CopyProgress) {
	if !b.on || p.Total == 0 {
		return
	}
	if p.Stage != b.stage {
		b.stage = p.Stage
		b.bar = newBar(b.out, p.Total, progressbar.OptionSetDescription(fmt.Sprintf("%-6s", p.Stage)),
			progressbar.OptionSetWidth(20), progressbar.OptionShowBytes(true), progressbar.OptionUseIECUnits(true))
	}
	b.bar.Set64(p.Done) //nolint:errcheck // nothing to be done about a bar that cannot be drawn
}

// clear takes the bar out of the way of a message.
func (b *copyBar) clear() {
	if b.bar != nil {
		clearBar(b.out)
	}
}
