package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"runtime"
	"slices"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/blockio/file"
	"github.com/gohandoff/coroutine/cmd/codemo/internal/iobench"
	"github.com/gohandoff/coroutine/cmd/codemo/internal/size"
	"github.com/gohandoff/coroutine/coro"
)

type benchIOFlags struct {
	handoff          coro.Handoff
	storage          storage
	depth            int
	count            int64
	time             time.Duration
	block            size.Value
	step, offset     size.Value
	access           string
	write, overwrite bool
	mix              int
	pattern, seed    uint64
	flushEvery       int64
	noDrain          bool
	create           size.Value
	json, quiet      bool
	svg, trace       string
	procs            int

	// What qemu-img bench has under other names.
	aio, cache, format string
	nativeAIO, share   bool
}

func newBenchIO() *cobra.Command {
	f := benchIOFlags{block: 4096, create: -1}
	cmd := &cobra.Command{
		Use:   "bench-io [FILE]",
		Short: "Measure how fast a file, a disk or memory reads and writes",
		Long: `bench-io has coroutines send requests to a file or block device, each one
request after the other, and tells how many there were a second, what CPU time
they took, and how long each of them took.

It reads, in order, unless told otherwise. Without -c and --time it takes 5
seconds. What it writes with -w or --mix destroys what is in the file: a file
that it does not make itself (--create) it writes to with --overwrite only.

An interrupt ends it at once, and what was measured until then is shown; a
second one ends the process.

The flags of "qemu-img bench" mean the same here, so that the two can be
compared: -c -d -f -i -n -o -q -s -S -t -U -w --flush-interval --no-drain
--pattern.

` + faultHelp + `

With --trace the last 100,000 steps are kept while it measures, in some 20 MB
of memory, and written when it is over. To keep them takes time, which the
figures then have in them: trace with a small -c, and measure without.

Sizes are bytes, or have a unit: 4k, 1M, 1.5G.`,
		Example: `  codemo bench-io --access random -d 64 disk.img
  codemo bench-io --driver uring --direct-io --access random -d 64 disk.img
  codemo bench-io --create 1G --mix 70 --access random --svg out.svg scratch.img
  codemo bench-io --driver mem --size 64M -d 16
  codemo bench-io --driver mem --size 64M -d 4 -c 100 --trace steps.html`,
		Args: atMostOne("file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			path := ""
			if len(args) > 0 {
				path = args[0]
			}
			if err := f.check(cmd, path); err != nil {
				return err
			}
			return runBenchIO(cmd, path, &f)
		},
	}
	handoffFlag(cmd, &f.handoff)
	f.storage.flags(cmd)
	fl := cmd.Flags()
	fl.SortFlags = false
	numberVar(fl, &f.depth, "depth", "d", 64, 1, maxCoroutines, "have `N` requests in flight")
	numberVar(fl, &f.count, "count", "c", 0, 1, math.MaxInt64, "send `N` requests")
	durationVar(fl, &f.time, "time", 0, 1, "go on for so `LONG`, such as 10s")
	fl.VarP(&f.block, "buffer-size", "s", "a request moves `SIZE`")
	fl.StringVar(&f.access, "access", "seq", "`ORDER` of the places: seq or random")
	fl.VarP(&f.step, "step-size", "S", "in order, go on by `SIZE` for each request; the default is --buffer-size")
	fl.VarP(&f.offset, "offset", "o", "leave out the first `SIZE`")
	fl.BoolVarP(&f.write, "write", "w", false, "write instead of reading")
	numberVar(fl, &f.mix, "mix", "", 100, 0, 100, "of a hundred requests `N` read and the others write")
	fl.BoolVar(&f.overwrite, "overwrite", false, "write to a file that was there before")
	fl.Var(&f.create, "create", "make the file, `SIZE` long and full of data, if it is not there")
	numberVar(fl, &f.pattern, "pattern", "", 0, 0, math.MaxUint8, "write the byte `N`, as 0xab")
	numberVar(fl, &f.flushEvery, "flush-interval", "", 0, 0, math.MaxInt64, "flush after each `N` writes, with nothing else in flight")
	fl.BoolVar(&f.noDrain, "no-drain", false, "flush while other requests are in flight")
	numberVar(fl, &f.seed, "seed", "", 1, 0, math.MaxUint64, "`N` decides what is random")
	numberVar(fl, &f.procs, "procs", "", 0, 1, 1024, "let `N` threads run Go code at a time; the default is GOMAXPROCS, but 8 at least for direct I/O on a file")
	fl.BoolVar(&f.json, "json", false, "print JSON")
	fl.StringVar(&f.svg, "svg", "", "draw how long requests took into a `FILE`, too")
	fl.StringVar(&f.trace, "trace", "", "write the last 100,000 steps of the coroutines to a `FILE`: .txt, .jsonl, .html, .svg, .json for Perfetto, or .log")
	fl.BoolVarP(&f.quiet, "quiet", "q", false, "print nothing, but fail if something fails")
	fl.StringVarP(&f.aio, "aio", "i", "", "`AIO`: threads is --driver file, io_uring is --driver uring")
	fl.StringVarP(&f.cache, "cache", "t", "writeback", "`MODE`: none is --direct-io; writethrough has each write durable; directsync is both")
	fl.StringVarP(&f.format, "format", "f", "raw", "`FORMAT` of the file: raw, there is no other")
	fl.BoolVarP(&f.nativeAIO, "native", "n", false, "not supported: Linux native AIO")
	fl.BoolVarP(&f.share, "force-share", "U", false, "do not lock the file")
	fl.Lookup("create").DefValue, fl.Lookup("step-size").DefValue, fl.Lookup("offset").DefValue = "", "", ""
	complete(cmd, "access", "seq", "random")
	complete(cmd, "aio", "threads", "io_uring")
	complete(cmd, "cache", "none", "writeback", "writethrough", "directsync")
	return cmd
}

