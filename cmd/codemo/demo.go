package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/spf13/cobra"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/blockio/file"
	"github.com/gohandoff/coroutine/cmd/codemo/internal/size"
	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/trace"
)

type demoFlags struct {
	handoff coro.Handoff
	color   colorMode
	steps   uint64
	trace   string
}

func newDemo() *cobra.Command {
	var f demoFlags
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "See in a minute what this is about",
		Long: `demo runs a coroutine that yields once, and draws each step. Then it makes a
file with holes in a temporary folder, has 16 coroutines copy it through the
block layer, draws some of their steps, compares the hashes of both files, and
looks whether anything was left behind: coroutines, goroutines, requests.`,
		Example: `  codemo demo
  codemo demo --steps 200 --handoff direct
  codemo demo --trace copy.html`,
		Args: none,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, stop := interruptible(cmd.Context(), cmd.ErrOrStderr()) // what it made is removed then, too
			defer stop()
			return demo(ctx, cmd.OutOrStdout(), f)
		},
	}
	handoffFlag(cmd, &f.handoff)
	cmd.Flags().Var(&f.color, "color", "when to colour: `WHEN` is auto, always or never; NO_COLOR means never")
	numberVar(cmd.Flags(), &f.steps, "steps", "", 30, 0, math.MaxUint64, "draw `N` steps of the copy, 0 for none")
	cmd.Flags().StringVar(&f.trace, "trace", "", traceUsage)
	complete(cmd, "color", colorModes[:]...)
	return cmd
}

const (
	demoSize       = 8 << 20
	demoCoroutines = 16
)

func demo(ctx context.Context, out io.Writer, f demoFlags) (err error) {
	tracer, _, err := newStepTracer(f.trace, 0)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, tracer.Close()) }()
	before := runtime.NumGoroutine()
	say := func(format string, args ...any) { // a pipe that is closed shows at the end
		_, e := fmt.Fprintf(out, format, args...)
		err = errors.Join(err, e)
	}
	say("1. A coroutine runs until it yields, and goes on where it was.\n\n")
	if err := runTrace(out, "classic", traceFlags{handoff: f.handoff, color: f.color}); err != nil {
		return err
	}

	dir, err := os.MkdirTemp("", "codemo-demo-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	src, dst := filepath.Join(dir, "disk.img"), filepath.Join(dir, "copy.img")
	if err := makeDemoFile(src); err != nil {
		return err
	}
	say("\n2. %d coroutines copy a file of %s, half of it holes. Each reads and\n"+
		"   writes one chunk after another, as if it were alone.\n\n", demoCoroutines, size.Format(demoSize))
	say("   This is from the middle, when all of them have begun:\n\n")
	l := trace.NewStream(trace.NewLadder(out, trace.WithWidth(columns(out)), trace.WithColor(f.color.on(out))))
	d := demoCopy{ctx: ctx, src: src, dst: dst}
	some := &excerpt{to: l, left: f.steps}
	if tracer != nil {
		some.all = tracer.stream
	}
	if err := onLoop([]coro.Option{coro.WithHandoff(f.handoff), coro.WithTracer(some)}, d.run); err != nil {
		return err
	}
	if err := l.Close(); err != nil {
		return err
	}
	r := d.result
	say("\n   %s of data and %s of holes in %.1f ms, %d requests.\n",
		size.Format(r.Data), size.Format(r.Zeroes), r.Elapsed.Seconds()*1e3, r.Requests)

	say("\n3. Is it a copy, and is nothing left behind?\n\n")
	say("   sha256 of the source  %x...\n   sha256 of the copy    %x...\n", d.sums[0][:12], d.sums[1][:12])
	if !bytes.Equal(d.sums[0], d.sums[1]) {
		return errors.New("demo: the copy differs from the source")
	}
	after := goroutinesSettled(before)
	say("   requests in flight    %d\n   coroutines alive      %d\n   goroutines            %d before, %d after\n", d.inFlight, d.live(), before, after)
	if d.inFlight != 0 || d.live() != 0 || after > before {
		return errors.New("demo: something was left behind")
	}
	say("\nThe same, and nothing leaked. Next: codemo lesson, codemo list, codemo copy.\n")
	return err
}

// An excerpt passes on some steps of a thread, from when all coroutines of the
// copy have begun, and all of them to whom wants all.
type excerpt struct {
	to   coro.Tracer
	all  coro.Tracer // or nil
	left uint64
	open bool
}

// Trace implements [coro.Tracer].
func (x *excerpt) Trace(e coro.Event) {
	if x.all != nil {
		x.all.Trace(e)
	}
	// Each of them is made, scheduled, entered, waits and yields; the picture
	// begins where the leader enters one.
	x.open = x.open || e.Seq > 6*demoCoroutines && e.Kind == coro.EventEnter && e.From == nil
	if x.open && x.left > 0 {
		x.left--
		x.to.Trace(e)
	}
}

// makeDemoFile makes a file in which each MiB begins with 512 KiB of data.
func makeDemoFile(path string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	rng := rand.NewChaCha8([32]byte{1}) // the same on each run
	p := make([]byte, 512<<10)
	for off := int64(0); off < demoSize; off += 1 << 20 {
		rng.Read(p) //nolint:errcheck // it never fails
		if _, err := f.WriteAt(p, off); err != nil {
			return errors.Join(err, f.Close())
		}
	}
	return errors.Join(f.Truncate(demoSize), f.Close())
}

// A demoCopy is the second part of the demo.
type demoCopy struct {
	ctx      context.Context
	src, dst string
	thread   *coro.Thread
	result   blockio.CopyResult
	sums     [2][]byte
	inFlight int
}

// run is the coroutine that copies and hashes.
func (d *demoCopy) run(self *coro.Self) (err error) {
	d.thread = self.Thread()
	from, err := openDemo(self, d.src, file.Options{ReadOnly: true})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, from.Close(self)) }()
	to, err := openDemo(self, d.dst, file.Options{Create: true, Size: demoSize})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, to.Close(self)) }()
	if d.result, err = blockio.Copy(self, to, from, blockio.CopyOptions{Coroutines: demoCoroutines, Chunk: 64 << 10, Context: d.ctx}); err != nil {
		return err
	}
	for i, dev := range []*blockio.Device{from, to} {
		if d.sums[i], err = hashDevice(self, d.ctx, dev, demoSize); err != nil {
			return err
		}
		d.inFlight += dev.Stats().InFlight
	}
	return nil
}

// openDemo opens a file under its name alone: that of the folder is another on each
// run, and would be in the trace.
func openDemo(self *coro.Self, path string, opts file.Options) (*blockio.Device, error) {
	driver, err := file.Open(self, path, opts)
	if err != nil {
		return nil, err
	}
	dev, err := blockio.Open(self, driver, blockio.WithName(filepath.Base(path)))
	if err != nil {
		return nil, errors.Join(err, driver.Close(self))
	}
	return dev, nil
}

// live returns how many coroutines of the loop are alive.
func (d *demoCopy) live() int { return d.thread.Live() }

// goroutinesSettled returns how many goroutines there are, once those that were
// told to end have done so: the last step of one is not seen from outside.
func goroutinesSettled(want int) int {
	for end := time.Now().Add(2 * time.Second); runtime.NumGoroutine() > want && time.Now().Before(end); {
		runtime.Gosched()
	}
	return runtime.NumGoroutine()
}
