package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/gohandoff/coroutine/coro"
)

// smallDisk mounts a file system of n bytes and returns its folder.
func smallDisk(t *testing.T, options string) string {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root may mount a small file system")
	}
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, options); err != nil {
		if errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES) {
			t.Skipf("root may not mount here: %v", err)
		}
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func TestCopyToAFullDisk(t *testing.T) {
	small, dir := smallDisk(t, "size=512k"), t.TempDir()
	src, dst := filepath.Join(dir, "src"), filepath.Join(small, "dst")
	want := randomFile(t, src, 900<<10)
	code, _, stderr := codemo("copy", "--chunk", "64k", src, dst)
	for _, s := range []string{"copy from " + src + " to " + dst, "write of 65536 bytes at ", " on " + dst, "no space left on device", "copy --resume goes on"} {
		if code != exitFailure || !strings.Contains(stderr, s) {
			t.Errorf("exit code %d, %q; want it to say %q", code, stderr, s)
		}
	}
	// With more room it goes on.
	if err := unix.Mount("tmpfs", small, "tmpfs", unix.MS_REMOUNT, "size=2m"); err != nil {
		t.Fatal(err)
	}
	code, stdout, stderr := codemo("copy", "--resume", src, dst)
	if code != exitOK || !strings.Contains(stdout, "resumed") {
		t.Fatalf("resume: exit code %d, %q, %q", code, stdout, stderr)
	}
	if got, err := os.ReadFile(dst); err != nil || !bytes.Equal(got, want) {
		t.Errorf("the copy differs, or %v", err)
	}
}

