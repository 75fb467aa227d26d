package aio

import (
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/gohandoff/coroutine/coro"
)

// ErrBusy: a coroutine was about to wait for a connection, a listener or a
// descriptor for which another one waits already, in the same direction.
var ErrBusy = errors.New("Descriptor is used by another coroutine")

// A Conn is a connection for coroutines: Read and Write look as if they blocked,
// and only park the coroutine. Make one with [NewConn], [Dial] or
// [Listener.Accept].
//
// What is there is read, and what there is room for is written, without a switch
// of goroutines. Only then does the coroutine park, and a helper waits for it on
// the Go runtime's poller. This is for TCP and for Unix stream sockets, where
// the system has a poller that tells readiness. For any other net.Conn, such as
// a tls.Conn, one end of a net.Pipe, or on Windows, a helper makes the blocking
// call itself. The meaning is the same.
//
// One coroutine may read and another one write at the same time, on one loop or
// on two. No other goroutine may read from or write to the net.Conn meanwhile;
// closing it is fine.
//
// A coroutine that is cancelled or killed while it waits is unwound at once. To
// that end the net.Conn's deadline is set to the past and back, so that deadlines
// must be set with the methods of Conn, and a net.Conn of another package must
// obey them. No data is lost when a reader is unwound; of what a writer was
// writing, any part may have been written.
type Conn struct {
	inner net.Conn
	raw   syscall.RawConn // nil: helpers make the blocking calls
	r, w  half

	mu         sync.Mutex    // held while deadlines are changed
	interrupts atomic.Uint32 // how often both deadlines were, for one half
}

// A half is one direction of a Conn.
type half struct {
	errand
	owner
	conn *Conn
	verb string // "read" or "write"

	// Fields of the owner and of the helper that waits for it.
	try    func(fd uintptr) bool // set where raw is
	look   func(fd uintptr) bool
	once   bool // the descriptor was found not ready once in this wait
	served int  // calls since the owner last yielded
	p      []byte
	n      int
	err    error

	// What a helper has read, for who comes next.
	have bool
	buf  []byte

	deadline time.Time // under conn.mu
}

// NewConn makes a Conn of inner, which belongs to it from now on. It may be
// called by any goroutine.
func NewConn(inner net.Conn) *Conn {
	c := &Conn{inner: inner, raw: rawStream(inner)}
	c.r.conn, c.r.verb = c, "read"
	c.w.conn, c.w.verb = c, "write"
	if c.raw != nil {
		c.r.errand = errand{block: c.r.waitReadable, interrupt: c.r.interruptHalf}
		c.w.errand = errand{block: c.w.waitWritable, interrupt: c.w.interruptHalf}
	} else {
		c.r.errand = errand{block: c.r.readBlocking, interrupt: c.r.interruptRead}
		c.w.errand = errand{block: c.w.writeBlocking, interrupt: c.w.interruptBoth}
	}
	return c
}

// Unwrap returns the net.Conn.
func (c *Conn) Unwrap() net.Conn { return c.inner }

// Read reads at most len(p) bytes into p and returns how many; it waits until
// there is at least one. At the end of the data the error is io.EOF. Errors are
// those of the net.Conn: os.ErrDeadlineExceeded after the read deadline,
// net.ErrClosed after Close.
//
// It yields if it has to wait, and now and then if it does not, so that a
// connection that always has data does not starve the others. It panics with a
// [*coro.UsageError] for [ErrBusy] if another coroutine reads.
func (c *Conn) Read(self *coro.Self, p []byte) (int, error) {
	h := &c.r
	h.claim(self, c, "reads", "read")
	defer h.release()
	if len(p) == 0 {
		return 0, nil
	}
	if c.raw == nil {
		return h.readBuffered(self, p)
	}
	h.beFair(self)
	for {
		n, again, err := h.tryRead(p)
		if !again {
			return n, c.opError("read", err)
		}
		if err := h.park(self); err != nil {
			return 0, c.opError("read", err)
		}
	}
}

// Write writes all of p, or returns an error and how much was written before it
// happened. Errors are those of the net.Conn.
//
// It yields like Read, and panics with a [*coro.UsageError] for [ErrBusy] if
// another coroutine writes.
func (c *Conn) Write(self *coro.Self, p []byte) (int, error) {
	h := &c.w
	h.claim(self, c, "writes", "write")
	defer h.release()
	if c.raw == nil {
		return h.writeAll(self, p)
	}
	done := 0
	for done < len(p) {
		h.beFair(self)
		n, again, err := h.tryWrite(p[done:])
		done += n
		if again {
			err = h.park(self)
		}
		if err != nil {
			return done, c.opError("write", err)
		}
	}
	return done, nil
}

