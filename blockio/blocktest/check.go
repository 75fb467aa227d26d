package blocktest

import (
	"bytes"
	"errors"
	"hash/maphash"
	"math/rand/v2"
	"slices"
	"testing"
	"unsafe"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/aio"
)

// Check returns a driver that passes calls on to inner, and fails t where the
// Device makes a call that the contract does not allow, or inner does something
// it must not: change the memory of a write, write into that of a read after it has
// returned, change a list of pieces, give other than zeroes behind its size, change
// its size by itself. It panics if inner is nil.
//
// If seed is not 0, it also yields at random around the calls, and does large
// ones in two halves.
func Check(t testing.TB, inner blockio.Driver, seed uint64) *Checked {
	if inner == nil {
		panic("blocktest: Check: the driver is nil")
	}
	c := &Checked{t: t, inner: inner, limits: inner.Limits(), size: inner.Size()}
	if seed != 0 {
		c.rng = rand.New(rand.NewPCG(seed, 1))
	}
	return c
}

// A Checked is a driver that checks; see [Check].
type Checked struct {
	t        testing.TB
	inner    blockio.Driver
	limits   blockio.Limits
	size     int64
	rng      *rand.Rand
	inFlight int
	flushes  int
	closed   bool
	lent     []lent
}

// hashSeed is for comparing memory before and after a call.
var hashSeed = maphash.MakeSeed()

// InFlight returns how many calls go on.
func (c *Checked) InFlight() int { return c.inFlight }

// Inner returns the driver that is checked.
func (c *Checked) Inner() blockio.Driver { return c.inner }

// Size returns the size of the driver.
func (c *Checked) Size() int64 { return c.inner.Size() }

// Limits returns those of the driver.
func (c *Checked) Limits() blockio.Limits { return c.limits }

// String returns "checked" and what the driver says.
func (c *Checked) String() string { return "checked " + c.inner.String() }

// Children returns the driver.
func (c *Checked) Children() []blockio.Child {
	return []blockio.Child{{Role: "checked", Driver: c.inner}}
}

// enter is called at the begin of every call; what it returns at its end.
func (c *Checked) enter(self *coro.Self, op string, changes bool) (leave func()) {
	c.t.Helper()
	if c.closed {
		c.t.Errorf("%s after Close", op)
	}
	if changes && c.limits.ReadOnly {
		c.t.Errorf("%s of a read-only driver", op)
	}
	if got := c.inner.Size(); got != c.size {
		c.t.Errorf("the size is %d without a Resize, it was %d", got, c.size)
	}
	c.inFlight++
	return func() { c.inFlight-- }
}

// jitter yields, at random.
func (c *Checked) jitter(self *coro.Self) {
	if c.rng != nil && self.InCoroutine() && c.rng.IntN(2) == 0 {
		aio.Yield(self)
	}
}

// checkRange checks offset and length.
func (c *Checked) checkRange(op string, off, n, most int64) {
	c.t.Helper()
	a := int64(max(c.limits.Alignment, 1))
	padded := (c.size + a - 1) / a * a
	switch {
	case n <= 0 || off < 0 || off > padded-n:
		c.t.Errorf("%s of %d bytes at %d: the size is %d", op, n, off, c.size)
	case off%a != 0 || n%a != 0:
		c.t.Errorf("%s of %d bytes at %d: not aligned to %d", op, n, off, a)
	case most > 0 && n > most:
		c.t.Errorf("%s of %d bytes at %d: more than %d", op, n, off, most)
	}
}

// checkMemory checks a buffer.
func (c *Checked) checkMemory(op string, p []byte) {
	c.t.Helper()
	if a := uintptr(max(c.limits.MemoryAlignment, 1)); uintptr(unsafe.Pointer(unsafe.SliceData(p)))%a != 0 {
		c.t.Errorf("%s: the buffer is not aligned to %d", op, a)
	}
}

// checkFlags checks the flags of a write.
func (c *Checked) checkFlags(op string, flags, known blockio.Flags) {
	c.t.Helper()
	if flags&^known != 0 {
		c.t.Errorf("%s with flags %v", op, flags)
	}
	if flags&blockio.FUA != 0 && !c.limits.FUA {
		c.t.Errorf("%s with FUA, which the driver does not know", op)
	}
}

