package verify_test

import (
	"errors"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/blockio/blocktest"
	"github.com/gohandoff/coroutine/blockio/mem"
	"github.com/gohandoff/coroutine/blockio/verify"
	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/aio"
)

// each runs f as a task of a loop with a virtual clock, on each handoff.
func each(t *testing.T, f func(t *testing.T, self *coro.Self)) {
	t.Helper()
	for _, h := range []coro.Handoff{coro.Channel, coro.Direct} {
		t.Run(h.String(), func(t *testing.T) {
			blocktest.OnLoop(t, h, 0, false, func(self *coro.Self) error {
				f(t, self)
				return nil
			})
		})
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func equal[T any](t *testing.T, what string, want, got T) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// A faulty driver does its work after a while, and as hook likes it.
type faulty struct {
	*mem.Driver
	lag time.Duration
	// lags are besides, by the first byte of a write.
	lags map[byte]time.Duration
	// hook is called with each request that has a range, and may fail it.
	hook func(op blockio.Op, off int64, p []byte) error
}

func (f *faulty) do(self *coro.Self, op blockio.Op, off int64, p []byte) error {
	if f.lag > 0 {
		aio.Sleep(self, f.lag)
	}
	if op == blockio.OpWrite && f.lags != nil {
		aio.Sleep(self, f.lags[p[0]])
	}
	if f.hook != nil {
		return f.hook(op, off, p)
	}
	return nil
}

func (f *faulty) ReadAt(self *coro.Self, p []byte, off int64) error {
	if err := f.Driver.ReadAt(self, p, off); err != nil {
		return err
	}
	return f.do(self, blockio.OpRead, off, p)
}

func (f *faulty) WriteAt(self *coro.Self, p []byte, off int64, flags blockio.Flags) error {
	if err := f.do(self, blockio.OpWrite, off, p); err != nil {
		return err
	}
	return f.Driver.WriteAt(self, p, off, flags)
}

func (f *faulty) Flush(self *coro.Self) error { return f.do(self, blockio.OpFlush, 0, nil) }

func (f *faulty) Discard(self *coro.Self, off, n int64) error {
	if err := f.do(self, blockio.OpDiscard, off, nil); err != nil {
		return err
	}
	return f.Driver.Discard(self, off, n)
}

func (f *faulty) Resize(self *coro.Self, n int64) error {
	if err := f.do(self, blockio.OpResize, n, nil); err != nil {
		return err
	}
	return f.Driver.Resize(self, n)
}

func (f *faulty) String() string { return "faulty" }

// plain can do no more than a driver must.
type plain struct{ blockio.Driver }

// open opens a device that compares two drivers.
func open(t *testing.T, self *coro.Self, tested, known blockio.Driver, opts ...verify.Option) *blockio.Device {
	t.Helper()
	v, err := verify.New(tested, known, opts...)
	must(t, err)
	d, err := blockio.Open(self, blocktest.Check(t, v, 0))
	must(t, err)
	return d
}

func TestConformance(t *testing.T) {
	for name, open := range map[string]func(size int64) (tested, known blockio.Driver){
		"the same": func(size int64) (tested, known blockio.Driver) { return mem.New(size), mem.New(size) },
		"other limits": func(size int64) (tested, known blockio.Driver) {
			return mem.New(size, mem.WithLimits(blockio.Limits{Alignment: 4096, MaxDiscard: 1 << 20, FUA: true})),
				mem.New(size, mem.WithLimits(blockio.Limits{Alignment: 512, MemoryAlignment: 64, MaxTransfer: 4096 + 512}))
		},
		"a tested one that can little": func(size int64) (tested, known blockio.Driver) { return plain{mem.New(size)}, mem.New(size) },
		"a known one that can little": func(size int64) (tested, known blockio.Driver) {
			return mem.New(size, mem.WithAlignment(512)), plain{mem.New(size)}
		},
	} {
		t.Run(name, func(t *testing.T) {
			blocktest.Run(t, func(t *testing.T, _ *coro.Self, size int64) blockio.Driver {
				tested, known := open(size)
				// Each yields where it likes, so that the order of what
				// overlaps would differ if nobody saw to it.
				v, err := verify.New(blocktest.Check(t, tested, 7), blocktest.Check(t, known, 8))
				must(t, err)
				return v
			}, blocktest.WithSeeds(2))
		})
	}
}

func TestDifferenceIsReported(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		tested := &faulty{Driver: mem.New(8192)}
		d := open(t, self, tested, mem.New(8192))
		must(t, d.WriteAt(self, []byte("abcdef"), 100))
		tested.hook = func(op blockio.Op, off int64, p []byte) error {
			if op == blockio.OpRead {
				p[103-off], p[105-off] = 'x', 'y'
			}
			return nil
		}
		err := d.ReadAt(self, make([]byte, 8), 99)
		var e *verify.Error
		if !errors.As(err, &e) || !errors.Is(err, verify.ErrDifferent) || errors.Is(err, verify.ErrOneSided) {
			t.Fatalf("got %v, want a verify.Error that is %v", err, verify.ErrDifferent)
		}
		equal(t, "error", &verify.Error{Op: blockio.OpRead, Offset: 99, Length: 8, At: 103, Tested: 'x', Known: 'd'}, e)
		equal(t, "words", "verify: read of 8 bytes at 99: the drivers differ at 103: tested 0x78, known 0x64", e.Error())
	})
}

