package file_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/blockio/file"
	"github.com/gohandoff/coroutine/coro"
)

func TestOpenOfAPipeDoesNotWait(t *testing.T) {
	onLoop(t, func(t *testing.T, self *coro.Self) {
		path := filepath.Join(t.TempDir(), "pipe")
		if err := unix.Mkfifo(path, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := file.Open(self, path, file.Options{ReadOnly: true}); err == nil || !strings.Contains(err.Error(), "is a pipe") {
			t.Errorf("got %v, want it to say that it is a pipe", err)
		}
	})
}

func TestHolesAreSeenAndMade(t *testing.T) {
	onLoop(t, func(t *testing.T, self *coro.Self) {
		const size, page = 1 << 20, 64 << 10
		d, err := file.Open(self, filepath.Join(t.TempDir(), "disk"), file.Options{Create: true, Size: size})
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close(self)
		status := func(off int64, want blockio.Status, wantLen int64) {
			t.Helper()
			got, n, err := d.BlockStatus(self, off, size-off)
			if err != nil || got != want || n != wantLen {
				t.Errorf("at %d: got %v for %d bytes, %v; want %v for %d", off, got, n, err, want, wantLen)
			}
		}
		status(0, blockio.Zero, size)
		data := bytes.Repeat([]byte{7}, 2*page)
		if err := d.WriteAt(self, data, page, blockio.FUA); err != nil {
			t.Fatal(err)
		}
		status(0, blockio.Zero, page)
		status(page, blockio.Data, 2*page)
		status(3*page, blockio.Zero, size-3*page)
		if err := d.Discard(self, page, page); err != nil {
			t.Skipf("the file system of the temporary directory cannot make holes: %v", err)
		}
		status(0, blockio.Zero, 2*page)
		if err := d.WriteZeroes(self, 2*page, page, blockio.MayUnmap); err != nil {
			t.Fatal(err)
		}
		status(0, blockio.Zero, size)
		got := make([]byte, 2*page)
		if err := d.ReadAt(self, got, page); err != nil || !bytes.Equal(got, make([]byte, 2*page)) {
			t.Errorf("what is read where it was discarded is not zero, or %v", err)
		}
	})
}

func TestWhatWasTruncatedUnderUsIsNoHole(t *testing.T) {
	onLoop(t, func(t *testing.T, self *coro.Self) {
		path := filepath.Join(t.TempDir(), "disk")
		d, err := file.Open(self, path, file.Options{Create: true, Size: 1 << 20})
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close(self)
		if err := os.Truncate(path, 5000); err != nil {
			t.Fatal(err)
		}
		_, _, err = d.BlockStatus(self, 8192, 4096)
		if want := "the file ends at 5000 now, but was 1048576 bytes long"; err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want it to say %q", err, want)
		}
	})
}

func TestVectoredRequestsOfManyPieces(t *testing.T) {
	onLoop(t, func(t *testing.T, self *coro.Self) {
		d, err := file.Open(self, filepath.Join(t.TempDir(), "disk"), file.Options{Create: true, Size: 1 << 20})
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close(self)
		var in, out [][]byte
		for i := range 3000 { // more than one system call takes
			in = append(in, bytes.Repeat([]byte{byte(i)}, i%5))
			out = append(out, make([]byte, i%5))
		}
		if err := d.WriteVAt(self, in, 77, blockio.FUA); err != nil {
			t.Fatal(err)
		}
		if err := d.ReadVAt(self, out, 77); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(bytes.Join(in, nil), bytes.Join(out, nil)) {
			t.Error("what was read is not what was written")
		}
	})
}
