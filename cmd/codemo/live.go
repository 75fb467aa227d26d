package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"time"

	"github.com/spf13/cobra"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/blockio/file"
	"github.com/gohandoff/coroutine/cmd/codemo/internal/size"
	"github.com/gohandoff/coroutine/cmd/codemo/internal/writers"
	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/aio"
)

// liveFlags are those of the commands that copy a file while it is written to.
type liveFlags struct {
	handoff     coro.Handoff
	coroutines  int
	chunk, rate size.Value
	load        int
	loadSize    size.Value
	loadRate    size.Value
	seed        uint64
	overwrite   bool
	trace       string
	serve       string
}

func (f *liveFlags) add(cmd *cobra.Command) {
	f.chunk, f.loadSize, f.loadRate = blockio.DefaultChunk, 4096, 10<<20
	handoffFlag(cmd, &f.handoff)
	fl := cmd.Flags()
	numberVar(fl, &f.coroutines, "coroutines", "m", blockio.DefaultCoroutines, 1, maxCoroutines, "how many coroutines copy, `N`")
	fl.Var(&f.chunk, "chunk", "what one request moves, a `SIZE`")
	fl.Var(&f.rate, "rate", "copy at most `SIZE` a second")
	numberVar(fl, &f.load, "load", "", 0, 0, maxCoroutines, "have `N` coroutines write to SRC at random meanwhile, which destroys what is in it")
	fl.Var(&f.loadSize, "load-size", "each of their writes has `SIZE`")
	fl.Var(&f.loadRate, "load-rate", "they write at most `SIZE` a second; 0 is no limit")
	numberVar(fl, &f.seed, "seed", "", 1, 0, math.MaxUint64, "`N` decides where they write")
	fl.BoolVar(&f.overwrite, "overwrite", false, "yes, --load may destroy what is in SRC")
	fl.StringVar(&f.trace, "trace", "", traceUsage)
	fl.StringVar(&f.serve, "live", "", liveUsage)
}

func (f *liveFlags) check() error {
	switch {
	case f.chunk < 512 || f.chunk > 1<<30:
		return usagef("--chunk %d: want 512 to 1G", f.chunk)
	case f.loadSize < 1 || f.loadSize > 1<<30:
		return usagef("--load-size %d: want 1 to 1G", f.loadSize)
	case f.load > 0 && !f.overwrite:
		return usagef("--load %d: would destroy what is in SRC; --overwrite does so all the same", f.load)
	}
	if err := errors.Join(inMemory("--coroutines", f.coroutines, "--chunk", f.chunk), inMemory("--load", f.load, "--load-size", f.loadSize)); err != nil {
		return err
	}
	if f.serve != "" {
		_, err := liveAddress(f.serve)
		return err
	}
	return nil
}

// A live is one run of such a command.
type live struct {
	*liveFlags
	ctx      context.Context
	out      io.Writer
	src, dst *blockio.Device
	load     *writers.Load
	start    time.Time
	complete bool // the destination is what it was to become
}

// runLive opens both files, starts the load, and has do copy.
func runLive(cmd *cobra.Command, src, dst string, f *liveFlags, do func(l *live, self *coro.Self) error) (err error) {
	ctx, stop := interruptible(cmd.Context(), cmd.ErrOrStderr())
	defer stop()
	if err := traceApart(f.trace, src, dst); err != nil {
		return err
	}
	tracer, opts, err := newStepTracer(f.trace, 0)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, tracer.Close()) }()
	server, opts, err := newLiveServer(f.serve, tracer, opts)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Close()) }()
	l := &live{liveFlags: f, ctx: ctx, out: cmd.OutOrStdout()}
	return onLoop(append(opts, coro.WithHandoff(f.handoff)), func(self *coro.Self) (err error) {
		server.Serve(aio.LoopOf(self), cmd.ErrOrStderr())
		if err := l.open(self, src, dst); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, l.src.Close(self), l.dst.Close(self)) }()
		l.start = aio.LoopOf(self).Now()
		if err := do(l, self); err != nil {
			err = errors.Join(err, l.stopLoad(self))
			if !l.complete {
				err = errors.Join(err, fmt.Errorf("%s is not complete", dst))
			} else if ctx.Err() != nil {
				err = errors.Join(err, fmt.Errorf("%s is complete, but was not compared", dst))
			}
			return err
		}
		return nil
	})
}

// startLoad has the load begin.
func (l *live) startLoad(self *coro.Self) (err error) {
	l.load, err = writers.Start(self, l.src, writers.Options{
		Coroutines: l.liveFlags.load, Block: int64(l.loadSize), Rate: int64(l.loadRate), Seed: l.seed, Context: l.ctx,
	})
	return err
}

// stopLoad ends it, if it has begun.
func (l *live) stopLoad(self *coro.Self) error {
	if l.load == nil {
		return nil
	}
	return l.load.Stop(self)
}

// open opens both files; the destination is made as large as the source.
func (l *live) open(self *coro.Self, src, dst string) error {
	was, err := different(src, dst)
	if err != nil {
		return err
	}
	l.src, err = openDevice(self, src, file.Options{ReadOnly: l.liveFlags.load == 0})
	if err != nil {
		return fmt.Errorf("source: %w", err)
	}
	// Before the destination is emptied: what cannot begin destroys nothing.
	if l.liveFlags.load > 0 && int64(l.loadSize) > l.src.Size() {
		return errors.Join(fmt.Errorf("%s has %d bytes: want room for a write of %d",
			src, l.src.Size(), int64(l.loadSize)), l.src.Close(self))
	}
	opts := file.Options{}
	if was == nil || was.Mode().IsRegular() {
		opts.Create, opts.Truncate, opts.Size = true, true, l.src.Size()
	}
	l.dst, err = openDevice(self, dst, opts)
	if err != nil {
		return errors.Join(fmt.Errorf("destination: %w", err), l.src.Close(self))
	}
	if l.dst.Size() != l.src.Size() { // a disk
		return errors.Join(fmt.Errorf("destination: %s has %d bytes, and must have the %d of %s", dst, l.dst.Size(), l.src.Size(), src),
			l.src.Close(self), l.dst.Close(self))
	}
	return nil
}

// elapsed is the time since the start.
func (l *live) elapsed(self *coro.Self) time.Duration { return aio.LoopOf(self).Now().Sub(l.start) }

// watch prints a line each second, until it is cancelled.
func (l *live) watch(self *coro.Self, line func() string) *aio.Task {
	return aio.Go(self, func(self *coro.Self) error {
		for {
			aio.Sleep(self, time.Second)
			fmt.Fprintf(l.out, "%4.0f s  %s\n", l.elapsed(self).Seconds(), line())
		}
	}).SetName("watch")
}

// wrote says what the load has done.
func (l *live) wrote() string {
	if l.liveFlags.load == 0 {
		return ""
	}
	return fmt.Sprintf("written meanwhile: %d writes, %s, to %d blocks; the longest took %v\n",
		l.load.Writes, size.Format(l.load.Writes*int64(l.loadSize)), l.load.Blocks(), l.load.Longest.Round(time.Microsecond))
}
