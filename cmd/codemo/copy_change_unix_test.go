//go:build unix

package main

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/gohandoff/coroutine/blockio/file"
	"github.com/gohandoff/coroutine/coro"
)

// copyWhile copies src to dst, and calls meddle once when the copy has begun.
func copyWhile(src, dst string, f copyFlags, meddle func() error) error {
	f.coroutines, f.chunk = 1, 64<<10
	job := &copyJob{ctx: context.Background(), src: src, dst: dst, flags: f}
	var failed error
	job.bar = copyBar{on: true, out: writerFunc(func(p []byte) (int, error) {
		if meddle != nil {
			failed, meddle = meddle(), nil
		}
		return len(p), nil
	})}
	return errors.Join(onLoop([]coro.Option{coro.WithHandoff(coro.Direct)}, job.run), failed)
}

func TestCopyOfFilesThatOthersChange(t *testing.T) {
	for name, c := range map[string]struct {
		meddle func(src, dst string) error
		says   string
	}{
		"source grown":         {func(s, _ string) error { return os.Truncate(s, 5<<20) }, "src: has changed: its size was 4194304, and is 5242880"},
		"source modified":      {func(s, _ string) error { return os.Chtimes(s, time.Time{}, time.Unix(1e9, 0)) }, "src: has changed: its modification time was "},
		"source replaced":      {func(s, _ string) error { return replace(s) }, "src: has changed: it was replaced"},
		"destination grown":    {func(_, d string) error { return os.Truncate(d, 5<<20) }, "dst: has changed: its size was 4194304, and is 5242880"},
		"destination removed":  {func(_, d string) error { return os.Remove(d) }, "dst: has changed: it was removed"},
		"destination replaced": {func(_, d string) error { return replace(d) }, "dst: has changed: it was replaced while it was open: its number (device/inode) was "},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			src, dst := filepath.Join(dir, "src"), filepath.Join(dir, "dst")
			writeRandomFile(t, src, 4<<20)
			err := copyWhile(src, dst, copyFlags{}, func() error { return c.meddle(src, dst) })
			end := dst + " is not a copy; do not use it"
			if name == "destination removed" {
				end = "there is no copy at " + dst
			}
			if !errors.Is(err, file.ErrChanged) || !strings.Contains(err.Error(), c.says) || !strings.HasSuffix(err.Error(), end) {
				t.Errorf("got %v, want it to say %q, and %q at the end", err, c.says, end)
			}
			if _, err := os.Stat(dst + ".codemo-copy"); err == nil {
				t.Error("there is a checkpoint, but going on makes no sense")
			}
		})
	}
}

// TestCopyToAFileThatIsCutMeanwhile: the next write would make it as long as it
// was, with a hole where there was data.
func TestCopyToAFileThatIsCutMeanwhile(t *testing.T) {
	dir := t.TempDir()
	src, dst := filepath.Join(dir, "src"), filepath.Join(dir, "dst")
	writeRandomFile(t, src, 4<<20)
	err := copyWhile(src, dst, copyFlags{}, func() error { return os.Truncate(dst, 1000) })
	if want := " on " + dst + ": the file ends at 1000 now, but was 4194304 bytes long"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want it to say %q", err, want)
	}
}

func replace(path string) error {
	if err := os.WriteFile(path+".new", []byte("another"), 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// writeRandomFile makes a file without holes.
func writeRandomFile(t *testing.T, path string, n int) {
	t.Helper()
	if err := os.WriteFile(path, bytes.Repeat([]byte("0123456789abcde\n"), n/16), 0o600); err != nil {
		t.Fatal(err)
	}
}

// An asked is a context that is done when it was asked so many times.
type asked struct {
	context.Context
	times, end int
}

func (c *asked) Err() error {
	if c.times++; c.times > c.end {
		return context.Canceled
	}
	return nil
}

// TestCopyIsInterruptedWhileItHashes: the copy is complete by then.
func TestCopyIsInterruptedWhileItHashes(t *testing.T) {
	dir := t.TempDir()
	src, dst := filepath.Join(dir, "src"), filepath.Join(dir, "dst")
	want := randomFile(t, src, 4<<20)
	ctx, f := &asked{Context: context.WithoutCancel(t.Context()), end: 1e6}, copyFlags{coroutines: 1}
	if err := onLoop(nil, (&copyJob{ctx: ctx, src: src, dst: dst, flags: f}).run); err != nil {
		t.Fatal(err)
	}
	ctx.times, ctx.end, f.hash = 0, ctx.times, true
	err := onLoop(nil, (&copyJob{ctx: ctx, src: src, dst: dst, flags: f}).run)
	if says := dst + " is complete, but its sha256 is not known"; !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), says) {
		t.Errorf("got %v, want it to say %q", err, says)
	}
	if got, err := os.ReadFile(dst); err != nil || !bytes.Equal(got, want) {
		t.Errorf("the copy differs, or %v", err)
	}
	if _, err := os.Stat(dst + ".codemo-copy"); err == nil {
		t.Error("the checkpoint is there still")
	}
}

func TestCopyIsKilledAndResumed(t *testing.T) {
	dir := t.TempDir()
	src, dst := filepath.Join(dir, "src"), filepath.Join(dir, "dst")
	want := randomFile(t, src, 4<<20)
	state, _ := signalledCopy(t, unix.SIGKILL, "--save-every", "10ms", src, dst)
	if status, ok := state.Sys().(interface{ Signal() unix.Signal }); ok && status.Signal() != unix.SIGKILL {
		t.Fatalf("got %v, want it killed", state)
	}
	code, stdout, stderr := codemo("copy", "--resume", "--verify", src, dst)
	if code != exitOK || !strings.Contains(stdout, " resumed)") {
		t.Fatalf("resume: exit code %d, %q, %q", code, stdout, stderr)
	}
	if got, err := os.ReadFile(dst); err != nil || !bytes.Equal(got, want) {
		t.Errorf("the copy differs, or %v", err)
	}
}

