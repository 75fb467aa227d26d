package uring

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// What follows is laid out as the kernel has it, on every processor.

// An sqe is an entry of the submission queue: what is asked for.
type sqe struct {
	opcode   uint8
	flags    uint8
	ioprio   uint16
	fd       int32
	off      uint64
	addr     uint64 // of a buffer or of iovecs
	len      uint32 // of the buffer, or how many iovecs
	opFlags  uint32
	userData uint64
	_        [24]byte
}

// A cqe is an entry of the completion queue: what became of it.
type cqe struct {
	userData uint64
	res      int32 // as a system call returns it, an error number negated
	_        uint32
}

type params struct {
	sqEntries, cqEntries, flags uint32
	_                           [2]uint32
	features                    uint32
	_                           [4]uint32
	sq                          sqOffsets
	cq                          cqOffsets
}

// sqOffsets and cqOffsets tell where in the mapped memory a queue has its fields.
type sqOffsets struct {
	head, tail, mask, entries, flags, dropped, array uint32
	_                                                [3]uint32
}

type cqOffsets struct {
	head, tail, mask, entries, overflow, cqes uint32
	_                                         [4]uint32
}

// A waitArg says how long to wait.
type waitArg struct {
	_       [2]uint64
	timeout uint64 // address of a timespec
}

type timespec struct{ sec, nsec int64 }

const (
	opReadv   = 1
	opWritev  = 2
	opPollAdd = 6
	opRead    = 22
	opWrite   = 23

	enterGetEvents = 1 << 0
	enterExtArg    = 1 << 3

	setupClamp       = 1 << 4
	setupCoopTaskrun = 1 << 8 // finish requests when we call next, and do not interrupt us
	setupTaskrunFlag = 1 << 9 // sqTaskrun says that there are such

	sqTaskrun = 1 << 2

	featSingleMmap = 1 << 0
	featNoDrop     = 1 << 1
	featStable     = 1 << 2 // what an entry points to may be reused when it is submitted
	featExtArg     = 1 << 8

	offsetRings = 0
	offsetSQEs  = 0x10000000
)

// pollIn is POLLIN in the first two of the four bytes of opFlags.
var pollIn = binary.NativeEndian.Uint32(append(binary.NativeEndian.AppendUint16(nil, unix.POLLIN), 0, 0))

// needed is what a ring cannot do without; the last came with Linux 5.11.
const needed = featSingleMmap | featNoDrop | featStable | featExtArg

// setup is io_uring_setup; tests replace it.
var setup = func(entries uint32, p *params) (fd int, errno syscall.Errno) {
	r, _, errno := unix.Syscall(unix.SYS_IO_URING_SETUP, uintptr(entries), uintptr(unsafe.Pointer(p)), 0)
	return int(r), errno
}

// queues are a ring as the kernel knows it: a descriptor, and the memory that we
// share with it.
type queues struct {
	fd    int
	event *os.File // an eventfd that ends a wait
	evfd  int32

	rings, entries []byte // the mappings

	// Pointers into them, with what the other side writes read and what it
	// reads written atomically.
	sqTail, sqFlags *uint32
	cqHead, cqTail  *uint32
	sqes            []sqe
	cqes            []cqe

	arg     waitArg // here, since the kernel must find it in its place
	timeout timespec
}

