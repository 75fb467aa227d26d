package blockio_test

import (
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/aio"
)

// TestCopySavesOnlyWhatIsFlushed keeps what the destination held at its last
// flush, as a power cut would leave it.
func TestCopySavesOnlyWhatIsFlushed(t *testing.T) {
	copyLoop(t, func(t *testing.T, self *coro.Self) {
		rng := rand.New(rand.NewPCG(5, 6))
		src, dst := randomCopyDisk(rng, "src", 400_000), randomCopyDisk(rng, "dst", 400_000)
		randomDelays(rng, src, dst)
		var durable []byte
		dst.fault = func(op string, _ blockio.Range) error {
			if op == "flush" {
				durable = append([]byte(nil), dst.data...)
			}
			return nil
		}
		saves, saving := 0, false
		_, err := blockio.Copy(self, openCopyDisk(t, self, dst), openCopyDisk(t, self, src), blockio.CopyOptions{
			Chunk: 4096, Coroutines: 3, SaveEvery: 3 * time.Millisecond,
			Save: func(self *coro.Self, cp *blockio.Checkpoint) error {
				if saving {
					t.Error("saves while it saves")
				}
				saving = true
				defer func() { saving = false }()
				saves++
				for _, r := range cp.Done.List() {
					if string(durable[r.Start:r.End()]) != string(src.data[r.Start:r.End()]) {
						t.Errorf("%d bytes at %d are said to be done, but are not durable", r.Length, r.Start)
					}
				}
				if cp.Size != 400_000 || cp.Done.Bytes() == 0 {
					t.Errorf("got %+v", cp)
				}
				before := cp.Done.Bytes()
				aio.Sleep(self, 5*time.Millisecond)
				if cp.Done.Bytes() != before {
					t.Error("the copy adds to a checkpoint that is being saved")
				}
				return nil
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		if saves < 2 {
			t.Errorf("saved %d times, want more", saves)
		}
		sameData(t, dst, src)
	})
}

func TestCopyEndsWhenItCannotSave(t *testing.T) {
	copyLoop(t, func(t *testing.T, self *coro.Self) {
		for _, failing := range []string{"save", "flush"} {
			src, dst := newCopyDisk("src", 64<<10), newCopyDisk("dst", 64<<10)
			src.mark(0, 64<<10, true)
			dst.delay = func() time.Duration { return time.Millisecond }
			dst.fault = func(op string, _ blockio.Range) error {
				if op == failing {
					return errMedium
				}
				return nil
			}
			_, err := blockio.Copy(self, openCopyDisk(t, self, dst), openCopyDisk(t, self, src), blockio.CopyOptions{
				Chunk: 4096, Coroutines: 2, SaveEvery: time.Millisecond,
				Save: func(*coro.Self, *blockio.Checkpoint) error { return errMedium },
			})
			if !errors.Is(err, errMedium) || dst.writes == 16 {
				t.Errorf("%s: got %v after %d writes, want %v before the end", failing, err, dst.writes, errMedium)
			}
		}
	})
}
