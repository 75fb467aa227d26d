// Package mem is a block driver that keeps its blocks in memory, and only those
// that were written: a device of a terabyte costs what is in it. It is what
// other drivers are tested against, so it is as simple as it can be.
//
// No operation yields, so each is atomic.
package mem

import (
	"fmt"
	"io/fs"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/coro"
)

const (
	pageSize = 4096
	// chunkPages pages are found through one entry of the map: 2 MiB, so that
	// the pointers of a chunk are a page themselves.
	chunkPages = 512
	chunkSize  = chunkPages * pageSize
)

type (
	page  [pageSize]byte
	chunk struct {
		pages [chunkPages]*page
		used  int
	}
)

// A Driver is a [blockio.Driver] in memory. Make one with [New].
type Driver struct {
	size   int64
	limits blockio.Limits
	chunks map[int64]*chunk

	// The chunk used last, which is often used next.
	recentAt int64
	recent   *chunk

	zeroes page // never written
}

// An Option sets up a [Driver] in [New].
type Option func(*Driver)

// WithLimits has the driver ask for l, to play a device with sectors or a
// controller with small transfers. A DiscardAlignment of 0 is that of a page.
func WithLimits(l blockio.Limits) Option { return func(d *Driver) { d.limits = l } }

// WithAlignment has the driver ask for requests aligned to n bytes.
func WithAlignment(n int) Option { return func(d *Driver) { d.limits.Alignment = n } }

// New makes a driver of size bytes, all zero.
func New(size int64, opts ...Option) *Driver {
	d := &Driver{size: size, chunks: map[int64]*chunk{}, recentAt: -1}
	d.limits.FUA = true
	for i, o := range opts {
		if o == nil {
			panic(fmt.Sprintf("mem: New: option %d is nil", i))
		}
		o(d)
	}
	if d.limits.DiscardAlignment == 0 {
		d.limits.DiscardAlignment = pageSize
	}
	return d
}

// Size returns the number of bytes.
func (d *Driver) Size() int64 { return d.size }

// Limits returns what New was told.
func (d *Driver) Limits() blockio.Limits { return d.limits }

// String returns "mem".
func (d *Driver) String() string { return "mem" }

// Flush does nothing: nothing here outlives the process anyway.
func (d *Driver) Flush(*coro.Self) error { return d.alive() }

// errClosed is what is said to a device that stands on a driver that another one
// has closed.
var errClosed = fmt.Errorf("the driver in memory was closed, and has forgotten everything; make a new one: %w", fs.ErrClosed)

// alive tells whether the driver was closed.
func (d *Driver) alive() error {
	if d.chunks == nil {
		return errClosed
	}
	return nil
}

// Close forgets everything. What is asked for afterwards fails with
// [fs.ErrClosed].
func (d *Driver) Close(*coro.Self) error {
	d.chunks, d.recent, d.recentAt = nil, nil, -1
	return nil
}

// ReadAt fills p with what is at off.
func (d *Driver) ReadAt(_ *coro.Self, p []byte, off int64) error {
	if err := d.alive(); err != nil {
		return err
	}
	for len(p) > 0 {
		at := off % pageSize
		from := &d.zeroes
		if pg := d.page(off); pg != nil {
			from = pg
		}
		n := copy(p, from[at:])
		p, off = p[n:], off+int64(n)
	}
	return nil
}

// WriteAt stores p at off.
func (d *Driver) WriteAt(_ *coro.Self, p []byte, off int64, _ blockio.Flags) error {
	if err := d.alive(); err != nil {
		return err
	}
	for len(p) > 0 {
		n := copy(d.own(off)[off%pageSize:], p)
		p, off = p[n:], off+int64(n)
	}
	return nil
}

// ReadVAt fills the pieces of v from off.
func (d *Driver) ReadVAt(self *coro.Self, v [][]byte, off int64) error {
	for _, p := range v {
		if err := d.ReadAt(self, p, off); err != nil {
			return err
		}
		off += int64(len(p))
	}
	return nil
}

