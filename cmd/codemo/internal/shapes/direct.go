package shapes

import (
	"context"
	"fmt"
	"runtime"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/blockio/file"
	"github.com/gohandoff/coroutine/blockio/uring"
	"github.com/gohandoff/coroutine/cmd/codemo/internal/bench"
	"github.com/gohandoff/coroutine/cmd/codemo/internal/iobench"
	"github.com/gohandoff/coroutine/coro"
)

// direct measures reads that go around the page cache, beside qemu-img bench with
// what is most like the driver; none where it is not installed.
func direct() []bench.Shape {
	var all []bench.Shape
	for _, d := range []struct {
		name, like string
		procs      int // what a driver needs whose requests block; see codemo bench-io --procs
		goal       float64
		open       func(self *coro.Self, path string) (blockio.Driver, error)
	}{
		{"file", "threads", 8, 1, func(self *coro.Self, path string) (blockio.Driver, error) {
			return file.Open(self, path, file.Options{ReadOnly: true, DirectIO: true})
		}},
		{"uring", "io_uring", 0, 1 / 0.95, func(self *coro.Self, path string) (blockio.Driver, error) {
			return uring.Open(self, path, uring.Options{Options: file.Options{ReadOnly: true, DirectIO: true}})
		}},
	} {
		for _, depth := range []int{1, 64} {
			n := 5000 * min(depth, 8) // half a second or so
			b := qemuBench(depth, "none", d.like, n)
			if b == nil {
				continue
			}
			b.Name += ", direct"
			all = append(all, bench.Shape{
				Area: "blocks", Name: fmt.Sprintf("read 4k, direct I/O, %s, %d deep", d.name, depth), Variant: coro.Direct.String(), Unit: "ns",
				Baseline: b, Goal: bench.Goal{Ratio: d.goal},
				Runner: bench.Runner{Measure: func() (float64, error) { return readDirect(d.open, depth, n, d.procs) }},
			})
		}
	}
	return all
}

// readDirect reads n blocks, and returns how long one took.
func readDirect(open func(*coro.Self, string) (blockio.Driver, error), depth, n, procs int) (float64, error) {
	path := scratch("read", fileSize)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(max(procs, runtime.GOMAXPROCS(0))))
	l := newLoop(coro.Direct)
	defer closeLoop(l)
	var r iobench.Result
	l.Go(func(self *coro.Self) error {
		driver, err := open(self, path)
		if err != nil {
			return err
		}
		dev, err := blockio.Open(self, driver)
		if err != nil {
			return err
		}
		defer dev.Close(self)
		r, err = iobench.Run(self, dev, iobench.Options{Depth: depth, Count: int64(n), BlockSize: block, Step: stride, Reads: 100})
		return err
	})
	err := l.Run(context.Background())
	return float64(r.Elapsed.Nanoseconds()) / float64(n), err
}
