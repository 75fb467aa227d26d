package fault

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"syscall"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/aio"
)

// A Driver is a filter that has requests go wrong. Make one with [New].
type Driver struct {
	blockio.Filter
	rules  []*active
	points map[string]*point
	events []Event
}

// An active rule is one in use.
type active struct {
	Rule
	matches int
	fired   int
	rng     *rand.Rand
}

// New makes a filter on top of below, which it closes. The error is [ErrRule]:
// one of the rules makes no sense. It panics if below is nil.
func New(below blockio.Driver, rules ...Rule) (*Driver, error) {
	if below == nil {
		panic("fault: New with a nil Driver")
	}
	d := &Driver{Filter: blockio.Filter{Driver: below}, points: map[string]*point{}}
	for _, r := range rules {
		if err := d.Add(r); err != nil {
			return nil, err
		}
	}
	return d, nil
}

// Add adds a rule behind those that there are; it counts from now on.
func (d *Driver) Add(r Rule) error {
	if err := r.check(); err != nil {
		return fmt.Errorf("fault: %w: rule %d: %w", ErrRule, len(d.rules), err)
	}
	d.rules = append(d.rules, &active{Rule: r, rng: rand.New(rand.NewPCG(r.Seed, 0x6661756c74))})
	if r.Break != "" && d.points[r.Break] == nil {
		d.points[r.Break] = newPoint(r.Break)
	}
	return nil
}

// Clear has nothing go wrong any more: it forgets the rules, and lets go what
// breakpoints hold. Events are kept. It does not yield.
func (d *Driver) Clear(self *coro.Self) {
	d.rules = nil
	for name := range d.points {
		d.Remove(self, name)
	}
}

// String returns "fault" and the rules.
func (d *Driver) String() string {
	s := "fault"
	for _, r := range d.rules {
		s += " " + r.String()
	}
	return s
}

// ErrInjected is what every error is that a rule has made.
var ErrInjected = errors.New("injected by a rule")

// An Error is the error of a request that a rule had fail. It is [ErrInjected]
// and the errno, for errors.Is.
type Error struct {
	// Rule is the rule.
	Rule Rule
	// Errno is its errno.
	Errno syscall.Errno
}

// Error names the errno and the rule: "input/output error (write:n=3:errno=EIO)".
func (e *Error) Error() string { return e.Errno.Error() + " (" + e.Rule.String() + ")" }

// Unwrap returns ErrInjected and the errno.
func (e *Error) Unwrap() []error { return []error{ErrInjected, e.Errno} }

// fires reports whether the rule fires for the request that it has just counted.
func (r *active) fires() bool {
	m := r.matches
	switch {
	case r.N != 0 && m != r.N, r.Every != 0 && m%r.Every != 0, m < r.From, r.Times != 0 && r.fired >= r.Times:
		return false
	case r.P != 0 && r.rng.Float64() >= r.P:
		return false
	}
	r.fired++
	return true
}

// hit has the rules look at a request. It returns how many bytes are to be done,
// and the error that is to be returned then.
func (d *Driver) hit(self *coro.Self, op blockio.Op, off, n int64) (part int64, err error) {
	// All rules count it, and all is decided, before anything yields: so what
	// fires depends on the order of requests, and not on how long they take.
	var fired []*active
	ends := false
	for i, r := range d.rules {
		if !r.about(op, off, n) {
			continue
		}
		r.matches++
		if !ends && r.fires() {
			d.note(Event{Rule: i, Match: r.matches, Op: op, Offset: off, Length: n})
			fired = append(fired, r)
			ends = r.Errno != 0
		}
	}
	for _, r := range fired {
		if r.Delay > 0 {
			aio.Sleep(self, r.Delay)
		}
		if p := d.points[r.Break]; p != nil {
			p.hold(self)
		}
		if r.Errno != 0 {
			a := int64(max(d.Limits().Alignment, 1))
			return min(r.Part, n) / a * a, &Error{Rule: r.Rule, Errno: r.Errno}
		}
	}
	return n, nil
}

// ReadAt reads, if no rule is against it.
func (d *Driver) ReadAt(self *coro.Self, p []byte, off int64) error {
	part, fault := d.hit(self, blockio.OpRead, off, int64(len(p)))
	return d.do(part, fault, func() error { return d.Filter.ReadAt(self, p[:part], off) })
}

// WriteAt writes, if no rule is against it.
func (d *Driver) WriteAt(self *coro.Self, p []byte, off int64, flags blockio.Flags) error {
	part, fault := d.hit(self, blockio.OpWrite, off, int64(len(p)))
	return d.do(part, fault, func() error { return d.Filter.WriteAt(self, p[:part], off, flags) })
}

// ReadVAt reads, if no rule is against it.
func (d *Driver) ReadVAt(self *coro.Self, v [][]byte, off int64) error {
	part, fault := d.hit(self, blockio.OpRead, off, length(v))
	return d.do(part, fault, func() error { return d.Filter.ReadVAt(self, head(v, part), off) })
}

// WriteVAt writes, if no rule is against it.
func (d *Driver) WriteVAt(self *coro.Self, v [][]byte, off int64, flags blockio.Flags) error {
	part, fault := d.hit(self, blockio.OpWrite, off, length(v))
	return d.do(part, fault, func() error { return d.Filter.WriteVAt(self, head(v, part), off, flags) })
}

// WriteZeroes writes zeroes, if no rule is against it.
func (d *Driver) WriteZeroes(self *coro.Self, off, n int64, flags blockio.Flags) error {
	part, fault := d.hit(self, blockio.OpZeroes, off, n)
	return d.do(part, fault, func() error { return d.Filter.WriteZeroes(self, off, part, flags) })
}

// Discard discards, if no rule is against it.
func (d *Driver) Discard(self *coro.Self, off, n int64) error {
	if _, fault := d.hit(self, blockio.OpDiscard, off, n); fault != nil {
		return fault
	}
	return d.Filter.Discard(self, off, n)
}

// BlockStatus asks, if no rule is against it.
func (d *Driver) BlockStatus(self *coro.Self, off, n int64) (blockio.Status, int64, error) {
	if _, fault := d.hit(self, blockio.OpStatus, off, n); fault != nil {
		return 0, 0, fault
	}
	return d.Filter.BlockStatus(self, off, n)
}

// Resize resizes, if no rule is against it.
func (d *Driver) Resize(self *coro.Self, n int64) error {
	if _, fault := d.hit(self, blockio.OpResize, 0, n); fault != nil {
		return fault
	}
	return d.Filter.Resize(self, n)
}

// Flush flushes, if no rule is against it.
func (d *Driver) Flush(self *coro.Self) error {
	if _, fault := d.hit(self, blockio.OpFlush, 0, 0); fault != nil {
		return fault
	}
	return d.Filter.Flush(self)
}

// do does the part of a request that a fault has left, and returns the fault; if
// the part itself fails, that.
func (d *Driver) do(part int64, fault error, call func() error) error {
	if part > 0 {
		if err := call(); err != nil {
			return err
		}
	}
	return fault
}

func length(v [][]byte) (n int64) {
	for _, p := range v {
		n += int64(len(p))
	}
	return n
}

// head returns the first n bytes of v.
func head(v [][]byte, n int64) [][]byte {
	var h [][]byte
	for _, p := range v {
		if n <= 0 {
			break
		}
		p = p[:min(int64(len(p)), n)]
		h = append(h, p)
		n -= int64(len(p))
	}
	return h
}
