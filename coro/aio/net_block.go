package aio

import (
	"errors"
	"os"

	"github.com/gohandoff/coroutine/coro"
)

// A Conn whose net.Conn cannot be asked whether it is ready has helpers make the
// blocking calls.

// maxBuffer is how much a helper reads at a time at most: 64 KiB is more than any
// record of TLS (16 KiB) or datagram has.
const maxBuffer = 64 << 10

// readBuffered reads what a helper has read. It is read into memory of the
// connection, so that it is there for the next reader if this one is unwound.
func (h *half) readBuffered(self *coro.Self, p []byte) (int, error) {
	if h.have && h.n == 0 && errors.Is(h.err, os.ErrDeadlineExceeded) {
		h.have = false // of a reader that was unwound, and stale perhaps
	}
	if !h.have {
		size := min(len(p), maxBuffer)
		if cap(h.buf) < size {
			h.buf = make([]byte, size)
		}
		h.p = h.buf[:size]
		LoopOf(self).await(self, &h.errand, h)
	}
	n := copy(p, h.p[:h.n])
	h.p, h.n = h.p[n:], h.n-n
	if h.n > 0 {
		return n, nil
	}
	err := h.err
	h.have, h.err, h.p = false, nil, nil
	return n, err
}

// readBlocking is what the helper does.
func (h *half) readBlocking() {
	for {
		before := h.conn.interrupts.Load()
		h.n, h.err = h.conn.inner.Read(h.p)
		if h.n == 0 && errors.Is(h.err, os.ErrDeadlineExceeded) && h.conn.interrupts.Load() != before {
			continue // it was meant for the other half
		}
		h.have = true
		return
	}
}

// interruptRead ends readBlocking.
func (h *half) interruptRead(finished <-chan struct{}) {
	c := h.conn
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.inner.SetReadDeadline(longAgo) != nil {
		c.inner.Close() // there is no other way
	}
	<-finished
	_ = c.inner.SetReadDeadline(h.deadline)
}

// writeAll writes p.
func (h *half) writeAll(self *coro.Self, p []byte) (int, error) {
	h.p = p
	LoopOf(self).await(self, &h.errand, h)
	n, err := h.n, h.err
	h.p, h.err = nil, nil
	return n, err
}

// writeBlocking is what the helper does. It may use the writer's memory: that is
// not unwound before the helper has returned.
func (h *half) writeBlocking() {
	h.n, h.err = h.conn.inner.Write(h.p)
}

// interruptBoth ends writeBlocking. In a tls.Conn a writer may wait for the
// handshake, and so for data, where a write deadline would not reach it.
func (h *half) interruptBoth(finished <-chan struct{}) {
	c := h.conn
	c.mu.Lock()
	defer c.mu.Unlock()
	c.interrupts.Add(1)
	if c.inner.SetDeadline(longAgo) != nil {
		c.inner.Close()
	}
	<-finished
	_ = c.inner.SetReadDeadline(c.r.deadline)
	_ = c.inner.SetWriteDeadline(c.w.deadline)
	h.p, h.err = nil, nil
}
