package blocktest_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/blockio/blocktest"
	"github.com/gohandoff/coroutine/blockio/mem"
	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/aio"
)

// attempts runs the suite with some seeds until it finds something, and returns
// what.
func attempts(t *testing.T, open func(self *coro.Self) blockio.Driver) string {
	r := &recorder{TB: t}
	for seed := uint64(1); seed < 10 && len(r.failures) == 0; seed++ {
		blocktest.Attempt(r, seed, 64<<10, open)
	}
	return strings.Join(r.failures, "\n")
}

func wantFound(t *testing.T, found, want string) {
	t.Helper()
	if !strings.Contains(found, want) {
		t.Errorf("got failures %q, want %q among them", found, want)
	}
}

// A scribbler goes on to write into the buffer of a read that has returned.
type scribbler struct{ *mem.Driver }

func (s scribbler) ReadAt(self *coro.Self, p []byte, off int64) error {
	aio.LoopOf(self).Go(func(self *coro.Self) error {
		aio.Yield(self)
		return s.Driver.ReadAt(self, p, off)
	})
	return s.Driver.ReadAt(self, p, off)
}

func (s scribbler) ReadVAt(self *coro.Self, v [][]byte, off int64) error {
	v = slices.Clone(v)
	aio.LoopOf(self).Go(func(self *coro.Self) error {
		aio.Yield(self)
		return s.Driver.ReadVAt(self, v, off)
	})
	return s.Driver.ReadVAt(self, v, off)
}

// An eater leaves nothing of the lists of pieces that it gets.
type eater struct{ *mem.Driver }

func (e eater) WriteVAt(self *coro.Self, v [][]byte, off int64, flags blockio.Flags) error {
	defer clear(v)
	return e.Driver.WriteVAt(self, v, off, flags)
}

func TestWhatIsDoneToBuffersIsFound(t *testing.T) {
	l := blockio.Limits{Alignment: 512, MemoryAlignment: 64}
	found := attempts(t, func(*coro.Self) blockio.Driver { return scribbler{mem.New(64<<10, mem.WithLimits(l))} })
	wantFound(t, found, "ReadAt of ")
	wantFound(t, found, "has written into the buffer after it had returned")
	found = attempts(t, func(*coro.Self) blockio.Driver { return eater{mem.New(64<<10, mem.WithLimits(l))} })
	wantFound(t, found, "WriteVAt has changed the list of pieces that it was given: piece 0 had ")
}

// A hanger takes a lock by asking again and again, and does not let go of it when
// it is killed.
type hanger struct {
	*mem.Driver
	locked bool
}

func (h *hanger) WriteAt(self *coro.Self, p []byte, off int64, flags blockio.Flags) error {
	for h.locked {
		aio.Sleep(self, time.Millisecond)
	}
	h.locked = true
	aio.Sleep(self, time.Millisecond)
	err := h.Driver.WriteAt(self, p, off, flags)
	h.locked = false
	return err
}

func (h *hanger) WriteVAt(self *coro.Self, v [][]byte, off int64, flags blockio.Flags) error {
	return h.WriteAt(self, slices.Concat(v...), off, flags)
}

// limited is a test that must soon be over.
type limited struct {
	*recorder
	deadline time.Time
}

func (l limited) Deadline() (time.Time, bool) { return l.deadline, true }

func TestDriverThatGoesRoundForEverIsTold(t *testing.T) {
	r := &recorder{TB: t}
	for seed := uint64(1); seed < 20 && len(r.failures) == 0; seed++ {
		l := limited{r, time.Now().Add(1500 * time.Millisecond)}
		blocktest.Attempt(l, seed, 64<<10, func(*coro.Self) blockio.Driver { return &hanger{Driver: mem.New(64 << 10)} })
	}
	found := strings.Join(r.failures, "\n")
	wantFound(t, found, "it does not end:\nloop ")
	wantFound(t, found, "(blocktest_test.(*hanger).WriteAt)")
}

func TestWhatCannotBeTestedIsTold(t *testing.T) {
	wantFound(t, attempts(t, func(*coro.Self) blockio.Driver { return nil }), "the Opener has returned nil, want a driver")
	wantFound(t, attempts(t, func(*coro.Self) blockio.Driver {
		return mem.New(64<<10, mem.WithLimits(blockio.Limits{ReadOnly: true}))
	}), "mem is read-only: the suite has to write")
	var m blocktest.Model
	for want, f := range map[string]func(){
		"blocktest: WithSeeds(0): want 1 or more":         func() { blocktest.WithSeeds(0) },
		"blocktest: WithWorkers(-1): want 1 or more":      func() { blocktest.WithWorkers(-1) },
		"blocktest: WithRequests(0): want 1 or more":      func() { blocktest.WithRequests(0) },
		"blocktest: WithSizes(): want a size":             func() { blocktest.WithSizes() },
		"blocktest: WithSizes(0): want 512 to 1073741824": func() { blocktest.WithSizes(4096, 0) },
		"blocktest: Run: the Opener is nil":               func() { blocktest.Run(t, nil) },
		"blocktest: Check: the driver is nil":             func() { blocktest.Check(t, nil, 0) },
		"blocktest: 3 bytes at -5 are no range, want one from 0 on that ends at 1099511627776 at most": func() {
			m.Write(-5, make([]byte, 3))
		},
		"blocktest: -5 bytes at 0 are no range, want one from 0 on that ends at 1099511627776 at most": func() { m.Zero(0, -5) },
		"blocktest: Run: option 0 is nil": func() {
			blocktest.Run(t, func(*testing.T, *coro.Self, int64) blockio.Driver { return nil }, nil)
		},
	} {
		func() {
			defer func() {
				if v := recover(); v != want {
					t.Errorf("got panic %v, want %s", v, want)
				}
			}()
			f()
		}()
	}
	if err := m.Read(0, 10).End(make([]byte, 5)); err == nil || err.Error() != "a read of 10 bytes returned 5" {
		t.Errorf("got %v of a read of less than was asked for", err)
	}
}
