package blockio_test

import (
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"syscall"
	"testing"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/blockio/mem"
	"github.com/gohandoff/coroutine/blockio/null"
	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/aio"
)

// caught returns what f panics with.
func caught(f func()) (v any) {
	defer func() { v = recover() }()
	f()
	return nil
}

// wantMisuse fails the test unless f panics with a *coro.UsageError that is want.
func wantMisuse(t *testing.T, what string, want error, f func()) {
	t.Helper()
	v := caught(f)
	var e *coro.UsageError
	if err, _ := v.(error); !errors.As(err, &e) || !errors.Is(err, want) {
		t.Errorf("%s: got panic %v, want a *coro.UsageError for %v", what, v, want)
	}
}

// says fails the test unless err is is, and its text is in it.
func says(t *testing.T, err, is error, text string) {
	t.Helper()
	if err == nil || !errors.Is(err, is) || !strings.Contains(err.Error(), text) {
		t.Errorf("got error %v, want %v, and it to say %q", err, is, text)
	}
}

// everyCall calls each method of d that takes a self.
func everyCall(d *blockio.Device) map[string]func(self *coro.Self) {
	p := make([]byte, 512)
	return map[string]func(self *coro.Self){
		"ReadAt":       func(self *coro.Self) { _ = d.ReadAt(self, p, 0) },
		"ReadVAt":      func(self *coro.Self) { _ = d.ReadVAt(self, [][]byte{p}, 0) },
		"WriteAt":      func(self *coro.Self) { _ = d.WriteAt(self, p, 0) },
		"WriteVAt":     func(self *coro.Self) { _ = d.WriteVAt(self, [][]byte{p}, 0, 0) },
		"Flush":        func(self *coro.Self) { _ = d.Flush(self) },
		"Writeback":    func(self *coro.Self) { _ = d.Writeback(self, 0, 512) },
		"Discard":      func(self *coro.Self) { _ = d.Discard(self, 0, 512) },
		"WriteZeroes":  func(self *coro.Self) { _ = d.WriteZeroes(self, 0, 512, 0) },
		"BlockStatus":  func(self *coro.Self) { _, _, _ = d.BlockStatus(self, 0, 512) },
		"Resize":       func(self *coro.Self) { _ = d.Resize(self, 512) },
		"DrainedBegin": d.DrainedBegin,
		"DrainedEnd":   d.DrainedEnd,
		"Drained":      func(self *coro.Self) { d.Drained(self) },
		"Replace":      func(self *coro.Self) { _ = d.Replace(self, nil) },
		"Do":           func(self *coro.Self) { _ = d.Do(self, nil) },
		"Close":        func(self *coro.Self) { _ = d.Close(self) },
		"Bind":         func(self *coro.Self) { _, _ = d.Bind(self).Read(p) },
	}
}

func TestNobodyAndStrangersAreDiagnosed(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		d := open(t, self, mem.New(8192))
		thread := coro.NewThread()
		defer thread.Close()
		for name, call := range everyCall(d) {
			wantMisuse(t, name+" by nobody", coro.ErrNil, func() { call(nil) })
			wantMisuse(t, name+" by a Self that no thread made", coro.ErrNil, func() { call(new(coro.Self)) })
			thread.Enter(thread.New(func(self *coro.Self) {
				wantMisuse(t, name+" on another thread", blockio.ErrElsewhere, func() { call(self) })
			}))
		}
		must(t, d.Close(self))
	})
}

func TestNothingInPlaceOfSomethingIsTold(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		_, err := blockio.Open(self, nil)
		says(t, err, blockio.ErrDriver, "blockio: open on nil: the driver broke its contract: it is nil")
		_, err = blockio.Open(self, plain{}, blockio.WithName("disk"))
		says(t, err, blockio.ErrDriver, "blockio: open on disk: the driver broke its contract: it is a Filter without a Driver")
		d := open(t, self, mem.New(8192))
		says(t, d.Replace(self, func(*coro.Self, blockio.Driver) (blockio.Driver, error) { return plain{}, nil }),
			blockio.ErrDriver, "it is a Filter without a Driver")
		wantMisuse(t, "Replace", aio.ErrNilFunc, func() { _ = d.Replace(self, nil) })
		wantMisuse(t, "Do", aio.ErrNilFunc, func() { _ = d.Do(self, nil) })
		wantEqual(t, "requests in flight", 0, d.Stats().InFlight)
		for want, f := range map[string]func(){
			"blockio: Open: option 1 is nil":              func() { _, _ = blockio.Open(self, mem.New(1), blockio.WithReadOnly(), nil) },
			"mem: New: option 0 is nil":                   func() { mem.New(1, nil) },
			"null: New: option 0 is nil":                  func() { null.New(1, nil) },
			"blockio: Describe: the device is nil":        func() { blockio.Describe(nil) },
			"blockio: NewBuffer(-1): want 0 or more":      func() { d.NewBuffer(-1) },
			"blockio: WithMaxInFlight(0): want 1 or more": func() { blockio.WithMaxInFlight(0) },
		} {
			wantEqual(t, "panic", any(want), caught(f))
		}
		wantEqual(t, "requests of no operation", 0, d.Stats().Op(200).Requests)
	})
}