func TestCopyIsTerminated(t *testing.T) {
	for signal, says := range map[unix.Signal]string{unix.SIGTERM: ": terminated", unix.SIGHUP: ": hangup"} {
		dir := t.TempDir()
		src, dst := filepath.Join(dir, "src"), filepath.Join(dir, "dst")
		randomFile(t, src, 4<<20)
		state, said := signalledCopy(t, signal, src, dst)
		if state.ExitCode() != exitFailure || !strings.Contains(said, says) || !strings.Contains(said, "copy --resume goes on") {
			t.Errorf("%v: %v, %q; want it to say %q", signal, state, said, says)
		}
	}
}

func TestResumeRefusesOtherFiles(t *testing.T) {
	for name, c := range map[string]struct {
		meddle func(src, dst string) error
		says   string
	}{
		"source": {func(s, _ string) error {
			st, err := os.Stat(s)
			if err == nil {
				err = os.WriteFile(s+".new", make([]byte, st.Size()), 0o600)
			}
			if err == nil {
				err = os.Chtimes(s+".new", time.Time{}, st.ModTime())
			}
			if err == nil {
				err = os.Rename(s+".new", s)
			}
			return err
		}, "src: has changed: its number"},
		"destination": {func(_, d string) error {
			st, err := os.Stat(d)
			if err == nil {
				err = os.WriteFile(d+".new", make([]byte, st.Size()), 0o600)
			}
			if err == nil {
				err = os.Rename(d+".new", d)
			}
			return err
		}, "dst: has changed: its number"},
		"destination cut": {func(_, d string) error { return os.Truncate(d, 1) }, "dst: has changed: its size was 4194304, and is 1"},
	} {
		dir := t.TempDir()
		src, dst := filepath.Join(dir, "src"), filepath.Join(dir, "dst")
		writeRandomFile(t, src, 4<<20)
		ctx, cancel := context.WithCancelCause(t.Context())
		f := copyFlags{coroutines: 1, chunk: 64 << 10}
		job := &copyJob{ctx: ctx, src: src, dst: dst, flags: f}
		job.bar = copyBar{on: true, out: writerFunc(func(p []byte) (int, error) { cancel(errors.New("enough")); return len(p), nil })}
		if err := onLoop(nil, job.run); err == nil || !strings.Contains(err.Error(), "enough") {
			t.Fatal(err)
		}
		if err := c.meddle(src, dst); err != nil {
			t.Fatal(err)
		}
		code, _, stderr := codemo("copy", "--resume", src, dst)
		if code != exitFailure || !strings.Contains(stderr, c.says) || !strings.Contains(stderr, "copy it anew") {
			t.Errorf("%s: exit code %d, %q; want it to say %q", name, code, stderr, c.says)
		}
	}
}

func TestRemovePartialRemovesTheFileBehindALink(t *testing.T) {
	dir := t.TempDir()
	src, dst, target := filepath.Join(dir, "src"), filepath.Join(dir, "dst"), filepath.Join(dir, "real")
	writeRandomFile(t, src, 4<<20)
	if err := os.Symlink(target, dst); err != nil {
		t.Fatal(err)
	}
	err := copyWhile(src, dst, copyFlags{removePartial: true}, func() error { return os.Truncate(src, 100) })
	if err == nil || !strings.Contains(err.Error(), target+" was removed") {
		t.Errorf("got %v, want it to say that %s was removed", err, target)
	}
	if _, err := os.Stat(target); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the file is there still, %v", err)
	}
	if _, err := os.Lstat(dst); err != nil {
		t.Errorf("the link, which the copy has not made, is gone: %v", err)
	}
}

// TestRemovePartialLeavesWhatOthersPutThere: the path leads to another file now.
func TestRemovePartialLeavesWhatOthersPutThere(t *testing.T) {
	dir := t.TempDir()
	src, dst := filepath.Join(dir, "src"), filepath.Join(dir, "dst")
	writeRandomFile(t, src, 4<<20)
	err := copyWhile(src, dst, copyFlags{removePartial: true}, func() error { return replace(dst) })
	if err == nil || !strings.Contains(err.Error(), "is not the file that was written to") {
		t.Errorf("got %v", err)
	}
	if text, err := os.ReadFile(dst); err != nil || string(text) != "another" {
		t.Errorf("the other file: got %q, %v", text, err)
	}
}

func TestCopyTakesPermissionsAlong(t *testing.T) {
	dir := t.TempDir()
	src, dst := filepath.Join(dir, "src"), filepath.Join(dir, "dst")
	writeRandomFile(t, src, 4096)
	mode := func(want fs.FileMode) {
		t.Helper()
		if code, _, stderr := codemo("copy", src, dst); code != exitOK {
			t.Fatalf("exit code %d, %q", code, stderr)
		}
		if st, err := os.Stat(dst); err != nil || st.Mode() != want {
			t.Errorf("got %v, %v; want %v", st.Mode(), err, want)
		}
	}
	mode(0o600)
	for _, p := range []string{src, dst} {
		if err := os.Chmod(p, map[string]fs.FileMode{src: 0o700, dst: 0o640}[p]); err != nil {
			t.Fatal(err)
		}
	}
	mode(0o640) // one that is there keeps its own
	if err := os.Remove(dst); err != nil {
		t.Fatal(err)
	}
	mode(0o700)
}
