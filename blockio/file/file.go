package file

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/aio"
)

// Options say how a file is opened. The zero value opens an existing file for
// reading and writing, through the page cache, and locks it.
type Options struct {
	// ReadOnly opens the file for reading only, without a lock.
	ReadOnly bool
	// Create makes the file if it is not there. Size is its size then.
	Create bool
	// Perm are the permission bits of a file that Create makes, less what the
	// umask takes from them; 0 stands for 0o666. A file that is there keeps
	// its own.
	Perm fs.FileMode
	// Size is what a file that Create makes is long, in bytes, all of it a
	// hole.
	Size int64
	// Exclusive, with Create, fails if the file is there already.
	Exclusive bool
	// Truncate empties a file that is there, and then makes it Size long; one
	// that cannot be so large is left as it is.
	Truncate bool
	// DirectIO goes around the page cache (O_DIRECT), where the system and
	// the file system can: then every request is aligned to the disk's
	// sectors.
	DirectIO bool
	// NoLock opens the file for writing even if somebody else does.
	NoLock bool
}

// ErrLocked is what the error of [Open] is for a file that somebody else has
// opened for writing.
var ErrLocked = errors.New("is being written by somebody else")

// A Driver is an open file. It implements [blockio.Driver] and, as far as the
// system can, its optional interfaces.
type Driver struct {
	f      *os.File
	name   string
	path   string      // absolute: it leads to the file from any working directory
	stat   fs.FileInfo // as it was opened
	opened Identity
	size   atomic.Int64
	limits blockio.Limits
	device bool // a block device: it cannot be resized
	direct bool
	sys    system

	// Why a flush failed. The kernel tells of that once, and takes what it
	// could not write for written from then on, so that no later flush can
	// make up for it.
	unflushed atomic.Pointer[error]
}

// Open opens the file at path. It may yield: the file is opened by one of the
// loop's workers.
//
// The error names the file and says why: it does not exist, may not be opened,
// is a directory or a pipe, is locked ([ErrLocked]), is a block device that is
// read-only (syscall.EROFS on Linux), or cannot do what opts ask. A file that
// Open has made is removed again then.
func Open(self *coro.Self, path string, opts Options) (*Driver, error) {
	if path == "" {
		return nil, errors.New("file: the path is empty")
	}
	if opts.Size < 0 {
		return nil, fmt.Errorf("file: %s: size %d: want 0 or more", path, opts.Size)
	}
	if opts.ReadOnly && (opts.Create || opts.Truncate) {
		return nil, fmt.Errorf("file: %s: a file that is created or truncated cannot be read-only", path)
	}
	var d *Driver
	returned := false
	defer func() {
		if !returned && d != nil { // cancelled meanwhile
			d.f.Close()
		}
	}()
	_, err := aio.Offload(self, func() (_ struct{}, err error) {
		d, err = open(path, opts)
		return struct{}{}, err
	})
	returned = true
	return d, err
}

