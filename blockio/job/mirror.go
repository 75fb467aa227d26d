package job

import (
	"context"
	"fmt"
	"time"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/aio"
)

// A Mode says when a write is on the target of a [Mirror].
type Mode int

// The modes.
const (
	// ModeAuto is passive until all was copied once, and active from then on.
	// A mirror in this mode catches up, however much is written.
	ModeAuto Mode = iota
	// ModePassive has writes go to the source only. What they have changed is
	// copied later; they never wait for the target. A mirror in this mode
	// catches up only if it copies faster than others write.
	ModePassive
	// ModeActive has a write to what is copied already return when it is on
	// both sides; what is not copied yet is left to the crew.
	ModeActive
)

var modes = [...]string{ModeAuto: "auto", ModePassive: "passive", ModeActive: "active"}

// String returns "auto", "passive" or "active".
func (m Mode) String() string {
	if m >= 0 && int(m) < len(modes) {
		return modes[m]
	}
	return fmt.Sprintf("Mode(%d)", int(m))
}

// MarshalText is String as bytes.
func (m Mode) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalText takes what String returns.
func (m *Mode) UnmarshalText(text []byte) error {
	for i, name := range modes {
		if name == string(text) {
			*m = Mode(i)
			return nil
		}
	}
	return fmt.Errorf("job: mode %q: want auto, passive or active", text)
}

// MirrorOptions say how a [Mirror] goes about it. The zero value is fine.
type MirrorOptions struct {
	// Mode is when a write is on the target.
	Mode Mode
	// Coroutines is how many chunks are in flight; 0 is
	// [blockio.DefaultCoroutines]. Of more than that there are no more than
	// chunks, and more than 65536 are refused.
	Coroutines int
	// Chunk is how many bytes one request moves, in whole granules; 0 is
	// [blockio.DefaultChunk], and more than 1 GiB is refused.
	Chunk int
	// Granularity is how many bytes are copied again if one of them is
	// written, a power of two, up to 1 TiB; 0 is [DefaultGranularity], at most
	// a chunk, or what keeps the [Bitmap] below 8 MiB.
	Granularity int
	// Rate is how many bytes a second the crew copies at most, holes among
	// them, by the loop's clock; 0 is no limit. Active writes are not limited.
	Rate int64
	// Context, unless nil, cancels the mirror when it is done, with its cause.
	Context context.Context
	// Progress, unless nil, is told how far it is after each chunk. It is called
	// on the loop and must not block.
	Progress func(MirrorStatus)
}

// A MirrorStatus tells how far a [Mirror] is.
type MirrorStatus struct {
	// Size is that of the devices.
	Size int64
	// Remaining is how many bytes are not the same on both sides, or not known
	// to be, in whole granules.
	Remaining int64
	// Moved is what the crew has done.
	Moved
	// Written is how many bytes others have written, zeroed or discarded on
	// the source meanwhile, Both how many of these were written to both
	// sides.
	Written, Both int64
	// Active says that writes are written to both sides now.
	Active bool
	// Ready is what [Mirror.Ready] returns.
	Ready bool
	// Pause is for how long requests of the source were held when the mirror
	// ended, by the loop's clock, after those in flight were done.
	Pause time.Duration
}

// A Mirror copies a device to another while it is in use, and keeps up with what
// is written. Make one with [StartMirror]. Its methods belong to the loop of its
// devices; those that take a self may yield, and any coroutine may call them.
type Mirror struct {
	job
	mode          Mode
	active        bool
	written, both int64
	pause         time.Duration
}

// StartMirror begins to copy all of src to dst, which has the same size, while src
// is in use, and returns when the copying has begun, which waits for a moment in
// which nothing is in flight on src. Nobody else may use dst until the mirror has
// ended.
//
// The mirror runs in tasks that are children of the caller's, and is cancelled
// with it. It ends with [Mirror.Pivot], [Mirror.Stop] or [Mirror.Cancel], when
// src is closed, or if something fails: src is not disturbed by that.
//
// The error is an [*Error]; src is as it was then. It is [ErrBusy] if another job
// copies to dst, or dst to src, and [blockio.ErrSameDevice] also if one of them
// stands on the other.
func StartMirror(self *coro.Self, src, dst *blockio.Device, o MirrorOptions) (*Mirror, error) {
	m := &Mirror{mode: o.Mode, active: o.Mode == ModeActive}
	m.job.kind, m.job.src, m.job.dst = "mirror", src, dst
	err := m.prepare(self, options{o.Coroutines, o.Chunk, o.Granularity, o.Rate, o.Context})
	if err == nil && (o.Mode < 0 || int(o.Mode) >= len(modes)) {
		err = fmt.Errorf("mode %d: want ModeAuto, ModePassive or ModeActive", int(o.Mode))
	}
	if o.Progress != nil {
		m.tell = func() { o.Progress(m.Status()) }
	}
	if err == nil {
		err = m.begin(self, o.Context, func(under blockio.Driver) layer {
			return &mirrorFilter{Filter: blockio.Filter{Driver: under}, m: m}
		}, m.work)
	}
	if err != nil {
		return nil, m.failure(err)
	}
	return m, nil
}

// Status tells how far the mirror is. It does not yield.
func (m *Mirror) Status() MirrorStatus {
	return MirrorStatus{
		Size: m.size, Remaining: m.remaining(), Moved: m.moved, Written: m.written, Both: m.both,
		Active: m.active, Ready: m.Ready(), Pause: m.pause,
	}
}

