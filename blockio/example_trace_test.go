package blockio_test

import (
	"context"
	"fmt"
	"os"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/blockio/mem"
	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/aio"
	"github.com/gohandoff/coroutine/coro/trace"
)

func Example_trace() {
	s := trace.NewStream(trace.NewLadder(os.Stdout))
	defer s.Close()
	loop := aio.NewLoop(aio.WithThread(coro.WithTracer(s)))
	defer loop.Close()
	task := loop.Go(func(self *coro.Self) error {
		d, err := blockio.Open(self, mem.New(1<<20), blockio.WithName("disk"))
		if err != nil {
			return err
		}
		if err := d.WriteAt(self, []byte("hello"), 4096); err != nil {
			return err
		}
		return d.ReadAt(self, make([]byte, 512), 1<<20)
	})
	task.Coroutine().SetName("main")
	if err := loop.Run(context.Background()); err != nil {
		fmt.Println(err)
	}
	// Output:
	//    1  leader ·· create ··▸ main
	//    2  leader ·· schedule ··▸ main
	//    3  leader ── enter ──▸ main
	//    4  │  main ·· block-write-begin  (1 disk: 5 bytes at 4096)
	//    5  │  main ·· block-write-end  (1 ok)
	//    6  │  main ·· block-read-begin  (2 disk: 512 bytes at 1048576)
	//    7  │  main ·· block-read-end  (2 out of range: the size is 1048576)
	//    8  ╰─ main ── terminate ──▸ leader
	// blockio: read of 512 bytes at 1048576 on disk: out of range: the size is 1048576
	//
	//       1 coroutine, 8 steps
}
