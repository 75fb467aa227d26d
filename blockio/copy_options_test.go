package blockio_test

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/blockio/mem"
	"github.com/gohandoff/coroutine/blockio/null"
	"github.com/gohandoff/coroutine/coro"
)

// More coroutines and larger chunks than there is to do cost nothing.
func TestCopyTakesNoMoreThanThereIsToDo(t *testing.T) {
	copyLoop(t, func(t *testing.T, self *coro.Self) {
		src, dst := openMem(t, self, 2<<20), openMem(t, self, 2<<20)
		must(t, src.WriteAt(self, fill(1<<20, 'a'), 512<<10))
		for _, opts := range []blockio.CopyOptions{
			{Coroutines: math.MaxInt, Verify: true},
			{Chunk: math.MaxInt, Verify: true},
			{Coroutines: math.MaxInt, Chunk: math.MaxInt},
		} {
			res, err := blockio.Copy(self, dst, src, opts)
			must(t, err)
			wantEqual(t, "coroutines", blockio.DefaultCoroutines, res.Coroutines)
			must(t, blockio.Compare(self, dst, src, blockio.CompareOptions{Coroutines: opts.Coroutines, Chunk: opts.Chunk}))
			must(t, dst.WriteZeroes(self, 0, dst.Size(), 0))
		}
		res, err := blockio.Copy(self, dst, src, blockio.CopyOptions{Coroutines: 1000, Chunk: 64 << 10})
		must(t, err)
		wantEqual(t, "coroutines", 33, res.Coroutines)
		empty, err := blockio.Copy(self, openMem(t, self, 0), openMem(t, self, 0), blockio.CopyOptions{Verify: true})
		must(t, err)
		wantEqual(t, "bytes", 0, empty.Data)
	})
}

func TestCopyAndCompareRefuseOptionsWithoutSense(t *testing.T) {
	copyLoop(t, func(t *testing.T, self *coro.Self) {
		const huge = math.MaxInt64 - 64<<20
		open := func(name string) *blockio.Device { return open(t, self, null.New(huge), blockio.WithName(name)) }
		src, dst := open("src"), open("dst")
		for _, c := range []struct {
			opts    blockio.CopyOptions
			compare bool
			says    string
		}{
			{blockio.CopyOptions{Coroutines: math.MaxInt}, true, "coroutines 9223372036854775807: want up to 65536"},
			{blockio.CopyOptions{Coroutines: -1}, true, "coroutines -1: want 0 or more"},
			{blockio.CopyOptions{Chunk: math.MaxInt}, true, "chunk 9223372036854775807: want up to 1073741824"},
			{blockio.CopyOptions{Chunk: -1}, true, "chunk -1: want 0 or more"},
			{blockio.CopyOptions{Rate: -1}, false, "rate -1: want 0 or more"},
			{blockio.CopyOptions{DetectZeroes: -1}, false, "detect zeroes -1: want 0 or more"},
		} {
			_, err := blockio.Copy(self, dst, src, c.opts)
			if want := "blockio: copy from src to dst: after 0 of 9223372036787666943 bytes: " + c.says; err == nil || err.Error() != want {
				t.Errorf("copy: got error %v, want %s", err, want)
			}
			if !c.compare {
				continue
			}
			err = blockio.Compare(self, dst, src, blockio.CompareOptions{Coroutines: c.opts.Coroutines, Chunk: c.opts.Chunk})
			if want := "blockio: compare dst and src: " + c.says; err == nil || err.Error() != want {
				t.Errorf("compare: got error %v, want %s", err, want)
			}
		}
	})
}

// Chunks near the end of the largest device do not reach beyond it.
func TestLargeChunksAtTheEndOfTheLargestDevice(t *testing.T) {
	copyLoop(t, func(t *testing.T, self *coro.Self) {
		const huge = math.MaxInt64 - 64<<20
		src, dst := openMem(t, self, huge), openMem(t, self, huge)
		// What is zero takes no buffers: they would be 32 GiB.
		must(t, blockio.Compare(self, src, dst, blockio.CompareOptions{Chunk: 1 << 30}))
		must(t, src.WriteAt(self, []byte("end"), huge-3))
		_, err := blockio.Copy(self, dst, src, blockio.CopyOptions{Chunk: 128 << 20})
		must(t, err)
		p := make([]byte, 3)
		must(t, dst.ReadAt(self, p, huge-3))
		wantEqual(t, "what is at the end", "end", string(p))
	})
}

func TestCopyAndCompareOfNoDevicePanic(t *testing.T) {
	copyLoop(t, func(t *testing.T, self *coro.Self) {
		d := openMem(t, self, 4096)
		for want, f := range map[string]func(){
			"blockio: Copy: the destination is nil":     func() { _, _ = blockio.Copy(self, nil, d, blockio.CopyOptions{}) },
			"blockio: Copy: the source is nil":          func() { _, _ = blockio.Copy(self, d, nil, blockio.CopyOptions{}) },
			"blockio: Compare: the first device is nil": func() { _ = blockio.Compare(self, nil, d, blockio.CompareOptions{}) },
			"blockio: Compare: the second device is nil": func() {
				_ = blockio.Compare(self, d, nil, blockio.CompareOptions{})
			},
		} {
			func() {
				defer func() { wantEqual(t, "panic", any(want), recover()) }()
				f()
			}()
		}
	})
}

func TestCancelledComparisonNamesTheDevices(t *testing.T) {
	copyLoop(t, func(t *testing.T, self *coro.Self) {
		why := errors.New("why")
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(why)
		a := open(t, self, mem.New(1<<20), blockio.WithName("a"))
		b := open(t, self, mem.New(1<<20), blockio.WithName("b"))
		err := blockio.Compare(self, a, b, blockio.CompareOptions{Context: ctx})
		if !errors.Is(err, why) || !strings.HasPrefix(err.Error(), "blockio: compare a and b: ") {
			t.Errorf("got error %v, want %v, and the devices", err, why)
		}
	})
}

// Who allows a larger destination does not have it cut.
func TestCopyWithResizeAndLargerOnlyGrows(t *testing.T) {
	copyLoop(t, func(t *testing.T, self *coro.Self) {
		src, dst := openMem(t, self, 4096), openMem(t, self, 8192)
		must(t, dst.WriteAt(self, fill(10, 'x'), 8000))
		_, err := blockio.Copy(self, dst, src, blockio.CopyOptions{Resize: true, Larger: true})
		must(t, err)
		wantEqual(t, "contents", "8000x. 10xx 182x.", runs(contents(t, self, dst)))
		dst = openMem(t, self, 512)
		_, err = blockio.Copy(self, dst, src, blockio.CopyOptions{Resize: true, Larger: true})
		must(t, err)
		wantEqual(t, "size", 4096, dst.Size())
	})
}

func TestCheckpointThatDoesNotFitIsNoProgress(t *testing.T) {
	copyLoop(t, func(t *testing.T, self *coro.Self) {
		cp := &blockio.Checkpoint{Size: 4096}
		cp.Done.Add(0, 9000)
		_, err := blockio.Copy(self, openMem(t, self, 4096), openMem(t, self, 4096), blockio.CopyOptions{Resume: cp})
		if want := "after 0 of 4096 bytes: the checkpoint does not fit"; !errors.Is(err, blockio.ErrCheckpoint) || !strings.Contains(err.Error(), want) {
			t.Errorf("got error %v, want it to say %q", err, want)
		}
	})
}
