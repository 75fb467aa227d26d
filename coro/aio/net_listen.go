package aio

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/gohandoff/coroutine/coro"
)

// A Listener is a listening socket for coroutines. Make one with [Listen] or
// [NewListener].
type Listener struct {
	inner net.Listener
	errand
	owner

	// Fields of the owner and of the helper that waits for it.
	conn net.Conn
	err  error

	mu       sync.Mutex // held while the deadline is changed
	deadline time.Time
	closed   bool
	early    net.Conn // accepted for a coroutine that was unwound
}

// Listen is net.Listen for a coroutine. It yields.
func Listen(self *coro.Self, network, address string) (*Listener, error) {
	var inner net.Listener
	handed := false
	defer func() {
		if !handed && inner != nil {
			inner.Close() // unwound
		}
	}()
	_, err := Await(self, func(ctx context.Context) (none struct{}, err error) {
		inner, err = new(net.ListenConfig).Listen(ctx, network, address)
		return none, err
	})
	handed = true
	if err != nil {
		return nil, err
	}
	return NewListener(inner), nil
}

// NewListener makes a Listener of inner, which belongs to it from now on. It may
// be called by any goroutine.
func NewListener(inner net.Listener) *Listener {
	l := &Listener{inner: inner}
	l.errand = errand{block: l.acceptBlocking, interrupt: l.interruptAccept}
	return l
}

// Accept waits for a connection and returns it. It yields.
//
// A coroutine that is cancelled or killed while it waits is unwound at once, and
// a connection that was accepted just then is for the next Accept. But a
// net.Listener that has no SetDeadline, as those of TLS, is closed then: nothing
// else would end the call. Accept panics with a [*coro.UsageError] for [ErrBusy]
// if another coroutine accepts.
func (l *Listener) Accept(self *coro.Self) (*Conn, error) {
	l.claim(self, l, "accepts", "accept")
	defer l.release()
	l.mu.Lock()
	conn := l.early
	l.early = nil
	l.mu.Unlock()
	if conn != nil {
		return NewConn(conn), nil
	}
	returned := false
	defer func() {
		if !returned {
			l.keep()
		}
	}()
	LoopOf(self).await(self, &l.errand, l)
	returned = true
	conn, err := l.conn, l.err
	l.conn, l.err = nil, nil
	if err != nil {
		return nil, err
	}
	return NewConn(conn), nil
}

// keep is called when the coroutine that accepts is unwound, which may also be
// when the helper has accepted already. An error is forgotten: it is the one that
// the interruption made, or one that the next Accept meets again.
func (l *Listener) keep() {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.conn == nil:
	case l.closed:
		l.conn.Close()
	default:
		l.early = l.conn
	}
	l.conn, l.err = nil, nil
}

func (l *Listener) acceptBlocking() {
	l.conn, l.err = l.inner.Accept()
}

func (l *Listener) interruptAccept(finished <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	d, ok := l.inner.(interface{ SetDeadline(time.Time) error })
	if !ok || d.SetDeadline(longAgo) != nil {
		l.inner.Close()
	}
	<-finished
	if ok {
		_ = d.SetDeadline(l.deadline)
	}
}

// SetDeadline sets when Accept gives up, also one that waits; never, if t is
// zero. The error is errors.ErrUnsupported if the net.Listener has no such
// method. It may be called by any goroutine.
func (l *Listener) SetDeadline(t time.Time) error {
	d, ok := l.inner.(interface{ SetDeadline(time.Time) error })
	if !ok {
		return fmt.Errorf("aio: SetDeadline of %T: %w", l.inner, errors.ErrUnsupported)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.deadline = t
	return d.SetDeadline(t)
}

// Close closes the listener. Who waits in Accept gets net.ErrClosed. It may be
// called by any goroutine, and does not yield.
func (l *Listener) Close() error {
	err := l.inner.Close()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	if l.early != nil {
		l.early.Close()
		l.early = nil
	}
	return err
}

// Addr returns the address of the listener.
func (l *Listener) Addr() net.Addr { return l.inner.Addr() }

// Unwrap returns the net.Listener.
func (l *Listener) Unwrap() net.Listener { return l.inner }

// String gives the network and the address; it is what who accepts waits for.
func (l *Listener) String() string {
	return fmt.Sprintf("a connection to %s %v", l.Addr().Network(), l.Addr())
}

// Dial is net.Dial for a coroutine. It yields. For a deadline use [Timeout]; for
// other options call a net.Dialer's DialContext in [Await], and [NewConn].
func Dial(self *coro.Self, network, address string) (*Conn, error) {
	var inner net.Conn
	handed := false
	defer func() {
		if !handed && inner != nil {
			inner.Close() // unwound
		}
	}()
	_, err := Await(self, func(ctx context.Context) (none struct{}, err error) {
		inner, err = new(net.Dialer).DialContext(ctx, network, address)
		return none, err
	})
	handed = true
	if err != nil {
		return nil, err
	}
	return NewConn(inner), nil
}
