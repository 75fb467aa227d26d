package blockio

import (
	"fmt"

	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/aio"
)

// Replace exchanges the driver that the device stands on, while the device is in
// use. It drains the device, calls change with the driver that there is, and has
// the device stand on what change returns: a filter on top of the old one, what
// is below a filter, something else of the same size. Requests that were held
// meanwhile go on with the new driver; none is lost, none sees both.
//
// The new driver belongs to the device from then on, and the old one to the
// caller, unless the new one stands on it. Limits and abilities are looked at
// anew. What the old driver had not flushed is not flushed; the next Flush
// reaches the new one.
//
// The device stays on the old driver, and Replace returns an [*OpError], if
// change returns an error; if the new driver's limits make no sense or it is nil
// ([ErrDriver]); if it has another size ([ErrSize]); if the device is closed
// or being closed ([ErrClosed]), by change as well. The new driver is the caller's
// then. The same holds if the coroutine is killed, or change panics.
//
// change may yield, and use the device, and is alone with it: one Replace goes on
// at a time, it waits for the end of drained sections of others, and those that
// come meanwhile wait for its end. Replace called by change on the same device
// waits for itself, which is a deadlock. Replace panics with a [*coro.UsageError] for
// [aio.ErrNilFunc] if change is nil.
func (d *Device) Replace(self *coro.Self, change func(self *coro.Self, old Driver) (Driver, error)) error {
	r := d.request(self, OpReplace, 0, 0)
	defer r.done()
	if change == nil {
		panic(coro.NewUsageError(self, aio.ErrNilFunc, d.name, "", "asked to replace the driver", "pass Replace what makes the new driver"))
	}
	return r.result(r.replace(change))
}

func (r *request) replace(change func(self *coro.Self, old Driver) (Driver, error)) error {
	d := r.d
	// It does not join those who drain before they are done: their requests
	// would be held, and they would wait for each other.
	for !d.closing && (d.replacer != nil || d.drainedByOthers(r.self)) {
		r.wait(&d.replacers)
	}
	if d.closing {
		return ErrClosed
	}
	d.replacer = r.self
	defer func() {
		d.replacer = nil
		d.wakeAll(r.self, &d.replacers)
	}()
	d.drain(r)
	defer d.undrain(r.self)
	driver, err := change(r.self, d.driver)
	switch {
	case err != nil:
		return err
	case d.closed: // by change itself
		return ErrClosed
	case ability(driver) == nil:
		return d.standOn(driver) // which says so
	case driver.Size() != d.size:
		return fmt.Errorf("%w: the device has %d bytes, %s has %d", ErrSize, d.size, driver, driver.Size())
	}
	if err := d.standOn(driver); err != nil {
		return err
	}
	d.buffers = buffers{} // they may not be aligned as this driver needs it
	d.writes.gen++        // what is durable there nobody knows
	return nil
}

// drainedByOthers reports whether others than self have the device drained.
func (d *Device) drainedByOthers(self *coro.Self) bool {
	return len(d.gate.drains) > 1 || len(d.gate.drains) == 1 && d.gate.drains[0].self != self
}

// Do calls f as a request of the device: f is let in as any other is, in its turn
// and not while somebody has the device drained, and counts as in flight until
// it returns. So what f does is over before a drained section begins, and the
// driver is the same all the while. It is for work that goes on in the background
// and reads what is below the device.
//
// f must not call the device, which in a drained section would hold f and wait
// for it. What f writes past the device no Flush of it knows of.
//
// Do returns f's error as it is, or an [*OpError] for [ErrClosed]. It yields. It
// panics with a [*coro.UsageError] for [aio.ErrNilFunc] if f is nil.
func (d *Device) Do(self *coro.Self, f func(self *coro.Self) error) error {
	r := d.request(self, OpDo, 0, 0)
	defer r.done()
	if f == nil {
		panic(coro.NewUsageError(self, aio.ErrNilFunc, d.name, "", "asked to do work", "pass Do the function that it is to call"))
	}
	if d.closing {
		return r.result(ErrClosed)
	}
	if _, err := r.admit(); err != nil {
		return r.result(err)
	}
	err := f(self)
	r.returned, r.err = true, err
	return err
}
