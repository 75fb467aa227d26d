package aio_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/aio"
)

// netLoops runs f for both handoffs.
func netLoops(t *testing.T, f func(t *testing.T, l *aio.Loop)) {
	for _, h := range []coro.Handoff{coro.Channel, coro.Direct} {
		t.Run(h.String(), func(t *testing.T) {
			l := aio.NewLoop(aio.WithThread(coro.WithHandoff(h)))
			defer l.Close()
			f(t, l)
		})
	}
}

// runNet runs the loop, and fails the test if it takes for ever.
func runNet(t *testing.T, l *aio.Loop) {
	t.Helper()
	if err := tryRunNet(l); err != nil {
		t.Fatalf("Run: %v", err)
	}
}

var errStuck = errors.New("the loop is stuck")

func tryRunNet(l *aio.Loop) error {
	ctx, cancel := context.WithTimeoutCause(context.Background(), time.Minute, errStuck)
	defer cancel()
	return l.Run(ctx)
}

// A pair gives two connected ends.
type pair struct {
	name string
	make func(t *testing.T) (a, b net.Conn)
}

// pairs are those that know readiness, and one that does not.
func pairs() []pair {
	return []pair{
		{"tcp", func(t *testing.T) (a, b net.Conn) { return dialPair(t, "tcp", "127.0.0.1:0") }},
		{"unix", func(t *testing.T) (a, b net.Conn) { return dialPair(t, "unix", socketPath(t)) }},
		{"pipe", func(t *testing.T) (a, b net.Conn) { return net.Pipe() }},
	}
}

// socketPath is short, as some systems want it: less than 104 bytes.
func socketPath(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "aio")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return filepath.Join(dir, "s")
}

func dialPair(t *testing.T, network, address string) (a, b net.Conn) {
	t.Helper()
	ln, err := net.Listen(network, address)
	if err != nil {
		t.Skipf("no %s sockets here: %v", network, err)
	}
	defer ln.Close()
	a, err = net.Dial(network, ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	b, err = ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close(); b.Close() })
	return a, b
}

// eachPair runs f for both handoffs on each kind of connection.
func eachPair(t *testing.T, f func(t *testing.T, l *aio.Loop, a, b *aio.Conn)) {
	for _, p := range pairs() {
		t.Run(p.name, func(t *testing.T) {
			netLoops(t, func(t *testing.T, l *aio.Loop) {
				a, b := p.make(t)
				ca, cb := aio.NewConn(a), aio.NewConn(b)
				defer ca.Close()
				defer cb.Close()
				f(t, l, ca, cb)
			})
		})
	}
}

func TestConnPingPong(t *testing.T) {
	eachPair(t, func(t *testing.T, l *aio.Loop, a, b *aio.Conn) {
		var got []string
		l.Go(func(self *coro.Self) error {
			buf := make([]byte, 100)
			for {
				n, err := b.Read(self, buf)
				if err != nil {
					if err != io.EOF {
						return err
					}
					return b.Close()
				}
				if _, err := b.Write(self, bytes.ToUpper(buf[:n])); err != nil {
					return err
				}
			}
		})
		l.Go(func(self *coro.Self) error {
			buf := make([]byte, 100)
			for _, word := range []string{"one", "two", "three"} {
				if _, err := a.Write(self, []byte(word)); err != nil {
					return err
				}
				n, err := a.Read(self, buf)
				if err != nil {
					return err
				}
				got = append(got, string(buf[:n]))
			}
			return a.Close()
		})
		runNet(t, l)
		if diff := cmp.Diff([]string{"ONE", "TWO", "THREE"}, got); diff != "" {
			t.Errorf("answers (-want +got):\n%s", diff)
		}
	})
}