func TestWithReportTheKnownDriverAnswers(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		var reports []string
		tested := &faulty{Driver: mem.New(8192)}
		d := open(t, self, tested, mem.New(8192), verify.WithReport(func(e *verify.Error) { reports = append(reports, e.Error()) }))
		must(t, d.WriteAt(self, []byte("abcdef"), 0))
		tested.hook = func(_ blockio.Op, _ int64, p []byte) error {
			if p != nil {
				p[0] = 'x'
			}
			return nil
		}
		p := make([]byte, 6)
		must(t, d.ReadAt(self, p, 0))
		equal(t, "read", "abcdef", string(p))
		tested.hook = func(blockio.Op, int64, []byte) error { return syscall.EIO }
		must(t, d.ReadAt(self, p, 0))
		equal(t, "read", "abcdef", string(p))
		must(t, d.Flush(self))
		equal(t, "reports", []string{
			"verify: read of 6 bytes at 0: the drivers differ at 0: tested 0x78, known 0x61",
			"verify: read of 6 bytes at 0: only faulty failed: input/output error",
			"verify: flush: only faulty failed: input/output error",
		}, reports)
	})
}

// TestFailureOnOneSideIsReported has either side fail, and both.
func TestFailureOnOneSideIsReported(t *testing.T) {
	requests := map[string]func(self *coro.Self, d *blockio.Device) error{
		"verify: read of 6 bytes at 0: ":       func(self *coro.Self, d *blockio.Device) error { return d.ReadAt(self, make([]byte, 6), 0) },
		"verify: write of 6 bytes at 0: ":      func(self *coro.Self, d *blockio.Device) error { return d.WriteAt(self, make([]byte, 6), 0) },
		"verify: discard of 4096 bytes at 0: ": func(self *coro.Self, d *blockio.Device) error { return d.Discard(self, 0, 4096) },
		"verify: flush: ":                      func(self *coro.Self, d *blockio.Device) error { return d.Flush(self) },
		"verify: resize to 4096 bytes: ":       func(self *coro.Self, d *blockio.Device) error { return d.Resize(self, 4096) },
	}
	fail := func(blockio.Op, int64, []byte) error { return syscall.EIO }
	for words, request := range requests {
		t.Run(words, func(t *testing.T) {
			each(t, func(t *testing.T, self *coro.Self) {
				for _, sides := range [][2]bool{{true, false}, {false, true}, {true, true}} {
					tested, known := &faulty{Driver: mem.New(8192)}, &faulty{Driver: mem.New(8192)}
					v, err := verify.New(tested, known)
					must(t, err)
					d, err := blockio.Open(self, v)
					must(t, err)
					if sides[0] {
						tested.hook = fail
					}
					if sides[1] {
						known.hook = fail
					}
					err = request(self, d)
					var e *verify.Error
					one := sides[0] != sides[1]
					if errors.As(err, &e) != one || errors.Is(err, verify.ErrOneSided) != one || !errors.Is(err, syscall.EIO) {
						t.Errorf("failing %v: got %v", sides, err)
					}
					if one {
						equal(t, "words", words+"only faulty failed: input/output error", e.Error())
					}
				}
			})
		})
	}
}

