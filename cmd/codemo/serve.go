package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/aio"
	"github.com/gohandoff/coroutine/coro/trace"
	livepage "github.com/gohandoff/coroutine/coro/trace/live"
)

// liveUsage tells of --live.
const liveUsage = "serve a page of what the coroutines do at `ADDR`, such as localhost:0, to be read by codemo top, too"

// A liveServer shows a command that runs, by HTTP. A nil one does nothing.
type liveServer struct {
	ring   *trace.Ring
	listen net.Listener
	server *http.Server
	over   chan error // what Serve ended with; nil before it began
}

// newLiveServer listens at addr, unless that is "". The options it returns have
// the thread record what the page shows, beside what tracer records.
func newLiveServer(addr string, tracer *stepTracer, opts []coro.Option) (*liveServer, []coro.Option, error) {
	if addr == "" {
		return nil, opts, nil
	}
	addr, err := liveAddress(addr)
	if err != nil {
		return nil, nil, err
	}
	listen, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, nil, fmt.Errorf("--live: %w", err)
	}
	s := &liveServer{ring: trace.NewRing(1024), listen: listen}
	var all coro.Tracer = s.ring
	if tracer != nil {
		all = trace.Join(tracer.stream, s.ring)
	}
	return s, append(opts, coro.WithTracer(all)), nil
}

// liveAddress is addr with the loopback where it names no host: who wants to be
// seen by others must say so.
func liveAddress(addr string) (string, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return "", usagef("--live %q: want HOST:PORT, such as localhost:8080, or localhost:0 for any port", addr)
	}
	if _, err := net.LookupPort("tcp", port); err != nil || port == "" {
		return "", usagef("--live %q: port %q: want a number up to 65535", addr, port)
	}
	if host == "" {
		host = "localhost"
	}
	return net.JoinHostPort(host, port), nil
}

// Serve begins, and tells where. It shows the loop and its thread.
func (s *liveServer) Serve(loop *aio.Loop, out io.Writer) {
	if s == nil {
		return
	}
	s.server = &http.Server{ReadHeaderTimeout: 10 * time.Second, Handler: livepage.Handler(livepage.Source{
		Threads: []*coro.Thread{loop.Thread()},
		Ring:    s.ring,
		Numbers: func() any { loop.Probe(); return loop.Stats() },
	})}
	s.over = make(chan error, 1)
	go func() { s.over <- s.server.Serve(s.listen) }()
	fmt.Fprintf(out, "live: http://%v/\n", s.listen.Addr())
}

// Close ends it, and the connections.
func (s *liveServer) Close() error {
	switch {
	case s == nil:
		return nil
	case s.over == nil:
		return s.listen.Close()
	}
	err := s.server.Close()
	if end := <-s.over; !errors.Is(end, http.ErrServerClosed) {
		err = errors.Join(err, end)
	}
	return err
}
