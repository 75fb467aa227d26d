package file_test

import (
	"errors"
	"io/fs"
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
