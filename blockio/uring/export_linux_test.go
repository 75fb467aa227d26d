package uring

import "syscall"

// Refuse has the kernel seem to refuse to make rings, until restore is called.
func Refuse(errno syscall.Errno) (restore func()) {
	was := setup
	setup = func(uint32, *params) (int, syscall.Errno) { return -1, errno }
	return func() { setup = was }
}

// Forget has the kernel seem to lack features, until restore is called.
func Forget(features uint32) (restore func()) {
	was := setup
	setup = func(n uint32, p *params) (int, syscall.Errno) {
		fd, errno := was(n, p)
		p.features &^= features
		return fd, errno
	}
	return func() { setup = was }
}

// Old has the kernel seem to be older than Linux 5.19, which knows fewer flags.
func Old() (restore func()) {
	was := setup
	setup = func(n uint32, p *params) (int, syscall.Errno) {
		if p.flags&^setupClamp != 0 {
			return -1, syscall.EINVAL
		}
		return was(n, p)
	}
	return func() { setup = was }
}

// FeatExtArg came with Linux 5.11.
const FeatExtArg = featExtArg

// SameRing reports whether two drivers share a ring.
func SameRing(a, b *Driver) bool { return a.ring == b.ring }

// CloseRing closes the ring's descriptor under it.
func (d *Driver) CloseRing() {
	fd := d.ring.fd
	d.ring.fd = -1
	_ = syscall.Close(fd)
}

// Requests returns how many requests there ever were at a time, and how many are
// under way.
func (d *Driver) Requests() (most, pending int) { return len(d.ring.ops), d.ring.pending }
