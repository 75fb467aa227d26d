// Package blocktrace tells of every call that reaches a driver of package
// blockio: when it begins and ends, how long it took, what came of it, how many
// were in flight.
//
//	driver = blocktrace.New(driver, blocktrace.NewPrinter(os.Stderr).Print)
//
// A [blockio.Device] traces requests, as they were asked for, as spans of kinds
// block-read and so on. A [Driver] traces what becomes of them at its place below
// the Device: after they were split and aligned, with the reads of a
// read-modify-write, between whatever other filters are there. Its spans, if the
// thread is traced, have kinds of their own: driver-read, driver-write,
// driver-flush, driver-discard, driver-zeroes, driver-status, driver-resize,
// driver-close. Neither repeats the other.
package blocktrace
