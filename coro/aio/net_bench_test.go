package aio_test

import (
	"context"
	"io"
	"net"
	"testing"
	"time"

	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/aio"
)

// BenchmarkEcho sends one byte to an echo server and waits for it, over TCP: the
// server a coroutine on a loop, or one plain goroutine for the connection. The
// client is a plain goroutine in both. They take turns, a block of each, so that
// what else the machine does weighs on both.
func BenchmarkEcho(b *testing.B) {
	for _, h := range []coro.Handoff{coro.Channel, coro.Direct} {
		b.Run(h.String(), func(b *testing.B) {
			plain := echoPlain(b)
			loop := echoLoop(b, h)
			const block = 100
			var times [2]time.Duration
			rounds := 0
			for b.Loop() {
				for i, c := range []net.Conn{plain, loop} {
					start := time.Now()
					pingPong(b, c, block)
					times[i] += time.Since(start)
				}
				rounds += block
			}
			b.ReportMetric(0, "ns/op") // of both together, which says nothing
			b.ReportMetric(float64(times[0].Nanoseconds())/float64(rounds), "plain-ns/echo")
			b.ReportMetric(float64(times[1].Nanoseconds())/float64(rounds), "loop-ns/echo")
			b.ReportMetric(float64(times[1])/float64(times[0]), "ratio")
		})
	}
}

// BenchmarkReadThere reads and writes one byte that is there, beside the same by
// the net.Conn itself.
func BenchmarkReadThere(b *testing.B) {
	x, y := benchPair(b)
	buf := make([]byte, 1)
	b.Run("plain", func(b *testing.B) {
		for b.Loop() {
			x.Write(buf)
			y.Read(buf)
		}
	})
	b.Run("coroutine", func(b *testing.B) {
		l := aio.NewLoop()
		defer l.Close()
		cx, cy := aio.NewConn(x), aio.NewConn(y)
		l.Go(func(self *coro.Self) error {
			for b.Loop() {
				cx.Write(self, buf)
				cy.Read(self, buf)
			}
			return nil
		})
		l.Run(context.Background())
	})
}

func pingPong(b *testing.B, c net.Conn, n int) {
	buf := make([]byte, 1)
	for range n {
		if _, err := c.Write(buf); err != nil {
			b.Fatal(err)
		}
		if _, err := c.Read(buf); err != nil {
			b.Fatal(err)
		}
	}
}

func benchPair(b *testing.B) (x, y net.Conn) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Skip(err)
	}
	defer ln.Close()
	x, err = net.Dial("tcp", ln.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	y, err = ln.Accept()
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { x.Close(); y.Close() })
	return x, y
}

func echoPlain(b *testing.B) net.Conn {
	x, y := benchPair(b)
	done := make(chan struct{})
	go func() {
		defer close(done)
		buf := make([]byte, 16)
		for {
			n, err := y.Read(buf)
			if err != nil {
				return
			}
			y.Write(buf[:n])
		}
	}()
	b.Cleanup(func() { x.Close(); <-done })
	return x
}

func echoLoop(b *testing.B, h coro.Handoff) net.Conn {
	x, y := benchPair(b)
	l := aio.NewLoop(aio.WithThread(coro.WithHandoff(h)))
	l.Go(func(self *coro.Self) error {
		buf := make([]byte, 16)
		c := aio.NewConn(y)
		for {
			n, err := c.Read(self, buf)
			if err == io.EOF {
				return nil
			}
			if err != nil {
				return err
			}
			c.Write(self, buf[:n])
		}
	})
	done := make(chan struct{})
	go func() {
		defer close(done)
		l.Run(context.Background())
		l.Close()
	}()
	b.Cleanup(func() { x.Close(); <-done })
	return x
}
