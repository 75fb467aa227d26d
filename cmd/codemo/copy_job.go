package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/blockio/file"
	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/aio"
)

// A copyJob is one run of the command copy.
type copyJob struct {
	ctx      context.Context
	src, dst string
	flags    copyFlags
	bar      copyBar

	from, to   *blockio.Device
	sources    []*file.Driver // that of from; of an overlay, all that it stands on
	target     *file.Driver   // that of to
	larger     bool           // the destination is a disk, which has the size it has
	checkpoint *copyCheckpoint
	result     blockio.CopyResult
	warned     error // why another driver is used than was asked for
	hash       []byte
}

// run is the coroutine that does it.
func (j *copyJob) run(self *coro.Self) (err error) {
	if err := j.open(self); err != nil {
		return err
	}
	defer func() {
		err = errors.Join(err, j.from.Close(self))
		if j.to != nil {
			err = errors.Join(err, j.to.Close(self))
		}
	}()
	j.result, err = blockio.Copy(self, j.to, j.from, blockio.CopyOptions{
		Coroutines: j.flags.coroutines, Chunk: int(j.flags.chunk), Rate: int64(j.flags.rate),
		DetectZeroes: int(j.flags.zeroes), Verify: j.flags.verify, Larger: j.larger,
		Context: j.ctx, Resume: &j.checkpoint.Checkpoint, Progress: j.bar.show,
		Save: j.checkpoint.save, SaveEvery: j.flags.saveEvery,
	})
	if err != nil {
		return j.stopped(self, err)
	}
	// What others did to the files meanwhile no request tells.
	if err := j.meddled(self); err != nil {
		return j.useless(self, fmt.Errorf("while it was copied: %w", err))
	}
	var unknown error
	if j.flags.hash {
		if err := j.sum(self); err != nil {
			if j.ctx.Err() == nil {
				return err // it cannot be read
			}
			unknown = errors.Join(err, fmt.Errorf("%s is complete, but its sha256 is not known", j.dst))
		}
	}
	// Only what is closed without an error is complete.
	to := j.to
	j.to = nil
	if err := to.Close(self); err != nil {
		return err
	}
	return errors.Join(unknown, j.checkpoint.remove(self))
}

// open opens both files, and begins or reads the checkpoint.
func (j *copyJob) open(self *coro.Self) (err error) {
	was, err := aio.Offload(self, func() (fs.FileInfo, error) { return different(j.src, j.dst) })
	if err != nil {
		return err
	}
	if err := j.openSource(self); err != nil {
		return fmt.Errorf("source: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, j.from.Close(self))
			if j.to != nil {
				err = errors.Join(err, j.to.Close(self))
			}
		}
	}()
	j.checkpoint = newCheckpoint(j.dst)
	if j.flags.resume {
		if err := offload(self, func() error { return j.checkpoint.read(j.dst) }); err != nil {
			return err
		}
	}
	if was != nil {
		for _, s := range j.sources {
			if loop := behind(j.dst, was); s.Is(was) || loop != nil && s.Is(loop) {
				return fmt.Errorf("%s: %s stands on it: %w", j.dst, j.src, blockio.ErrSameDevice)
			}
		}
	}
	regular := was == nil || was.Mode().IsRegular()
	j.larger = !regular
	opts := file.Options{DirectIO: j.flags.direct}
	if regular && !j.flags.resume {
		opts.Create, opts.Perm = true, j.permissions()
	}
	j.to, j.target, err = openLayered(self, j.dst, opts, j.flags.driver, j.flags.faults.dst, j.warn)
	if err != nil {
		return fmt.Errorf("destination: %w", err)
	}
	if j.flags.resume {
		return j.checkpoint.fits(j)
	}
	if size := j.to.Size(); j.larger && size < j.from.Size() {
		return fmt.Errorf("destination: %s has %d bytes, too few for the %d of %s", j.dst, size, j.from.Size(), j.src)
	}
	// From now on what an older checkpoint says is not true any more. It is
	// as large as it will be: when the disk is full is no time to ask for
	// another block.
	j.checkpoint.Source, j.checkpoint.Destination = j.sources[0].Opened(), j.target.Opened()
	for _, s := range j.sources[1:] {
		j.checkpoint.Below = append(j.checkpoint.Below, s.Opened())
	}
	j.checkpoint.Destination.Size = j.from.Size()
	if !regular {
		j.checkpoint.Destination.Size = j.to.Size()
	}
	j.checkpoint.Size = j.from.Size()
	j.checkpoint.store(self)
	if err := j.unsafe(); err != nil {
		if was == nil {
			err = errors.Join(err, offload(self, func() error { return os.Remove(j.dst) }))
		}
		return err
	}
	if regular {
		// Its old contents go only now, when it is locked.
		if err := errors.Join(j.to.Resize(self, 0), j.to.Resize(self, j.from.Size())); err != nil {
			return j.useless(self, err)
		}
	}
	return nil
}

