package file

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/aio"
)

// ErrChanged is what the error of [Driver.Check], [Driver.CheckUnmodified] and
// [Identity.Compare] is.
var ErrChanged = errors.New("has changed")

// An Identity tells a file, as it is at one time, from all others, and from
// itself at another time. It can be stored as JSON.
type Identity struct {
	// Device and Inode are the numbers of the file system and of the file in
	// it, both 0 where the system has no such numbers. Of a block device,
	// Device is its own number, and Inode is 0.
	Device uint64 `json:"device"`
	Inode  uint64 `json:"inode"`
	// Size is in bytes.
	Size int64 `json:"size"`
	// Modified is when it was changed last, as precisely as the system keeps
	// that, usually to a few milliseconds; the zero time for a block device,
	// whose node does not tell.
	Modified time.Time `json:"modified"`
}

// SameFile reports whether both are of one file, whatever its size and time. A
// file that was removed may have left its numbers to a new one.
func (i Identity) SameFile(other Identity) bool {
	return i.Device == other.Device && i.Inode == other.Inode
}

// Compare returns nil if now is what i is, and else an error that is
// [ErrChanged] and names path and the first difference: what was, what is.
func (i Identity) Compare(path string, now Identity) error {
	switch {
	case !i.SameFile(now):
		return changed(path, "number (device/inode)", i.number(), now.number())
	case i.Size != now.Size:
		return changed(path, "size", i.Size, now.Size)
	case !i.Modified.Equal(now.Modified):
		const layout = "2006-01-02 15:04:05.000000000 MST"
		return changed(path, "modification time", i.Modified.Local().Format(layout), now.Modified.Local().Format(layout))
	}
	return nil
}

func (i Identity) number() string { return fmt.Sprintf("%d/%d", i.Device, i.Inode) }

func changed(path, what string, was, is any) error {
	return fmt.Errorf("file: %s: %w: its %s was %v, and is %v", path, ErrChanged, what, was, is)
}

// identify describes an open file.
func (d *Driver) identify() (Identity, error) {
	st, err := d.f.Stat()
	if err != nil {
		return Identity{}, cause(err)
	}
	i := Identity{Size: st.Size(), Modified: st.ModTime().UTC()}
	i.Device, i.Inode = numbers(st, d.device)
	if d.device {
		i.Modified = time.Time{}
		if i.Size, err = endOf(d.f); err != nil {
			return Identity{}, err
		}
	}
	return i, nil
}

// Is reports whether st describes this file, whatever path it was found by. It
// does not yield.
func (d *Driver) Is(st fs.FileInfo) bool { return os.SameFile(st, d.stat) }

// Perm returns the permission bits that the file had when it was opened.
func (d *Driver) Perm() fs.FileMode { return d.stat.Mode().Perm() }

// Opened returns what the file was when it was opened, after it had been
// truncated, if it was. It does not yield.
func (d *Driver) Opened() Identity { return d.opened }

// Identity returns what the open file is now, whatever its path leads to. It
// yields.
func (d *Driver) Identity(self *coro.Self) (Identity, error) {
	i, err := aio.Offload(self, d.identify)
	if err != nil {
		err = fmt.Errorf("file: %s: %w", d.name, err)
	}
	return i, err
}

// Check looks whether the file is in its place, and as long as the driver takes
// it to be: that its path has not been removed or made to lead to another file,
// and that nobody has made it longer or shorter behind the driver's back. After
// the last write this tells whether what was written can be found where it was
// meant to be. It yields.
//
// The error is [ErrChanged], unless looking failed, and names the path, what
// was, and what is.
func (d *Driver) Check(self *coro.Self) error { return d.offload(self, d.check) }

// CheckUnmodified looks, besides what [Driver.Check] does, whether anybody has
// modified the file since it was opened, this driver included: after the last
// read this tells whether what was read is one state of the file. A change so
// soon after the opening that the file's time is the same goes unnoticed, and so
// does one of a block device's contents. It yields.
func (d *Driver) CheckUnmodified(self *coro.Self) error {
	return d.offload(self, func() error {
		if err := d.check(); err != nil {
			return err
		}
		now, err := d.identify()
		if err != nil {
			return fmt.Errorf("file: %s: %w", d.name, err)
		}
		return d.opened.Compare(d.name, now)
	})
}

// check is Check's part that may block.
func (d *Driver) check() error {
	open, err := d.f.Stat()
	if err != nil {
		return fmt.Errorf("file: %s: %w", d.name, cause(err))
	}
	switch st, err := os.Stat(d.path); {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("file: %s: %w: it was removed, or renamed, while it was open", d.name, ErrChanged)
	case err != nil:
		return fmt.Errorf("file: %w", err)
	case !os.SameFile(st, open):
		was, is := Identity{}, Identity{}
		was.Device, was.Inode = numbers(open, d.device)
		is.Device, is.Inode = numbers(st, st.Mode()&fs.ModeDevice != 0)
		return fmt.Errorf("file: %s: %w: it was replaced while it was open: its number (device/inode) was %s, and is %s",
			d.name, ErrChanged, was.number(), is.number())
	}
	size := open.Size()
	if d.device {
		if size, err = endOf(d.f); err != nil {
			return fmt.Errorf("file: %s: %w", d.name, err)
		}
	}
	if want := d.Size(); size != want {
		return changed(d.name, "size", want, size)
	}
	return nil
}
