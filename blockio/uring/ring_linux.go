package uring

import (
	"runtime"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/aio"
)

// A ring is the io_uring of a loop, which is its [aio.Poller]. All drivers of the
// loop share it: so what the coroutines of an iteration ask for is handed over in
// one system call, whichever devices it is for, and the loop has one place to
// sleep in. Loops do not share, so nothing here is locked.
//
// The way of a request: push puts it into the submission queue, or, if there is
// no room, into the backlog; Poll or Wait, called by the loop when all coroutines
// have had their turn, hands over the whole queue; reap takes what is done out
// of the completion queue and has its coroutine go on.
//
// Invariants, all of them about fields of the loop's line of control:
//   - queued entries of the submission queue have not been handed over.
//   - taken requests, of those pending, are in one of the queues or in the
//     kernel, the others in backlog. There are at most as many as the completion
//     queue has room for, with one for the eventfd: it never overflows.
//   - An op in ops that is not free belongs to one coroutine, from get to put.
type ring struct {
	*queues
	loop    *aio.Loop
	users   int // drivers that are open
	cleanup runtime.Cleanup

	queued  uint32
	taken   int
	pending int
	armed   bool // a request of ours waits for the eventfd

	backlog []*op
	ops     []*op // the request whose userData is i is at i
	free    []*op
	broken  bool // the kernel takes nothing any more
}

// wakeData is the userData of the request that waits for the eventfd.
const wakeData = ^uint64(0)

// An op is a request.
//
// The kernel works on memory of Go while nobody refers to it but a number in the
// entry. So the op refers to it, too: this keeps it from being collected; it
// makes it escape to the heap, since an op is there, and not on a stack, which
// moves when it grows; and pins promise it for whatever the collector may once
// do to the heap.
type op struct {
	aio.Completion
	sqe  sqe
	p    []byte
	iov  []unix.Iovec
	pins runtime.Pinner
	res  int32
}

// ringOf returns the ring of the loop, made if there is none; it counts one
// more user.
func ringOf(loop *aio.Loop, entries int) (*ring, error) {
	switch p := loop.Poller().(type) {
	case *ring:
		p.users++
		return p, nil
	case nil:
	default:
		return nil, because("the loop has another Poller")
	}
	if entries == 0 {
		entries = DefaultEntries
	}
	q, err := open(uint32(max(entries, 2)))
	if err != nil {
		return nil, err
	}
	r := &ring{queues: q, loop: loop, users: 1}
	r.cleanup = runtime.AddCleanup(r, (*queues).close, q) // for a loop that is forgotten with drivers open
	loop.SetPoller(r)
	return r, nil
}

// release counts one user less. The last one closes the ring.
func (r *ring) release() {
	if r.users--; r.users == 0 {
		r.loop.SetPoller(nil)
		r.cleanup.Stop()
		r.close()
	}
}

// get returns an op that is free.
func (r *ring) get() *op {
	if n := len(r.free); n > 0 {
		o := r.free[n-1]
		r.free = r.free[:n-1]
		return o
	}
	o := new(op)
	o.sqe.userData = uint64(len(r.ops))
	r.ops = append(r.ops, o)
	return o
}

// put ends the use of o, which is done.
func (r *ring) put(o *op) {
	o.pins.Unpin()
	o.p = nil
	clear(o.iov)
	o.iov = o.iov[:0]
	r.free = append(r.free, o)
}

// do has the kernel do what o says, and returns what that has returned. The
// coroutine is parked meanwhile, undisturbed. It yields.
func (r *ring) do(self *coro.Self, o *op) int {
	defer r.put(o)
	if self.Thread() != r.loop.Thread() {
		panic(coro.NewUsageError(self, blockio.ErrElsewhere, "a uring driver", "opened on "+r.loop.Name(), "asked for a request",
			"open it on the loop that uses it"))
	}
	if r.broken {
		return -int(unix.EBADF)
	}
	o.Begin(self)
	r.push(o)
	o.Wait(self)
	return int(o.res)
}

func (r *ring) push(o *op) {
	r.pending++
	if len(r.backlog) > 0 || !r.room() {
		r.backlog = append(r.backlog, o)
		return
	}
	r.take(o)
}

// room reports whether the queues have room for one more request. One entry in
// each is for the eventfd.
func (r *ring) room() bool {
	return int(r.queued) < len(r.sqes)-1 && r.taken < len(r.cqes)-1
}