// open is Open's part that may block.
func open(path string, opts Options) (_ *Driver, err error) {
	// Look before opening: opening a pipe would wait for its other end.
	device, isNew := false, false
	switch st, err := os.Stat(path); {
	case err == nil:
		device = st.Mode()&fs.ModeDevice != 0
		if err := usable(path, st); err != nil {
			return nil, err
		}
	case !errors.Is(err, fs.ErrNotExist) || !opts.Create:
		return nil, fmt.Errorf("file: %w", err)
	default:
		isNew = true
	}
	flags := os.O_RDWR
	if opts.ReadOnly {
		flags = os.O_RDONLY
	}
	if opts.Create {
		flags |= os.O_CREATE
	}
	if opts.Exclusive {
		flags |= os.O_EXCL
	}
	if device && !opts.ReadOnly && !opts.NoLock {
		// For a block device that is there, this is the kernel's lock: it is
		// busy if it is mounted, or somebody else has it so.
		flags = flags&^os.O_CREATE | os.O_EXCL
	}
	perm := opts.Perm.Perm()
	if perm == 0 {
		perm = 0o666
	}
	var f *os.File
	if isNew { // or has somebody made it meanwhile?
		f, err = openFile(path, flags|os.O_EXCL, perm, opts.DirectIO)
		isNew = !errors.Is(err, fs.ErrExist)
	}
	if !isNew {
		f, err = openFile(path, flags, perm, opts.DirectIO)
	}
	if device && errors.Is(err, syscall.EBUSY) {
		return nil, fmt.Errorf("file: %s: %w, or mounted: %w", path, ErrLocked, cause(err))
	}
	if err != nil {
		return nil, fmt.Errorf("file: %w", err)
	}
	defer func() {
		if err != nil {
			if isNew && !errors.Is(err, ErrLocked) { // else it is another's by now
				os.Remove(path)
			}
			f.Close()
		}
	}()
	st, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("file: %w", err)
	}
	if err := usable(path, st); err != nil {
		return nil, err // it has been replaced meanwhile
	}
	if !opts.ReadOnly && !opts.NoLock {
		if err := lockOpenFile(f); err != nil {
			return nil, fmt.Errorf("file: %s: %w", path, err)
		}
	}
	d := &Driver{f: f, name: path, path: path, stat: st, device: st.Mode()&fs.ModeDevice != 0, direct: opts.DirectIO}
	if abs, err := filepath.Abs(path); err == nil {
		d.path = abs
	}
	size, err := endOf(f)
	if err != nil {
		return nil, fmt.Errorf("file: %s: %w", path, err)
	}
	if opts.Truncate && !d.device || opts.Create && size == 0 && opts.Size > 0 {
		// The old contents go only now, when the lock is ours, and if the file
		// can be so large at all.
		for _, n := range []int64{max(size, opts.Size), 0, opts.Size} {
			if err := f.Truncate(n); err != nil {
				return nil, fmt.Errorf("file: %s: making it %d bytes long: %w", path, opts.Size, cause(err))
			}
		}
		size = opts.Size
	} else if size == 0 && !d.device {
		if err := reallyEmpty(f); err != nil {
			return nil, fmt.Errorf("file: %s: %w", path, err)
		}
	}
	d.size.Store(size)
	d.limits = blockio.Limits{ReadOnly: opts.ReadOnly, FUA: true}
	if err = d.setUp(); err == nil {
		d.opened, err = d.identify()
	}
	if err != nil {
		return nil, fmt.Errorf("file: %s: %w", path, err)
	}
	return d, nil
}

// endOf returns where a file or a block device ends.
func endOf(f *os.File) (int64, error) {
	st, err := f.Stat()
	if err == nil && st.Mode().IsRegular() {
		return st.Size(), nil
	}
	if err == nil {
		var end int64
		if end, err = f.Seek(0, io.SeekEnd); err == nil {
			return end, nil
		}
	}
	return 0, cause(err)
}

// errMadeUp is about a file that has no size, since it is made up when it is
// read: to take it for empty would lose what it says.
var errMadeUp = errors.New("says that it is empty, but is made up when it is read; " +
	"write what it says to another file with cat, and use that one")

// reallyEmpty looks whether a file without a size has contents all the same.
func reallyEmpty(f *os.File) error {
	if madeUp(f) { // reading some of these waits for an event
		return errMadeUp
	}
	n, err := f.ReadAt(make([]byte, 4096), 0) // so much for direct I/O
	if n == 0 || err != nil && err != io.EOF {
		return nil // whatever is wrong, a request will tell
	}
	if end, err := endOf(f); err != nil || end > 0 {
		return err // somebody is just writing it
	}
	return errMadeUp
}

// usable tells whether blocks can be stored in such a file.
func usable(path string, st fs.FileInfo) error {
	kind := ""
	switch m := st.Mode(); {
	case m.IsRegular(), m&fs.ModeDevice != 0 && m&fs.ModeCharDevice == 0:
		return nil
	case m.IsDir():
		kind = "a directory"
	case m&fs.ModeNamedPipe != 0:
		kind = "a pipe"
	case m&fs.ModeSocket != 0:
		kind = "a socket"
	case m&fs.ModeCharDevice != 0:
		kind = "a character device"
	default:
		kind = "no file"
	}
	return fmt.Errorf("file: %s: is %s; want a regular file or a block device", path, kind)
}

