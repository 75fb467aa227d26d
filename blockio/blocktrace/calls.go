package blocktrace

import (
	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/coro"
)

// ReadAt reads from the driver below.
func (d *Driver) ReadAt(self *coro.Self, p []byte, off int64) (err error) {
	c := d.begin(self, blockio.OpRead, off, int64(len(p)), 0)
	defer d.end(self, &c, &err)
	err = d.Filter.ReadAt(self, p, off)
	c.returned = true
	return err
}

// WriteAt writes to the driver below.
func (d *Driver) WriteAt(self *coro.Self, p []byte, off int64, flags blockio.Flags) (err error) {
	c := d.begin(self, blockio.OpWrite, off, int64(len(p)), flags)
	defer d.end(self, &c, &err)
	err = d.Filter.WriteAt(self, p, off, flags)
	c.returned = true
	return err
}

// ReadVAt reads from the driver below.
func (d *Driver) ReadVAt(self *coro.Self, v [][]byte, off int64) (err error) {
	c := d.begin(self, blockio.OpRead, off, total(v), 0)
	defer d.end(self, &c, &err)
	err = d.Filter.ReadVAt(self, v, off)
	c.returned = true
	return err
}

// WriteVAt writes to the driver below.
func (d *Driver) WriteVAt(self *coro.Self, v [][]byte, off int64, flags blockio.Flags) (err error) {
	c := d.begin(self, blockio.OpWrite, off, total(v), flags)
	defer d.end(self, &c, &err)
	err = d.Filter.WriteVAt(self, v, off, flags)
	c.returned = true
	return err
}

// Flush flushes the driver below.
func (d *Driver) Flush(self *coro.Self) (err error) {
	c := d.begin(self, blockio.OpFlush, 0, 0, 0)
	defer d.end(self, &c, &err)
	err = d.Filter.Flush(self)
	c.returned = true
	return err
}

// Discard discards on the driver below.
func (d *Driver) Discard(self *coro.Self, off, n int64) (err error) {
	c := d.begin(self, blockio.OpDiscard, off, n, 0)
	defer d.end(self, &c, &err)
	err = d.Filter.Discard(self, off, n)
	c.returned = true
	return err
}

// WriteZeroes makes zeroes on the driver below.
func (d *Driver) WriteZeroes(self *coro.Self, off, n int64, flags blockio.Flags) (err error) {
	c := d.begin(self, blockio.OpZeroes, off, n, flags)
	defer d.end(self, &c, &err)
	err = d.Filter.WriteZeroes(self, off, n, flags)
	c.returned = true
	return err
}

// Resize resizes the driver below.
func (d *Driver) Resize(self *coro.Self, n int64) (err error) {
	c := d.begin(self, blockio.OpResize, 0, n, 0)
	defer d.end(self, &c, &err)
	err = d.Filter.Resize(self, n)
	c.returned = true
	return err
}

// Close closes the driver below.
func (d *Driver) Close(self *coro.Self) (err error) {
	c := d.begin(self, blockio.OpClose, 0, 0, 0)
	defer d.end(self, &c, &err)
	err = d.Filter.Close(self)
	c.returned = true
	return err
}

// Writeback has the driver below begin, if it has a cache.
func (d *Driver) Writeback(self *coro.Self, off, n int64) (err error) {
	c := d.begin(self, blockio.OpWriteback, off, n, 0)
	defer d.end(self, &c, &err)
	err = d.Filter.Writeback(self, off, n)
	c.returned = true
	return err
}

// BlockStatus asks the driver below.
func (d *Driver) BlockStatus(self *coro.Self, off, n int64) (s blockio.Status, k int64, err error) {
	c := d.begin(self, blockio.OpStatus, off, n, 0)
	defer d.end(self, &c, &err)
	s, k, err = d.Filter.BlockStatus(self, off, n)
	c.returned = true
	return s, k, err
}

func total(v [][]byte) (n int64) {
	for _, p := range v {
		n += int64(len(p))
	}
	return n
}