// padding returns what of p, which begins at off, lies behind the size.
func (c *Checked) padding(p []byte, off int64) []byte {
	return p[min(max(0, c.size-off), int64(len(p))):]
}

// ReadAt checks and passes on.
func (c *Checked) ReadAt(self *coro.Self, p []byte, off int64) error {
	defer c.enter(self, "ReadAt", false)()
	c.jitter(self)
	c.checkRange("ReadAt", off, int64(len(p)), int64(c.limits.MaxTransfer))
	c.checkMemory("ReadAt", p)
	b := c.lend(p)
	defer c.takeBack("ReadAt", b, off)
	err := c.halves(self, len(p), func(i, j int) error {
		return c.inner.ReadAt(self, b[i:j:j], off+int64(i))
	})
	copy(p, b)
	if err == nil && len(bytes.Trim(c.padding(p, off), "\x00")) > 0 {
		c.t.Errorf("ReadAt of %d bytes at %d gives more than zeroes behind the size, %d", len(p), off, c.size)
	}
	return err
}

// WriteAt checks and passes on.
func (c *Checked) WriteAt(self *coro.Self, p []byte, off int64, flags blockio.Flags) error {
	defer c.enter(self, "WriteAt", true)()
	c.jitter(self)
	c.checkRange("WriteAt", off, int64(len(p)), int64(c.limits.MaxTransfer))
	c.checkMemory("WriteAt", p)
	c.checkFlags("WriteAt", flags, blockio.FUA)
	if len(bytes.Trim(c.padding(p, off), "\x00")) > 0 {
		c.t.Errorf("WriteAt of %d bytes at %d has more than zeroes behind the size, %d", len(p), off, c.size)
	}
	before := maphash.Bytes(hashSeed, p)
	err := c.halves(self, len(p), func(i, j int) error {
		return c.inner.WriteAt(self, p[i:j:j], off+int64(i), flags)
	})
	if maphash.Bytes(hashSeed, p) != before {
		c.t.Errorf("the memory of WriteAt of %d bytes at %d has changed meanwhile", len(p), off)
	}
	return err
}

// halves does a call in one or two parts, with a chance for others between.
func (c *Checked) halves(self *coro.Self, n int, do func(i, j int) error) error {
	a := max(c.limits.Alignment, c.limits.MemoryAlignment, 1)
	half := n / 2 / a * a
	if c.rng == nil || half == 0 || c.rng.IntN(2) == 0 {
		err := do(0, n)
		c.jitter(self)
		return err
	}
	if err := do(0, half); err != nil {
		return err
	}
	c.jitter(self)
	return do(half, n)
}

// ReadVAt checks and passes on, piece by piece if the driver takes no vectors.
func (c *Checked) ReadVAt(self *coro.Self, v [][]byte, off int64) error {
	defer c.enter(self, "ReadVAt", false)()
	c.jitter(self)
	c.checkVector("ReadVAt", v, off)
	if d, ok := c.inner.(blockio.VectorDriver); ok {
		lent := make([][]byte, len(v))
		for i, p := range v {
			lent[i] = c.lend(p)
			defer c.takeBack("ReadVAt", lent[i], off)
		}
		list := slices.Clone(lent)
		err := d.ReadVAt(self, list, off)
		c.checkList("ReadVAt", list, lent)
		for i, p := range v {
			copy(p, lent[i])
		}
		c.jitter(self)
		return err
	}
	for _, p := range v {
		if err := c.inner.ReadAt(self, p, off); err != nil {
			return err
		}
		off += int64(len(p))
	}
	return nil
}

// WriteVAt checks and passes on, piece by piece if the driver takes no vectors.
func (c *Checked) WriteVAt(self *coro.Self, v [][]byte, off int64, flags blockio.Flags) error {
	defer c.enter(self, "WriteVAt", true)()
	c.jitter(self)
	c.checkVector("WriteVAt", v, off)
	c.checkFlags("WriteVAt", flags, blockio.FUA)
	if d, ok := c.inner.(blockio.VectorDriver); ok {
		list := slices.Clone(v)
		err := d.WriteVAt(self, list, off, flags)
		c.checkList("WriteVAt", list, v)
		c.jitter(self)
		return err
	}
	for _, p := range v {
		if err := c.inner.WriteAt(self, p, off, flags); err != nil {
			return err
		}
		off += int64(len(p))
	}
	return nil
}