// WriteVAt stores the pieces of v at off.
func (d *Driver) WriteVAt(self *coro.Self, v [][]byte, off int64, flags blockio.Flags) error {
	for _, p := range v {
		if err := d.WriteAt(self, p, off, flags); err != nil {
			return err
		}
		off += int64(len(p))
	}
	return nil
}

// Discard frees the pages that the range covers.
func (d *Driver) Discard(_ *coro.Self, off, n int64) error {
	return d.erase(off, off+n, true)
}

// WriteZeroes frees the pages that the range covers, if it may, and clears the
// rest.
func (d *Driver) WriteZeroes(_ *coro.Self, off, n int64, flags blockio.Flags) error {
	return d.erase(off, off+n, flags&blockio.MayUnmap != 0)
}

// BlockStatus tells pages that were written from those that were not.
func (d *Driver) BlockStatus(_ *coro.Self, off, n int64) (blockio.Status, int64, error) {
	if err := d.alive(); err != nil {
		return 0, 0, err
	}
	end := off + n
	data := d.page(off) != nil
	next := off
	for next < end && (d.page(next) != nil) == data {
		if !data && d.chunk(next) == nil {
			next = d.nextChunk(next, end)
		} else {
			next = next - next%pageSize + pageSize
		}
	}
	if data {
		return blockio.Data, min(next, end) - off, nil
	}
	return blockio.Zero, min(next, end) - off, nil
}

// Resize makes the size n bytes.
func (d *Driver) Resize(_ *coro.Self, n int64) error {
	if err := d.alive(); err != nil {
		return err
	}
	old := d.size
	d.size = n
	if n >= old {
		return nil
	}
	// To the end of the last page, which may hold padding.
	return d.erase(n, old-old%pageSize+pageSize, true)
}

// Pages returns how many pages are kept, of 4096 bytes each.
func (d *Driver) Pages() (n int) {
	for _, c := range d.chunks {
		n += c.used
	}
	return n
}

// chunk returns the chunk that off lies in, nil if there is none.
func (d *Driver) chunk(off int64) *chunk {
	at := off / chunkSize
	if at == d.recentAt {
		return d.recent
	}
	c := d.chunks[at]
	if c != nil {
		d.recentAt, d.recent = at, c
	}
	return c
}

// nextChunk returns where the first chunk behind off begins, or end if there is
// none before it.
func (d *Driver) nextChunk(off, end int64) int64 {
	at, behind := off/chunkSize, (end-1)/chunkSize+1
	for range len(d.chunks) { // the next one is near, as a rule
		if at++; at >= behind {
			return end
		}
		if d.chunks[at] != nil {
			return at * chunkSize
		}
	}
	next := behind
	for c := range d.chunks { // there are fewer than what is to be skipped
		if c > at && c < next {
			next = c
		}
	}
	return min(next*chunkSize, end)
}

// page returns the page that off lies in, nil if there is none.
func (d *Driver) page(off int64) *page {
	if c := d.chunk(off); c != nil {
		return c.pages[off%chunkSize/pageSize]
	}
	return nil
}

// own returns the page that off lies in, which it makes if there is none.
func (d *Driver) own(off int64) *page {
	c := d.chunk(off)
	if c == nil {
		c = new(chunk)
		d.chunks[off/chunkSize] = c
	}
	pg := &c.pages[off%chunkSize/pageSize]
	if *pg == nil {
		*pg = new(page)
		c.used++
	}
	return *pg
}

// erase has the range read as zeroes. It frees pages that lie in it whole, if
// free is set.
func (d *Driver) erase(off, end int64, free bool) error {
	if err := d.alive(); err != nil {
		return err
	}
	for off < end {
		c := d.chunk(off)
		if c == nil {
			off = d.nextChunk(off, end)
			continue
		}
		at := off % pageSize
		n := min(pageSize-at, end-off)
		pg := &c.pages[off%chunkSize/pageSize]
		switch {
		case *pg == nil:
		case n == pageSize && free:
			*pg = nil
			if c.used--; c.used == 0 {
				delete(d.chunks, off/chunkSize)
				d.recentAt, d.recent = -1, nil
			}
		default:
			clear((*pg)[at : at+n])
		}
		off += n
	}
	return nil
}
