package coro_test

import (
	"fmt"

	"github.com/gohandoff/coroutine/coro"
)

// What a misuse is told, in full. The output names lines of this file, which is
// why it holds nothing else.
func Example_misuse() {
	t := coro.NewThread()
	defer t.Close()

	t.Enter(t.New(writer).SetName("writer"))
	// Output:
	// Co-routine re-entered recursively: writer (#1)
	// 	created: entry coro_test.writer at coro/example_misuse_test.go:27
	// 	first:   entered by leader of main at coro/example_misuse_test.go:15 (coro_test.Example_misuse)
	// 	then:    entered by flusher at coro/example_misuse_test.go:30 (coro_test.writer.func1)
	// 	callers: flusher at coro/example_misuse_test.go:30 (coro_test.writer.func1)
	// 	         < writer at coro/example_misuse_test.go:28 (coro_test.writer)
	// 	         < leader of main at coro/example_misuse_test.go:15 (coro_test.Example_misuse)
	// 	instead: enter it when it has yielded, or use EnterIfInactive
}

func writer(self *coro.Self) {
	self.Enter(self.New(func(flusher *coro.Self) {
		defer func() { fmt.Println(recover()) }()
		flusher.Enter(self.Coroutine()) // the one that waits for flusher
	}).SetName("flusher"))
}
