package blockio

import "github.com/gohandoff/coroutine/coro"

// Durability: which writes a flush has to cover.
//
// Writes are numbered when they are done. A flush covers those that were done
// when it was called; if one covers them all that another caller has begun after
// that, both are served by it. So a hundred coroutines that write and flush
// share few flushes of the medium (group commit), and a flush with nothing to
// flush costs nothing.

// durability is the state of that.
//
// Invariants: flushed <= gen. At most one flush of the driver goes on, and
// active says so. flushed grows only by a flush that succeeded, to what gen was
// when the driver was called: a write that ends meanwhile may have missed it.
type durability struct {
	gen     uint64 // how many writes are done
	flushed uint64 // how many of them are durable
	active  bool
	queue   waitList // flushes that wait for the active one
	calls   uint64
}

// init has the first flush reach the driver, whoever wrote before.
func (w *durability) init() { w.gen = 1 }

// Flush returns when the medium has confirmed all writes that had returned when
// Flush was called. It returns at once if it has confirmed them already.
func (d *Device) Flush(self *coro.Self) error {
	r := d.request(self, OpFlush, 0, 0)
	defer r.done()
	if d.closing {
		return r.result(ErrClosed)
	}
	if _, err := r.admit(); err != nil {
		return r.result(err)
	}
	if d.readOnly {
		return r.result(nil)
	}
	return r.result(d.flush(r))
}

// Writeback has the driver begin to move what was written to n bytes from off from
// its cache to the medium, where it has one: a Flush then finds less to do. It may
// return before that is done, and makes nothing durable. It is advice: a driver
// that has no cache, or no way to say so, does nothing.
//
// Who writes much in a row and flushes at the end, calls it every few MiB; [Copy]
// does.
func (d *Device) Writeback(self *coro.Self, off, n int64) error {
	r := d.request(self, OpWriteback, off, n)
	defer r.done()
	return r.result(r.writeback())
}

func (r *request) writeback() error {
	d := r.d
	if r.n == 0 {
		return r.check()
	}
	if err := r.enter(); err != nil || d.cacher == nil || d.readOnly {
		return err
	}
	r.part = Part{OpWriteback, r.off, r.n}
	if err := d.cacher.Writeback(r.self, r.off, r.n); err != nil && !unsupported(err) {
		return err
	}
	r.part.Op = OpNone
	return nil
}

// flush makes durable what is done by now, on behalf of r.
func (d *Device) flush(r *request) error {
	w := &d.writes
	want := w.gen
	for w.active && w.flushed < want {
		r.wait(&w.queue)
	}
	if w.flushed >= want {
		return nil
	}
	w.active = true
	w.calls++
	defer func() {
		w.active = false
		d.wakeAll(r.self, &w.queue)
	}()
	covers := w.gen
	r.part = Part{Op: OpFlush}
	if err := d.driver.Flush(r.self); err != nil {
		return err
	}
	r.part = Part{}
	w.flushed = covers
	return nil
}

// confirm is called when the writes of r are done: it makes them durable if
// flags ask for it and the driver has not seen to it.
func (r *request) confirm(flags Flags) error {
	if flags&FUA == 0 || r.d.limits.FUA {
		return nil
	}
	r.d.writes.gen++
	r.dirty = false
	return r.d.flush(r)
}

// pass returns those of flags that the driver is to see.
func (d *Device) pass(flags Flags) Flags {
	if !d.limits.FUA {
		flags &^= FUA
	}
	return flags
}
