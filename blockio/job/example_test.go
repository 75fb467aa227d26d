package job_test

import (
	"context"
	"fmt"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/blockio/job"
	"github.com/gohandoff/coroutine/blockio/mem"
	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/aio"
)

func ExampleStartMirror() {
	loop := aio.NewLoop()
	defer loop.Close()
	loop.Go(func(self *coro.Self) error {
		old, fresh := mem.New(1<<20), mem.New(1<<20)
		disk, err := blockio.Open(self, old, blockio.WithName("disk"))
		if err != nil {
			return err
		}
		defer disk.Close(self)
		spare, err := blockio.Open(self, fresh, blockio.WithName("spare"))
		if err != nil {
			return err
		}
		defer spare.Close(self)

		m, err := job.StartMirror(self, disk, spare, job.MirrorOptions{})
		if err != nil {
			return err
		}
		if err := disk.WriteAt(self, []byte("written meanwhile"), 4096); err != nil {
			return err
		}
		if err := m.Pivot(self); err != nil {
			return err
		}
		p := make([]byte, 17)
		if err := disk.ReadAt(self, p, 4096); err != nil {
			return err
		}
		fmt.Printf("%s, on the spare: %v\n", p, disk.Driver() == blockio.Driver(fresh))
		return nil
	})
	if err := loop.Run(context.Background()); err != nil {
		fmt.Println(err)
	}
	// Output:
	// written meanwhile, on the spare: true
}

func ExampleStartBackup() {
	loop := aio.NewLoop()
	defer loop.Close()
	loop.Go(func(self *coro.Self) error {
		disk, err := blockio.Open(self, mem.New(1<<20))
		if err != nil {
			return err
		}
		defer disk.Close(self)
		tape, err := blockio.Open(self, mem.New(1<<20))
		if err != nil {
			return err
		}
		defer tape.Close(self)
		if err := disk.WriteAt(self, []byte("monday"), 0); err != nil {
			return err
		}
		b, err := job.StartBackup(self, disk, tape, job.BackupOptions{})
		if err != nil {
			return err
		}
		if err := disk.WriteAt(self, []byte("sunday"), 0); err != nil { // copies monday first
			return err
		}
		if err := b.Wait(self); err != nil {
			return err
		}
		for _, d := range []*blockio.Device{disk, tape} {
			p := make([]byte, 6)
			if err := d.ReadAt(self, p, 0); err != nil {
				return err
			}
			fmt.Printf("%s\n", p)
		}
		return nil
	})
	if err := loop.Run(context.Background()); err != nil {
		fmt.Println(err)
	}
	// Output:
	// sunday
	// monday
}