// check looks at what was asked for, and replaces what qemu-img calls otherwise.
func (f *benchIOFlags) check(cmd *cobra.Command, path string) error {
	if err := f.translate(cmd); err != nil {
		return err
	}
	if err := f.storage.check(cmd, path); err != nil {
		return err
	}
	if !cmd.Flags().Changed("count") && !cmd.Flags().Changed("time") {
		f.time = 5 * time.Second
	}
	if f.write {
		if cmd.Flags().Changed("mix") {
			return usagef("--write and --mix: want one of them; --mix 0 only writes")
		}
		f.mix = 0
	}
	if f.step == 0 {
		f.step = f.block
	}
	switch {
	case f.block < 1 || f.block > 1<<30:
		return usagef("--buffer-size %d: want 1 to 1G", f.block)
	case f.access != "seq" && f.access != "random":
		return usagef("--access %s: want seq or random", f.access)
	case f.noDrain && f.flushEvery == 0:
		return usagef("--no-drain: says how to flush; want --flush-interval, too")
	case f.flushEvery > 0 && f.mix == 100:
		return usagef("--flush-interval %d: nothing is written; want --write or --mix, too", f.flushEvery)
	case f.create >= 0 && !f.storage.onFile():
		return usagef("--create: --driver %s has no file", f.storage.driver)
	}
	if err := inMemory("--depth", f.depth, "--buffer-size", f.block); err != nil {
		return err
	}
	return f.mayWrite(path)
}

// translate turns the flags of qemu-img bench into ours.
func (f *benchIOFlags) translate(cmd *cobra.Command) error {
	if f.format != "raw" {
		return usagef("--format %s: want raw; a file's bytes are the disk's", f.format)
	}
	if f.nativeAIO || f.aio == "native" {
		return usagef("native AIO: not supported; use io_uring, which does what it does and more")
	}
	driver := map[string]driverName{"": f.storage.driver, "threads": driverFile, "io_uring": driverUring}
	d, known := driver[f.aio]
	if !known {
		return usagef("--aio %s: want threads or io_uring", f.aio)
	}
	if f.aio != "" && cmd.Flags().Changed("driver") && d != f.storage.driver {
		return usagef("--aio %s and --driver %s: want one of them", f.aio, f.storage.driver)
	}
	f.storage.driver = d
	switch f.cache {
	case "writeback", "writethrough":
	case "none", "directsync":
		f.storage.direct = true
	default:
		return usagef("--cache %s: want none, writeback, writethrough or directsync", f.cache)
	}
	return nil
}

// mayWrite fails if something would be written that somebody may miss.
func (f *benchIOFlags) mayWrite(path string) error {
	if f.mix == 100 || !f.storage.onFile() || f.overwrite {
		return nil
	}
	if _, err := os.Stat(path); err != nil {
		return nil // made anew, or opening it will tell
	}
	return usagef("%s is there, and writing would destroy what is in it; --overwrite does so all the same", path)
}

// durable reports whether each write is to be durable.
func (f *benchIOFlags) durable() bool { return f.cache == "writethrough" || f.cache == "directsync" }

// what says what is measured, in a line.
func (f *benchIOFlags) what(path string) string {
	kind := map[int]string{0: "writes", 100: "reads"}[f.mix]
	if kind == "" {
		kind = fmt.Sprintf("requests, %d %% reads", f.mix)
	}
	order := map[string]string{"seq": "in order", "random": "at random"}[f.access]
	s := fmt.Sprintf("%s: %s of %s %s, %d in flight", f.storage.name(path), kind, size.Format(int64(f.block)), order, f.depth)
	if f.durable() && f.mix < 100 {
		s += ", writes durable"
	}
	return s + ", " + f.handoff.String() + " handoff"
}

// directProcs is how many threads may run Go code where each request blocks in
// the kernel. Such a call keeps its processor, in the sense of the Go scheduler,
// until the runtime's monitor takes it away, which takes 20 to 100 µs. Two
// processors so made 20,000 requests a second on a disk that makes 43,000 with
// eight, as many as qemu-img's threads.
const directProcs = 8

// setProcs lets as many threads run Go code as was asked for, and returns what
// undoes that.
func (f *benchIOFlags) setProcs() (restore func()) {
	n := f.procs
	if n == 0 && f.storage.driver == driverFile && f.storage.direct {
		n = max(directProcs, runtime.GOMAXPROCS(0))
	}
	was := runtime.GOMAXPROCS(n) // 0 changes nothing
	return func() { runtime.GOMAXPROCS(was) }
}