// TestConnLargeBothWays sends far more than the buffers hold in both directions at
// once, with four coroutines on one loop, so that readers and writers wait.
func TestConnLargeBothWays(t *testing.T) {
	size := 8 << 20
	if testing.Short() {
		size = 1 << 20
	}
	data := make([]byte, size)
	for i := range data {
		data[i] = byte(i * 7 >> 3)
	}
	eachPair(t, func(t *testing.T, l *aio.Loop, a, b *aio.Conn) {
		for _, c := range []*aio.Conn{a, b} {
			if s, ok := c.Unwrap().(interface {
				SetReadBuffer(int) error
				SetWriteBuffer(int) error
			}); ok {
				// Not less: below 16 KiB, TCP over loopback crawls, whoever
				// uses it.
				s.SetReadBuffer(32 << 10)
				s.SetWriteBuffer(32 << 10)
			}
		}
		for _, ends := range [][2]*aio.Conn{{a, b}, {b, a}} {
			l.Go(func(self *coro.Self) error {
				n, err := ends[0].Write(self, data)
				if n != len(data) {
					t.Errorf("Write = %d, %v, want %d", n, err, len(data))
				}
				return err
			})
			l.Go(func(self *coro.Self) error {
				got := make([]byte, len(data))
				_, err := io.ReadFull(ends[1].Bind(self), got)
				if !bytes.Equal(got, data) {
					t.Error("other data came out than went in")
				}
				return err
			})
		}
		runNet(t, l)
	})
}

func TestConnHalfClose(t *testing.T) {
	for _, p := range pairs()[:2] {
		t.Run(p.name, func(t *testing.T) {
			netLoops(t, func(t *testing.T, l *aio.Loop) {
				x, y := p.make(t)
				a, b := aio.NewConn(x), aio.NewConn(y)
				l.Go(func(self *coro.Self) error {
					_, err := io.Copy(b.Bind(self), b.Bind(self))
					return errors.Join(err, b.CloseWrite())
				})
				l.Go(func(self *coro.Self) error {
					if _, err := a.Write(self, []byte("hello")); err != nil {
						return err
					}
					if err := a.CloseWrite(); err != nil {
						return err
					}
					got, err := io.ReadAll(a.Bind(self))
					if diff := cmp.Diff("hello", string(got)); diff != "" {
						t.Errorf("echo (-want +got):\n%s", diff)
					}
					return err
				})
				runNet(t, l)
				a.Close()
				b.Close()
			})
		})
	}
	a, b := net.Pipe()
	defer a.Close()
	defer b.Close()
	if err := aio.NewConn(a).CloseWrite(); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("CloseWrite of a pipe: %v, want errors.ErrUnsupported", err)
	}
}

func TestConnReset(t *testing.T) {
	netLoops(t, func(t *testing.T, l *aio.Loop) {
		x, y := dialPair(t, "tcp", "127.0.0.1:0")
		a := aio.NewConn(x)
		l.Go(func(self *coro.Self) error {
			_, err := a.Read(self, make([]byte, 1))
			var op *net.OpError
			// Windows has another number for it.
			reset := errors.Is(err, syscall.ECONNRESET) || runtime.GOOS == "windows"
			if !reset || !errors.As(err, &op) || op.Op != "read" {
				t.Errorf("Read = %v, want a net.OpError for read and ECONNRESET", err)
			}
			return nil
		})
		l.Go(func(self *coro.Self) error {
			aio.Yield(self) // the reader waits
			y.(*net.TCPConn).SetLinger(0)
			return y.Close()
		})
		runNet(t, l)
	})
}

func TestConnDeadline(t *testing.T) {
	eachPair(t, func(t *testing.T, l *aio.Loop, a, b *aio.Conn) {
		l.Go(func(self *coro.Self) error {
			a.SetReadDeadline(time.Now().Add(10 * time.Millisecond))
			_, err := a.Read(self, make([]byte, 1))
			if !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("Read after the deadline = %v", err)
			}
			a.SetReadDeadline(time.Time{})
			reader := aio.Go(self, func(self *coro.Self) error {
				n, err := a.Read(self, make([]byte, 1))
				if n != 1 || err != nil {
					t.Errorf("Read without a deadline = %d, %v", n, err)
				}
				return nil
			})
			aio.Yield(self)
			if _, err := b.Write(self, []byte("x")); err != nil {
				return err
			}
			if err := reader.Wait(self); err != nil {
				return err
			}
			a.SetDeadline(time.Now().Add(10 * time.Millisecond))
			n, err := a.Write(self, make([]byte, 16<<20))
			if !errors.Is(err, os.ErrDeadlineExceeded) || n == 16<<20 {
				t.Errorf("Write after the deadline = %d, %v", n, err)
			}
			return nil
		})
		runNet(t, l)
	})
}

