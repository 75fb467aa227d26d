package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/gohandoff/coroutine/cmd/codemo/internal/ioshell"
)

// peer runs a tool of QEMU's, and skips the test if there is none, but fails
// where tests must not be skipped.
func peer(t *testing.T, name string, args ...string) string {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("%s is not installed: %v", name, err)
		}
		t.Skipf("%s is not installed: %v", name, err)
	}
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
	return string(out)
}

// ours runs codemo, which must succeed.
func ours(t *testing.T, args ...string) string {
	t.Helper()
	code, stdout, stderr := codemo(args...)
	if code != exitOK {
		t.Fatalf("codemo %v: exit code %d\n%s%s", args, code, stdout, stderr)
	}
	return stdout
}

func TestQEMUSeesTheSameFile(t *testing.T) {
	dir := t.TempDir()
	disk, ourCopy, theirCopy := filepath.Join(dir, "disk"), filepath.Join(dir, "ours"), filepath.Join(dir, "theirs")

	// We write, QEMU reads.
	ours(t, "io", "--create", "8M", "-c", "write -P 0xa5 64k 1M", "-c", "writev -P 0x5a 3M 4k 8k 512", "-c", "aio_write -P 7 5M 64k", "-c", "aio_write -z -u 128k 64k", disk)
	peer(t, "qemu-io", "-f", "raw", "-c", "read -P 0xa5 64k 64k", "-c", "read -P 0 128k 64k", "-c", "read -P 0x5a 3M 12800", "-c", "read -P 7 5M 64k", disk)

	// QEMU writes, we read.
	peer(t, "qemu-io", "-f", "raw", "-c", "write -P 0x11 6M 100k", "-c", "write -z -u 64k 64k", "-c", "aio_write -P 0x22 7M 4k", "-c", "aio_flush", disk)
	ours(t, "io", "--read-only", "-c", "read -P 0x11 6M 100k", "-c", "read -P 0 64k 128k", "-c", "aio_read -P 0x22 7M 4k", "-c", "readv -P 0xa5 192k 4k 8k", disk)

	// Both copy; both compare; both see the same holes.
	ours(t, "copy", "--verify", disk, ourCopy)
	peer(t, "qemu-img", "convert", "-f", "raw", "-O", "raw", disk, theirCopy)
	for _, c := range []string{ourCopy, theirCopy} {
		if out := peer(t, "qemu-img", "compare", "-f", "raw", "-F", "raw", disk, c); !strings.Contains(out, "Images are identical") {
			t.Errorf("%s: %s", c, out)
		}
	}
	for _, path := range []string{disk, ourCopy, theirCopy} {
		var we, they []ioshell.Extent
		if err := json.Unmarshal([]byte(ours(t, "map", "--json", path)), &we); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(peer(t, "qemu-img", "map", "-f", "raw", "--output=json", path)), &they); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(we, they) {
			t.Errorf("map of %s: got %v, qemu-img has %v", path, we, they)
		}
	}
}

// TestTheShellAnswersAsQEMUDoes compares, but for the times.
func TestTheShellAnswersAsQEMUDoes(t *testing.T) {
	commands := []string{
		"write -P 0xab 4k 8k", "read -v -P 0xab 4k 40", "writev -P 1 0 512 512", "readv -P 1 0 512 512",
		"write -z 64k 64k", "aio_write 128k 4k", "aio_flush", "read -P 0xcd 128k 4k", "discard 4k 4k", "length",
	}
	args := []string{"io", "--no-times", "--create", "1M"}
	qemu := []string{"-f", "raw"}
	for _, c := range commands {
		args, qemu = append(args, "-c", c), append(qemu, "-c", c)
	}
	dir := t.TempDir()
	theirs := filepath.Join(dir, "theirs")
	if err := os.WriteFile(theirs, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(theirs, 1<<20); err != nil {
		t.Fatal(err)
	}
	answers := peer(t, "qemu-io", append(qemu, theirs)...)
	_, got, _ := codemo(append(args, filepath.Join(dir, "ours"))...)
	var want []string
	for line := range strings.Lines(answers) {
		line, _, _ = strings.Cut(strings.TrimRight(line, "\n"), ";")
		want = append(want, line)
	}
	if w := strings.Join(want, "\n"); strings.TrimRight(got, "\n") != w {
		t.Errorf("got:\n%s\nwant, as qemu-io:\n%s", got, w)
	}
}