func TestErrorsNameWhatIsWrongAndWhatWouldBeRight(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		d := open(t, self, mem.New(8192))
		says(t, d.WriteAtFlags(self, make([]byte, 1), 0, 0x80|blockio.NoFallback), blockio.ErrFlags, "unknown flags: no-fallback|0x80, want none but fua")
		says(t, d.Resize(self, -1), blockio.ErrOutOfRange, "resize to -1 bytes on mem: out of range: want 0 to 9223372036787666943")
		says(t, d.Resize(self, math.MaxInt64), blockio.ErrOutOfRange, "out of range: want 0 to 9223372036787666943")
		for want, l := range map[string]blockio.Limits{
			"its MaxDiscard is -1, want DiscardAlignment, 4096, or more":  {MaxDiscard: -1, DiscardAlignment: 4096},
			"its MaxDiscard is 512, want DiscardAlignment, 4096, or more": {MaxDiscard: 512, DiscardAlignment: 4096},
			"its MaxPieces is -1, want 0 or more":                         {MaxPieces: -1},
		} {
			_, err := blockio.Open(self, mem.New(8192, mem.WithLimits(l)))
			says(t, err, blockio.ErrDriver, want)
		}
		_, err := blockio.Open(self, mem.New(-1))
		says(t, err, blockio.ErrDriver, "its size is -1, want 0 to 9223372036787666943")

		d = open(t, self, mem.New(8192, mem.WithLimits(blockio.Limits{Alignment: 512, MemoryAlignment: 64})), blockio.WithAligned())
		p := d.NewBuffer(1024)
		says(t, d.ReadAt(self, p[:512], 100), blockio.ErrAlignment, "not aligned: the offset is no multiple of 512")
		says(t, d.ReadAt(self, p[:100], 512), blockio.ErrAlignment, "not aligned: a buffer of 100 bytes is no multiple of 512 long")
		says(t, d.ReadAt(self, p[8:520], 512), blockio.ErrAlignment, "not aligned: the address of a buffer is no multiple of 64")
	})
}

// A driver that says after a Resize what no driver may say.
type mad struct {
	*mem.Driver
	size int64
}

func (m *mad) Size() int64 {
	if m.size != 0 {
		return m.size
	}
	return m.Driver.Size()
}

func (m *mad) Resize(*coro.Self, int64) error {
	m.size = math.MaxInt64
	return nil
}

func TestSizeThatMakesNoSenseIsNotTakenOver(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		d := open(t, self, &mad{Driver: mem.New(8192, mem.WithAlignment(512))})
		says(t, d.Resize(self, 4096), blockio.ErrDriver, "its size is 9223372036854775807 then")
		wantEqual(t, "size", 8192, d.Size())
		says(t, d.WriteZeroes(self, math.MaxInt64-20, 10, 0), blockio.ErrOutOfRange, "the size is 8192")
	})
}

func TestReplaceWhoseChangeClosesTheDevice(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		old, other := newStub(8192, blockio.Limits{}), newStub(8192, blockio.Limits{})
		d := open(t, self, old)
		err := d.Replace(self, func(self *coro.Self, _ blockio.Driver) (blockio.Driver, error) {
			return other, d.Close(self)
		})
		says(t, err, blockio.ErrClosed, "replace on mem: the device is closed")
		old.wantCalls(t, "flush 0+0", "close 0+0")
		other.wantCalls(t) // it is the caller's
		if d.Driver() != blockio.Driver(old) {
			t.Error("the closed device stands on the new driver")
		}
	})
}

// What a driver cannot do it may say in the words of others.
func TestUnsupportedIsSoInAnyWords(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		for _, unable := range []error{blockio.ErrNotSupported, errors.ErrUnsupported, fmt.Errorf("fallocate: %w", syscall.EOPNOTSUPP)} {
			s := newStub(8192, blockio.Limits{Alignment: 512})
			d := open(t, self, s)
			must(t, d.WriteAt(self, fill(8192, 'a'), 0))
			s.fail = func(op blockio.Op, _, _ int64) error {
				if op == blockio.OpZeroes || op == blockio.OpDiscard || op == blockio.OpWriteback {
					return unable
				}
				return nil
			}
			says(t, d.WriteZeroes(self, 0, 8192, blockio.NoFallback), blockio.ErrNotSupported, unable.Error())
			must(t, d.WriteZeroes(self, 0, 4096, 0))
			must(t, d.Discard(self, 0, 8192))
			must(t, d.Writeback(self, 0, 8192))
			wantEqual(t, "contents", "4096x. 4096xa", runs(contents(t, self, d)))
		}
	})
}

