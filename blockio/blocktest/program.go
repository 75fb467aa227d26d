package blocktest

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/aio"
)

// A program is a random use of one device.
type program struct {
	t        testing.TB
	d        *blockio.Device
	checked  *Checked
	model    Model
	rng      *rand.Rand
	requests int
	size     int64            // at first
	errors   func(error) bool // those that are expected, nil if none
}

func newProgram(t testing.TB, d *blockio.Device, c *Checked, seed uint64, requests int) *program {
	return &program{t: t, d: d, checked: c, rng: rand.New(rand.NewPCG(seed, 2)), requests: requests, size: d.Size()}
}

// run has workers do requests, disturbs them, and looks at what is left.
func (p *program) run(self *coro.Self, workers int) error {
	for round := range 3 {
		var tasks []*aio.Task
		for range workers {
			tasks = append(tasks, aio.Go(self, p.work))
		}
		disturber := aio.Go(self, func(self *coro.Self) error { return p.disturb(self, tasks) })
		for _, t := range append(tasks, disturber) {
			if err := t.Wait(self); err != nil && !errors.Is(err, errKilled) {
				return fmt.Errorf("round %d: %w", round, err)
			}
		}
		if n := p.d.Stats().InFlight; n != 0 {
			return fmt.Errorf("round %d: %d requests in flight, and nobody is there", round, n)
		}
		if err := p.compare(self); err != nil {
			return fmt.Errorf("round %d, at its end: %w", round, err)
		}
	}
	return nil
}

// errKilled is the error of a worker that was killed.
var errKilled = errors.New("killed by the test")

// work is one worker.
func (p *program) work(self *coro.Self) error {
	for range p.requests {
		if err := p.request(self); err != nil && !p.expected(err) {
			return err
		}
		if p.rng.IntN(4) == 0 {
			aio.Yield(self)
		}
	}
	return nil
}

// expected reports whether err is one that a request may have here.
func (p *program) expected(err error) bool { return err != nil && p.errors != nil && p.errors(err) }

// disturb drains, resizes and kills while the workers work.
func (p *program) disturb(self *coro.Self, tasks []*aio.Task) error {
	for range 6 {
		for range p.rng.IntN(40) {
			aio.Yield(self)
		}
		if p.rng.IntN(3) == 0 {
			tasks[p.rng.IntN(len(tasks))].Cancel(errKilled)
			continue
		}
		if err := p.drained(self); err != nil {
			return fmt.Errorf("in a drained section: %w", err)
		}
	}
	return nil
}

// drained looks at the device while nobody else can use it.
func (p *program) drained(self *coro.Self) error {
	p.d.DrainedBegin(self)
	defer p.d.DrainedEnd(self)
	for range p.rng.IntN(8) {
		if n := p.d.Stats().InFlight; n != 0 {
			return fmt.Errorf("%d requests in flight", n)
		}
		if n := p.checked.InFlight(); n != 0 {
			return fmt.Errorf("%d calls of the driver under way", n)
		}
		aio.Yield(self)
	}
	switch p.rng.IntN(3) {
	case 0:
		return p.compare(self)
	case 1:
		return p.resize(self)
	}
	return nil
}

func (p *program) resize(self *coro.Self) error {
	n := p.size/2 + p.rng.Int64N(p.size)
	old := p.d.Size()
	err := p.d.Resize(self, n)
	switch {
	case errors.Is(err, blockio.ErrNotSupported):
		return nil
	case p.expected(err) && p.d.Size() == old:
		if n < old { // what was to be cut off may have been cleared
			p.model.Zero(n, far-n).Abort()
		}
		return nil
	case err != nil:
		return err
	case p.d.Size() != n:
		return fmt.Errorf("the size is %d after a Resize to %d", p.d.Size(), n)
	case n < old:
		p.model.Zero(n, far-n).End()
	}
	return nil
}

// compare reads all of the device.
func (p *program) compare(self *coro.Self) error {
	buf := make([]byte, p.d.Size())
	for try := 1; ; try++ {
		r := p.model.Read(0, p.d.Size())
		err := p.d.ReadAt(self, buf, 0)
		if err == nil {
			return r.End(buf)
		}
		r.Abort()
		if try == 100 || !p.expected(err) {
			return err
		}
	}
}

// pick chooses a range: often small, often near the same places, often aligned.
func (p *program) pick() (off, n int64) {
	size := p.d.Size()
	n = p.rng.Int64N(1 << p.rng.IntN(16))
	if p.rng.IntN(16) == 0 {
		n = p.rng.Int64N(size)
	}
	n = min(n, size)
	off = p.rng.Int64N(size - n + 1)
	switch p.rng.IntN(8) {
	case 0, 1, 2:
		off, n = off&^4095, n&^4095
	case 3, 4:
		off, n = off&^511, n&^511
	case 5:
		off = size - n
	case 6:
		off = min(off%8192, size-n)
	}
	return off, n
}

