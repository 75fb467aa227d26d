package aio_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/aio"
)

// A TCP server that sends back what it gets, and one client, on one loop.
func ExampleListen() {
	loop := aio.NewLoop()
	defer loop.Close()

	loop.Go(func(self *coro.Self) error {
		ln, err := aio.Listen(self, "tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		client := aio.Go(self, func(self *coro.Self) error {
			conn, err := aio.Dial(self, "tcp", ln.Addr().String())
			if err != nil {
				return err
			}
			defer conn.Close()
			fmt.Fprint(conn.Bind(self), "hello")
			conn.CloseWrite()
			answer, err := io.ReadAll(conn.Bind(self))
			fmt.Printf("%s\n", answer)
			return err
		})
		server := aio.Go(self, func(self *coro.Self) error {
			for {
				conn, err := ln.Accept(self)
				if err != nil {
					return err
				}
				aio.Go(self, func(self *coro.Self) error {
					defer conn.Close()
					stream := conn.Bind(self)
					_, err := io.Copy(stream, stream)
					return err
				})
			}
		})
		defer server.Cancel(nil)
		return client.Wait(self)
	})
	fmt.Println(loop.Run(context.Background()))
	// Output:
	// hello
	// <nil>
}

func TestListenerCancel(t *testing.T) {
	netLoops(t, func(t *testing.T, l *aio.Loop) {
		inner, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		ln := aio.NewListener(inner)
		defer ln.Close()
		l.Go(func(self *coro.Self) error {
			// A timeout of an accept, with and without somebody who comes
			// just then: nobody is lost.
			accepted := 0
			accept := func(self *coro.Self) error {
				c, err := ln.Accept(self)
				if err == nil {
					accepted++
					c.Close()
				}
				return err
			}
			for i := range 20 {
				dial := aio.Go(self, func(self *coro.Self) error {
					c, err := aio.Dial(self, "tcp", ln.Addr().String())
					if err != nil {
						return err
					}
					return c.Close()
				})
				err := aio.Timeout(self, time.Duration(i)*20*time.Microsecond, accept)
				if err != nil && !errors.Is(err, aio.ErrTimeout) {
					return err
				}
				if err := dial.Wait(self); err != nil {
					return err
				}
			}
			for accepted < 20 {
				if err := accept(self); err != nil {
					return err
				}
			}
			ln.SetDeadline(time.Now().Add(time.Millisecond))
			if err := accept(self); !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("Accept after the deadline = %v", err)
			}
			ln.SetDeadline(time.Time{})
			waiter := aio.Go(self, accept)
			other := aio.Go(self, func(self *coro.Self) error {
				defer func() {
					if err, _ := recover().(error); !errors.Is(err, aio.ErrBusy) {
						t.Errorf("a second Accept: %v, want ErrBusy", err)
					}
				}()
				return accept(self)
			})
			if err := other.Wait(self); err != nil {
				return err
			}
			ln.Close()
			if err := waiter.Wait(self); !errors.Is(err, net.ErrClosed) {
				t.Errorf("Accept of a closed listener = %v", err)
			}
			return nil
		})
		runNet(t, l)
	})
}

// plainListener has no SetDeadline.
type plainListener struct{ net.Listener }

func TestListenerWithoutDeadline(t *testing.T) {
	netLoops(t, func(t *testing.T, l *aio.Loop) {
		inner, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		ln := aio.NewListener(plainListener{inner})
		l.Go(func(self *coro.Self) error {
			accept := func(self *coro.Self) error {
				_, err := ln.Accept(self)
				return err
			}
			if err := aio.Timeout(self, time.Millisecond, accept); !errors.Is(err, aio.ErrTimeout) {
				t.Errorf("Accept with a timeout = %v", err)
			}
			if err := accept(self); !errors.Is(err, net.ErrClosed) {
				t.Errorf("Accept after it = %v, want net.ErrClosed", err)
			}
			return nil
		})
		runNet(t, l)
		if err := ln.SetDeadline(time.Time{}); !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("SetDeadline = %v, want ErrUnsupported", err)
		}
	})
}

// TestDialCancel cancels a Dial at all times: the connection it may have made is
// closed, so the peer sees the end of it.
func TestDialCancel(t *testing.T) {
	netLoops(t, func(t *testing.T, l *aio.Loop) {
		inner, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		ln := aio.NewListener(inner)
		defer ln.Close()
		l.Go(func(self *coro.Self) error {
			server := aio.Go(self, func(self *coro.Self) error {
				for {
					c, err := ln.Accept(self)
					if err != nil {
						return err
					}
					if _, err := c.Read(self, make([]byte, 1)); err == nil {
						t.Error("somebody wrote")
					}
					c.Close()
				}
			})
			for i := range 30 {
				err := aio.Timeout(self, time.Duration(i)*10*time.Microsecond, func(self *coro.Self) error {
					c, err := aio.Dial(self, "tcp", ln.Addr().String())
					if err != nil {
						return err
					}
					return c.Close()
				})
				if err != nil && !errors.Is(err, aio.ErrTimeout) {
					return err
				}
			}
			ln.Close()
			server.Wait(self)
			if _, err := aio.Dial(self, "tcp", ln.Addr().String()); err == nil {
				t.Error("Dial of a closed listener succeeded")
			}
			return nil
		})
		runNet(t, l)
	})
}

func TestAwait(t *testing.T) {
	netLoops(t, func(t *testing.T, l *aio.Loop) {
		l.Go(func(self *coro.Self) error {
			// More of them wait for each other than there are workers.
			const n = 3 * aio.DefaultWorkers
			var g aio.Group
			ready := make(chan struct{})
			for range n {
				g.Go(self, func(self *coro.Self) error {
					_, err := aio.Await(self, func(context.Context) (int, error) {
						<-ready
						return 0, nil
					})
					return err
				})
			}
			g.Go(self, func(self *coro.Self) error {
				got, err := aio.Await(self, func(context.Context) (int, error) {
					close(ready)
					return 42, nil
				})
				if diff := cmp.Diff(42, got); diff != "" {
					t.Errorf("result (-want +got):\n%s", diff)
				}
				return err
			})
			if err := g.Wait(self); err != nil {
				return err
			}
			var panicked *coro.PanicError
			func() {
				defer func() {
					err, _ := recover().(error)
					errors.As(err, &panicked)
				}()
				aio.Await(self, func(context.Context) (int, error) { panic("oops") })
			}()
			if panicked == nil || panicked.Value != "oops" {
				t.Errorf("the panic came out as %v", panicked)
			}
			return nil
		})
		runNet(t, l)
	})
}
