package file_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/blockio/file"
	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/aio"
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
			t.Errorf("block status: got %v, want it to say %q", err, want)
		}
		err = d.ReadVAt(self, [][]byte{make([]byte, 512), make([]byte, 512)}, 8192)
		if want := "the file ends at 5000 now, but was 1048576 bytes long"; err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("vectored read: got %v, want it to say %q", err, want)
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

func TestFilesOfTheKernelAreNotTakenForEmpty(t *testing.T) {
	onLoop(t, func(t *testing.T, self *coro.Self) {
		d, err := file.Open(self, "/proc/version", file.Options{ReadOnly: true})
		if err == nil {
			d.Close(self)
		}
		if want := "file: /proc/version: says that it is empty, but is made up when it is read"; err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want it to say %q", err, want)
		}
	})
}

// TestDirectIOOfAnOddSize: the last sector of the file is not whole, and no
// request may make the file end with that sector.
func TestDirectIOOfAnOddSize(t *testing.T) {
	onLoop(t, func(t *testing.T, self *coro.Self) {
		const size = 3*4096 + 100
		path := filepath.Join(t.TempDir(), "disk")
		d, err := file.Open(self, path, file.Options{Create: true, Size: size, DirectIO: true})
		if errors.Is(err, errors.ErrUnsupported) {
			t.Skipf("the temporary directory has no direct I/O: %v", err)
		}
		if err != nil {
			t.Fatal(err)
		}
		dev, err := blockio.Open(self, d)
		if err != nil {
			t.Fatal(err)
		}
		defer dev.Close(self)
		tail := func(fill byte) [][]byte {
			v := [][]byte{dev.NewBuffer(4096), dev.NewBuffer(4096)}
			for i := range 4096 + 100 {
				v[i/4096][i%4096] = fill
			}
			return v
		}
		for i, write := range []func(v [][]byte) error{
			func(v [][]byte) error { return d.WriteVAt(self, v, 8192, 0) },
			func(v [][]byte) error { return d.WriteVAt(self, v, 8192, blockio.FUA) },
			func(v [][]byte) error { return d.WriteAt(self, v[1], 12288, 0) },
			func(v [][]byte) error { return d.WriteAt(self, v[1], 12288, blockio.FUA) },
		} {
			v := tail(byte(i + 1))
			if err := write(v); err != nil {
				t.Fatalf("write %d: %v", i, err)
			}
			if st, err := os.Stat(path); err != nil || st.Size() != size {
				t.Errorf("write %d: the file has %d bytes, %v; want %d", i, st.Size(), err, size)
			}
			got := tail(0xee) // what is behind the end reads as zeroes
			if err := d.ReadVAt(self, got, 8192); err != nil || !bytes.Equal(got[1], v[1]) {
				t.Errorf("write %d: what was read is not what was written, or %v", i, err)
			}
		}
	})
}

// TestSmallVectoredRequestsDoNotLeaveTheLoop: what is in the page cache is not
// worth a worker.
func TestSmallVectoredRequestsDoNotLeaveTheLoop(t *testing.T) {
	onLoop(t, func(t *testing.T, self *coro.Self) {
		d, err := file.Open(self, filepath.Join(t.TempDir(), "disk"), file.Options{Create: true, Size: 1 << 20})
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close(self)
		v := [][]byte{bytes.Repeat([]byte{1}, 4096), nil, bytes.Repeat([]byte{2}, 4096)}
		if err := d.WriteAt(self, make([]byte, 8192), 0, 0); err != nil {
			t.Fatal(err)
		}
		ran := 0
		aio.Go(self, func(*coro.Self) error { ran++; return nil }).Detach()
		read := [][]byte{make([]byte, 8000), make([]byte, 192)}
		if err := d.ReadVAt(self, read, 0); err != nil {
			t.Fatal(err)
		}
		if ran != 0 {
			t.Skip("the file system of the temporary directory has no reads that do not wait")
		}
		if n := testing.AllocsPerRun(100, func() {
			if err := d.ReadVAt(self, read, 0); err != nil {
				t.Fatal(err)
			}
			if err := d.ReadAt(self, read[0], 0); err != nil {
				t.Fatal(err)
			}
		}); n != 0 {
			t.Errorf("a read from the page cache takes %v allocations, want none", n)
		}
		if err := d.WriteVAt(self, v, 0, 0); err != nil {
			t.Fatal(err)
		}
		got := make([]byte, 8192)
		if err := d.ReadAt(self, got, 0); err != nil || !bytes.Equal(got, bytes.Join(v, nil)) {
			t.Errorf("what was read is not what was written, or %v", err)
		}
	})
}

// The kernel tells once that it could not write, and then takes the pages for
// written: a second flush that asked it again would succeed, and be wrong.
func TestAFlushThatFailedIsNotMadeUpForByALaterOne(t *testing.T) {
	onLoop(t, func(t *testing.T, self *coro.Self) {
		calls := 0
		defer file.SetFdatasync(func(int) error {
			if calls++; calls == 1 {
				return unix.EIO
			}
			return nil
		})()
		driver, err := file.Open(self, filepath.Join(t.TempDir(), "disk"), file.Options{Create: true, Size: 1 << 20})
		if err != nil {
			t.Fatal(err)
		}
		d, err := blockio.Open(self, driver)
		if err != nil {
			t.Fatal(err)
		}
		if err := d.WriteAt(self, []byte("lost"), 0); err != nil {
			t.Fatal(err)
		}
		if err := d.Flush(self); !errors.Is(err, unix.EIO) || errors.Is(err, file.ErrUnflushed) {
			t.Errorf("first flush: got %v, want %v", err, unix.EIO)
		}
		for what, err := range map[string]error{"second flush": d.Flush(self), "close": d.Close(self)} {
			if !errors.Is(err, file.ErrUnflushed) || !errors.Is(err, unix.EIO) {
				t.Errorf("%s: got %v, want %v and %v", what, err, file.ErrUnflushed, unix.EIO)
			}
		}
	})
}