// TestWhatMayDifferIsNotCompared discards, fails to write and kills a write on
// one side, each leaving something else on the two; and then writes again.
func TestWhatMayDifferIsNotCompared(t *testing.T) {
	for name, change := range map[string]func(t *testing.T, self *coro.Self, d *blockio.Device, tested *faulty){
		"a discard": func(t *testing.T, self *coro.Self, d *blockio.Device, tested *faulty) {
			tested.hook = func(op blockio.Op, _ int64, _ []byte) error {
				if op == blockio.OpDiscard {
					return blockio.ErrNotSupported // it stays
				}
				return nil
			}
			must(t, d.Discard(self, 4096, 4096))
		},
		"a write that failed": func(t *testing.T, self *coro.Self, d *blockio.Device, tested *faulty) {
			tested.hook = func(blockio.Op, int64, []byte) error { return syscall.EIO }
			if err := d.WriteAt(self, make([]byte, 4096), 4096); err == nil {
				t.Error("a write that fails on one side succeeded")
			}
			tested.hook = nil
		},
		"a write that was killed": func(t *testing.T, self *coro.Self, d *blockio.Device, tested *faulty) {
			known := d.Driver().(*blocktest.Checked).Inner().(*verify.Driver).Children()[1].Driver.(*faulty)
			known.lag = time.Second
			task := aio.Go(self, func(self *coro.Self) error { return d.WriteAt(self, make([]byte, 4096), 4096) })
			aio.Sleep(self, time.Millisecond)
			self.Kill(task.Coroutine())
			_ = task.Wait(self)
			known.lag = 0
		},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, self *coro.Self) {
				tested, known := &faulty{Driver: mem.New(16384)}, &faulty{Driver: mem.New(16384)}
				d := open(t, self, tested, known)
				all := make([]byte, 16384)
				for i := range all {
					all[i] = 'a'
				}
				must(t, d.WriteAt(self, all, 0))
				change(t, self, d, tested)
				must(t, d.ReadAt(self, all, 0))
				// Around it everything is compared, and in it what is
				// written again.
				for _, x := range []struct {
					off   int64
					again bool
					want  bool
				}{{4095, false, true}, {4096, false, false}, {8191, false, false}, {8192, false, true}, {5000, true, true}} {
					if x.again {
						must(t, d.WriteAt(self, []byte("a"), x.off))
					}
					must(t, tested.Driver.WriteAt(self, []byte("x"), x.off, 0))
					err := d.ReadAt(self, all, 0)
					if found := errors.Is(err, verify.ErrDifferent); found != x.want {
						t.Errorf("a difference at %d: found %t, want %t: %v", x.off, found, x.want, err)
					}
					must(t, tested.Driver.WriteAt(self, []byte("a"), x.off, 0))
				}
			})
		})
	}
}

// TestOverlappingRequestsAreDoneInOneOrder has two writes that would end in
// another order on each side, and a read between them.
func TestOverlappingRequestsAreDoneInOneOrder(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		tested, known := &faulty{Driver: mem.New(4096)}, &faulty{Driver: mem.New(4096)}
		d := open(t, self, tested, known)
		tested.lags = map[byte]time.Duration{'a': 1, 'b': 5}
		known.lags = map[byte]time.Duration{'a': 20, 'b': 1}
		var tasks []*aio.Task
		for _, c := range []byte("ab") {
			tasks = append(tasks,
				aio.Go(self, func(self *coro.Self) error { return d.WriteAt(self, []byte{c}, 7) }),
				aio.Go(self, func(self *coro.Self) error { return d.ReadAt(self, make([]byte, 10), 0) }))
		}
		for _, task := range tasks {
			must(t, task.Wait(self))
		}
		must(t, d.ReadAt(self, make([]byte, 10), 0))
	})
}

func TestDifferentSizesAreRefused(t *testing.T) {
	_, err := verify.New(mem.New(1), mem.New(2))
	if !errors.Is(err, verify.ErrSize) {
		t.Fatalf("got %v, want %v", err, verify.ErrSize)
	}
	equal(t, "words", "verify: the drivers have different sizes: mem has 1 bytes, mem has 2", err.Error())
}

func TestNewRefusesNil(t *testing.T) {
	for want, f := range map[string]func(){
		"verify: New with a nil Driver: want one that is tested and one that is known": func() { verify.New(mem.New(1), nil) },
		"verify: New with a nil Option": func() { verify.New(mem.New(1), mem.New(1), nil) },
	} {
		func() {
			defer func() {
				if v := recover(); v != want {
					t.Errorf("panicked with %v, want %s", v, want)
				}
			}()
			f()
		}()
	}
}