// remaining returns how many bytes are to be copied, or being copied.
func (m *Mirror) remaining() int64 { return m.bits.Bytes() + m.flying }

// Ready reports whether the mirror has caught up: all was copied once, and what is
// left can be copied in a moment. In active mode nothing is left; in passive mode
// at most Coroutines times Chunk bytes, and the answer may be another one
// later. It does not yield.
func (m *Mirror) Ready() bool {
	if m.ended || m.passes == 0 && m.size > 0 {
		return false
	}
	left := int64(0)
	if !m.active {
		left = int64(m.coroutines) * m.chunk
	}
	return m.remaining() <= left
}

// WaitReady waits until the mirror has caught up. Its error is that of
// [Mirror.Wait], or [ErrEnded], if the mirror ends before.
func (m *Mirror) WaitReady(self *coro.Self) error {
	for !m.Ready() {
		if m.ended {
			m.leave(self)
			return m.over()
		}
		m.stir.Wait(self, nil)
	}
	return nil
}

// Wait waits for the end of the mirror. It returns nil if that was a Pivot or a
// Stop, else an [*Error].
func (m *Mirror) Wait(self *coro.Self) error { return m.wait(self) }

// Cancel ends the mirror, if it has not ended yet, and waits until its filter is
// off the source. The target is no copy then, and Wait's error is [ErrCancelled].
func (m *Mirror) Cancel(self *coro.Self) { m.cancel(self) }

// over says that the mirror is.
func (m *Mirror) over() error {
	if m.err != nil {
		return m.failure(m.err)
	}
	return m.failure(ErrEnded)
}

// Ended reports whether the mirror is over, or about to be. It does not yield.
func (m *Mirror) Ended() bool { return m.ended }

// Activate changes to active mode, for a mirror that does not catch up.
func (m *Mirror) Activate() { m.active = true }

// Pivot ends the mirror, and has the source stand on the target's driver from then
// on, without losing a write: it waits until the mirror has caught up, drains the
// source, copies what is left, flushes the target, and exchanges the drivers of
// the two devices. So the target's device stands on the source's driver then, for
// the caller to look at or close.
//
// If something fails, or the target has another size by now, the mirror fails, and
// both devices keep their drivers. A
// Pivot that is killed, or that has an error for [ErrBusy] because another job
// has put a filter on or below the source's, leaves the mirror as it was.
func (m *Mirror) Pivot(self *coro.Self) error {
	return m.conclude(self, func(self *coro.Self, old blockio.Driver) (blockio.Driver, error) {
		under := skip(m.top.under())
		if _, busy := under.(layer); busy || old != m.top {
			return nil, fmt.Errorf("pivot: %w", ErrBusy)
		}
		if err := m.complete(self); err != nil {
			return nil, err
		}
		var target blockio.Driver
		err := m.dst.Replace(self, func(_ *coro.Self, old blockio.Driver) (blockio.Driver, error) {
			target = old
			return under, nil
		})
		return target, err
	})
}

// Stop ends the mirror when it has caught up: it drains the source, copies what is
// left and flushes the target, which is a copy of the source at that moment. If
// something fails, or the target has another size by now, the mirror fails. A Stop
// that is killed leaves the mirror as it was.
//
// To have copies of several devices at the same moment, wait until all mirrors
// are ready, drain all sources, and stop all mirrors before the drained sections
// end. Who has drained the source does not wait there, but copies what is left.
// If one of the stops fails, the others are to be cancelled: a mirror goes on
// until it is ended, and so does the task that started it.
func (m *Mirror) Stop(self *coro.Self) error {
	return m.conclude(self, func(self *coro.Self, old blockio.Driver) (blockio.Driver, error) {
		return old, m.complete(self)
	})
}

// conclude ends the mirror in a drained section, in which do says what the source
// stands on from then on.
func (m *Mirror) conclude(self *coro.Self, do func(self *coro.Self, old blockio.Driver) (blockio.Driver, error)) error {
	if !m.src.Drained(self) { // else the crew is held, and all is copied here
		if err := m.WaitReady(self); err != nil {
			return err
		}
		// Flushed now, there is little to flush while everybody waits.
		if err := m.dst.Flush(self); err != nil {
			m.end(self, err)
		}
	}
	var why error // rather than that of Replace, which says less
	err := m.src.Replace(self, func(self *coro.Self, old blockio.Driver) (driver blockio.Driver, _ error) {
		if m.ended {
			why = m.over()
			return nil, why
		}
		begin := m.loop.Now()
		driver, why = do(self, old)
		m.pause = m.loop.Now().Sub(begin)
		if why != nil {
			return nil, why
		}
		m.end(self, nil)
		m.removed = true // or, below another filter, left to that
		return skip(driver), nil
	})
	if m.ended {
		m.leave(self)
	}
	if why != nil {
		err = why
	}
	return m.failure(err)
}

// complete copies what is left, while the source is drained. If it fails, so does
// the mirror.
func (m *Mirror) complete(self *coro.Self) error {
	g := aio.Group{FailFast: true}
	for range m.coroutines {
		g.Go(self, func(self *coro.Self) error {
			for !m.ended {
				r, ok := m.next()
				if !ok {
					break
				}
				if err := m.copy(self, r); err != nil {
					return err
				}
			}
			return nil
		})
	}
	err := g.Wait(self)
	if err == nil {
		err = m.flush(self)
	}
	if err != nil {
		m.end(self, err)
	}
	return err
}