// open makes the queues, for entries submissions at a time.
func open(entries uint32) (_ *queues, err error) {
	// Without interrupts, 64 direct reads at a time take a fifth less CPU time.
	p := params{flags: setupClamp | setupCoopTaskrun | setupTaskrunFlag}
	fd, errno := setup(entries, &p)
	if errno == unix.EINVAL { // before Linux 5.19
		p = params{flags: setupClamp}
		fd, errno = setup(entries, &p)
	}
	if errno != 0 {
		return nil, fmt.Errorf("%w: io_uring_setup: %w", because(reason(errno)), errno)
	}
	q := &queues{fd: fd}
	defer func() {
		if err != nil {
			q.close()
		}
	}()
	if p.features&needed != needed {
		return nil, because("the kernel is too old, want Linux 5.11 or later")
	}
	size := max(p.sq.array+4*p.sqEntries, p.cq.cqes+p.cqEntries*uint32(unsafe.Sizeof(cqe{})))
	if q.rings, err = mmap(fd, offsetRings, int(size)); err != nil {
		return nil, err
	}
	if q.entries, err = mmap(fd, offsetSQEs, int(p.sqEntries)*int(unsafe.Sizeof(sqe{}))); err != nil {
		return nil, err
	}
	at := func(off uint32) unsafe.Pointer { return unsafe.Pointer(&q.rings[off]) }
	q.sqTail, q.sqFlags = (*uint32)(at(p.sq.tail)), (*uint32)(at(p.sq.flags))
	q.cqHead, q.cqTail = (*uint32)(at(p.cq.head)), (*uint32)(at(p.cq.tail))
	q.sqes = unsafe.Slice((*sqe)(unsafe.Pointer(&q.entries[0])), p.sqEntries)
	q.cqes = unsafe.Slice((*cqe)(at(p.cq.cqes)), p.cqEntries)
	// The submission queue is a ring of indices. Ours never change.
	for i := range p.sqEntries {
		*(*uint32)(at(p.sq.array + 4*i)) = i
	}
	event, err := unix.Eventfd(0, unix.EFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("uring: eventfd: %w", err)
	}
	// A File, since somebody may still write to it while we close it. It is in
	// blocking mode, so that the runtime's poller has nothing to do with it.
	q.event, q.evfd = os.NewFile(uintptr(event), "eventfd"), int32(event)
	q.arg.timeout = uint64(uintptr(unsafe.Pointer(&q.timeout)))
	return q, nil
}

func mmap(fd int, offset int64, size int) ([]byte, error) {
	b, err := unix.Mmap(fd, offset, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_POPULATE)
	if err != nil {
		return nil, fmt.Errorf("%w: mmap: %w", because("its queues cannot be mapped"), err)
	}
	return b, nil
}

// close gives everything back to the kernel. No request may be under way.
func (q *queues) close() {
	if q.event != nil {
		q.event.Close()
	}
	for _, m := range [][]byte{q.rings, q.entries} {
		if m != nil {
			_ = unix.Munmap(m)
		}
	}
	unix.Close(q.fd)
}

// enter hands over n entries of the submission queue, and waits, if wait is set,
// until a completion is there or d is over, if that is not negative. It returns
// how many entries the kernel has taken.
func (q *queues) enter(n uint32, wait bool, d time.Duration) (uint32, syscall.Errno) {
	var least, arg, size uintptr
	flags := uintptr(enterGetEvents) // finish what can be
	if wait {
		least = 1
	}
	if wait && d >= 0 {
		q.timeout = timespec{int64(d / time.Second), int64(d % time.Second)}
		flags |= enterExtArg
		arg, size = uintptr(unsafe.Pointer(&q.arg)), unsafe.Sizeof(q.arg)
	}
	taken, _, errno := unix.Syscall6(unix.SYS_IO_URING_ENTER, uintptr(q.fd), uintptr(n), least, flags, arg, size)
	if errno != 0 {
		return 0, errno
	}
	return uint32(taken), 0
}

// one is what is written to an eventfd, which counts.
var one = binary.NativeEndian.AppendUint64(nil, 1)

// interrupt ends a wait. It may be called by any goroutine.
func (q *queues) interrupt() { _, _ = q.event.Write(one) } // fails only if closed

// interrupted resets the eventfd, which must have been written to.
func (q *queues) interrupted() {
	var count [8]byte
	_, _ = q.event.Read(count[:])
}

// reason says in words why the kernel refuses to make a ring.
func reason(errno syscall.Errno) string {
	switch errno {
	case unix.ENOSYS:
		return "the kernel has none, or a seccomp filter hides it"
	case unix.EPERM:
		const sysctl = "/proc/sys/kernel/io_uring_disabled"
		b, err := os.ReadFile(sysctl)
		if errors.Is(err, os.ErrNotExist) {
			return "a seccomp filter forbids it, as those of containers do"
		}
		switch v := strings.TrimSpace(string(b)); v {
		case "1":
			return "the administrator allows it to some only (sysctl kernel.io_uring_disabled is 1)"
		case "2":
			return "the administrator has switched it off (sysctl kernel.io_uring_disabled is 2)"
		}
		return "a seccomp filter forbids it, as those of containers do"
	case unix.ENOMEM:
		return "there is no memory for its queues, or no more may be locked (ulimit -l)"
	case unix.EMFILE, unix.ENFILE:
		return "too many files are open"
	}
	return "the kernel refuses"
}
