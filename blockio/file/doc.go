// Package file is a driver that stores blocks in a file or on a block device.
//
// On Linux a small read or write, in one piece or several, is first tried without
// waiting: what is in the page cache is copied by the loop itself, in about a
// microsecond, and never leaves it. What would have to wait for the disk goes to
// the loop's workers. Elsewhere, every request does. Holes are seen and made where
// the file system has them.
//
// Whether the file is in its place still, and is what it was, [Driver.Check] and
// [Driver.CheckUnmodified] tell. Files of the kernel that have no size, as those
// of /proc, cannot be opened: they would look empty.
//
// A file that is opened for writing is locked against a second writer, of this
// process or another one, where the system has such locks (flock). On Linux it is
// also locked as QEMU does it, by open file description locks on the bytes 100,
// 101, 103, 201 and 203, so that a writer here and a QEMU that has the file open,
// for writing or with no other writer wanted, keep each other out. A reader takes
// no lock: it gets on with a QEMU that writes, and does not keep one out.
//
// A request that a worker does blocks in the kernel, and such a call keeps one of
// GOMAXPROCS busy until the runtime's monitor takes it away, which takes 20 to
// 100 µs. Through direct I/O, where all requests are of that kind, two processors
// so did 20,000 reads of 4 KiB a second and eight did 49,000: who needs that sets
// GOMAXPROCS, or takes package uring, which does not block.
package file
