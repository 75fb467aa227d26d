package file_test

import (
	"bytes"
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gohandoff/coroutine/blockio/file"
	"github.com/gohandoff/coroutine/coro"
)

func TestOpenSaysWhatIsWrong(t *testing.T) {
	onLoop(t, func(t *testing.T, self *coro.Self) {
		dir := t.TempDir()
		old := filepath.Join(dir, "old")
		if err := os.WriteFile(old, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
		busy := filepath.Join(dir, "busy")
		writer, err := file.Open(self, busy, file.Options{Create: true, Size: 1})
		if err != nil {
			t.Fatal(err)
		}
		defer writer.Close(self)

		for name, c := range map[string]struct {
			path string
			opts file.Options
			is   error
			says string
		}{
			"missing":            {filepath.Join(dir, "no"), file.Options{}, fs.ErrNotExist, "no"},
			"a directory":        {dir, file.Options{}, nil, "is a directory"},
			"there already":      {old, file.Options{Create: true, Exclusive: true}, fs.ErrExist, "old"},
			"a negative size":    {old, file.Options{Create: true, Size: -1}, nil, "size -1"},
			"read-only creation": {old, file.Options{Create: true, ReadOnly: true}, nil, "cannot be read-only"},
			"a second writer":    {busy, file.Options{}, file.ErrLocked, "busy"},
			"no path":            {"", file.Options{}, nil, "the path is empty"},
		} {
			d, err := file.Open(self, c.path, c.opts)
			if err == nil {
				d.Close(self)
				t.Errorf("%s: no error", name)
				continue
			}
			if c.is != nil && !errors.Is(err, c.is) {
				t.Errorf("%s: got %v, want an error that is %v", name, err, c.is)
			}
			if !strings.Contains(err.Error(), c.says) {
				t.Errorf("%s: got %v, want it to say %q", name, err, c.says)
			}
		}
	})
}

// A size that no file system can have must not cost what is there, and leaves
// nothing behind.
func TestOpenThatFailsLeavesFilesAsTheyAre(t *testing.T) {
	onLoop(t, func(t *testing.T, self *coro.Self) {
		dir := t.TempDir()
		old, fresh := filepath.Join(dir, "old"), filepath.Join(dir, "fresh")
		if err := os.WriteFile(old, []byte("precious"), 0o600); err != nil {
			t.Fatal(err)
		}
		probe := filepath.Join(dir, "probe")
		if err := os.WriteFile(probe, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if os.Truncate(probe, math.MaxInt64) == nil {
			t.Skip("the file system of the temporary directory has files of any size")
		}
		for path, opts := range map[string]file.Options{
			old:   {Truncate: true, Size: math.MaxInt64},
			fresh: {Create: true, Size: math.MaxInt64},
		} {
			d, err := file.Open(self, path, opts)
			if err == nil {
				d.Close(self)
				t.Fatalf("%s can be made %d bytes long", path, opts.Size)
			}
			if want := path + ": making it 9223372036854775807 bytes long: "; !strings.Contains(err.Error(), want) {
				t.Errorf("got %v, want it to say %q", err, want)
			}
		}
		if p, err := os.ReadFile(old); string(p) != "precious" {
			t.Errorf("a file that could not be made larger has %q, %v", p, err)
		}
		if _, err := os.Stat(fresh); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("a file that could not be made: got %v, want that it is not there", err)
		}
		// What is there stays there also if it is to be created.
		if d, err := file.Open(self, old, file.Options{Create: true, Truncate: true, Size: math.MaxInt64}); err == nil {
			d.Close(self)
		}
		if p, err := os.ReadFile(old); string(p) != "precious" {
			t.Errorf("a file that was there has %q, %v", p, err)
		}
		d, err := file.Open(self, old, file.Options{Truncate: true, Size: 3})
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close(self)
		if p, err := os.ReadFile(old); !bytes.Equal(p, make([]byte, 3)) {
			t.Errorf("a file that was truncated has %q, %v", p, err)
		}
	})
}

func TestAReaderAndAnUnlockedWriterDoNotMindTheLock(t *testing.T) {
	onLoop(t, func(t *testing.T, self *coro.Self) {
		path := filepath.Join(t.TempDir(), "disk")
		for _, opts := range []file.Options{
			{Create: true, Size: 4096},
			{ReadOnly: true},
			{NoLock: true},
		} {
			d, err := file.Open(self, path, opts)
			if err != nil {
				t.Fatalf("%+v: %v", opts, err)
			}
			if got := d.Size(); got != 4096 {
				t.Errorf("size: got %d, want 4096", got)
			}
			defer d.Close(self)
		}
	})
}

func TestAFileThatIsTruncatedUnderUsIsAnError(t *testing.T) {
	onLoop(t, func(t *testing.T, self *coro.Self) {
		path := filepath.Join(t.TempDir(), "disk")
		d, err := file.Open(self, path, file.Options{Create: true, Size: 8192})
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close(self)
		if err := os.Truncate(path, 5000); err != nil {
			t.Fatal(err)
		}
		// The second read begins behind the end.
		for _, off := range []int64{4096, 6000} {
			err = d.ReadAt(self, make([]byte, 2192), off)
			if want := "the file ends at 5000 now, but was 8192 bytes long"; err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("at %d: got %v, want it to say %q", off, err, want)
			}
		}
	})
}
