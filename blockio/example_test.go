package blockio_test

import (
	"archive/zip"
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/blockio/mem"
	"github.com/gohandoff/coroutine/blockio/null"
	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/aio"
)

// A request is a call. The sectors of the device are of 512 bytes, the write is
// not: the Device reads what is around it, and nobody has to know.
func Example() {
	loop := aio.NewLoop()
	defer loop.Close()
	loop.Go(func(self *coro.Self) error {
		d, err := blockio.Open(self, mem.New(1<<20, mem.WithAlignment(512)), blockio.WithName("disk"))
		if err != nil {
			return err
		}
		defer d.Close(self)
		if err := d.WriteAt(self, []byte("hello, world"), 1000); err != nil {
			return err
		}
		p := make([]byte, 5)
		if err := d.ReadAt(self, p, 1007); err != nil {
			return err
		}
		fmt.Printf("%s\n", p)
		return d.ReadAt(self, p, 1<<20)
	})
	fmt.Println(loop.Run(context.Background()))
	// Output:
	// world
	// blockio: read of 5 bytes at 1048576 on disk: out of range: the size is 1048576
}

// Many requests are in flight at a time, each in a coroutine of its own: on a
// medium that needs a second for each, a hundred are done in a second.
func Example_inFlight() {
	clock := aio.NewVirtualClock(time.Unix(0, 0))
	loop := aio.NewLoop(aio.WithClock(clock))
	defer loop.Close()
	loop.Go(func(self *coro.Self) error {
		d, err := blockio.Open(self, null.New(1<<20, null.WithLatency(time.Second)))
		if err != nil {
			return err
		}
		defer d.Close(self)
		var tasks []*aio.Task
		for i := range int64(100) {
			tasks = append(tasks, aio.Go(self, func(self *coro.Self) error {
				return d.ReadAt(self, make([]byte, 4096), i*4096)
			}))
		}
		for _, t := range tasks {
			if err := t.Wait(self); err != nil {
				return err
			}
		}
		fmt.Println(d.Stats().Op(blockio.OpRead).Requests, "reads in", clock.Now().Sub(time.Unix(0, 0)))
		return nil
	})
	if err := loop.Run(context.Background()); err != nil {
		fmt.Println(err)
	}
	// Output: 100 reads in 1s
}

// archive/zip reads from an io.ReaderAt, and knows nothing of coroutines; it
// runs in one all the same.
func ExampleDevice_Bind() {
	loop := aio.NewLoop()
	defer loop.Close()
	loop.Go(func(self *coro.Self) error {
		d, err := blockio.Open(self, mem.New(512))
		if err != nil {
			return err
		}
		defer d.Close(self)

		z := zip.NewWriter(d.Bind(self))
		f, err := z.Create("greeting.txt")
		if err != nil {
			return err
		}
		if _, err := io.Copy(f, strings.NewReader("hello from a zip file")); err != nil {
			return err
		}
		if err := z.Close(); err != nil {
			return err
		}

		r, err := zip.NewReader(d.Bind(self), d.Size())
		if err != nil {
			return err
		}
		for _, f := range r.File {
			rc, err := f.Open()
			if err != nil {
				return err
			}
			text, err := io.ReadAll(rc)
			if err != nil {
				return err
			}
			fmt.Printf("%s: %s\n", f.Name, text)
		}
		return nil
	})
	if err := loop.Run(context.Background()); err != nil {
		fmt.Println(err)
	}
	// Output: greeting.txt: hello from a zip file
}

// io.Copy moves what a device holds and leaves its holes holes.
func ExampleBound_WriteTo() {
	loop := aio.NewLoop()
	defer loop.Close()
	loop.Go(func(self *coro.Self) error {
		target := mem.New(1 << 30)
		from, err := blockio.Open(self, mem.New(1<<30))
		if err != nil {
			return err
		}
		defer from.Close(self)
		to, err := blockio.Open(self, target)
		if err != nil {
			return err
		}
		defer to.Close(self)
		if err := from.WriteAt(self, []byte("a needle"), 700<<20); err != nil {
			return err
		}
		n, err := io.Copy(to.Bind(self), from.Bind(self))
		fmt.Println(n, "bytes copied,", target.Pages(), "page kept")
		return err
	})
	if err := loop.Run(context.Background()); err != nil {
		fmt.Println(err)
	}
	// Output: 1073741824 bytes copied, 1 page kept
}

// Nothing is in flight between DrainedBegin and DrainedEnd but what this
// coroutine does.
func ExampleDevice_DrainedBegin() {
	loop := aio.NewLoop()
	defer loop.Close()
	loop.Go(func(self *coro.Self) error {
		d, err := blockio.Open(self, mem.New(1<<20))
		if err != nil {
			return err
		}
		defer d.Close(self)
		var writer *aio.Task
		resize := func() error {
			d.DrainedBegin(self)
			defer d.DrainedEnd(self)
			writer = aio.Go(self, func(self *coro.Self) error {
				fmt.Println("the writer comes")
				err := d.WriteAt(self, []byte("new"), 0)
				fmt.Println("the writer has written")
				return err
			})
			aio.Yield(self) // let it come
			fmt.Println("in flight:", d.Stats().InFlight)
			err := d.Resize(self, 2<<20)
			fmt.Println("resized")
			return err
		}
		if err := resize(); err != nil {
			return err
		}
		return writer.Wait(self)
	})
	if err := loop.Run(context.Background()); err != nil {
		fmt.Println(err)
	}
	// Output:
	// the writer comes
	// in flight: 0
	// resized
	// the writer has written
}

func ExampleDescribe() {
	loop := aio.NewLoop()
	defer loop.Close()
	loop.Go(func(self *coro.Self) error {
		driver, err := newVeiled(self, 1<<20)
		if err != nil {
			return err
		}
		d, err := blockio.Open(self, driver, blockio.WithName("diary"))
		if err != nil {
			return err
		}
		defer d.Close(self)
		fmt.Print(blockio.Describe(d))
		return nil
	})
	if err := loop.Run(context.Background()); err != nil {
		fmt.Println(err)
	}
	// Output:
	// diary: veiled: 1048576 bytes, fua, resize
	// └── below = mem: 1048576 bytes, alignment 512, discard alignment 4096, fua, discard, write-zeroes, status, vectored, resize
}
