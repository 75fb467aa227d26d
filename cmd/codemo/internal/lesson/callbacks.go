package lesson

import (
	"context"
	_ "embed" // for the source that is shown
	"errors"
	"time"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/blockio/mem"
	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/aio"
	"github.com/gohandoff/coroutine/coro/cosync"
)

//go:embed callbacks.go
var callbacksSource string

var callbacks = Lesson{
	Name: "callbacks", About: "one request as callbacks and as a coroutine, and cancelled",
	source: callbacksSource,
	parts: []part{
		{"callbacks", withCallbacks},
		{"coroutines", withCoroutines},
		{"cancelcallbacks", cancelCallbacks},
		{"cancelcoroutine", cancelCoroutine},
	},
}

const (
	initial   = "0123456789abcdef"
	blockSize = 8
)

// A disk has blocks of 8 bytes, and calls back when it is done. It has a lock,
// whose holder is called back, too.
type disk struct {
	data   []byte
	todo   []func()
	locked bool
	queue  []func()
}

func newDisk() *disk { return &disk{data: []byte(initial)} }

// step completes one thing, and reports whether there was one.
func (d *disk) step() bool {
	if len(d.todo) == 0 {
		return false
	}
	f := d.todo[0]
	d.todo = d.todo[1:]
	f()
	return true
}

func (d *disk) later(f func()) { d.todo = append(d.todo, f) }

func (d *disk) read(block int, done func([]byte, error)) {
	d.later(func() { done([]byte(string(d.data[block:block+blockSize])), nil) })
}

func (d *disk) write(block int, p []byte, done func(error)) {
	d.later(func() {
		copy(d.data[block:], p)
		done(nil)
	})
}

func (d *disk) lock(then func()) {
	if d.locked {
		d.queue = append(d.queue, then)
		return
	}
	d.locked = true
	d.later(then)
}

func (d *disk) unlock() {
	if len(d.queue) == 0 {
		d.locked = false
		return
	}
	d.later(d.queue[0])
	d.queue = d.queue[1:]
}

//lesson:begin callbacks
func (d *disk) update(p string, off int, done func(error)) {
	block := off / blockSize * blockSize
	d.lock(func() {
		d.read(block, func(old []byte, err error) {
			if err != nil {
				d.unlock()
				done(err)
				return
			}
			copy(old[off-block:], p)
			d.write(block, old, func(err error) {
				d.unlock()
				done(err)
			})
		})
	})
}

func withCallbacks(e *Env) error {
	d := newDisk()
	d.update("one", 9, func(err error) { e.Say("one: error %v", err) })
	d.update("two", 12, func(err error) { e.Say("two: error %v", err) })
	for d.step() { // the event loop
	}
	e.Say("disk: %s", d.data)
	return nil
}

//lesson:end

//lesson:begin update
func (f floppy) update(self *coro.Self, p string, off int64) error {
	f.mu.Lock(self)
	defer f.mu.Unlock(self)
	old, block := make([]byte, blockSize), off/blockSize*blockSize
	if err := f.ReadAt(self, old, block); err != nil {
		return err
	}
	copy(old[off-block:], p)
	return f.WriteAt(self, old, block)
}

func (f floppy) one(self *coro.Self) error {
	return f.update(self, "one", 9)
}

func (f floppy) two(self *coro.Self) error {
	return f.update(self, "two", 12)
}

//lesson:end

// A floppy is a block device with a lock for whoever needs one.
type floppy struct {
	*blockio.Device
	mu *cosync.Mutex
}

// A slow driver takes 10 ms for each request.
type slow struct{ blockio.Driver }

const latency = 10 * time.Millisecond

func (s slow) ReadAt(self *coro.Self, p []byte, off int64) error {
	aio.Sleep(self, latency)
	return s.Driver.ReadAt(self, p, off)
}

func (s slow) WriteAt(self *coro.Self, p []byte, off int64, flags blockio.Flags) error {
	aio.Sleep(self, latency)
	return s.Driver.WriteAt(self, p, off, flags)
}

// onFloppy runs body on a loop with a disk, and says what is on it then. The
// clock is virtual: it takes no time, and is the same on each run.
func onFloppy(e *Env, body func(self *coro.Self, f floppy) error) error {
	memory := mem.New(int64(len(initial)), mem.WithAlignment(blockSize))
	loop := e.Loop(aio.WithClock(aio.NewVirtualClock(time.Time{})))
	loop.Go(func(self *coro.Self) (err error) {
		if err := memory.WriteAt(self, []byte(initial), 0, 0); err != nil {
			return err
		}
		dev, err := blockio.Open(self, slow{memory})
		if err != nil {
			return err
		}
		f := floppy{dev, new(cosync.Mutex)}
		f.mu.SetName("mu")
		data := make([]byte, len(initial))
		err = errors.Join(body(self, f), memory.ReadAt(self, data, 0), dev.Close(self))
		e.Say("disk: %s", data)
		return err
	}).SetName("main")
	return errors.Join(loop.Run(context.Background()), loop.Close())
}

//lesson:begin coroutines
func withCoroutines(e *Env) error {
	return onFloppy(e, func(self *coro.Self, f floppy) error {
		one, two := aio.Go(self, f.one), aio.Go(self, f.two)
		e.Say("one: error %v", one.Wait(self))
		e.Say("two: error %v", two.Wait(self))
		return nil
	})
}

//lesson:end

var errCancelled = errors.New("cancelled")

//lesson:begin cancelcallbacks
func (d *disk) cancelable(
	p string, off int, done func(error),
) (cancel func()) {
	block, cancelled := off/blockSize*blockSize, false
	finish := func(err error) {
		d.unlock()
		done(err)
	}
	d.lock(func() {
		if cancelled {
			finish(errCancelled)
			return
		}
		d.read(block, func(old []byte, err error) {
			switch {
			case cancelled:
				finish(errCancelled)
			case err != nil:
				finish(err)
			default:
				copy(old[off-block:], p)
				d.write(block, old, finish) // too late to cancel now
			}
		})
	})
	return func() { cancelled = true }
}

func cancelCallbacks(e *Env) error {
	d := newDisk()
	cancel := d.cancelable("one", 9, func(err error) {
		e.Say("one: error %v", err)
	})
	d.cancelable("two", 12, func(err error) {
		e.Say("two: error %v", err)
	})
	d.step() // one has the lock, and reads
	cancel()
	for d.step() {
	}
	e.Say("disk: %s", d.data)
	return nil
}

//lesson:end

//lesson:begin cancelcoroutine
func cancelCoroutine(e *Env) error {
	return onFloppy(e, func(self *coro.Self, f floppy) error {
		one, two := aio.Go(self, f.one), aio.Go(self, f.two)
		aio.Sleep(self, latency/2) // one has the lock, and reads
		one.Cancel(errCancelled)
		e.Say("one: error %v", one.Wait(self))
		e.Say("two: error %v", two.Wait(self))
		return nil
	})
}

//lesson:end