// bytes returns n bytes at an address that is aligned, or not.
func (p *program) bytes(n int64) []byte {
	return make([]byte, n+8)[p.rng.IntN(2):][:n]
}

// vector cuts b into pieces.
func (p *program) vector(b []byte) [][]byte {
	var v [][]byte
	for len(b) > 0 {
		n := p.rng.IntN(len(b) + 1)
		if p.rng.IntN(2) == 0 {
			n = min(n&^511+512, len(b))
		}
		v = append(v, b[:n:n])
		b = b[n:]
	}
	return v
}

// request does one request at random. It is unwound at any point if the worker
// is killed, and then tells the model so.
func (p *program) request(self *coro.Self) error {
	off, n := p.pick()
	switch k := p.rng.IntN(20); {
	case k < 7:
		return p.read(self, off, n, k < 2)
	case k < 14:
		return p.write(self, off, n, k < 9)
	case k < 15:
		if p.rng.IntN(4) == 0 {
			if err := p.d.Writeback(self, off, n); !p.late(err) {
				return err
			}
			return nil
		}
		return p.d.Flush(self)
	case k < 16:
		return p.change(p.model.Discard(off, n), func() error { return p.d.Discard(self, off, n) })
	case k < 18:
		flags := blockio.Flags(p.rng.UintN(8))
		err := p.change(p.model.Zero(off, n), func() error { return p.d.WriteZeroes(self, off, n, flags) })
		if errors.Is(err, blockio.ErrNotSupported) && flags&blockio.NoFallback != 0 {
			return nil
		}
		return err
	case k < 19:
		return p.refused(self)
	}
	return p.status(self, off, n)
}

// late reports whether err is because the device has become too small for the
// request while it was held.
func (p *program) late(err error) bool {
	var e *blockio.OpError
	return errors.As(err, &e) && errors.Is(err, blockio.ErrOutOfRange) && e.Offset+e.Length > p.size/2
}

func (p *program) read(self *coro.Self, off, n int64, vectored bool) error {
	buf := p.bytes(n)
	r := p.model.Read(off, n)
	defer r.Abort()
	var err error
	if vectored {
		err = p.d.ReadVAt(self, p.vector(buf), off)
	} else {
		err = p.d.ReadAt(self, buf, off)
	}
	if p.late(err) {
		return nil
	}
	if err == nil {
		err = r.End(buf)
	}
	if err != nil {
		return fmt.Errorf("reading %d bytes at %d: %w", n, off, err)
	}
	return nil
}

func (p *program) write(self *coro.Self, off, n int64, vectored bool) error {
	buf := p.bytes(n)
	var words [8]byte
	for i := 0; i < len(buf); i += len(words) {
		binary.LittleEndian.PutUint64(words[:], p.rng.Uint64())
		copy(buf[i:], words[:])
	}
	flags := blockio.Flags(p.rng.UintN(2)) // 0 or FUA
	return p.change(p.model.Write(off, buf), func() error {
		before := bytes.Clone(buf)
		defer func() {
			if !bytes.Equal(buf, before) {
				p.t.Errorf("writing %d bytes at %d has changed the buffer", n, off)
			}
		}()
		if vectored {
			return p.d.WriteVAt(self, p.vector(buf), off, flags)
		}
		return p.d.WriteAtFlags(self, buf, off, flags)
	})
}

// change does something that w stands for.
func (p *program) change(w *Write, do func() error) error {
	ended := false
	defer func() {
		if !ended {
			w.Abort()
		}
	}()
	err := do()
	if err == nil {
		w.End()
		ended = true
	}
	if p.late(err) {
		return nil
	}
	return err
}

// refused asks for what cannot be.
func (p *program) refused(self *coro.Self) error {
	size := p.d.Size()
	buf := make([]byte, 10)
	for _, off := range []int64{-1, size - 9, size + 1, 1<<63 - 1, -1 << 63} {
		if err := p.d.ReadAt(self, buf, off); !errors.Is(err, blockio.ErrOutOfRange) {
			return fmt.Errorf("reading 10 bytes at %d of %d gives %w", off, size, err)
		}
		if err := p.d.WriteAt(self, buf, off); !errors.Is(err, blockio.ErrOutOfRange) {
			return fmt.Errorf("writing 10 bytes at %d of %d gives %w", off, size, err)
		}
	}
	return nil
}

// status asks for the status of a range, and compares what is said to be zero.
func (p *program) status(self *coro.Self, off, n int64) error {
	r := p.model.Read(off, n)
	defer r.Abort()
	s, k, err := p.d.BlockStatus(self, off, n)
	switch {
	case p.late(err) || n == 0 && err == nil:
		return nil
	case err != nil:
		return err
	case k < 1 || k > n:
		return fmt.Errorf("the status of %d bytes at %d is of %d bytes", n, off, k)
	case s&blockio.Zero == 0:
		return nil
	}
	r.cut(off + k)
	if err := r.End(make([]byte, k)); err != nil {
		return fmt.Errorf("the status of %d bytes at %d is %v: %w", k, off, s, err)
	}
	return nil
}
