package shapes

import (
	"crypto/rand"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/blockio/file"
	"github.com/gohandoff/coroutine/blockio/mem"
	"github.com/gohandoff/coroutine/blockio/null"
	"github.com/gohandoff/coroutine/cmd/codemo/internal/bench"
	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/aio"
)

const (
	block = 4 << 10
	// A prime number of blocks: places spread over the file, all in turn.
	stride = 1021 * block
)

// The sizes of the files that are read and copied; tests have smaller ones.
var fileSize, copySize int64 = 1 << 30, 256 << 20

// blocks measures the block layer. Requests to memory have an absolute goal, as
// there is nothing under them to compare with; those to a file are compared with
// qemu-img bench on the same file, where it is installed.
func blocks() []bench.Shape {
	var all []bench.Shape
	for _, depth := range []int{1, 64} {
		for _, d := range []struct {
			name string
			make func() blockio.Driver
			goal bench.Goal
		}{
			{"null", func() blockio.Driver { return null.New(1 << 20) }, bench.Goal{}},
			{"mem", func() blockio.Driver { return mem.New(1 << 20) }, bench.Goal{Value: 400}},
		} {
			all = append(all, bench.Shape{
				Area: "blocks", Name: fmt.Sprintf("read 4k, %s, %d deep", d.name, depth), Variant: coro.Direct.String(), Unit: "ns",
				Goal: d.goal, Runner: bench.Runner{Setup: reads(depth, 1<<20, func(*coro.Self) (blockio.Driver, error) { return d.make(), nil })},
			})
		}
		s := bench.Shape{
			Area: "blocks", Name: fmt.Sprintf("read 4k, page cache, %d deep", depth), Variant: coro.Direct.String(), Unit: "ns",
			Runner: bench.Runner{Setup: reads(depth, fileSize, func(self *coro.Self) (blockio.Driver, error) {
				return file.Open(self, scratch("read", fileSize), file.Options{ReadOnly: true})
			})},
		}
		if b := qemuBench(depth, "writeback", "io_uring", 100_000); b != nil {
			s.Baseline, s.Goal = b, bench.Goal{Ratio: 1}
		}
		all = append(all, s)
	}
	// The goal is 0.9 of the speed of the faster, so 1.11 of its time.
	for _, b := range []*bench.Baseline{
		command("cp + sync", "cp", []string{"--reflink=never"}),
		command("qemu-img", "qemu-img", []string{"convert", "-f", "raw", "-O", "raw", "-t", "writeback", "-W"}),
	} {
		if b != nil {
			all = append(all, bench.Shape{
				Area: "blocks", Name: "copy 256 MiB to " + b.Name, Variant: coro.Direct.String(), Unit: "ns", Baseline: b,
				Goal: bench.Goal{Ratio: 1 / 0.9}, Runner: bench.Runner{Measure: copyFile},
			})
		}
	}
	return all
}

// reads makes a Setup whose op reads n blocks at places spread over the device,
// with depth coroutines in turn.
func reads(depth int, size int64, open func(self *coro.Self) (blockio.Driver, error)) func() (func(int), func()) {
	return func() (func(int), func()) {
		l := newLoop(coro.Direct)
		return func(n int) {
			l.Go(func(self *coro.Self) error {
				driver, err := open(self)
				if err != nil {
					return err
				}
				d, err := blockio.Open(self, driver)
				if err != nil {
					return err
				}
				defer d.Close(self)
				var readers aio.Group
				left, at := n, int64(0)
				for range depth {
					readers.Go(self, func(self *coro.Self) error {
						p := make([]byte, block)
						for left > 0 {
							left--
							at = (at + stride) % size
							if err := d.ReadAt(self, p, at); err != nil {
								return err
							}
							if depth > 1 {
								aio.Yield(self) // others are in flight
							}
						}
						return nil
					})
				}
				return readers.Wait(self)
			})
			runLoop(l)
		}, func() { closeLoop(l) }
	}
}