func TestConnCloseWhileReading(t *testing.T) {
	eachPair(t, func(t *testing.T, l *aio.Loop, a, b *aio.Conn) {
		reader := l.Go(func(self *coro.Self) error {
			_, err := a.Read(self, make([]byte, 1))
			return err
		})
		l.Go(func(self *coro.Self) error {
			aio.Yield(self)
			a.Close()
			err := reader.Wait(self)
			if !errors.Is(err, net.ErrClosed) && !errors.Is(err, io.ErrClosedPipe) {
				t.Errorf("Read = %v, want that it is closed", err)
			}
			return nil
		})
		runNet(t, l)
	})
}

// waits is a way for a coroutine to wait on the network for ever.
var waits = []struct {
	name string
	wait func(self *coro.Self, a *aio.Conn) error
}{
	{"read", func(self *coro.Self, a *aio.Conn) error {
		_, err := a.Read(self, make([]byte, 10))
		return err
	}},
	{"write", func(self *coro.Self, a *aio.Conn) error {
		_, err := a.Write(self, make([]byte, 64<<20))
		return err
	}},
	{"await", func(self *coro.Self, a *aio.Conn) error {
		_, err := aio.Await(self, func(ctx context.Context) (int, error) {
			<-ctx.Done()
			return 0, context.Cause(ctx)
		})
		return err
	}},
}

var errEnough = errors.New("enough")

// TestConnCancel cancels a task, kills a coroutine, and ends the loop, while it
// waits. Afterwards nobody uses the connection, and it works.
func TestConnCancel(t *testing.T) {
	ways := []struct {
		name string
		end  func(self *coro.Self, l *aio.Loop, task *aio.Task, cancel context.CancelCauseFunc)
		want error
	}{
		{"cancel", func(_ *coro.Self, _ *aio.Loop, task *aio.Task, _ context.CancelCauseFunc) { task.Cancel(errEnough) }, errEnough},
		{"kill", func(self *coro.Self, _ *aio.Loop, task *aio.Task, _ context.CancelCauseFunc) {
			self.Kill(task.Coroutine())
		}, context.Canceled},
		{"run", func(_ *coro.Self, _ *aio.Loop, _ *aio.Task, cancel context.CancelCauseFunc) { cancel(errEnough) }, errEnough},
	}
	for _, way := range ways {
		for _, w := range waits {
			t.Run(way.name+"/"+w.name, func(t *testing.T) {
				eachPair(t, func(t *testing.T, l *aio.Loop, a, b *aio.Conn) {
					ctx, cancel := context.WithCancelCause(context.Background())
					defer cancel(nil)
					deferred := false
					task := l.Go(func(self *coro.Self) error {
						defer func() { deferred = true }()
						return w.wait(self, a)
					})
					l.Go(func(self *coro.Self) error {
						for task.Coroutine().WaitsFor() == nil {
							aio.Yield(self)
						}
						way.end(self, l, task, cancel)
						return nil
					})
					if err := l.Run(ctx); err != nil && !errors.Is(err, way.want) {
						t.Errorf("Run = %v", err)
					}
					if !deferred {
						t.Error("the deferred call has not run")
					}
					if diff := cmp.Diff(way.want.Error(), task.Err().Error()); diff != "" {
						t.Errorf("the task's error (-want +got):\n%s", diff)
					}
					if w.name == "write" {
						return // part of it is in the way of what comes now
					}
					l.Go(func(self *coro.Self) error {
						_, err := b.Write(self, []byte("hello"))
						return err
					})
					l.Go(func(self *coro.Self) error {
						got := make([]byte, 5)
						_, err := io.ReadFull(a.Bind(self), got)
						if diff := cmp.Diff("hello", string(got)); diff != "" {
							t.Errorf("read later (-want +got):\n%s", diff)
						}
						return err
					})
					runNet(t, l)
				})
			})
		}
	}
}

// TestConnCancelKeepsDeadline has a deadline outlive the interruption.
func TestConnCancelKeepsDeadline(t *testing.T) {
	eachPair(t, func(t *testing.T, l *aio.Loop, a, b *aio.Conn) {
		a.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
		read := func(self *coro.Self) error {
			_, err := a.Read(self, make([]byte, 1))
			return err
		}
		l.Go(func(self *coro.Self) error {
			err := aio.Timeout(self, time.Millisecond, read)
			if !errors.Is(err, aio.ErrTimeout) {
				t.Errorf("first: %v, want ErrTimeout", err)
			}
			if err := read(self); !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("second: %v, want os.ErrDeadlineExceeded", err)
			}
			return nil
		})
		runNet(t, l)
	})
}

