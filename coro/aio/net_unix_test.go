//go:build unix

package aio_test

import (
	"errors"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/aio"
)

func pipe(t *testing.T) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close(); w.Close() })
	return r, w
}

func TestReadable(t *testing.T) {
	netLoops(t, func(t *testing.T, l *aio.Loop) {
		r, w := pipe(t)
		buf := make([]byte, 1)
		l.Go(func(self *coro.Self) error {
			for range 100 {
				if err := aio.Readable(self, r); err != nil {
					return err
				}
				if n, err := r.Read(buf); n != 1 || err != nil {
					t.Errorf("Read = %d, %v", n, err)
				}
			}
			if err := aio.Readable(self, r); err != nil { // the end
				return err
			}
			return nil
		})
		l.Go(func(self *coro.Self) error {
			for range 100 {
				if err := aio.Writable(self, w); err != nil {
					return err
				}
				w.Write([]byte("x"))
				aio.Yield(self)
			}
			return w.Close()
		})
		runNet(t, l)
		l.Go(func(self *coro.Self) error {
			r.Close()
			if err := aio.Readable(self, r); !errors.Is(err, os.ErrClosed) {
				t.Errorf("Readable of a closed file = %v", err)
			}
			return nil
		})
		runNet(t, l)
	})
}

// TestReadableLostEdge has data arrive at any moment between the look at the
// descriptor and the wait for it.
func TestReadableLostEdge(t *testing.T) {
	netLoops(t, func(t *testing.T, l *aio.Loop) {
		r, w := pipe(t)
		const rounds = 5000
		go1 := make(chan struct{})
		done := make(chan struct{})
		go func() {
			defer close(done)
			for range go1 {
				for range time.Now().Nanosecond() % 4 {
					runtime.Gosched()
				}
				w.Write([]byte("x"))
			}
		}()
		l.Go(func(self *coro.Self) error {
			defer close(go1)
			buf := make([]byte, 1)
			for range rounds {
				go1 <- struct{}{}
				if err := aio.Readable(self, r); err != nil {
					return err
				}
				if _, err := r.Read(buf); err != nil {
					return err
				}
			}
			return nil
		})
		runNet(t, l)
		<-done
	})
}

// fill writes until there is no more room, and returns how much.
func fill(t *testing.T, w *os.File) (full int) {
	t.Helper()
	raw, err := w.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	err = raw.Control(func(fd uintptr) {
		for {
			n, err := unix.Write(int(fd), make([]byte, 1024))
			if err == unix.EAGAIN {
				return
			}
			full += max(n, 0)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return full
}

func TestWritableWaits(t *testing.T) {
	netLoops(t, func(t *testing.T, l *aio.Loop) {
		r, w := pipe(t)
		full := fill(t, w)
		var order []string
		l.Go(func(self *coro.Self) error {
			err := aio.Writable(self, w)
			order = append(order, "writable")
			return err
		})
		l.Go(func(self *coro.Self) error {
			aio.Yield(self)
			order = append(order, "read")
			_, err := r.Read(make([]byte, full))
			return err
		})
		runNet(t, l)
		if got := strings.Join(order, " "); got != "read writable" {
			t.Errorf("order: %s", got)
		}
	})
}

func TestReadableEnds(t *testing.T) {
	netLoops(t, func(t *testing.T, l *aio.Loop) {
		r, w := pipe(t)
		l.Go(func(self *coro.Self) error {
			wait := func(self *coro.Self) error { return aio.Readable(self, r) }
			if err := aio.Timeout(self, time.Millisecond, wait); !errors.Is(err, aio.ErrTimeout) {
				t.Errorf("with a timeout: %v", err)
			}
			r.SetReadDeadline(time.Now().Add(time.Millisecond))
			if err := wait(self); !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("with a deadline: %v", err)
			}
			r.SetReadDeadline(time.Time{})

			first := aio.Go(self, wait).SetName("first")
			second := aio.Go(self, func(self *coro.Self) error {
				defer func() {
					err, _ := recover().(error)
					if !errors.Is(err, aio.ErrBusy) || !strings.Contains(err.Error(), "first waits for it") {
						t.Errorf("a second one to wait: %v", err)
					}
				}()
				return wait(self)
			})
			if err := second.Wait(self); err != nil {
				return err
			}
			w.Write([]byte("x"))
			if err := first.Wait(self); err != nil {
				return err
			}
			r.Read(make([]byte, 1))

			closed := aio.Go(self, wait)
			aio.Yield(self)
			aio.Yield(self)
			r.Close()
			if err := closed.Wait(self); !errors.Is(err, os.ErrClosed) {
				t.Errorf("closed while waiting: %v", err)
			}
			return nil
		})
		runNet(t, l)
	})
}

// TestIdleConnections keeps 10,000 connections open on one loop, as far as the
// system lets it, and uses a few of them meanwhile.
func TestIdleConnections(t *testing.T) {
	n := 10_000
	if testing.Short() {
		n = 1000
	}
	// Both ends are here: two descriptors each, and some for the rest.
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	if need := uint64(2*n + 200); uint64(limit.Cur) < need {
		raised := limit
		raised.Cur = min(raised.Max, 20_500)
		if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &raised); err != nil {
			raised = limit
		}
		defer unix.Setrlimit(unix.RLIMIT_NOFILE, &limit)
		if uint64(raised.Cur) < need {
			n = int(raised.Cur-200) / 2
			t.Logf("the system allows %d descriptors, so %d connections", raised.Cur, n)
		}
	}
	netLoops(t, func(t *testing.T, l *aio.Loop) {
		l.Go(func(self *coro.Self) error {
			ln, err := aio.Listen(self, "unix", socketPath(t))
			if err != nil {
				return err
			}
			defer ln.Close()
			echoing := 0
			server := aio.Go(self, func(self *coro.Self) error {
				for {
					c, err := ln.Accept(self)
					if err != nil {
						return nil
					}
					aio.Go(self, func(self *coro.Self) error {
						defer c.Close()
						buf := make([]byte, 16)
						for echoing++; ; {
							n, err := c.Read(self, buf)
							if err != nil {
								return nil
							}
							if _, err := c.Write(self, buf[:n]); err != nil {
								return err
							}
						}
					})
				}
			})
			before := memory()
			clients := make([]*aio.Conn, n)
			defer func() {
				for _, c := range clients {
					if c != nil {
						c.Close()
					}
				}
			}()
			for i := range clients {
				for i-echoing >= 100 {
					aio.Yield(self) // the system refuses more than so many to be accepted
				}
				if clients[i], err = aio.Dial(self, "unix", ln.Addr().String()); err != nil {
					return err
				}
			}
			for echoing < n {
				aio.Yield(self)
			}
			t.Logf("%d idle connections, %d bytes each for both ends", n, (memory()-before)/uint64(n))
			buf := make([]byte, 16)
			for i := 0; i < n; i += 97 {
				clients[i].Write(self, []byte("hello"))
				if got, err := clients[i].Read(self, buf); got != 5 || err != nil {
					t.Errorf("echo: %d bytes, %v", got, err)
				}
			}
			ln.Close()
			return server.Wait(self)
		})
		runNet(t, l)
	})
}

// memory returns how much the heap and the stacks take.
func memory() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc + m.StackInuse
}