func TestPanicOfTheFlushInCloseClosesAllTheSame(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		s := newStub(8192, blockio.Limits{})
		s.fail = func(op blockio.Op, _, _ int64) error {
			if op == blockio.OpFlush {
				panic("flush")
			}
			return nil
		}
		s.lag = ms
		d := open(t, self, s)
		wantEqual(t, "panic", any("flush"), caught(func() { _ = d.Close(self) }))
		s.wantCalls(t, "flush 0+0", "close 0+0")
		must(t, d.Close(self))
		s.wantCalls(t)
		says(t, d.ReadAt(self, make([]byte, 1), 0), blockio.ErrClosed, "closed")
	})
}

// A driver that writes beyond what it was given.
type greedy struct{ *mem.Driver }

func (g greedy) ReadAt(self *coro.Self, p []byte, off int64) error {
	return g.Driver.ReadAt(self, p[:cap(p)], off)
}

func TestDriverGetsNothingBehindTheBuffer(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		d := open(t, self, basic{greedy{mem.New(8192)}})
		p := fill(1024, 'x')
		must(t, d.ReadAt(self, p[:512], 0))
		wantEqual(t, "buffer", "512x. 512xx", runs(p))
	})
}

// A snake is a driver that stands on itself, twice.
type snake struct{ *mem.Driver }

func (s *snake) Children() []blockio.Child {
	return []blockio.Child{{"head", s}, {"tail", s}, {"egg", nil}}
}

func TestDescribeEndsAtACycle(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		d := open(t, self, &snake{mem.New(4096)})
		want := "mem: 4096 bytes, discard alignment 4096, fua, discard, write-zeroes, status, vectored, resize\n" +
			"├── head = mem, which stands on itself\n├── tail = mem, which stands on itself\n└── egg = nil\n"
		wantEqual(t, "description", want, blockio.Describe(d))
	})
}

// An odd reader or writer returns what it likes.
type odd struct {
	n   int
	err error
}

func (o odd) Read([]byte) (int, error)  { return o.n, o.err }
func (o odd) Write([]byte) (int, error) { return o.n, o.err }

func TestBoundDeviceTrustsNobody(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		b := open(t, self, mem.New(8192)).Bind(self)
		for _, c := range []struct {
			r    odd
			says string
		}{
			{odd{-1, nil}, "blockio: a read of 1048576 bytes from a blockio_test.odd returned -1"},
			{odd{1 << 30, nil}, "blockio: a read of 1048576 bytes from a blockio_test.odd returned 1073741824"},
			{odd{0, nil}, io.ErrNoProgress.Error()},
			{odd{0, io.ErrUnexpectedEOF}, io.ErrUnexpectedEOF.Error()},
		} {
			if n, err := b.ReadFrom(c.r); n != 0 || err == nil || err.Error() != c.says {
				t.Errorf("ReadFrom: got %d, error %v; want 0, %s", n, err, c.says)
			}
		}
		must(t, b.Device().WriteAt(self, fill(100, 'a'), 0))
		for _, k := range []int{-1, 1 << 30} {
			n, err := b.WriteTo(odd{k, nil})
			if want := fmt.Sprintf("blockio: a write of 4096 bytes to a blockio_test.odd returned %d", k); n != 0 || err == nil || err.Error() != want {
				t.Errorf("WriteTo: got %d, error %v; want 0, %s", n, err, want)
			}
		}
		_, err := b.Seek(math.MaxInt64, io.SeekStart)
		must(t, err)
		_, err = b.Seek(1, io.SeekCurrent)
		says(t, err, blockio.ErrOutOfRange, "seek on mem: out of range: offset 1 from 9223372036854775807")
		_, err = b.Seek(-8193, io.SeekEnd)
		says(t, err, blockio.ErrOutOfRange, "offset -8193 from 8192")
		n, err := b.Seek(-1, io.SeekCurrent)
		must(t, err)
		wantEqual(t, "offset", int64(math.MaxInt64-1), n)
	})
}

func TestRangesRefuseWhatIsNone(t *testing.T) {
	var s blockio.Ranges
	for _, r := range [][2]int64{{-5, 3}, {math.MaxInt64 - 1, 100}} {
		want := fmt.Sprintf("blockio: Ranges.Add(%d, %d): want an offset of 0 or more, and an end up to 9223372036854775807", r[0], r[1])
		wantEqual(t, "panic", any(want), caught(func() { s.Add(r[0], r[1]) }))
	}
	wantEqual(t, "bytes", 0, s.Bytes())
}