// TestConnTimeoutLosesNothing has readers give up again and again while data
// comes in: all of it is read in the end.
func TestConnTimeoutLosesNothing(t *testing.T) {
	eachPair(t, func(t *testing.T, l *aio.Loop, a, b *aio.Conn) {
		want := strings.Repeat("all of it ", 500)
		l.Go(func(self *coro.Self) error {
			for p := []byte(want); len(p) > 0; p = p[10:] {
				if _, err := b.Write(self, p[:10]); err != nil {
					return err
				}
				aio.Yield(self)
			}
			return b.Close()
		})
		var got []byte
		l.Go(func(self *coro.Self) error {
			buf := make([]byte, 7)
			for d := time.Duration(0); ; d = (d + 5*time.Microsecond) % (200 * time.Microsecond) {
				err := aio.Timeout(self, d, func(self *coro.Self) error {
					n, err := a.Read(self, buf)
					got = append(got, buf[:n]...)
					return err
				})
				if err == io.EOF {
					return nil
				}
				if err != nil && !errors.Is(err, aio.ErrTimeout) {
					return err
				}
			}
		})
		runNet(t, l)
		if diff := cmp.Diff(want, string(got)); diff != "" {
			t.Errorf("data (-want +got):\n%s", diff)
		}
	})
}

func TestConnTwoReaders(t *testing.T) {
	eachPair(t, func(t *testing.T, l *aio.Loop, a, b *aio.Conn) {
		var misuse error
		l.Go(func(self *coro.Self) error {
			_, err := a.Read(self, make([]byte, 1))
			return err
		}).SetName("alice")
		l.Go(func(self *coro.Self) error {
			func() {
				defer func() { misuse, _ = recover().(error) }()
				a.Read(self, make([]byte, 1))
			}()
			_, err := b.Write(self, []byte("x"))
			return err
		}).SetName("bob")
		runNet(t, l)
		if !errors.Is(misuse, aio.ErrBusy) {
			t.Fatalf("got %v, want ErrBusy", misuse)
		}
		for _, part := range []string{"Descriptor is used by another coroutine", "alice reads", "bob asked to read"} {
			if !strings.Contains(misuse.Error(), part) {
				t.Errorf("the message does not say %q:\n%v", part, misuse)
			}
		}
	})
}

func TestConnLeader(t *testing.T) {
	netLoops(t, func(t *testing.T, l *aio.Loop) {
		x, _ := net.Pipe()
		a := aio.NewConn(x)
		defer a.Close()
		for name, f := range map[string]func(self *coro.Self){
			"read":   func(self *coro.Self) { a.Read(self, make([]byte, 1)) },
			"write":  func(self *coro.Self) { a.Write(self, make([]byte, 1)) },
			"listen": func(self *coro.Self) { aio.Listen(self, "tcp", "127.0.0.1:0") },
		} {
			func() {
				defer func() {
					if err, _ := recover().(error); !errors.Is(err, coro.ErrNoCaller) {
						t.Errorf("%s by the leader: %v, want ErrNoCaller", name, err)
					}
				}()
				f(l.Thread().Leader())
			}()
		}
	})
}

// TestConnFair has data always be there: others have their turn all the same.
func TestConnFair(t *testing.T) {
	netLoops(t, func(t *testing.T, l *aio.Loop) {
		x, y := dialPair(t, "tcp", "127.0.0.1:0")
		y.Write(make([]byte, 10000))
		a := aio.NewConn(x)
		turns := 0
		l.Go(func(self *coro.Self) error {
			for range 10000 {
				if _, err := a.Read(self, make([]byte, 1)); err != nil {
					return err
				}
			}
			if turns < 100 {
				t.Errorf("another coroutine had %d turns while 10,000 reads were served, want 100 or more", turns)
			}
			return errEnough
		})
		other := l.Go(func(self *coro.Self) error {
			for {
				turns++
				aio.Yield(self)
			}
		})
		l.Go(func(self *coro.Self) error {
			for turns < 150 {
				aio.Yield(self)
			}
			other.Cancel(nil)
			return nil
		})
		if err := tryRunNet(l); err != errEnough {
			t.Errorf("Run = %v", err)
		}
	})
}