func (c *Checked) checkVector(op string, v [][]byte, off int64) {
	c.t.Helper()
	n := int64(0)
	for _, p := range v {
		c.checkRange(op+", a piece", off+n, int64(len(p)), 0)
		c.checkMemory(op, p)
		n += int64(len(p))
	}
	c.checkRange(op, off, n, int64(c.limits.MaxTransfer))
	if c.limits.MaxPieces > 0 && len(v) > c.limits.MaxPieces {
		c.t.Errorf("%s of %d pieces: more than %d", op, len(v), c.limits.MaxPieces)
	}
}

// Flush checks and passes on.
func (c *Checked) Flush(self *coro.Self) error {
	if c.flushes++; c.flushes > 1 {
		c.t.Errorf("Flush while another is under way")
	}
	defer func() { c.flushes-- }()
	defer c.enter(self, "Flush", false)()
	c.jitter(self)
	err := c.inner.Flush(self)
	c.jitter(self)
	return err
}

// Discard checks and passes on, if the driver can.
func (c *Checked) Discard(self *coro.Self, off, n int64) error {
	defer c.enter(self, "Discard", true)()
	c.jitter(self)
	c.checkRange("Discard", off, n, c.limits.MaxDiscard)
	if a := int64(max(c.limits.DiscardAlignment, 1)); off%a != 0 || n%a != 0 && off+n < c.size {
		c.t.Errorf("Discard of %d bytes at %d: not aligned to %d", n, off, a)
	}
	if d, ok := c.inner.(blockio.Discarder); ok {
		return d.Discard(self, off, n)
	}
	return blockio.ErrNotSupported
}

// WriteZeroes checks and passes on, if the driver can.
func (c *Checked) WriteZeroes(self *coro.Self, off, n int64, flags blockio.Flags) error {
	defer c.enter(self, "WriteZeroes", true)()
	c.jitter(self)
	c.checkRange("WriteZeroes", off, n, c.limits.MaxDiscard)
	c.checkFlags("WriteZeroes", flags, blockio.FUA|blockio.MayUnmap|blockio.NoFallback)
	if d, ok := c.inner.(blockio.ZeroWriter); ok {
		return d.WriteZeroes(self, off, n, flags)
	}
	return blockio.ErrNotSupported
}

// BlockStatus checks and passes on; without it, all is data.
func (c *Checked) BlockStatus(self *coro.Self, off, n int64) (blockio.Status, int64, error) {
	defer c.enter(self, "BlockStatus", false)()
	c.jitter(self)
	if n <= 0 || off < 0 || off > c.size-n {
		c.t.Errorf("BlockStatus of %d bytes at %d: the size is %d", n, off, c.size)
	}
	if d, ok := c.inner.(blockio.StatusReporter); ok {
		return d.BlockStatus(self, off, n)
	}
	return blockio.Data, n, nil
}

// Writeback checks and passes on, if the driver can.
func (c *Checked) Writeback(self *coro.Self, off, n int64) error {
	defer c.enter(self, "Writeback", false)()
	c.jitter(self)
	if n <= 0 || off < 0 || off > c.size-n {
		c.t.Errorf("Writeback of %d bytes at %d: the size is %d", n, off, c.size)
	}
	if d, ok := c.inner.(blockio.Writebacker); ok {
		return d.Writeback(self, off, n)
	}
	return blockio.ErrNotSupported
}

// Resize checks and passes on, if the driver can.
func (c *Checked) Resize(self *coro.Self, n int64) error {
	defer c.enter(self, "Resize", true)()
	c.jitter(self)
	if n < 0 {
		c.t.Errorf("Resize to %d", n)
	}
	d, ok := c.inner.(blockio.Resizer)
	if !ok {
		return blockio.ErrNotSupported
	}
	err := d.Resize(self, n)
	c.size = c.inner.Size()
	if err == nil && c.size != n {
		c.t.Errorf("the size is %d after a Resize to %d", c.size, n)
	}
	return err
}

// Close checks and passes on.
func (c *Checked) Close(self *coro.Self) error {
	if c.closed {
		c.t.Errorf("Close after Close")
	}
	if c.inFlight > 0 {
		c.t.Errorf("Close with %d calls under way", c.inFlight)
	}
	c.closed = true
	for _, l := range c.lent {
		c.inspect(l)
	}
	c.lent = nil
	return errors.Join(c.inner.Close(self))
}
