package job

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/blockio/internal/pace"
	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/aio"
	"github.com/gohandoff/coroutine/coro/cosync"
)

// A job is what a Mirror and a Backup have in common.
//
// Its life: begin puts the filter in place; the task runs the crew; when ended is
// set, by whoever ends it, the filter hands everything through, and the crew goes
// home; the task takes the filter off, and finishes. If it is unwound instead, it
// cannot wait for a drained section, so it leaves the filter as it is, without
// effect, and has another task take it off.
//
// Invariants:
//   - ended never becomes false again; err is why, nil if all went well.
//   - What is in bits is to be copied, or is not known to be copied.
//   - The task is finished after the crew.
type job struct {
	kind       string
	src, dst   *blockio.Device
	below      *blockio.Device // what the source stood on, for reads in Do and in requests
	top        layer           // the filter
	size       int64
	chunk      int64 // what a member of the crew takes at a time
	piece      int64 // what is read and written at a time, at most a chunk
	block      int64 // pieces are not cut smaller
	coroutines int
	paying     cosync.Mutex // of the crew: who waits for the rate, until it has taken its chunk
	pace       pace.Pacer
	tell       func()                      // of progress, may be nil
	last       func(self *coro.Self) error // what is left to do when the crew is done, may be nil

	bits    *Bitmap
	claims  claims
	cursor  int64 // where the crew looks for its next chunk
	passes  int   // how often it has come to the end
	steps   int   // how many pieces were copied
	flying  int64 // bytes that the crew copies
	spare   [][]byte
	changed cosync.Queue // the crew, if there is nothing to do
	stir    cosync.Queue // those who wait for the job

	loop     *aio.Loop
	task     *aio.Task
	crew     []*aio.Task
	start    time.Time
	ended    bool
	err      error
	running  bool // the task has begun
	removed  bool // the filter is off, or will be
	finished bool
	moved    Moved
}

// Moved tells what the crew of a job has moved.
type Moved struct {
	// Data is how many bytes were read and written, Zeroes how many were made
	// to read as zeroes, or did so already.
	Data, Zeroes int64
	// Again is how many of these had been copied before.
	Again int64
}

// A layer is the filter of a job.
type layer interface {
	blockio.Driver
	// idle reports that it hands everything through.
	idle() bool
	// under returns the driver below.
	under() blockio.Driver
}

// skip returns what is below filters that do nothing any more.
func skip(driver blockio.Driver) blockio.Driver {
	for {
		l, ok := driver.(layer)
		if !ok || !l.idle() {
			return driver
		}
		driver = l.under()
	}
}

// prepare checks what can be checked before the source is touched.
func (j *job) prepare(self *coro.Self, o options) error {
	src, dst := j.src, j.dst
	switch {
	case src == nil:
		return errors.New("the source is nil")
	case dst == nil:
		return errors.New("the target is nil")
	case src == dst:
		return blockio.ErrSameDevice
	case src.Size() != dst.Size():
		return fmt.Errorf("%w: the source has %d bytes, the target has %d", blockio.ErrSize, src.Size(), dst.Size())
	case dst.ReadOnly():
		return fmt.Errorf("target: %w", blockio.ErrReadOnly)
	case o.ctx != nil && o.ctx.Err() != nil:
		return context.Cause(o.ctx)
	}
	if err := apart(src, dst); err != nil {
		return err
	}
	// Nothing is read, but a target that is closed, or of another loop, says so.
	if err := dst.ReadAt(self, nil, 0); err != nil {
		return err
	}
	if err := j.fit(o); err != nil {
		return err
	}
	j.bits.Set(0, j.size)
	j.loop = aio.LoopOf(self)
	j.start = j.loop.Now()
	j.paying.SetName("the rate of a " + j.kind)
	j.changed.SetName("something to copy")
	j.stir.SetName("a job")
	return nil
}

// begin starts the task, and puts the filter in place that make makes. The
// task is there first, so that the filter is taken off whatever happens. It is
// the caller who drains, since it may have the source drained already.
func (j *job) begin(self *coro.Self, ctx context.Context, make func(under blockio.Driver) layer, work func(*coro.Self) error) (err error) {
	if err := j.claimTarget(); err != nil {
		return err
	}
	j.task = aio.Go(self, func(self *coro.Self) error { return j.run(self, ctx, work) }).SetName(j.kind)
	defer func() {
		if j.top == nil {
			j.removed = true
			j.end(self, errors.Join(ErrCancelled, err))
			j.leaveTarget() // the task may be unwound before it begins
		}
	}()
	for !j.running {
		j.stir.Wait(self, nil)
	}
	err = j.src.Replace(self, func(self *coro.Self, old blockio.Driver) (blockio.Driver, error) {
		if j.ended {
			return nil, j.err
		}
		under := skip(old)
		below, err := blockio.Open(self, under, blockio.WithName(j.src.Name()))
		if err != nil {
			return nil, err
		}
		j.below, j.top = below, make(under)
		return j.top, nil
	})
	j.stir.RestartAll(self)
	return err
}

