//go:build unix

package main

import (
	"bytes"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// codemo runs the command in this process.
func codemo(args ...string) (code int, stdout, stderr string) {
	var out, err bytes.Buffer
	code = run(args, &out, &err)
	return code, out.String(), err.String()
}

// randomFile makes a file of n bytes with a hole in the middle.
func randomFile(t *testing.T, path string, n int) []byte {
	t.Helper()
	data := make([]byte, n)
	rng := rand.NewChaCha8([32]byte{2})
	rng.Read(data[:n/3])
	rng.Read(data[n/2:])
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt(data[:n/3], 0); err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt(data[n/2:], int64(n/2)); err != nil {
		t.Fatal(err)
	}
	return data
}

// interruptedCopy starts a slow copy in a process of its own, interrupts it when
// it is under way, and returns what it says.
func interruptedCopy(t *testing.T, args ...string) string {
	t.Helper()
	state, said := signalledCopy(t, unix.SIGINT, args...)
	if code := state.ExitCode(); code != exitFailure {
		t.Errorf("exit code: got %d, want %d\n%s", code, exitFailure, said)
	}
	return said
}

// yields finds where a coroutine of a copy yields in a trace as JSON lines.
var yields = regexp.MustCompile(`"kind":"yield","from":\{"id":\d+,"name":"copy`)

// signalledCopy is that with any signal.
func signalledCopy(t *testing.T, signal os.Signal, args ...string) (*os.ProcessState, string) {
	t.Helper()
	pipe := filepath.Join(t.TempDir(), "steps.jsonl")
	if err := unix.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("codemo", append([]string{"copy", "--rate", "256k", "--chunk", "16k", "--trace", pipe}, args...)...)
	cmd.Env = append(os.Environ(), "GORACE=atexit_sleep_ms=0")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	// Opened for both, so that opening does not wait for the other end.
	steps, err := os.OpenFile(pipe, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer steps.Close()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	// The trace comes in blocks: with the first few the copy is under way, and
	// with that rate far from its end.
	underWay, drained := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(drained)
		seen := ""
		for buf := make([]byte, 4096); len(yields.FindAllString(seen, -1)) < 60; {
			n, err := steps.Read(buf)
			if err != nil {
				return
			}
			seen += string(buf[:n])
		}
		close(underWay)
		io.Copy(io.Discard, steps) //nolint:errcheck // it ends by being closed
	}()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		cmd.Wait() //nolint:errcheck // the caller looks at the state
	}()
	select {
	case <-underWay:
		if err := cmd.Process.Signal(signal); err != nil {
			t.Error(err)
		}
	case <-ended:
		t.Errorf("the copy has ended before it was under way: %v\n%s", cmd.ProcessState, stderr.String())
	}
	<-ended
	steps.Close()
	<-drained
	return cmd.ProcessState, stderr.String()
}

func TestCopyIsInterruptedAndResumed(t *testing.T) {
	dir := t.TempDir()
	src, dst := filepath.Join(dir, "src"), filepath.Join(dir, "dst")
	want := randomFile(t, src, 4<<20)
	said := interruptedCopy(t, src, dst)
	for _, s := range []string{
		"copy from " + src + " to " + dst + ": after ", " of 4194304 bytes: interrupted",
		dst + " is not complete; copy --resume goes on, " + dst + ".codemo-copy is what it needs for that",
	} {
		if !strings.Contains(said, s) {
			t.Errorf("got %q, want it to say %q", said, s)
		}
	}
	code, stdout, stderr := codemo("copy", "--resume", "--verify", src, dst)
	if code != exitOK || !strings.Contains(stdout, " resumed)") || !strings.Contains(stdout, "verified") {
		t.Fatalf("resume: exit code %d, %q, %q", code, stdout, stderr)
	}
	if got, err := os.ReadFile(dst); err != nil || !bytes.Equal(got, want) {
		t.Errorf("the copy differs, or %v", err)
	}
	if _, err := os.Stat(dst + ".codemo-copy"); err == nil {
		t.Error("the checkpoint is there still")
	}
}

func TestCopyIsInterruptedAndRemoved(t *testing.T) {
	dir := t.TempDir()
	src, dst := filepath.Join(dir, "src"), filepath.Join(dir, "dst")
	randomFile(t, src, 4<<20)
	if said := interruptedCopy(t, "--remove-partial", src, dst); !strings.Contains(said, dst+" was removed") {
		t.Errorf("got %q", said)
	}
	if names, err := os.ReadDir(dir); err != nil || len(names) != 1 {
		t.Errorf("left: %v, %v; want the source only", names, err)
	}
}

func TestCopyToALockedFile(t *testing.T) {
	dir := t.TempDir()
	src, dst := filepath.Join(dir, "src"), filepath.Join(dir, "dst")
	randomFile(t, src, 4096)
	f, err := os.Create(dst)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX); err != nil {
		t.Skipf("there are no locks here: %v", err)
	}
	code, _, stderr := codemo("copy", src, dst)
	if want := "destination: file: " + dst + ": is being written by somebody else"; code != exitFailure || !strings.Contains(stderr, want) {
		t.Errorf("exit code %d, %q; want it to say %q", code, stderr, want)
	}
}

func TestCopyWithoutPermission(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root may read and write everything")
	}
	dir := t.TempDir()
	src, dst, none := filepath.Join(dir, "src"), filepath.Join(dir, "dst"), filepath.Join(dir, "none")
	randomFile(t, src, 4096)
	for path, mode := range map[string]os.FileMode{dst: 0o400, none: 0} {
		if err := os.WriteFile(path, nil, mode); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range [][3]string{{none, dst + "2", "source"}, {src, dst, "destination"}} {
		code, _, stderr := codemo("copy", c[0], c[1])
		if code != exitFailure || !strings.Contains(stderr, c[2]) || !strings.Contains(stderr, "permission denied") {
			t.Errorf("%v: exit code %d, %q", c, code, stderr)
		}
	}
}