// TestCopyToADiskThatIsFullAtOnce has no room for a checkpoint either: what is in
// the destination stays, and nothing is left that was not there.
func TestCopyToADiskThatIsFullAtOnce(t *testing.T) {
	small, dir := smallDisk(t, "size=512k"), t.TempDir()
	src, dst, filler := filepath.Join(dir, "src"), filepath.Join(small, "dst"), filepath.Join(small, "filler")
	randomFile(t, src, 64<<10)
	if err := os.WriteFile(filler, make([]byte, 1<<20), 0o600); !errors.Is(err, unix.ENOSPC) {
		t.Fatal(err)
	}
	was, err := os.ReadFile(filler)
	if err != nil {
		t.Fatal(err)
	}
	for _, to := range []string{dst, filler} {
		code, _, stderr := codemo("copy", src, to)
		if want := "destination: no room beside it for a checkpoint: write " + to + ".codemo-copy.new: no space left on device"; code != exitFailure || !strings.Contains(stderr, want) {
			t.Errorf("exit code %d, %q; want it to say %q", code, stderr, want)
		}
	}
	if text, err := os.ReadFile(filler); err != nil || !bytes.Equal(text, was) {
		t.Errorf("what was there is not there any more, %v", err)
	}
	code, _, stderr := codemo("bench-io", "--create", "64k", "-w", "-c", "1", filepath.Join(small, "made"))
	if code != exitFailure || !strings.Contains(stderr, "no space left on device") {
		t.Errorf("bench-io: exit code %d, %q", code, stderr)
	}
	if names, err := os.ReadDir(small); err != nil || len(names) != 1 {
		t.Errorf("got %v, %v; want the filler only", names, err)
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	if code, _, stderr = codemo("copy", src, dst); code != exitOK {
		t.Errorf("with more room: exit code %d, %q", code, stderr)
	}
}

// TestCopyWithAnOldCheckpointThatStays: what that says is true of the destination
// as it was, and a resume would believe it.
func TestCopyWithAnOldCheckpointThatStays(t *testing.T) {
	dir := t.TempDir()
	src, dst := filepath.Join(dir, "src"), filepath.Join(dir, "dst")
	want := randomFile(t, src, 4<<20)
	interruptedCopy(t, src, dst)
	before, err := os.ReadFile(dst)
	if err != nil {
		t.Fatal(err)
	}
	immutable := func(c string) bool { return exec.Command("chattr", c, dst+".codemo-copy").Run() == nil }
	if !immutable("+i") {
		t.Skip("no file can be made immutable here")
	}
	defer immutable("-i")
	code, _, stderr := codemo("copy", src, dst)
	if says := "the checkpoint of an earlier copy can be neither replaced nor removed: "; code != exitFailure || !strings.Contains(stderr, says) {
		t.Errorf("exit code %d, %q; want it to say %q", code, stderr, says)
	}
	if got, err := os.ReadFile(dst); err != nil || !bytes.Equal(got, before) {
		t.Errorf("the destination has changed, or %v", err)
	}
	immutable("-i")
	if code, _, stderr = codemo("copy", "--resume", src, dst); code != exitOK {
		t.Errorf("resume: exit code %d, %q", code, stderr)
	}
	if got, err := os.ReadFile(dst); err != nil || !bytes.Equal(got, want) {
		t.Errorf("the copy differs, or %v", err)
	}
}

func TestATraceOnAFullDiskIsToldOnce(t *testing.T) {
	dir := t.TempDir()
	src, full := filepath.Join(dir, "src"), filepath.Join(dir, "full.txt")
	randomFile(t, src, 4096)
	if err := os.Symlink("/dev/full", full); err != nil {
		t.Fatal(err)
	}
	code, _, stderr := codemo("copy", "--trace", full, src, filepath.Join(dir, "dst"))
	if n := strings.Count(stderr, "no space left on device"); code != exitFailure || n != 1 {
		t.Errorf("exit code %d, %q; want it told once, not %d times", code, stderr, n)
	}
}

func TestCopyToAReadOnlyDisk(t *testing.T) {
	small, dir := smallDisk(t, "size=64k"), t.TempDir()
	src, dst := filepath.Join(dir, "src"), filepath.Join(small, "dst")
	randomFile(t, src, 4096)
	randomFile(t, dst, 4096)
	if err := unix.Mount("tmpfs", small, "tmpfs", unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	code, _, stderr := codemo("copy", src, dst)
	if want := "open " + dst + ": read-only file system"; code != exitFailure || !strings.Contains(stderr, want) {
		t.Errorf("exit code %d, %q; want it to say %q", code, stderr, want)
	}
}

// TestCopyOfAFileThatIsTruncatedMeanwhile truncates the source when the copy has
// begun: what is gone must not be taken for a hole.
func TestCopyOfAFileThatIsTruncatedMeanwhile(t *testing.T) {
	dir := t.TempDir()
	src, dst := filepath.Join(dir, "src"), filepath.Join(dir, "dst")
	randomFile(t, src, 4<<20) // large enough for progress before the end
	f := copyFlags{coroutines: 1, chunk: 64 << 10}
	job := &copyJob{ctx: context.Background(), src: src, dst: dst, flags: f}
	job.bar = copyBar{on: true, out: writerFunc(func(p []byte) (int, error) {
		return len(p), os.Truncate(src, 3_000_000)
	})}
	err := onLoop([]coro.Option{coro.WithHandoff(coro.Direct)}, job.run)
	if want := "block status of 1194304 bytes at 3000000 on " + src + ": the file ends at 3000000 now, but was 4194304 bytes long"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want it to say %q", err, want)
	}
	// Resume would refuse.
	if want := dst + " is not a copy; do not use it"; err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "--resume") {
		t.Errorf("got %v, want it to say %q", err, want)
	}
}

func TestCopyOfAFileOfTheKernel(t *testing.T) {
	dst := filepath.Join(t.TempDir(), "dst")
	code, _, stderr := codemo("copy", "/proc/version", dst)
	if want := "source: file: /proc/version: says that it is empty, but is made up when it is read"; code != exitFailure || !strings.Contains(stderr, want) {
		t.Errorf("exit code %d, %q; want it to say %q", code, stderr, want)
	}
	if _, err := os.Stat(dst); err == nil {
		t.Error("there is a destination")
	}
}

func TestCopyAroundThePageCacheOfAnOddSize(t *testing.T) {
	dir := t.TempDir()
	src, dst := filepath.Join(dir, "src"), filepath.Join(dir, "dst")
	want := randomFile(t, src, 1<<20+1)
	code, _, stderr := codemo("copy", "--direct-io", "--verify", src, dst)
	if strings.Contains(stderr, "no direct I/O") {
		t.Skip("the file system of the temporary directory has no direct I/O")
	}
	if code != exitOK {
		t.Fatalf("exit code %d, %q", code, stderr)
	}
	if got, err := os.ReadFile(dst); err != nil || !bytes.Equal(got, want) {
		t.Errorf("the copy differs, or %v", err)
	}
}

