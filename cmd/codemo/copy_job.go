package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"

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
	larger     bool // the destination is a disk, which has the size it has
	checkpoint *copyCheckpoint
	result     blockio.CopyResult
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
	})
	if err != nil {
		return j.stopped(self, err)
	}
	if j.flags.hash {
		if err := j.sum(self); err != nil {
			return err
		}
	}
	// Only what is closed without an error is complete.
	to := j.to
	j.to = nil
	if err := to.Close(self); err != nil {
		return err
	}
	return j.checkpoint.remove(self)
}

// open opens both files, and begins or reads the checkpoint.
func (j *copyJob) open(self *coro.Self) (err error) {
	was, err := aio.Offload(self, func() (fs.FileInfo, error) { return different(j.src, j.dst) })
	if err != nil {
		return err
	}
	j.from, err = openDevice(self, j.src, file.Options{ReadOnly: true, DirectIO: j.flags.direct})
	if err != nil {
		return fmt.Errorf("source: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, j.from.Close(self))
		}
	}()
	begin := newCheckpoint
	opts := file.Options{DirectIO: j.flags.direct}
	switch {
	case j.flags.resume:
		begin = readCheckpoint
	case was == nil || was.Mode().IsRegular():
		opts.Create, opts.Truncate, opts.Size = true, true, j.from.Size()
	}
	j.larger = was != nil && !was.Mode().IsRegular()
	j.checkpoint, err = aio.Offload(self, func() (*copyCheckpoint, error) { return begin(j.src, j.dst) })
	if err != nil {
		return err
	}
	j.to, err = openDevice(self, j.dst, opts)
	if err != nil {
		return fmt.Errorf("destination: %w", err)
	}
	if !j.flags.resume {
		// It is there from the start, and as large as it will be: when the
		// disk is full is no time to ask for another block.
		j.checkpoint.store(self)
	}
	return nil
}

// different fails if both paths lead to the same file, and returns what the
// destination is, nil if there is none.
func different(src, dst string) (fs.FileInfo, error) {
	to, err := os.Stat(dst)
	if err != nil {
		return nil, nil // it is to be created, or opening it will tell
	}
	if from, err := os.Stat(src); err == nil && os.SameFile(from, to) {
		return nil, fmt.Errorf("%s and %s: %w", src, dst, blockio.ErrSameDevice)
	}
	return to, nil
}

// stopped leaves things as the help says when the copy failed with err.
func (j *copyJob) stopped(self *coro.Self, err error) error {
	flushed := j.to.Flush(self)
	if j.flags.removePartial {
		return j.removed(self, err)
	}
	if errors.Is(err, blockio.ErrDifferent) {
		return errors.Join(err, j.checkpoint.remove(self), fmt.Errorf("%s is not a copy; do not use it", j.dst))
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

// removed removes what the copy made.
func (j *copyJob) removed(self *coro.Self, err error) error {
	to := j.to
	j.to = nil
	failed := errors.Join(to.Close(self), j.checkpoint.remove(self))
	if st, statErr := os.Stat(j.dst); statErr == nil && !st.Mode().IsRegular() {
		return errors.Join(err, failed, fmt.Errorf("%s is not complete", j.dst))
	}
	_, removeErr := aio.Offload(self, func() (struct{}, error) { return struct{}{}, os.Remove(j.dst) })
	if failed = errors.Join(failed, removeErr); failed == nil {
		failed = fmt.Errorf("%s was removed", j.dst)
	}
	return errors.Join(err, failed)
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
		})
	}
	if hashing != nil {
		if err := hashing.Wait(self); err != nil {
			return nil, err
		}
	}
	return h.Sum(nil), nil
}
