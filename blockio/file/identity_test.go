package file_test

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/gohandoff/coroutine/blockio/file"
	"github.com/gohandoff/coroutine/coro"
)

func TestCheckTellsWhatBecameOfTheFile(t *testing.T) {
	for name, c := range map[string]struct {
		do         func(path string) error
		says       string
		unmodified bool // only CheckUnmodified minds
	}{
		"nothing":  {func(string) error { return nil }, "", false},
		"cut":      {func(p string) error { return os.Truncate(p, 100) }, "its size was 4096, and is 100", false},
		"grown":    {func(p string) error { return os.Truncate(p, 5000) }, "its size was 4096, and is 5000", false},
		"removed":  {os.Remove, "it was removed, or renamed", false},
		"replaced": {replaceFile, "it was replaced while it was open: its number (device/inode) was ", false},
		"modified": {func(p string) error { return os.Chtimes(p, time.Time{}, time.Unix(1e9, 0)) }, "its modification time was ", true},
	} {
		t.Run(name, func(t *testing.T) {
			if runtime.GOOS == "windows" && (name == "removed" || name == "replaced") {
				t.Skip("an open file can be neither removed nor replaced here")
			}
			onLoop(t, func(t *testing.T, self *coro.Self) {
				path := filepath.Join(t.TempDir(), "disk")
				d, err := file.Open(self, path, file.Options{Create: true, Size: 4096})
				if err != nil {
					t.Fatal(err)
				}
				defer d.Close(self)
				if err := c.do(path); err != nil {
					t.Fatal(err)
				}
				for i, err := range []error{d.Check(self), d.CheckUnmodified(self)} {
					switch {
					case c.says == "" || c.unmodified && i == 0:
						if err != nil {
							t.Errorf("got %v, want no error", err)
						}
					case err == nil || !errors.Is(err, file.ErrChanged) || !strings.Contains(err.Error(), "file: "+path+": has changed: "+c.says):
						t.Errorf("got %v, want it to say %q", err, c.says)
					}
				}
			})
		})
	}
}

func replaceFile(path string) error {
	if err := os.WriteFile(path+".new", make([]byte, 4096), 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// TestCheckFollowsResize: what the driver itself does to the size is no change.
func TestCheckFollowsResize(t *testing.T) {
	onLoop(t, func(t *testing.T, self *coro.Self) {
		d, err := file.Open(self, filepath.Join(t.TempDir(), "disk"), file.Options{Create: true, Size: 4096})
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close(self)
		if err := d.Resize(self, 9999); err != nil {
			t.Fatal(err)
		}
		if err := d.Check(self); err != nil {
			t.Error(err)
		}
	})
}

func TestIdentityIsStored(t *testing.T) {
	onLoop(t, func(t *testing.T, self *coro.Self) {
		path := filepath.Join(t.TempDir(), "disk")
		d, err := file.Open(self, path, file.Options{Create: true, Size: 4096})
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close(self)
		text, err := json.Marshal(d.Opened())
		if err != nil {
			t.Fatal(err)
		}
		var was file.Identity
		if err := json.Unmarshal(text, &was); err != nil {
			t.Fatal(err)
		}
		now, err := d.Identity(self)
		if err != nil {
			t.Fatal(err)
		}
		if err := was.Compare(path, now); err != nil || !was.SameFile(now) {
			t.Errorf("%s: got %v, want the same", text, err)
		}
		now.Inode++
		if err := was.Compare(path, now); !errors.Is(err, file.ErrChanged) || was.SameFile(now) {
			t.Errorf("another inode: got %v, want %v", err, file.ErrChanged)
		}
	})
}

func TestPermissionsOfANewFile(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("there are no permission bits here")
	}
	onLoop(t, func(t *testing.T, self *coro.Self) {
		path := filepath.Join(t.TempDir(), "disk")
		for _, perm := range []fs.FileMode{0o600, 0o400, 0o500} { // no umask takes these, and the old file keeps its own
			d, err := file.Open(self, path, file.Options{Create: true, Size: 1, Perm: perm | fs.ModeSetuid})
			if os.IsPermission(err) {
				t.Skip(err)
			}
			if err != nil {
				t.Fatal(err)
			}
			if err := d.WriteAt(self, []byte{1}, 0, 0); err != nil {
				t.Error(err)
			}
			d.Close(self)
			if st, err := os.Stat(path); err != nil || st.Mode() != 0o600 {
				t.Errorf("got %v, %v; want %v", st.Mode(), err, fs.FileMode(0o600))
			}
		}
	})
}
