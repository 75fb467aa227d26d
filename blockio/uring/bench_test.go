package uring_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/blockio/file"
	"github.com/gohandoff/coroutine/blockio/uring"
	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/aio"
)

var benchFile = flag.String("bench-file", "", "read this `FILE` in benchmarks; the default is one of 64 MiB that is made")

// BenchmarkRead reads 4 KiB at random places, beside the file driver.
func BenchmarkRead(b *testing.B) {
	for _, c := range []struct {
		name string
		opts file.Options
	}{{"direct", direct}, {"cached", file.Options{}}} {
		for _, depth := range []int{1, 64} {
			for name, open := range map[string]func(self *coro.Self, path string, opts file.Options) (blockio.Driver, error){
				"uring": func(self *coro.Self, path string, opts file.Options) (blockio.Driver, error) {
					return uring.Open(self, path, uring.Options{Options: opts})
				},
				"file": func(self *coro.Self, path string, opts file.Options) (blockio.Driver, error) {
					return file.Open(self, path, opts)
				},
			} {
				b.Run(fmt.Sprintf("%s/depth=%d/%s", c.name, depth, name), func(b *testing.B) {
					benchmark(b, depth, func(self *coro.Self) (blockio.Driver, error) {
						return open(self, benchmarked(b, self), c.opts)
					})
				})
			}
		}
	}
}

// benchmarked returns the path of the file to read.
func benchmarked(b *testing.B, self *coro.Self) string {
	if *benchFile != "" {
		return *benchFile
	}
	const size = 64 << 20
	path := filepath.Join(b.TempDir(), "disk")
	f, err := file.Open(self, path, created(size))
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close(self)
	p := make([]byte, 1<<20)
	for i := range p {
		p[i] = byte(i) | 1
	}
	for off := int64(0); off < size; off += int64(len(p)) {
		if err := f.WriteAt(self, p, off, 0); err != nil {
			b.Fatal(err)
		}
	}
	if err := f.Flush(self); err != nil {
		b.Fatal(err)
	}
	return path
}

// benchmark has depth coroutines read from what open returns.
func benchmark(b *testing.B, depth int, open func(self *coro.Self) (blockio.Driver, error)) {
	loop := aio.NewLoop(aio.WithThread(coro.WithHandoff(coro.Direct)))
	defer loop.Close()
	loop.Go(func(self *coro.Self) error {
		drv, err := open(self)
		if err != nil {
			b.Skip(err)
		}
		d, err := blockio.Open(self, drv)
		if err != nil {
			return err
		}
		defer d.Close(self)
		blocks := d.Size() / 4096
		b.ReportAllocs()
		b.ResetTimer()
		left := b.N
		var g aio.Group
		for i := range depth {
			g.Go(self, func(self *coro.Self) error {
				p := d.NewBuffer(4096)
				rng := rand.New(rand.NewPCG(1, uint64(i)))
				for left > 0 {
					left--
					if err := d.ReadAt(self, p, rng.Int64N(blocks)*4096); err != nil {
						return err
					}
				}
				return nil
			})
		}
		defer b.StopTimer()
		return g.Wait(self)
	})
	if err := loop.Run(b.Context()); err != nil {
		b.Fatal(err)
	}
}
