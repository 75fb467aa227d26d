// Package file is a driver that stores blocks in a file or on a block device.
//
// On Linux a read is first tried without waiting: what is in the page cache is
// copied by the loop itself, in about a microsecond, and never leaves it. What
// would have to wait for the disk goes to the loop's workers. Elsewhere, every
// request does. Holes are seen and made where the file system has them.
//
// A file that is opened for writing is locked against a second writer, of this
// process or another one, where the system has such locks (flock).
package file