// TestConnEcosystem runs code over a Conn that knows nothing of coroutines.
func TestConnEcosystem(t *testing.T) {
	eachPair(t, func(t *testing.T, l *aio.Loop, a, b *aio.Conn) {
		type message struct{ Text string }
		l.Go(func(self *coro.Self) error {
			defer a.Close()
			return json.NewEncoder(a.Bind(self)).Encode(message{"hello"})
		})
		l.Go(func(self *coro.Self) error {
			var got message
			err := json.NewDecoder(bufio.NewReader(b.Bind(self))).Decode(&got)
			if diff := cmp.Diff(message{"hello"}, got); diff != "" {
				t.Errorf("decoded (-want +got):\n%s", diff)
			}
			return err
		})
		runNet(t, l)
	})
}

// TestConnTwoLoops has the two ends on loops that run in parallel.
func TestConnTwoLoops(t *testing.T) {
	eachPair(t, func(t *testing.T, l *aio.Loop, a, b *aio.Conn) {
		other := aio.NewLoop(aio.WithName("other"))
		defer other.Close()
		other.Go(func(self *coro.Self) error {
			buf := make([]byte, 1)
			for {
				if _, err := b.Read(self, buf); err != nil {
					return nil
				}
				if _, err := b.Write(self, buf); err != nil {
					return err
				}
			}
		})
		l.Go(func(self *coro.Self) error {
			defer a.Close()
			buf := make([]byte, 1)
			for range 200 {
				if _, err := a.Write(self, buf); err != nil {
					return err
				}
				if _, err := a.Read(self, buf); err != nil {
					return err
				}
			}
			return nil
		})
		result := make(chan error)
		go func() { result <- tryRunNet(other) }()
		runNet(t, l)
		if err := <-result; err != nil {
			t.Errorf("the other loop: %v", err)
		}
	})
}

// TestConnBareCoroutine has a loop end while a coroutine that is no task waits.
func TestConnBareCoroutine(t *testing.T) {
	eachPair(t, func(t *testing.T, l *aio.Loop, a, b *aio.Conn) {
		co := l.Thread().New(func(self *coro.Self) {
			a.Read(self, make([]byte, 1))
			t.Error("Read returned")
		})
		l.Schedule(co)
		ctx, cancel := context.WithCancelCause(context.Background())
		l.Post(func() { cancel(errEnough) })
		if err := l.Run(ctx); err != errEnough {
			t.Errorf("Run = %v", err)
		}
		if diff := cmp.Diff(coro.Dead, co.Status()); diff != "" {
			t.Errorf("status (-want +got):\n%s", diff)
		}
	})
}

// TestConnByHand enters a coroutine by hand that waits for data: it goes on
// waiting.
func TestConnByHand(t *testing.T) {
	eachPair(t, func(t *testing.T, l *aio.Loop, a, b *aio.Conn) {
		n := 0
		reader := l.Go(func(self *coro.Self) (err error) {
			n, err = a.Read(self, make([]byte, 10))
			return err
		})
		l.Go(func(self *coro.Self) error {
			aio.Yield(self)
			for range 10 {
				self.Enter(reader.Coroutine())
			}
			_, err := b.Write(self, []byte("abc"))
			return err
		})
		runNet(t, l)
		if n != 3 {
			t.Errorf("read %d bytes, want 3", n)
		}
	})
}

// TestConnCloseLoop closes a loop that does not run, with a coroutine that waits:
// its leader entered it by hand.
func TestConnCloseLoop(t *testing.T) {
	eachPair(t, func(t *testing.T, l *aio.Loop, a, b *aio.Conn) {
		co := l.Thread().New(func(self *coro.Self) { a.Read(self, make([]byte, 1)) })
		l.Thread().Enter(co)
		if err := l.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
		if diff := cmp.Diff(coro.Dead, co.Status()); diff != "" {
			t.Errorf("status (-want +got):\n%s", diff)
		}
	})
}

func TestConnReadAllocs(t *testing.T) {
	netLoops(t, func(t *testing.T, l *aio.Loop) {
		x, y := dialPair(t, "tcp", "127.0.0.1:0")
		a, b := aio.NewConn(x), aio.NewConn(y)
		l.Go(func(self *coro.Self) error {
			buf := make([]byte, 1)
			got := testing.AllocsPerRun(1000, func() {
				a.Write(self, buf)
				b.Read(self, buf)
			})
			if got > 0 {
				t.Errorf("a write and a read allocate %v times, want 0", got)
			}
			return nil
		})
		runNet(t, l)
	})
}
