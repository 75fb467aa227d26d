package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gohandoff/coroutine/blockio/file"
	"github.com/gohandoff/coroutine/coro"
)

// TestQEMUAndWeKeepEachOtherOut: as writers of one file, whoever comes first.
func TestQEMUAndWeKeepEachOtherOut(t *testing.T) {
	disk := filepath.Join(t.TempDir(), "disk")
	if err := os.WriteFile(disk, make([]byte, 1<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	peer(t, "qemu-io", "-f", "raw", "-c", "write 0 4k", disk)

	// We have it.
	err := onLoop(nil, func(self *coro.Self) error {
		dev, err := openDevice(self, disk, file.Options{})
		if err != nil {
			return err
		}
		defer dev.Close(self)
		out, err := exec.Command("qemu-io", "-f", "raw", "-c", "write 0 4k", disk).CombinedOutput()
		if !strings.Contains(string(out), "Failed to get") || !strings.Contains(string(out), "lock") {
			t.Errorf("qemu-io writes what we have open for writing: %v\n%s", err, out)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}

	// QEMU has it, until its input ends; it answers when the file is open.
	for _, c := range []struct {
		args  []string
		write int // our exit code
	}{
		{[]string{"-f", "raw"}, exitFailure},
		{[]string{"-f", "raw", "-r"}, exitOK}, // of a raw image it lets others write what it reads
	} {
		qemu := exec.Command("qemu-io", append(c.args, disk)...)
		in, err := qemu.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		out, err := qemu.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := qemu.Start(); err != nil {
			t.Fatal(err)
		}
		if _, err := in.Write([]byte("read 0 512\n")); err != nil {
			t.Fatal(err)
		}
		if n, err := out.Read(make([]byte, 1)); n == 0 {
			t.Fatalf("qemu-io says nothing: %v", err)
		}
		code, _, stderr := codemo("io", "-c", "write 0 4k", disk)
		if code != c.write || code != exitOK && !strings.Contains(stderr, disk+": is being written by somebody else (") {
			t.Errorf("qemu-io %v: we write with exit code %d, %q; want %d", c.args, code, stderr, c.write)
		}
		if code, _, stderr := codemo("io", "-r", "-c", "read 0 4k", disk); code != exitOK {
			t.Errorf("qemu-io %v: we cannot read: %q", c.args, stderr)
		}
		in.Close()
		go func() { // what it still says
			for buf := make([]byte, 4096); ; {
				if _, err := out.Read(buf); err != nil {
					return
				}
			}
		}()
		if err := qemu.Wait(); err != nil {
			t.Error(err)
		}
	}
	ours(t, "io", "-c", "write 0 4k", disk) // it is free again
}
