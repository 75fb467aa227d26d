package uring_test

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/gohandoff/coroutine/blockio/file"
	"github.com/gohandoff/coroutine/blockio/uring"
	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/aio"
)

func wantUnavailable(t *testing.T, err error, says string) {
	t.Helper()
	if !errors.Is(err, uring.ErrUnavailable) || !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("got %v, want ErrUnavailable, which is errors.ErrUnsupported", err)
	} else if !strings.Contains(err.Error(), says) {
		t.Errorf("got %v, want it to say %q", err, says)
	}
}

func TestOpenSaysWhyThereIsNoRing(t *testing.T) {
	onLoop(t, func(t *testing.T, self *coro.Self) {
		path := filepath.Join(t.TempDir(), "disk")
		for _, c := range []struct {
			prepare func() func()
			is      error
			says    string
		}{
			{func() func() { return uring.Refuse(unix.ENOSYS) }, unix.ENOSYS, "the kernel has none"},
			{func() func() { return uring.Refuse(unix.EPERM) }, unix.EPERM, "io_uring_setup: operation not permitted"},
			{func() func() { return uring.Refuse(unix.ENOMEM) }, unix.ENOMEM, "ulimit -l"},
			{func() func() { return uring.Forget(uring.FeatExtArg) }, nil, "Linux 5.11"},
		} {
			restore := c.prepare()
			_, err := uring.Open(self, path, uring.Options{Options: created(4096)})
			d, why, ferr := uring.OpenOrFile(self, path, uring.Options{Options: created(4096)})
			restore()
			if errors.Is(err, unix.EPERM) && !errors.Is(c.is, unix.EPERM) {
				t.Skip(err)
			}
			wantUnavailable(t, err, c.says)
			wantUnavailable(t, why, c.says)
			if c.is != nil && !errors.Is(err, c.is) {
				t.Errorf("got %v, want it to be %v", err, c.is)
			}
			if ferr != nil {
				t.Fatal(ferr)
			}
			if _, ok := d.(*file.Driver); !ok {
				t.Errorf("got %v, want the file driver", d)
			}
			d.Close(self)
		}
	})
}

func TestOpenOrFileFailsForTheFile(t *testing.T) {
	onLoop(t, func(t *testing.T, self *coro.Self) {
		path := filepath.Join(t.TempDir(), "no")
		for _, restore := range []func(){func() {}, uring.Refuse(unix.ENOSYS)} {
			if _, _, err := uring.OpenOrFile(self, path, uring.Options{}); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("got %v, want that there is no such file", err)
			}
			restore()
		}
		if _, err := uring.Open(self, path, uring.Options{Entries: -1}); err == nil || !strings.Contains(err.Error(), "Entries -1: want 1 to 32768") {
			t.Errorf("got %v, want it to say what Entries may be", err)
		}
		if p := aio.LoopOf(self).Poller(); p != nil {
			t.Errorf("the loop has %v after Open has failed", p)
		}
	})
}

func TestAVirtualClockHasNoRing(t *testing.T) {
	loop := aio.NewLoop(aio.WithClock(aio.NewVirtualClock(time.Time{})))
	defer loop.Close()
	loop.Go(func(self *coro.Self) error {
		_, err := uring.Open(self, filepath.Join(t.TempDir(), "disk"), uring.Options{Options: created(4096)})
		wantUnavailable(t, err, "virtual clock")
		return nil
	})
	if err := loop.Run(t.Context()); err != nil {
		t.Error(err)
	}
}

// In a process of its own, which a seccomp filter forbids io_uring as those of
// containers do.
func TestAContainerThatForbidsIt(t *testing.T) {
	const inside = "URING_TEST_FORBIDDEN"
	if os.Getenv(inside) == "" {
		cmd := exec.Command(os.Args[0], "-test.run=^TestAContainerThatForbidsIt$", "-test.v")
		cmd.Env = append(os.Environ(), inside+"=1")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		if strings.Contains(string(out), "--- SKIP") {
			t.Skipf("%s", out)
		}
		return
	}
	forbid(t, unix.SYS_IO_URING_SETUP)
	onLoop(t, func(t *testing.T, self *coro.Self) {
		path := filepath.Join(t.TempDir(), "disk")
		d, why, err := uring.OpenOrFile(self, path, uring.Options{Options: created(4096)})
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close(self)
		wantUnavailable(t, why, "operation not permitted")
		if err := d.WriteAt(self, make([]byte, 4096), 0, 0); err != nil {
			t.Error(err)
		}
	})
}

// forbid has a system call fail with EPERM, in all threads, for ever.
func forbid(t *testing.T, call uint32) {
	filter := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS}, // the number of the call
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jf: 1, K: call},
		{Code: unix.BPF_RET, K: unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)},
		{Code: unix.BPF_RET, K: unix.SECCOMP_RET_ALLOW},
	}
	prog := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	if _, _, errno := syscall.AllThreadsSyscall(unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 1, 0); errno != 0 && errno != unix.ENOTSUP {
		t.Skipf("prctl: %v", errno)
	}
	if _, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&prog))); errno != 0 {
		t.Skipf("seccomp: %v", errno)
	}
}