// TestCopyToAFileThatMayNotBeSoLarge has the destination refuse its size: tmpfs
// has files of up to 2^63-1 bytes, ext4 none of more than 16 TiB.
func TestCopyToAFileThatMayNotBeSoLarge(t *testing.T) {
	small, dir := smallDisk(t, "size=64k"), t.TempDir()
	src, dst := filepath.Join(small, "src"), filepath.Join(dir, "dst")
	if err := errors.Join(os.WriteFile(src, nil, 0o600), os.Truncate(src, 1<<60)); err != nil {
		t.Fatal(err)
	}
	for flag, says := range map[string]string{"--verify": dst + " is not a copy; do not use it", "--remove-partial": dst + " was removed"} {
		code, _, stderr := codemo("copy", flag, src, dst)
		if code == exitOK {
			t.Skip("the file system of the temporary directory has files of any size")
		}
		for _, s := range []string{"resize to 1152921504606846976 bytes on " + dst, "file too large", says} {
			if !strings.Contains(stderr, s) {
				t.Errorf("%s: %q; want it to say %q", flag, stderr, s)
			}
		}
		if _, err := os.Stat(dst + ".codemo-copy"); err == nil {
			t.Errorf("%s: there is a checkpoint, but going on makes no sense", flag)
		}
	}
}

// loopDevice makes a block device of n bytes, and returns its path and that of
// the file behind it.
func loopDevice(t *testing.T, n int) (disk, back string) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root may make a loop device")
	}
	back = filepath.Join(t.TempDir(), "back")
	writeRandomFile(t, back, n)
	out, err := exec.Command("losetup", "--find", "--show", back).CombinedOutput()
	if err != nil {
		t.Skipf("there are no loop devices here: %v: %s", err, out)
	}
	disk = strings.TrimSpace(string(out))
	t.Cleanup(func() {
		if out, err := exec.Command("losetup", "--detach", disk).CombinedOutput(); err != nil {
			t.Errorf("losetup: %v: %s", err, out)
		}
	})
	return disk, back
}

// TestCopyBetweenALoopDeviceAndItsFile: to empty the one empties the other.
func TestCopyBetweenALoopDeviceAndItsFile(t *testing.T) {
	disk, back := loopDevice(t, 1<<20)
	want, err := os.ReadFile(back)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range [][2]string{{disk, back}, {back, disk}} {
		code, _, stderr := codemo("copy", c[0], c[1])
		if code != exitFailure || !strings.Contains(stderr, "source and destination are the same device") {
			t.Errorf("%v: exit code %d, %q", c, code, stderr)
		}
	}
	if got, err := os.ReadFile(back); err != nil || !bytes.Equal(got, want) {
		t.Errorf("the file behind the device has changed, or %v", err)
	}
}

func TestMirrorToADiskOfAnotherSize(t *testing.T) {
	disk, _ := loopDevice(t, 1<<20)
	src := filepath.Join(t.TempDir(), "src")
	writeRandomFile(t, src, 1<<19)
	for _, command := range []string{"mirror", "backup"} {
		code, _, stderr := codemo(command, src, disk)
		if want := "codemo: destination: " + disk + " has 1048576 bytes, and must have the 524288 of " + src + "\n"; code != exitFailure || stderr != want {
			t.Errorf("%s: exit code %d, %q; want %q", command, code, stderr, want)
		}
	}
}

func TestCopyToADiskThatIsTooSmall(t *testing.T) {
	disk, _ := loopDevice(t, 1<<20)
	src := filepath.Join(t.TempDir(), "src")
	writeRandomFile(t, src, 1<<20+512)
	code, _, stderr := codemo("copy", src, disk)
	if want := disk + " has 1048576 bytes, too few for the 1049088 of " + src; code != exitFailure || !strings.Contains(stderr, want) || strings.Contains(stderr, "resume") {
		t.Errorf("exit code %d, %q; want it to say %q", code, stderr, want)
	}
	if _, err := os.Stat(disk + ".codemo-copy"); err == nil {
		os.Remove(disk + ".codemo-copy") //nolint:errcheck // the test has failed already
		t.Error("there is a checkpoint beside the disk, which nobody has written to")
	}
}
