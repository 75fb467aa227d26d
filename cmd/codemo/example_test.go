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
