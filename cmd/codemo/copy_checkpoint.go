package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/blockio/file"
	"github.com/gohandoff/coroutine/coro"
)

// A copyCheckpoint is the file beside a destination that is not complete.
type copyCheckpoint struct {
	blockio.Checkpoint

	// Source is what the source was when the copy was begun: when it has
	// changed since, what was copied is of no use.
	Source file.Identity `json:"source"`
	// Below are those that the source stands on, if it is an overlay.
	Below []file.Identity `json:"below,omitempty"`
	// Destination is the file that holds what was copied; the copy changes
	// its time, but nothing else.
	Destination file.Identity `json:"destination"`

	path   string
	failed error // it could not be stored
}

// checkpointRoom is how large the file is at least: room for the ranges that a
// copy of 64 coroutines leaves when it is interrupted, and one block of most file
// systems.
const checkpointRoom = 4096

func newCheckpoint(dst string) *copyCheckpoint {
	return &copyCheckpoint{path: dst + ".codemo-copy"}
}

// next is the name of the file while it is written.
func (c *copyCheckpoint) next() string { return c.path + ".new" }

// keepApart looks that what a copy writes besides DST, its checkpoint and its
// trace, is nothing that it would be a pity to lose.
func keepApart(src, dst, trace string, resume bool) error {
	c := newCheckpoint(dst)
	for _, name := range []string{c.path, c.next()} {
		if sameFile(name, src) {
			return fmt.Errorf("%s: the source has the name of the checkpoint of this copy; rename it", src)
		}
		// Not to be opened: a pipe would be waited for without end.
		if st, err := os.Lstat(name); err == nil && !st.Mode().IsRegular() {
			return fmt.Errorf("%s: is there, and is no regular file; the copy needs the name for its checkpoint", name)
		}
	}
	if text, err := os.ReadFile(c.path); !resume && err == nil && len(text) > 0 && c.parse(text) != nil {
		return fmt.Errorf("%s: is there, and is no checkpoint of a copy; the copy would overwrite it", c.path)
	}
	if text, err := os.ReadFile(c.next()); err == nil && len(text) > 0 && !bytes.HasPrefix(text, []byte(`{"size":`)) {
		return fmt.Errorf("%s: is there, and is no checkpoint of a copy; the copy would overwrite it", c.next())
	}
	return traceApart(trace, src, dst, c.path, c.next())
}

// parse reads what store has written.
func (c *copyCheckpoint) parse(text []byte) error {
	var of copyCheckpoint
	err := json.Unmarshal(text, &of)
	done := of.Done.List()
	if err != nil || of.Source == (file.Identity{}) || of.Destination == (file.Identity{}) ||
		len(done) > 0 && done[len(done)-1].End() > of.Size {
		return fmt.Errorf("%s is no checkpoint of a copy", c.path)
	}
	c.Checkpoint, c.Source, c.Below, c.Destination = of.Checkpoint, of.Source, of.Below, of.Destination
	return nil
}

// sameFile reports whether two names are, or would be, of one file.
func sameFile(a, b string) bool {
	x, errX := os.Stat(a)
	y, errY := os.Stat(b)
	if errX == nil && errY == nil {
		return os.SameFile(x, y)
	}
	absA, errA := filepath.Abs(a)
	absB, errB := filepath.Abs(b)
	return errA == nil && errB == nil && absA == absB
}

// read reads that of a copy that did not come to its end.
func (c *copyCheckpoint) read(dst string) error {
	text, err := os.ReadFile(c.path)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("--resume: there is no %s: no copy to %s was begun, or it is complete", c.path, dst)
	}
	if err != nil {
		return fmt.Errorf("--resume: %w", err)
	}
	if err := c.parse(text); err != nil {
		return fmt.Errorf("--resume: %w; remove it, and copy anew", err)
	}
	return nil
}

// fits looks that all files of j are those of the copy that was begun.
func (c *copyCheckpoint) fits(j *copyJob) error {
	err := c.Source.Compare(j.src, j.sources[0].Opened())
	if err == nil && (c.Size != j.from.Size() || len(c.Below) != len(j.sources)-1) {
		err = fmt.Errorf("%s has %d bytes and stands on %d files, and the copy was of %d bytes, on %d files",
			j.src, j.from.Size(), len(j.sources)-1, c.Size, len(c.Below))
	}
	for i := 0; err == nil && i < len(c.Below); i++ {
		err = c.Below[i].Compare(j.sources[i+1].String(), j.sources[i+1].Opened())
	}
	if err == nil {
		now := j.target.Opened()
		now.Modified = c.Destination.Modified
		err = c.Destination.Compare(j.dst, now)
	}
	if err != nil {
		return fmt.Errorf("--resume: since the copy was begun: %w; copy it anew, without --resume", err)
	}
	return nil
}

// store writes the file, or sets failed. A new file takes the place of the old
// one, unless there is no room for it: then the old one is overwritten. What is
// written in part only is removed.
func (c *copyCheckpoint) store(self *coro.Self) {
	text, err := json.Marshal(c)
	if err != nil {
		c.failed = err
		return
	}
	c.failed = offload(self, func() error {
		text = append(text, bytes.Repeat([]byte(" "), max(0, checkpointRoom-1-len(text)))...)
		text = append(text, '\n')
		err := writeSynced(c.next(), text, os.O_CREATE)
		if err == nil {
			err = os.Rename(c.next(), c.path)
		}
		if err == nil {
			return nil
		}
		os.Remove(c.next()) //nolint:errcheck // there may be none
		if _, none := os.Lstat(c.path); none != nil {
			return err
		}
		if err = writeSynced(c.path, text, 0); err != nil {
			err = errors.Join(err, os.Remove(c.path))
		}
		return err
	})
}

// save stores cp, a state of the copy that goes on. That it fails is no reason to
// end the copy: the last state is there still.
func (c *copyCheckpoint) save(self *coro.Self, cp *blockio.Checkpoint) error {
	now := &copyCheckpoint{Checkpoint: *cp, Source: c.Source, Below: c.Below, Destination: c.Destination, path: c.path}
	now.store(self)
	return nil
}

// writeSynced writes a file and has the disk confirm it. A file that is there
// keeps its blocks.
func writeSynced(path string, text []byte, flags int) (err error) {
	f, err := os.OpenFile(path, os.O_WRONLY|flags, 0o666)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if _, err := f.Write(text); err != nil {
		return err
	}
	return errors.Join(f.Truncate(int64(len(text))), f.Sync())
}

// remove removes the file: the copy is complete. Where a copy was killed while it
// stored one, there may be that, too.
func (c *copyCheckpoint) remove(self *coro.Self) error {
	return offload(self, func() error {
		os.Remove(c.next()) //nolint:errcheck // there is none, usually
		err := os.Remove(c.path)
		if errors.Is(err, fs.ErrNotExist) || c.failed != nil {
			return nil
		}
		return err
	})
}
