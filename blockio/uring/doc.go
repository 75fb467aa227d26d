// Package uring is a block driver for files and block devices on Linux's
// io_uring: all that the coroutines of a loop ask for in one iteration is handed to
// the kernel in one system call, and the loop itself sleeps where the answers
// come. No goroutine works for it.
//
// # Model
//
// A loop has one ring, which all drivers that are opened on it share, so that one
// system call serves several devices, and the loop has one place to sleep in. It
// is made by the first [Open] and goes with the last Close.
//
// Reads and writes go through the ring. All else, that is opening and locking,
// flushes, holes, zeroes, sizes, is done by the [file.Driver] beneath; so is
// whatever the ring does not do as a whole, such as a read where the file has
// been cut: its errors are those of package file.
//
// # Memory
//
// What is read or written must not be changed meanwhile. A coroutine that is
// cancelled while the kernel works on its buffer is unwound when that is done.
// Buffers are pinned, and never on a stack, which could move.
//
// # Limits
//
// It needs Linux 5.11, and that nobody forbids it, as many containers do:
// elsewhere Open fails with [ErrUnavailable], and [OpenOrFile] takes the file
// driver. While requests are under way the loop sleeps in a system call, which
// keeps one of GOMAXPROCS busy until the scheduler notices; want 2 or more.
// Through the page cache, one request at a time is faster with package file.
package uring
