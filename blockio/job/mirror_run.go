package job

import (
	"errors"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/coro"
)

// work is one member of the crew: it copies what is to be copied, and waits for
// more.
func (m *Mirror) work(self *coro.Self) error {
	for !m.ended {
		ok := false
		if m.bits.Bytes() > 0 {
			var err error
			if ok, err = m.do(self, m.next, m.copy); err != nil {
				return err
			}
		}
		if !ok && !m.ended { // nobody has run since it was seen that there is nothing
			m.changed.Wait(self, nil)
		}
	}
	return nil
}

// next is pick, and looks whether that was all.
func (m *Mirror) next() (blockio.Range, bool) {
	r, ok := m.pick()
	if ok && m.passes > 0 {
		m.moved.Again += r.Length
	}
	if _, last := m.bits.Next(m.cursor, 1); !last && m.passes == 0 {
		m.passed() // now, rather than when the next one looks
	}
	m.active = m.active || m.mode == ModeAuto && m.passes > 0
	return r, ok
}

// copy copies a range.
//
// Its bits are cleared before it is read. A write that is done after that marks
// them again, and whatever was read, the range will be copied once more; were
// they cleared after the read, they would be cleared of what was written between.
func (m *Mirror) copy(self *coro.Self, r blockio.Range) error {
	if !clearLate {
		m.bits.Clear(r.Start, r.Length)
	}
	m.flying += r.Length
	c := m.claims.take(r.Start, r.End(), true)
	done := false
	defer func() {
		m.flying -= r.Length
		m.claims.release(self, c)
		if !done {
			m.bits.Set(r.Start, r.Length)
		}
		m.moves(self)
	}()
	m.changed.Next(self) // there may be more for others
	m.claims.await(self, c)
	err := m.move(self, r)
	if clearLate {
		m.bits.Clear(r.Start, r.Length)
	}
	done = err == nil
	return err
}

// clearLate is a bug that tests plant, to see that they find it.
var clearLate bool

// moves is called when what remains has changed.
func (m *Mirror) moves(self *coro.Self) {
	if m.ended {
		return
	}
	if m.bits.Bytes() > 0 {
		m.changed.Next(self)
	}
	if m.Ready() {
		m.stir.RestartAll(self)
	}
	if m.tell != nil {
		m.tell()
	}
}

// marks has a range copied again.
func (m *Mirror) marks(self *coro.Self, off, n int64) {
	if m.ended {
		return
	}
	m.bits.Set(off, n)
	m.changed.Next(self)
}

// change is what a write to the source goes through. local does it there, remote,
// unless nil, on the target.
func (m *Mirror) change(self *coro.Self, off, n int64, local, remote func() error) (err error) {
	if m.ended {
		return local()
	}
	n = m.clip(off, n)
	m.written += n
	if !m.active || remote == nil {
		// Marked when it is done: marked before, it could be copied before.
		// It may have changed something also if it fails or is killed.
		err = errUnknown
		defer func() {
			if !errors.Is(err, blockio.ErrNotSupported) {
				m.marks(self, off, n)
			}
		}()
		return local()
	}
	return m.write(self, off, n, local, remote)
}

// errUnknown stands for what a write that is unwound would have returned.
var errUnknown = errors.New("unwound")

// write writes to both sides. Of two writes that overlap one waits for the other,
// for else either side could end with another one's data; and nobody copies the
// range meanwhile.
func (m *Mirror) write(self *coro.Self, off, n int64, local, remote func() error) error {
	c := m.claims.take(off, off+n, false)
	same := true
	defer func() {
		if !same {
			m.marks(self, off, n)
		}
		m.claims.release(self, c)
	}()
	m.claims.await(self, c)
	same = false
	err := local()
	switch {
	case errors.Is(err, blockio.ErrNotSupported):
		same = true // and nothing was changed
		return err
	case err != nil || m.ended:
		return err
	case m.bits.All(off, n):
		return nil // all of it is to be copied yet
	}
	if err := remote(); err != nil {
		m.end(self, err) // which is not the business of who writes
		return nil
	}
	m.both += n
	same = true
	return nil
}