// openSource opens the source, or what an overlay shows.
func (j *copyJob) openSource(self *coro.Self) error {
	opts := file.Options{ReadOnly: true, DirectIO: j.flags.direct}
	if !j.flags.cow {
		dev, bottom, err := openLayered(self, j.src, opts, j.flags.driver, j.flags.faults.src, j.warn)
		j.from, j.sources = dev, []*file.Driver{bottom}
		return err
	}
	dev, err := openCow(self, j.src, opts, cowBackingReadOnly, nil)
	if err != nil {
		return err
	}
	j.from, j.sources = dev, filesUnder(dev.Driver())
	if err := j.flags.faults.src.insert(self, dev); err != nil {
		return errors.Join(err, dev.Close(self))
	}
	return nil
}

// filesUnder returns the files that a driver stands on, the uppermost first.
func filesUnder(driver blockio.Driver) (all []*file.Driver) {
	switch d := driver.(type) {
	case *file.Driver:
		return []*file.Driver{d}
	case interface{ Children() []blockio.Child }:
		for _, c := range d.Children() {
			all = append(all, filesUnder(c.Driver)...)
		}
	}
	return all
}

// meddled tells what others did to the files meanwhile.
func (j *copyJob) meddled(self *coro.Self) error {
	var errs []error
	for _, s := range j.sources {
		errs = append(errs, s.CheckUnmodified(self))
	}
	return errors.Join(append(errs, j.target.Check(self))...)
}

// unsafe tells why the copy had better not begin without a checkpoint. That nobody
// may make a file in the folder is no reason, but told: so it is for /dev.
func (j *copyJob) unsafe() error {
	failed := j.checkpoint.failed
	if failed == nil {
		return nil
	}
	if errors.Is(failed, syscall.ENOSPC) || errors.Is(failed, syscall.EDQUOT) {
		return fmt.Errorf("destination: no room beside it for a checkpoint: %w", failed)
	}
	if _, none := os.Lstat(j.checkpoint.path); none == nil {
		return fmt.Errorf("destination: the checkpoint of an earlier copy can be neither replaced nor removed: %w", failed)
	}
	fmt.Fprintf(j.bar.out, "codemo: there is no checkpoint, so an interrupted copy cannot be resumed: %v\n", failed) //nolint:errcheck // a warning
	return nil
}

// warn says that the driver that was asked for could not be had, once.
func (j *copyJob) warn(why error) {
	if j.warned == nil {
		j.warned = why
		fmt.Fprintf(j.bar.out, "codemo: %v; copying with --driver file\n", why) //nolint:errcheck // a warning
	}
}

// permissions returns what a new destination gets: never more than the source.
func (j *copyJob) permissions() fs.FileMode {
	perm := j.sources[0].Perm()
	if perm == 0 {
		perm = 0o400 // only root has read it, and only root can write it then
	}
	return perm
}

// offload has a worker call fn.
func offload(self *coro.Self, fn func() error) error {
	_, err := aio.Offload(self, func() (struct{}, error) { return struct{}{}, fn() })
	return err
}

// different fails if both paths lead to the same file, and returns what the
// destination is, nil if there is none.
func different(src, dst string) (fs.FileInfo, error) {
	to, err := os.Stat(dst)
	if err != nil {
		return nil, nil // it is to be created, or opening it will tell
	}
	from, err := os.Stat(src)
	if err != nil {
		return to, nil
	}
	if os.SameFile(from, to) || os.SameFile(behind(src, from), to) || os.SameFile(from, behind(dst, to)) {
		return nil, fmt.Errorf("%s and %s: %w", src, dst, blockio.ErrSameDevice)
	}
	return to, nil
}

