package blockio_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/blockio/mem"
	"github.com/gohandoff/coroutine/coro"
)

var (
	_ io.ReadWriteSeeker = (*blockio.Bound)(nil)
	_ io.ReaderAt        = (*blockio.Bound)(nil)
	_ io.WriterAt        = (*blockio.Bound)(nil)
	_ io.ReaderFrom      = (*blockio.Bound)(nil)
	_ io.WriterTo        = (*blockio.Bound)(nil)
)

func TestBoundDeviceReadsAsIoAsks(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		for _, alignment := range []int{1, 512} {
			want := []byte(strings.Repeat("all work and no play ", 100))
			s := newStub(int64(len(want)), blockio.Limits{Alignment: alignment})
			s.lag = ms
			d := open(t, self, s)
			must(t, d.WriteAt(self, want, 0))
			must(t, iotest.TestReader(d.Bind(self), want)) // and its ReadAt, and Seek
		}
	})
}

func TestBoundDeviceEndsWithEOF(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		d := open(t, self, mem.New(10))
		b := d.Bind(self)
		n, err := b.ReadAt(make([]byte, 4), 8)
		wantEqual(t, "bytes read across the end", 2, n)
		wantEqual(t, "error", io.EOF.Error(), err.Error())
		n, err = b.WriteAt(fill(4, 'a'), 8)
		wantEqual(t, "bytes written across the end", 2, n)
		if !errors.Is(err, blockio.ErrOutOfRange) {
			t.Errorf("got error %v, want %v", err, blockio.ErrOutOfRange)
		}
		if _, err := b.ReadAt(make([]byte, 4), -1); !errors.Is(err, blockio.ErrOutOfRange) {
			t.Errorf("got error %v, want %v", err, blockio.ErrOutOfRange)
		}
		if _, err := b.WriteAt(make([]byte, 4), 11); !errors.Is(err, blockio.ErrOutOfRange) {
			t.Errorf("got error %v, want %v", err, blockio.ErrOutOfRange)
		}
		if _, err := b.Seek(-1, io.SeekStart); !errors.Is(err, blockio.ErrOutOfRange) {
			t.Errorf("got error %v, want %v", err, blockio.ErrOutOfRange)
		}
		if _, err := b.Seek(0, 3); err == nil {
			t.Error("got no error of an unknown whence")
		}
	})
}

func TestCopyBetweenDevicesSkipsHoles(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		const size = 64 << 20
		from, to := newStub(size, blockio.Limits{}), mem.New(size)
		src, dst := open(t, self, from), open(t, self, to)
		must(t, src.WriteAt(self, fill(5000, 'a'), 10<<20))
		must(t, dst.WriteAt(self, fill(5000, 'b'), 50<<20))
		from.calls = nil
		n, err := io.Copy(dst.Bind(self), src.Bind(self))
		must(t, err)
		wantEqual(t, "bytes copied", size, n)
		wantEqual(t, "bytes read", 8192, src.Stats().Op(blockio.OpRead).Bytes)
		wantEqual(t, "pages kept", 2, to.Pages())
		p := make([]byte, 5000)
		must(t, dst.ReadAt(self, p, 10<<20))
		wantEqual(t, "contents", "5000xa", runs(p))
	})
}

func TestCopyToAndFromOthers(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		d := open(t, self, mem.New(3<<20, mem.WithAlignment(512)))
		b := d.Bind(self)
		want := bytes.Repeat([]byte("0123456789"), 150_000)
		// iotest gives it in small pieces, written in large ones all the same.
		n, err := io.Copy(b, iotest.HalfReader(bytes.NewReader(want)))
		must(t, err)
		wantEqual(t, "bytes copied", len(want), int(n))
		if w := d.Stats().Op(blockio.OpWrite).Requests; w > 2 {
			t.Errorf("got %d writes, want 2", w)
		}
		_, err = b.Seek(0, io.SeekStart)
		must(t, err)
		var got bytes.Buffer
		_, err = io.Copy(&got, b)
		must(t, err)
		if !bytes.Equal(got.Bytes()[:len(want)], want) || got.Len() != 3<<20 {
			t.Error("what was copied out is not what was copied in")
		}
		_, err = b.Seek(-5, io.SeekEnd)
		must(t, err)
		n, err = io.Copy(b, strings.NewReader("too long"))
		wantEqual(t, "bytes that fit", int64(5), n)
		if !errors.Is(err, blockio.ErrOutOfRange) {
			t.Errorf("got error %v, want %v", err, blockio.ErrOutOfRange)
		}
	})
}