// copyFile copies a file with 16 coroutines, flushed, and returns the time.
func copyFile() (float64, error) {
	src := scratch("copy", copySize)
	dst := filepath.Join(filepath.Dir(src), "copied")
	os.Remove(dst) //nolint:errcheck // it need not be there
	l := newLoop(coro.Direct)
	defer closeLoop(l)
	var took time.Duration
	l.Go(func(self *coro.Self) error {
		start := time.Now()
		from, err := openDevice(self, src, file.Options{ReadOnly: true})
		if err != nil {
			return err
		}
		defer from.Close(self)
		to, err := openDevice(self, dst, file.Options{Create: true, Size: copySize})
		if err != nil {
			return err
		}
		defer to.Close(self)
		_, err = blockio.Copy(self, to, from, blockio.CopyOptions{})
		took = time.Since(start)
		return err
	})
	runLoop(l)
	return float64(took.Nanoseconds()), nil
}

func openDevice(self *coro.Self, path string, opts file.Options) (*blockio.Device, error) {
	driver, err := file.Open(self, path, opts)
	if err != nil {
		return nil, err
	}
	return blockio.Open(self, driver)
}

// qemuBench reads n blocks of the same file with qemu-img bench, in the way that
// cache and aio name; nil if it is not installed.
func qemuBench(depth int, cache, aio string, n int) *bench.Baseline {
	path, err := exec.LookPath("qemu-img")
	if err != nil {
		return nil
	}
	name := fmt.Sprintf("qemu-img %s, %d deep", aio, depth)
	return &bench.Baseline{Name: name, Unit: "ns", Runner: bench.Runner{Measure: func() (float64, error) {
		c := exec.Command(path, "bench", "-c", fmt.Sprint(n), "-d", fmt.Sprint(depth), "-s", fmt.Sprint(block), "-S", fmt.Sprint(stride),
			"-t", cache, "-i", aio, "-f", "raw", "-U", scratch("read", fileSize))
		out, err := c.Output()
		if err != nil {
			return 0, fmt.Errorf("qemu-img bench: %w", err)
		}
		var seconds float64
		var rest string
		for line := range strings.Lines(string(out)) {
			if _, err := fmt.Sscanf(line, "Run completed in %f %s", &seconds, &rest); err == nil {
				return seconds * 1e9 / float64(n), nil
			}
		}
		return 0, fmt.Errorf("qemu-img bench: no time in %q", out)
	}}}
}

// command copies the same file with another program, and has it on the medium.
func command(name, program string, args []string) *bench.Baseline {
	path, err := exec.LookPath(program)
	if err != nil {
		return nil
	}
	return &bench.Baseline{Name: name, Unit: "ns", Runner: bench.Runner{Measure: func() (float64, error) {
		src := scratch("copy", copySize)
		dst := filepath.Join(filepath.Dir(src), "copied")
		os.Remove(dst) //nolint:errcheck // it need not be there
		start := time.Now()
		if out, err := exec.Command(path, append(args, src, dst)...).CombinedOutput(); err != nil {
			return 0, fmt.Errorf("%s: %w: %s", program, err, out)
		}
		f, err := os.OpenFile(dst, os.O_RDWR, 0)
		if err != nil {
			return 0, err
		}
		defer f.Close()
		if err := f.Sync(); err != nil {
			return 0, err
		}
		return float64(time.Since(start).Nanoseconds()), nil
	}}}
}

// scratchFiles are made when they are first needed, since a gigabyte takes a
// second, and removed by [Cleanup].
var scratchFiles struct {
	sync.Mutex
	dir string
}

// scratch returns the path of a file of random bytes.
func scratch(name string, size int64) string {
	scratchFiles.Lock()
	defer scratchFiles.Unlock()
	if scratchFiles.dir == "" {
		dir, err := os.MkdirTemp("", "codemo-bench-")
		if err != nil {
			panic(err)
		}
		scratchFiles.dir = dir
	}
	path := filepath.Join(scratchFiles.dir, name)
	if _, err := os.Stat(path); err == nil {
		return path
	}
	f, err := os.Create(path)
	if err != nil {
		panic(err)
	}
	defer f.Close()
	piece := make([]byte, 1<<20)
	rand.Read(piece) //nolint:errcheck // it does not fail
	for at := int64(0); at < size; at += int64(len(piece)) {
		piece[0]++ // no two pieces alike
		if _, err := f.Write(piece); err != nil {
			panic(err)
		}
	}
	if err := f.Sync(); err != nil {
		panic(err)
	}
	return path
}

// Cleanup removes the files that shapes have made.
func Cleanup() {
	scratchFiles.Lock()
	defer scratchFiles.Unlock()
	if scratchFiles.dir != "" {
		os.RemoveAll(scratchFiles.dir) //nolint:errcheck // nothing is to be done about it
		scratchFiles.dir = ""
	}
}
