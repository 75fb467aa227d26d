//go:build unix

package trace_test

import (
	"io"
	"strings"
	"syscall"
	"testing"

	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/trace"
)

func TestDumpOnSignal(t *testing.T) {
	ring := trace.NewRing(8)
	th := coro.NewThread(coro.WithTracer(ring))
	defer th.Close()
	th.Enter(th.New(func(*coro.Self) {}).SetName("seen"))
	r, w := io.Pipe()
	stop := ring.DumpOnSignal(w, syscall.SIGUSR1)
	if err := syscall.Kill(syscall.Getpid(), syscall.SIGUSR1); err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	buf := make([]byte, 256)
	for !strings.Contains(got.String(), "3 steps") {
		n, err := r.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		got.Write(buf[:n])
	}
	stop()
	stop()
	if !strings.Contains(got.String(), "enter ──▸ seen") {
		t.Errorf("dump: got\n%s", got.String())
	}
}