// run is the task: it has the crew do its work, and ends the job.
func (j *job) run(self *coro.Self, ctx context.Context, work func(*coro.Self) error) error {
	defer j.unwound(self)
	j.running = true
	j.stir.RestartAll(self)
	if ctx != nil {
		defer context.AfterFunc(ctx, func() { j.task.Cancel(context.Cause(ctx)) })()
		defer func() {
			if !j.finished && ctx.Err() != nil {
				j.end(self, context.Cause(ctx))
			}
		}()
	}
	for j.top == nil && !j.ended {
		j.stir.Wait(self, nil)
	}
	crew := aio.Group{FailFast: true}
	for i := range j.coroutines {
		crew.Go(self, func(self *coro.Self) error {
			t := aio.TaskOf(self).SetName(fmt.Sprintf("%s %d", j.kind, i+1))
			if j.ended {
				return nil
			}
			j.crew = append(j.crew, t)
			return work(self)
		})
	}
	err := crew.Wait(self)
	if err == nil && !j.ended && j.last != nil {
		err = j.last(self)
	}
	j.end(self, err)
	j.remove(self)
	j.finish(self)
	return nil
}

// unwound is deferred by run: it does what has to be done if the task is unwound,
// and does not yield.
func (j *job) unwound(self *coro.Self) {
	if j.finished {
		return
	}
	j.end(self, ErrCancelled)
	if !j.removed {
		j.loop.Post(func() {
			j.loop.Go(func(self *coro.Self) error {
				j.remove(self)
				return nil
			}).SetName("end of a " + j.kind)
		})
	}
	j.finish(self)
}

// end ends the job, with err as its result unless it has ended already. From now
// on the filter has no effect. It does not yield.
func (j *job) end(self *coro.Self, err error) {
	if j.ended {
		return
	}
	j.ended, j.err = true, err
	for _, t := range j.crew {
		t.Cancel(ErrEnded) // it may be asleep, for the rate
	}
	j.stir.RestartAll(self)
}

// finish tells those who wait for the end.
func (j *job) finish(self *coro.Self) {
	j.finished = true
	j.leaveTarget()
	j.stir.RestartAll(self)
}

// remove takes the filter off. If another filter stands on it, it stays: the
// job above takes off both.
func (j *job) remove(self *coro.Self) {
	if j.removed {
		return
	}
	_ = j.src.Replace(self, func(_ *coro.Self, old blockio.Driver) (blockio.Driver, error) {
		return skip(old), nil
	}) // fails if the source is closed, which has closed all below
	j.removed = true
}

// closed is called when the source is closed, by its filter.
func (j *job) closed(self *coro.Self) {
	j.removed = true
	j.end(self, blockio.ErrClosed)
}

// wait waits for the end of the job and returns its error.
func (j *job) wait(self *coro.Self) error {
	for !j.finished {
		j.stir.Wait(self, nil)
	}
	return j.failure(j.err)
}

// cancel ends the job, if it has not ended yet, and waits until its filter is off.
func (j *job) cancel(self *coro.Self) {
	j.end(self, ErrCancelled)
	j.leave(self)
}

// leave waits until a job that has ended is over. If self has the source drained,
// the task cannot take the filter off, and may be waiting to: so self does, and
// nothing is in flight that would have to be waited for.
func (j *job) leave(self *coro.Self) {
	if j.src.Drained(self) {
		j.remove(self)
		j.finish(self)
	}
	for !j.finished {
		j.stir.Wait(self, nil)
	}
}

// flush flushes the target, when all is copied. One that has another size than it
// had is no copy, whatever was copied.
func (j *job) flush(self *coro.Self) error {
	if err := j.dst.Flush(self); err != nil {
		return err
	}
	if n := j.dst.Size(); n != j.size {
		return fmt.Errorf("%w: the source has %d bytes, the target has %d by now", blockio.ErrSize, j.size, n)
	}
	return nil
}

// failure wraps an error.
func (j *job) failure(err error) error {
	if e := (*Error)(nil); err == nil || errors.As(err, &e) {
		return err
	}
	return &Error{Job: j.kind, Src: name(j.src), Dst: name(j.dst), Err: err}
}

func name(d *blockio.Device) string {
	if d == nil {
		return "nil"
	}
	return d.Name()
}

// clip returns how many of n bytes from off are inside the source: the last block
// of a driver may reach behind its end.
func (j *job) clip(off, n int64) int64 { return max(0, min(n, j.size-off)) }
