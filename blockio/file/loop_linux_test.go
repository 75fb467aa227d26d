package file_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/blockio/file"
	"github.com/gohandoff/coroutine/coro"
)

// loopDevice makes a block device of n bytes.
func loopDevice(t *testing.T, n int64) string {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root may make a loop device")
	}
	back := filepath.Join(t.TempDir(), "back")
	if err := errors.Join(os.WriteFile(back, nil, 0o600), os.Truncate(back, n)); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("losetup", "--find", "--show", back).CombinedOutput()
	if err != nil {
		t.Skipf("there are no loop devices here: %v: %s", err, out)
	}
	path := strings.TrimSpace(string(out))
	t.Cleanup(func() {
		if out, err := exec.Command("losetup", "--detach", path).CombinedOutput(); err != nil {
			t.Errorf("losetup: %v: %s", err, out)
		}
	})
	return path
}

func TestABlockDeviceHasOneWriter(t *testing.T) {
	path := loopDevice(t, 1<<20)
	onLoop(t, func(t *testing.T, self *coro.Self) {
		d, err := file.Open(self, path, file.Options{DirectIO: true})
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close(self)
		if d.Size() != 1<<20 {
			t.Errorf("size: got %d, want %d", d.Size(), 1<<20)
		}
		_, err = file.Open(self, path, file.Options{})
		if want := path + ": is being written by somebody else, or mounted: open: device or resource busy"; !errors.Is(err, file.ErrLocked) || !errors.Is(err, unix.EBUSY) || !strings.Contains(err.Error(), want) {
			t.Errorf("a second writer: got %v, want it to say %q", err, want)
		}
		dev, err := blockio.Open(self, d)
		if err != nil {
			t.Fatal(err)
		}
		want := bytes.Repeat([]byte{7}, 5000)
		if err := errors.Join(dev.WriteAt(self, want, 77), dev.Flush(self)); err != nil {
			t.Fatal(err)
		}
		got := make([]byte, len(want))
		if err := dev.ReadAt(self, got, 77); err != nil || !bytes.Equal(got, want) {
			t.Errorf("what was read is not what was written, or %v", err)
		}
		if err := dev.Resize(self, 4096); !errors.Is(err, blockio.ErrNotSupported) {
			t.Errorf("resize: got %v, want %v", err, blockio.ErrNotSupported)
		}
		if err := errors.Join(d.Check(self), d.CheckUnmodified(self)); err != nil {
			t.Error(err)
		}
	})
}

func TestAReadOnlyBlockDeviceIsNotOpenedForWriting(t *testing.T) {
	path := loopDevice(t, 1<<20)
	if out, err := exec.Command("blockdev", "--setro", path).CombinedOutput(); err != nil {
		t.Skipf("blockdev: %v: %s", err, out)
	}
	t.Cleanup(func() { // it stays read-only for its next user otherwise
		if out, err := exec.Command("blockdev", "--setrw", path).CombinedOutput(); err != nil {
			t.Errorf("blockdev: %v: %s", err, out)
		}
	})
	onLoop(t, func(t *testing.T, self *coro.Self) {
		d, err := file.Open(self, path, file.Options{})
		if err == nil {
			d.Close(self)
		}
		if want := path + ": the device is read-only"; !errors.Is(err, unix.EROFS) || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %v, and it to say %q", err, unix.EROFS, want)
		}
		if d, err = file.Open(self, path, file.Options{ReadOnly: true}); err != nil {
			t.Fatal(err)
		}
		d.Close(self)
	})
}