func (r *ring) take(o *op) {
	r.taken++
	r.enqueue(&o.sqe)
}

// enqueue puts an entry into the submission queue.
func (r *ring) enqueue(e *sqe) {
	tail := *r.sqTail // only we write it
	r.sqes[tail&uint32(len(r.sqes)-1)] = *e
	atomic.StoreUint32(r.sqTail, tail+1)
	r.queued++
}

// refill moves requests from the backlog to the queue.
func (r *ring) refill() {
	n := 0
	for n < len(r.backlog) && r.room() {
		r.take(r.backlog[n])
		n++
	}
	if n > 0 {
		r.backlog = append(r.backlog[:0], r.backlog[n:]...)
	}
}

// Pending implements [aio.Poller].
func (r *ring) Pending() int { return r.pending }

// Poll implements [aio.Poller].
func (r *ring) Poll() {
	r.reap()
	if !r.broken && r.queued == 0 && len(r.backlog) == 0 && atomic.LoadUint32(r.sqFlags)&sqTaskrun != 0 {
		_, errno := r.enter(0, false, 0)
		r.check(errno)
		r.reap()
	}
	if r.queued > 0 || len(r.backlog) > 0 {
		r.submit()
		r.reap() // what the kernel could do at once
	}
}

// Wait implements [aio.Poller].
func (r *ring) Wait(d time.Duration) {
	if len(r.backlog) > 0 {
		r.submit()
	}
	if atomic.LoadUint32(r.cqTail) != *r.cqHead {
		if r.queued > 0 {
			r.submit()
		}
		return
	}
	if !r.armed {
		r.enqueue(&sqe{opcode: opPollAdd, fd: r.evfd, opFlags: pollIn, userData: wakeData})
		r.armed = true
	}
	n, errno := r.enter(r.queued, true, d)
	r.queued -= n
	r.check(errno)
}

// submit hands over everything that the queues have room for, without waiting.
func (r *ring) submit() {
	for {
		r.refill()
		if r.queued == 0 {
			return
		}
		n, errno := r.enter(r.queued, false, 0)
		r.queued -= n
		if errno != 0 && errno != unix.EINTR {
			r.check(errno)
			return
		}
	}
}

// check looks at what enter has failed with.
func (r *ring) check(errno syscall.Errno) {
	switch errno {
	case 0, unix.EINTR, unix.ETIME:
	case unix.EAGAIN, unix.EBUSY, unix.ENOMEM:
		// The kernel is short of memory. It is asked again by the next
		// iteration, when something may have been completed.
	default:
		r.fail(errno)
	}
}

// fail is for what cannot happen, as long as nobody closes descriptors that are
// not his: the kernel takes nothing any more. What it has not taken yet fails,
// and is done by the file driver then, as is all that follows; what it has taken
// it will complete.
func (r *ring) fail(errno syscall.Errno) {
	r.broken = true
	tail := *r.sqTail
	for i := tail - r.queued; i != tail; i++ {
		u := r.sqes[i&uint32(len(r.sqes)-1)].userData
		if u == wakeData {
			r.armed = false
		} else {
			r.taken--
			r.complete(r.ops[u], -int32(errno))
		}
	}
	atomic.StoreUint32(r.sqTail, tail-r.queued)
	r.queued = 0
	for _, o := range r.backlog {
		r.complete(o, -int32(errno))
	}
	r.backlog = nil
	if r.taken > 0 {
		// All that is left to wait for is Interrupt; look again in 1 ms.
		_, _ = unix.Poll([]unix.PollFd{{Fd: r.evfd, Events: unix.POLLIN}}, 1)
	}
}

// reap completes what the kernel has done.
func (r *ring) reap() {
	head := *r.cqHead // only we write it
	for head != atomic.LoadUint32(r.cqTail) {
		c := r.cqes[head&uint32(len(r.cqes)-1)]
		head++
		atomic.StoreUint32(r.cqHead, head)
		if c.userData == wakeData {
			r.armed = false
			r.interrupted()
			continue
		}
		r.taken--
		r.complete(r.ops[c.userData], c.res)
	}
}

func (r *ring) complete(o *op, res int32) {
	r.pending--
	o.res = res
	o.Complete()
}

// Interrupt implements [aio.Poller].
func (r *ring) Interrupt() { r.interrupt() }