// String returns "file" and the path.
func (d *Driver) String() string {
	if d.direct {
		return "file " + d.name + " (direct)"
	}
	return "file " + d.name
}

// Size returns the number of bytes.
func (d *Driver) Size() int64 { return d.size.Load() }

// Fd returns the descriptor, or handle, of the open file. It is valid until Close.
func (d *Driver) Fd() uintptr { return d.f.Fd() }

// Limits returns the alignment that direct I/O asks for, and none otherwise.
func (d *Driver) Limits() blockio.Limits { return d.limits }

// Close closes the file, and so gives up the lock. It yields, unless self is being
// unwound, and so may not.
func (d *Driver) Close(self *coro.Self) error {
	if self.Unwinding() {
		return d.f.Close()
	}
	defer d.f.Close() // if we are killed before a worker does it; else it does nothing
	return d.offload(self, d.f.Close)
}

// Resize makes the file n bytes long. It yields. A block device cannot be
// resized.
func (d *Driver) Resize(self *coro.Self, n int64) error {
	if d.device {
		return blockio.ErrNotSupported
	}
	err := d.offload(self, func() error { return d.f.Truncate(n) })
	if err == nil {
		d.size.Store(n)
	}
	return err
}

// ErrUnflushed is what every flush fails with after one that failed: what it was
// to store may be lost, and the system will not tell of it again. Open the file
// anew, and write again what must not be lost.
var ErrUnflushed = errors.New("an earlier flush failed, and what it was to store may be lost")

// flush has the system write to the medium what it still holds, unless that has
// failed before. It is called by a worker.
func (d *Driver) flush() error {
	if cause := d.unflushed.Load(); cause != nil {
		return fmt.Errorf("%w: %w", ErrUnflushed, *cause)
	}
	err := d.sync()
	if err != nil {
		d.unflushed.CompareAndSwap(nil, &err)
	}
	return err
}

// Flush has the system write to the medium what it still holds. When it has
// failed once, it fails for ever, with [ErrUnflushed]. It yields.
func (d *Driver) Flush(self *coro.Self) error { return d.offload(self, d.flush) }

// offload has a worker call fn.
func (d *Driver) offload(self *coro.Self, fn func() error) error {
	_, err := aio.Offload(self, func() (struct{}, error) { return struct{}{}, fn() })
	return err
}

// readAll reads p from off, waiting as needed. It is called by a worker.
func (d *Driver) readAll(p []byte, off int64) error {
	n, err := d.f.ReadAt(p, off)
	if err == io.EOF {
		return d.pastEnd([][]byte{p[n:]}, off+int64(n))
	}
	return cause(err)
}

// pastEnd deals with v, which was to be filled from off, where reading found the
// file's end. That is as it should be only behind its size.
func (d *Driver) pastEnd(v [][]byte, off int64) error {
	if off < d.Size() {
		return d.shrunk(off)
	}
	for _, p := range v { // direct I/O reads to the end of the last sector
		clear(p)
	}
	return nil
}

// shrunk describes a file that has nothing at off any more.
func (d *Driver) shrunk(off int64) error {
	end, err := endOf(d.f)
	if err == nil && end < d.Size() {
		return fmt.Errorf("the file ends at %d now, but was %d bytes long: %w", end, d.Size(), io.ErrUnexpectedEOF)
	}
	return fmt.Errorf("there is nothing to read at %d, though the file is said to be %d bytes long: %w", off, d.Size(), io.ErrUnexpectedEOF)
}

// uncut looks, before a write, whether somebody has cut the file: the write would
// make it longer again, with a hole where data was, and nobody would notice.
func (d *Driver) uncut() error {
	if d.device {
		return nil
	}
	if end, err := endOf(d.f); err != nil || end >= d.Size() {
		return err
	}
	return d.shrunk(d.Size())
}

// cause takes the path out of an error of package os, which the Device names
// anyway, and keeps the system call and the error number.
func cause(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return fmt.Errorf("%s: %w", pe.Op, pe.Err)
	}
	return err
}
