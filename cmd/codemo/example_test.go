package main

import "os"

// The picture in README.md.
func Example_trace() {
	run([]string{"trace", "classic"}, os.Stdout, os.Stderr)
	// Output:
	// classic  create, enter, yield, enter: work done in two parts
	//
	//    1  leader ·· create ··▸ hello
	//         hello is ready
	//    2  leader ── enter ──▸ hello
	//       │    some work
	//    3  ╰─ hello ── yield ──▸ leader
	//         hello is suspended
	//    4  leader ── enter ──▸ hello
	//       │    more work
	//    5  ╰─ hello ── terminate ──▸ leader
	//         hello is dead
	//
	//       1 coroutine, 5 steps
}

// The list in docs/lessons.md.
func Example_lessons() {
	run([]string{"lesson"}, os.Stdout, os.Stderr)
	// Output:
	// The ideas behind coroutines, in the order in which to read them:
	//
	//   1  setjmp      a point to come back to, and who cleans up on the way
	//   2  ucontext    contexts with stacks: an endless loop, and a game of ping-pong
	//   3  cloudwu     a scheduler in one page: open, new, resume, yield, close
	//   4  qemu        create, trampoline, enter, yield, terminate: step by step
	//   5  generators  iter.Seq, iter.Pull and typed coroutines: same and different
	//   6  callbacks   one request as callbacks and as a coroutine, and cancelled
	//   7  deadlock    a cycle of locks, a loop that waits for nobody; and plain Go
	//   8  backends    one program, two ways to move control, one trace, two speeds
	//
	// Start with "codemo lesson setjmp"; "codemo lesson --all" shows them all.
}
