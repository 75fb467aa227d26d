package blockio_test

import (
	"errors"
	"syscall"
	"testing"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/coro"
)

func TestWritebackIsPassedOnAndCountsAsNoFlush(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		s := newStub(8192, blockio.Limits{Alignment: 512})
		d := open(t, self, blockio.Filter{Driver: s})
		must(t, d.WriteAt(self, fill(512, 'a'), 0))
		must(t, d.Writeback(self, 3, 1000)) // no block is moved, so it need not be aligned
		must(t, d.Writeback(self, 8192, 0))
		must(t, d.Flush(self))
		s.wantCalls(t, "write 0+512", "writeback 3+1000", "flush 0+0")

		if err := d.Writeback(self, 8000, 193); !errors.Is(err, blockio.ErrOutOfRange) {
			t.Errorf("Writeback beyond the end gives %v", err)
		}
		s.wantCalls(t)
		s.fail = func(blockio.Op, int64, int64) error { return syscall.EIO }
		var e *blockio.OpError
		if err := d.Writeback(self, 0, 512); !errors.As(err, &e) || e.Op != blockio.OpWriteback || !errors.Is(err, syscall.EIO) {
			t.Errorf("Writeback that fails gives %v", err)
		}
	})
}

func TestWritebackOfWhatHasNoCache(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		must(t, open(t, self, basic{newStub(8192, blockio.Limits{})}).Writeback(self, 0, 8192))
		must(t, open(t, self, blockio.Filter{Driver: basic{newStub(8192, blockio.Limits{})}}).Writeback(self, 0, 8192))
		s := newStub(8192, blockio.Limits{ReadOnly: true})
		must(t, open(t, self, s).Writeback(self, 0, 8192))
		s.wantCalls(t)
	})
}

func TestCopyHasItsDestinationBeginToStore(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		const size = 20 << 20
		src, dst := newStub(size, blockio.Limits{}), newStub(size, blockio.Limits{})
		from, to := open(t, self, src), open(t, self, dst)
		must(t, from.WriteAt(self, fill(size, 'a'), 0))
		_, err := blockio.Copy(self, to, from, blockio.CopyOptions{Coroutines: 1, Chunk: 1 << 20})
		must(t, err)
		var got []string
		for _, call := range dst.calls {
			if call[:6] != "write " && call[:6] != "block " {
				got = append(got, call)
			}
		}
		dst.calls = got
		dst.wantCalls(t, "writeback 0+8388608", "writeback 8388608+8388608", "flush 0+0")

		// What it says of that is the copy's error, too.
		dst.fail = func(op blockio.Op, _, _ int64) error {
			if op == blockio.OpWriteback {
				return syscall.ENOSPC
			}
			return nil
		}
		if _, err := blockio.Copy(self, to, from, blockio.CopyOptions{}); !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("the copy ends with %v", err)
		}
	})
}