func runBenchIO(cmd *cobra.Command, path string, f *benchIOFlags) error {
	ctx, stop := interruptible(cmd.Context(), cmd.ErrOrStderr())
	defer stop()
	if err := apart("svg", f.svg, path); err != nil {
		return err
	}
	defer f.setProcs()()
	var result iobench.Result
	bar := &benchBar{out: cmd.ErrOrStderr(), on: isTerminal(cmd.ErrOrStderr()) && !f.quiet}
	err := lastStepsLoop(f.trace, lastSteps, f.handoff, f.others(path), func(self *coro.Self) (err error) {
		dev, err := f.open(self, ctx, path)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, dev.Close(self)) }()
		if n := dev.Size() - int64(f.offset); n < int64(f.block) {
			return fmt.Errorf("%s has %d bytes, %d of them from --offset %d on: want room for a request of %d",
				dev.Name(), dev.Size(), max(n, 0), f.offset, f.block)
		}
		result, err = iobench.Run(self, dev, f.options(ctx, bar))
		return err
	})
	bar.clear()
	if err != nil {
		return err
	}
	if err := f.report(cmd.OutOrStdout(), path, &result); err != nil {
		return err
	}
	if result.Stopped {
		return context.Cause(ctx)
	}
	return nil
}

// others are the files that the trace must not be.
func (f *benchIOFlags) others(path string) []string {
	return slices.DeleteFunc([]string{path, f.svg}, func(s string) bool { return s == "" })
}

func (f *benchIOFlags) options(ctx context.Context, bar *benchBar) iobench.Options {
	return iobench.Options{
		Depth: f.depth, Count: f.count, Time: f.time, BlockSize: int64(f.block), Offset: int64(f.offset), Step: int64(f.step),
		Random: f.access == "random", Reads: f.mix, Seed: f.seed, Pattern: byte(f.pattern), Durable: f.durable(),
		FlushEvery: f.flushEvery, NoDrain: f.noDrain, Context: ctx, Progress: bar.show,
	}
}

// open opens the device, and makes the file first if it is to be made.
func (f *benchIOFlags) open(self *coro.Self, ctx context.Context, path string) (*blockio.Device, error) {
	if f.create >= 0 {
		if err := createFull(self, ctx, path, int64(f.create)); err != nil {
			return nil, err
		}
	}
	return f.storage.open(self, path, file.Options{ReadOnly: f.mix == 100, NoLock: f.share})
}

// createFull makes a file of size bytes, none of which is a hole: to read holes
// measures nothing, and to write to them measures the file system. One of that
// size that is there stays as it is; what could not be filled is removed, and
// what a kill leaves is too short to be taken for it.
func createFull(self *coro.Self, ctx context.Context, path string, size int64) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if errors.Is(err, os.ErrExist) {
		if st, err := os.Stat(path); err == nil && st.Mode().IsRegular() && st.Size() != size {
			return fmt.Errorf("--create %d: %s is there, and has %d bytes", size, path, st.Size())
		}
		return nil // or opening it will tell
	}
	if err != nil {
		return err
	}
	p := bytes.Repeat([]byte("codemo bench-io "), 1<<16)
	err = offload(self, func() error {
		for left := size; left > 0; left -= int64(len(p)) {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			if _, err := f.Write(p[:min(int64(len(p)), left)]); err != nil {
				return err
			}
		}
		return nil
	})
	if err = errors.Join(err, f.Close()); err != nil {
		err = errors.Join(err, os.Remove(path))
	}
	return err
}

func (f *benchIOFlags) report(out io.Writer, path string, r *iobench.Result) error {
	what := f.what(path)
	if f.svg != "" {
		var b bytes.Buffer
		if err := iobench.WriteSVG(&b, what, machine(), r); err != nil {
			return err
		}
		if err := os.WriteFile(f.svg, b.Bytes(), 0o666); err != nil {
			return fileError("svg", f.svg, err)
		}
	}
	switch {
	case f.quiet:
		return nil
	case f.json:
		return iobench.WriteJSON(out, what, r)
	}
	if _, err := fmt.Fprintf(out, "%s\n\n", what); err != nil {
		return err
	}
	return iobench.WriteText(out, r)
}

// A benchBar shows on a terminal how far a measure is.
type benchBar struct {
	out io.Writer
	on  bool
	bar *progressbar.ProgressBar
}

func (b *benchBar) show(p iobench.Progress) {
	if !b.on {
		return
	}
	if b.bar == nil {
		b.bar = newBar(b.out, 1000)
	}
	b.bar.Describe(fmt.Sprintf("%9.0f IOPS", float64(p.Requests)/max(p.Elapsed.Seconds(), 1e-3)))
	b.bar.Set(min(int(p.Part*1000), 999)) //nolint:errcheck // nothing to be done about a bar that cannot be drawn
}

func (b *benchBar) clear() {
	if b.bar != nil {
		clearBar(b.out)
	}
}