// Close closes the connection. Who waits for it gets net.ErrClosed. It may be
// called by any goroutine, and does not yield.
func (c *Conn) Close() error { return c.inner.Close() }

// CloseWrite ends the direction in which this side writes: the other side reads
// what was written and then io.EOF. The error is errors.ErrUnsupported if the
// net.Conn has no such method. It does not yield.
func (c *Conn) CloseWrite() error {
	if x, ok := c.inner.(interface{ CloseWrite() error }); ok {
		return x.CloseWrite()
	}
	return fmt.Errorf("aio: CloseWrite of %T: %w", c.inner, errors.ErrUnsupported)
}

// SetDeadline sets the read and the write deadline. See [net.Conn].
func (c *Conn) SetDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.r.deadline, c.w.deadline = t, t
	return c.inner.SetDeadline(t)
}

// SetReadDeadline sets when Read gives up, also one that waits; never, if t is
// zero. The time is the machine's, not that of the loop's clock. It may be called
// by any goroutine.
func (c *Conn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.r.deadline = t
	return c.inner.SetReadDeadline(t)
}

// SetWriteDeadline is SetReadDeadline for Write.
func (c *Conn) SetWriteDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.w.deadline = t
	return c.inner.SetWriteDeadline(t)
}

// Bind returns the connection as what self reads and writes: for io.Copy, bufio,
// encoding/json and all that knows nothing of coroutines. It must be used by self
// only.
func (c *Conn) Bind(self *coro.Self) io.ReadWriteCloser { return &boundConn{c, self} }

type boundConn struct {
	conn *Conn
	self *coro.Self
}

func (b *boundConn) Read(p []byte) (int, error)  { return b.conn.Read(b.self, p) }
func (b *boundConn) Write(p []byte) (int, error) { return b.conn.Write(b.self, p) }
func (b *boundConn) Close() error                { return b.conn.Close() }

// String gives the network and the addresses of both ends.
func (c *Conn) String() string {
	return fmt.Sprintf("%s %v -> %v", c.inner.LocalAddr().Network(), c.inner.LocalAddr(), c.inner.RemoteAddr())
}

// opError gives err as the net.Conn's own methods would.
func (c *Conn) opError(op string, err error) error {
	if err == nil || err == io.EOF {
		return err
	}
	var inner *net.OpError // of the syscall.RawConn
	if errors.As(err, &inner) {
		err = inner.Err
	}
	local := c.inner.LocalAddr()
	return &net.OpError{Op: op, Net: local.Network(), Source: local, Addr: c.inner.RemoteAddr(), Err: err}
}

// String says what who waits for h waits for.
func (h *half) String() string {
	if h.verb == "read" {
		return "data on " + h.conn.String()
	}
	return "room on " + h.conn.String()
}

// fairShare is how many calls in a row are served without a yield: enough for
// its cost, under a microsecond, not to count beside that of as many system
// calls; few enough for the other coroutines to wait less than 1 ms even if each
// call moves 64 KiB.
const fairShare = 64

// beFair lets the others have a turn now and then.
func (h *half) beFair(self *coro.Self) {
	if h.served++; h.served >= fairShare {
		h.served = 0
		Yield(self)
	}
}

// park waits until a helper has found the descriptor ready, and returns what
// went wrong there.
func (h *half) park(self *coro.Self) error {
	h.served = 0
	LoopOf(self).await(self, &h.errand, h)
	return h.err
}

// longAgo is a deadline that is over.
var longAgo = time.Unix(1, 0)

// interruptHalf ends a wait for readiness of one direction.
func (h *half) interruptHalf(finished <-chan struct{}) {
	c := h.conn
	set := c.inner.SetReadDeadline
	if h == &c.w {
		set = c.inner.SetWriteDeadline
	}
	// Others must not change the deadline in between, or it would be lost.
	// An error means that the connection is closed, which ends the wait, too.
	c.mu.Lock()
	defer c.mu.Unlock()
	_ = set(longAgo)
	<-finished
	_ = set(h.deadline)
}

// An owner is the coroutine that uses one direction of something.
type owner struct {
	co atomic.Pointer[coro.Coroutine]
}

// claim makes self the owner, or panics. About is what is owned; does and do are
// the verb.
func (o *owner) claim(self *coro.Self, about fmt.Stringer, does, do string) {
	LoopOf(self)
	co := self.Coroutine()
	if co == nil {
		self.Yield() // panics: a leader cannot
	}
	for !o.co.CompareAndSwap(nil, co) {
		if other := o.co.Load(); other != nil {
			panic(coro.NewUsageError(self, ErrBusy, about.String(), other.Name()+" "+does, self.String()+" asked to "+do,
				"have one coroutine do it for all, or one after the other under a lock"))
		}
	}
}

func (o *owner) release() { o.co.Store(nil) }