// behind returns the file that holds the blocks of a loop device, or of one of
// its partitions: to write there changes the device. It returns nil for all else.
func behind(path string, st fs.FileInfo) fs.FileInfo {
	if st.Mode()&fs.ModeDevice == 0 {
		return nil
	}
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	dir := "/sys/class/block/" + filepath.Base(path) // a symbolic link, so that filepath.Join would not find what is above
	for _, dir := range []string{dir, dir + "/.."} {
		name, err := os.ReadFile(dir + "/loop/backing_file")
		if err != nil {
			continue
		}
		if file, err := os.Stat(strings.TrimSuffix(string(name), "\n")); err == nil {
			return file
		}
	}
	return nil
}

// stopped leaves things as the help says when the copy failed with err.
func (j *copyJob) stopped(self *coro.Self, err error) error {
	flushed := j.to.Flush(self)
	if errors.Is(err, blockio.ErrDifferent) {
		return j.useless(self, err)
	}
	// Resume would refuse to go on with files that others have changed.
	if changed := j.meddled(self); changed != nil {
		return j.useless(self, errors.Join(err, changed))
	}
	if j.flags.removePartial {
		return j.removed(self, err)
	}
	if flushed != nil {
		// What is on the disk is not known.
		j.checkpoint.Done = blockio.Ranges{}
	}
	j.checkpoint.store(self)
	if j.checkpoint.failed != nil {
		return errors.Join(err, fmt.Errorf("%s is not complete, and cannot be resumed: %w", j.dst, j.checkpoint.failed))
	}
	return errors.Join(err, fmt.Errorf("%s is not complete; copy --resume goes on, %s is what it needs for that", j.dst, j.checkpoint.path))
}

// useless is the end of a copy of which nothing can be used, also not to go on.
func (j *copyJob) useless(self *coro.Self, err error) error {
	if j.flags.removePartial {
		return j.removed(self, err)
	}
	if _, none := os.Stat(j.dst); errors.Is(none, fs.ErrNotExist) {
		return errors.Join(err, j.checkpoint.remove(self), fmt.Errorf("there is no copy at %s", j.dst))
	}
	return errors.Join(err, j.checkpoint.remove(self), fmt.Errorf("%s is not a copy; do not use it", j.dst))
}

// removed removes what the copy made: the file itself, where its name is a link
// to it.
func (j *copyJob) removed(self *coro.Self, err error) error {
	path, failed := j.dst, error(nil)
	if failed = j.checkpoint.remove(self); failed == nil {
		path, failed = filepath.EvalSymlinks(j.dst)
	}
	if failed == nil {
		st, statErr := os.Stat(path)
		switch {
		case statErr != nil:
			failed = statErr
		case !st.Mode().IsRegular():
			failed = fmt.Errorf("%s is not complete", j.dst)
		case !j.target.Is(st):
			failed = fmt.Errorf("%s is not removed: it is not the file that was written to", j.dst)
		default:
			failed = offload(self, func() error { return os.Remove(path) })
		}
	}
	if failed == nil {
		failed = fmt.Errorf("%s was removed", path)
	}
	to := j.to
	j.to = nil
	return errors.Join(err, failed, to.Close(self))
}

// sum hashes the copy, by reading it again.
func (j *copyJob) sum(self *coro.Self) error {
	var err error
	j.hash, err = hashDevice(self, j.ctx, j.to, j.from.Size())
	return err
}

// hashDevice returns the SHA-256 of the first n bytes. The next chunk is read
// while one is hashed.
func hashDevice(self *coro.Self, ctx context.Context, dev *blockio.Device, n int64) ([]byte, error) {
	const step = 1 << 20
	h := sha256.New()
	var hashing *aio.Task
	bufs := [2][]byte{make([]byte, step), make([]byte, step)}
	for off := int64(0); off < n; off += step {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		p := bufs[off/step%2][:min(step, n-off)]
		if err := dev.ReadAt(self, p, off); err != nil {
			return nil, err
		}
		if hashing != nil {
			if err := hashing.Wait(self); err != nil {
				return nil, err
			}
		}
		hashing = aio.Go(self, func(self *coro.Self) error {
			_, err := aio.Offload(self, func() (int, error) { return h.Write(p) })
			return err
		}).SetName(fmt.Sprintf("hash %d", off/step+1))
	}
	if hashing != nil {
		if err := hashing.Wait(self); err != nil {
			return nil, err
		}
	}
	return h.Sum(nil), nil
}
