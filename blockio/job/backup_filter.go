package job

import (
	"fmt"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/coro"
)

// A backupFilter is what a source stands on that is backed up: what changes
// something waits until what it changes is copied.
type backupFilter struct {
	blockio.Filter
	b *Backup
}

func (f *backupFilter) idle() bool            { return f.b.ended }
func (f *backupFilter) under() blockio.Driver { return f.Driver }

// String names the filter.
func (f *backupFilter) String() string {
	if f.b.ended {
		return "backup that has ended"
	}
	return "backup to " + f.b.dst.Name()
}

// WriteAt writes when what was there is copied.
func (f *backupFilter) WriteAt(self *coro.Self, p []byte, off int64, flags blockio.Flags) error {
	if err := f.b.save(self, off, int64(len(p))); err != nil {
		return err
	}
	return f.Filter.WriteAt(self, p, off, flags)
}

// WriteVAt is WriteAt for pieces.
func (f *backupFilter) WriteVAt(self *coro.Self, v [][]byte, off int64, flags blockio.Flags) error {
	n := int64(0)
	for _, p := range v {
		n += int64(len(p))
	}
	if err := f.b.save(self, off, n); err != nil {
		return err
	}
	return f.Filter.WriteVAt(self, v, off, flags)
}

// WriteZeroes makes zeroes when what was there is copied.
func (f *backupFilter) WriteZeroes(self *coro.Self, off, n int64, flags blockio.Flags) error {
	if err := f.b.save(self, off, n); err != nil {
		return err
	}
	return f.Filter.WriteZeroes(self, off, n, flags)
}

// Discard discards when what was there is copied.
func (f *backupFilter) Discard(self *coro.Self, off, n int64) error {
	if err := f.b.save(self, off, n); err != nil {
		return err
	}
	return f.Filter.Discard(self, off, n)
}

// Resize is refused.
func (f *backupFilter) Resize(self *coro.Self, n int64) error {
	if f.b.ended {
		return f.Filter.Resize(self, n)
	}
	return fmt.Errorf("%w: a backup to %s", ErrBusy, f.b.dst.Name())
}

// Close ends the backup, too.
func (f *backupFilter) Close(self *coro.Self) error {
	f.b.closed(self)
	return f.Filter.Close(self)
}
