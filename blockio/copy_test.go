package blockio_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/blockio/mem"
	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/aio"
)

func TestCopyOfRandomDisks(t *testing.T) {
	for seed := range uint64(60) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			copyLoop(t, func(t *testing.T, self *coro.Self) {
				rng := rand.New(rand.NewPCG(seed, 1))
				size := 1 + rng.IntN(300_000)
				src := randomCopyDisk(rng, "src", size)
				dst := newCopyDisk("dst", size)
				if rng.IntN(2) == 0 {
					dst = randomCopyDisk(rng, "dst", size)
				}
				randomDelays(rng, src, dst)
				src.limits.Alignment, dst.limits.Alignment = 1<<rng.IntN(10), 1<<rng.IntN(10)
				dst.limits.MemoryAlignment = 1 << rng.IntN(13)
				opts := blockio.CopyOptions{
					Coroutines:   1 + rng.IntN(20),
					Chunk:        1 + rng.IntN(20_000),
					DetectZeroes: []int{0, copyBlock, 4096}[rng.IntN(3)],
					Verify:       rng.IntN(2) == 0,
				}
				res, err := blockio.Copy(self, openCopyDisk(t, self, dst), openCopyDisk(t, self, src), opts)
				if err != nil {
					t.Fatalf("%+v: %v", opts, err)
				}
				sameData(t, dst, src)
				again := openMem(t, self, int64(size))
				if _, err := blockio.Copy(self, again, openCopyDisk(t, self, dst), opts); err != nil {
					t.Fatalf("on to memory: %v", err)
				}
				if err := blockio.Compare(self, again, openCopyDisk(t, self, src), blockio.CompareOptions{Coroutines: opts.Coroutines, Chunk: opts.Chunk}); err != nil {
					t.Errorf("in memory: %v", err)
				}
				if got := res.Data + res.Zeroes; got != int64(size) || res.Checkpoint.Done.Bytes() != int64(size) {
					t.Errorf("data and zeroes: got %d, done %d, want %d", got, res.Checkpoint.Done.Bytes(), size)
				}
				if dst.flushes == 0 {
					t.Error("the destination was not flushed")
				}
				if opts.DetectZeroes <= copyBlock && opts.Chunk%copyBlock == 0 && dst.holes() < src.holes() {
					t.Errorf("holes: got %d blocks, want %d at least", dst.holes(), src.holes())
				}
				if src.mostBusy > opts.Coroutines {
					t.Errorf("%d requests at a time, want %d at most", src.mostBusy, opts.Coroutines)
				}
			})
		})
	}
}

func openMem(t *testing.T, self *coro.Self, size int64) *blockio.Device {
	t.Helper()
	dev, err := blockio.Open(self, mem.New(size))
	if err != nil {
		t.Fatal(err)
	}
	return dev
}

func TestCopyKeepsHolesAndDoesNotTouchThoseOfTheDestination(t *testing.T) {
	copyLoop(t, func(t *testing.T, self *coro.Self) {
		src, dst := newCopyDisk("src", 1<<20), newCopyDisk("dst", 1<<20)
		src.data[70_000] = 1
		src.mark(70_000, 1, true)
		res, err := blockio.Copy(self, openCopyDisk(t, self, dst), openCopyDisk(t, self, src), blockio.CopyOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if src.reads != 1 || dst.writes != 1 || dst.zeroes != 0 || res.Data != copyBlock {
			t.Errorf("%d reads, %d writes, %d zero writes, %d bytes; want 1, 1, 0, %d", src.reads, dst.writes, dst.zeroes, res.Data, copyBlock)
		}
		sameData(t, dst, src)
	})
}

func TestCopyDetectsZeroes(t *testing.T) {
	copyLoop(t, func(t *testing.T, self *coro.Self) {
		src, dst := newCopyDisk("src", 64<<10), newCopyDisk("dst", 64<<10)
		src.mark(0, 64<<10, true)
		src.data[0], src.data[40_000] = 1, 2
		for i := range dst.data {
			dst.data[i] = 9
		}
		dst.mark(0, 64<<10, true)
		res, err := blockio.Copy(self, openCopyDisk(t, self, dst), openCopyDisk(t, self, src), blockio.CopyOptions{DetectZeroes: 4096})
		if err != nil {
			t.Fatal(err)
		}
		sameData(t, dst, src)
		if want := int64(56 << 10); res.Detected != want || int64(dst.holes()*copyBlock) != want {
			t.Errorf("detected %d, holes %d; want %d", res.Detected, dst.holes()*copyBlock, want)
		}
	})
}

func TestCopySaysWhatFailed(t *testing.T) {
	for _, c := range []struct {
		op, says string
	}{
		{"read", "blockio: copy from src to dst: after 0 of 65536 bytes: read of 8192 bytes at 16384 on src: medium error"},
		{"write", "write of 8192 bytes at 16384 on dst: medium error"},
		{"flush", "after 65536 of 65536 bytes: flush"},
	} {
		t.Run(c.op, func(t *testing.T) {
			copyLoop(t, func(t *testing.T, self *coro.Self) {
				src, dst := newCopyDisk("src", 64<<10), newCopyDisk("dst", 64<<10)
				src.mark(0, 64<<10, true)
				fault := func(op string, r blockio.Range) error {
					if op == c.op && (r.Start == 16384 || op == "flush") {
						return errMedium
					}
					return nil
				}
				src.fault, dst.fault = fault, fault
				dst.delay = func() time.Duration { return time.Millisecond }
				_, err := blockio.Copy(self, openCopyDisk(t, self, dst), openCopyDisk(t, self, src), blockio.CopyOptions{Chunk: 8192})
				ce, oe := new(blockio.CopyError), new(blockio.OpError)
				if !errors.As(err, &ce) || !errors.As(err, &oe) || !errors.Is(err, errMedium) || !strings.Contains(err.Error(), c.says) {
					t.Errorf("got %v, want it to say %q", err, c.says)
				}
				if src.busy+dst.busy != 0 {
					t.Errorf("%d requests are in flight after the end", src.busy+dst.busy)
				}
			})
		})
	}
}

func TestCopySizes(t *testing.T) {
	for _, c := range []struct {
		src, dst int
		opts     blockio.CopyOptions
		ok       bool
		want     int
	}{
		{4096, 8192, blockio.CopyOptions{}, false, 8192},
		{8192, 4096, blockio.CopyOptions{}, false, 4096},
		{8192, 4096, blockio.CopyOptions{Larger: true}, false, 4096},
		{4096, 8192, blockio.CopyOptions{Larger: true, Verify: true}, true, 8192},
		{4096, 8192, blockio.CopyOptions{Resize: true}, true, 4096},
		{8192, 4096, blockio.CopyOptions{Resize: true, Verify: true}, true, 8192},
		{0, 0, blockio.CopyOptions{Verify: true}, true, 0},
		{0, 512, blockio.CopyOptions{Resize: true}, true, 0},
	} {
		t.Run(fmt.Sprintf("%d-%d-%t-%t", c.src, c.dst, c.opts.Resize, c.opts.Larger), func(t *testing.T) {
			copyLoop(t, func(t *testing.T, self *coro.Self) {
				src, dst := randomCopyDisk(rand.New(rand.NewPCG(1, 2)), "src", c.src), newCopyDisk("dst", c.dst)
				_, err := blockio.Copy(self, openCopyDisk(t, self, dst), openCopyDisk(t, self, src), c.opts)
				if (err == nil) != c.ok || err != nil && !errors.Is(err, blockio.ErrSize) {
					t.Errorf("got %v, want success: %t", err, c.ok)
				}
				if len(dst.data) != c.want {
					t.Errorf("size: got %d, want %d", len(dst.data), c.want)
				}
			})
		})
	}
}

func TestCopyRefusesWhatMakesNoSense(t *testing.T) {
	copyLoop(t, func(t *testing.T, self *coro.Self) {
		disk := openCopyDisk(t, self, newCopyDisk("disk", 4096))
		other := openCopyDisk(t, self, newCopyDisk("other", 4096))
		if _, err := blockio.Copy(self, disk, disk, blockio.CopyOptions{}); !errors.Is(err, blockio.ErrSameDevice) {
			t.Errorf("onto itself: got %v", err)
		}
		cp := &blockio.Checkpoint{Size: 9000}
		cp.Done.Add(0, 512)
		if _, err := blockio.Copy(self, other, disk, blockio.CopyOptions{Resume: cp}); !errors.Is(err, blockio.ErrCheckpoint) {
			t.Errorf("a checkpoint of another size: got %v", err)
		}
		cp = &blockio.Checkpoint{Size: 4096}
		cp.Done.Add(4000, 512)
		if _, err := blockio.Copy(self, other, disk, blockio.CopyOptions{Resume: cp}); !errors.Is(err, blockio.ErrCheckpoint) {
			t.Errorf("a checkpoint beyond the end: got %v", err)
		}
	})
}

func TestCopyVerifyReportsTheFirstDifference(t *testing.T) {
	copyLoop(t, func(t *testing.T, self *coro.Self) {
		rng := rand.New(rand.NewPCG(3, 4))
		src, dst := randomCopyDisk(rng, "src", 200_000), newCopyDisk("dst", 200_000)
		randomDelays(rng, src, dst)
		dst.fault = func(op string, _ blockio.Range) error {
			if op == "flush" { // behind the copy's back, between its two stages
				for _, off := range []int{180_000, 123_457, 190_000} {
					dst.data[off] ^= 0x10
					dst.mark(int64(off), 1, true)
				}
			}
			return nil
		}
		_, err := blockio.Copy(self, openCopyDisk(t, self, dst), openCopyDisk(t, self, src), blockio.CopyOptions{Verify: true, Chunk: 4096})
		var de *blockio.DifferentError
		if !errors.As(err, &de) || !errors.Is(err, blockio.ErrDifferent) {
			t.Fatalf("got %v, want a DifferentError", err)
		}
		if de.Offset != 123_457 || de.InA != src.data[123_457] || de.InB != dst.data[123_457] {
			t.Errorf("got %v, want offset 123457", err)
		}
	})
}

func TestCopyAtARate(t *testing.T) {
	copyLoop(t, func(t *testing.T, self *coro.Self) {
		src, dst := newCopyDisk("src", 10<<20), newCopyDisk("dst", 10<<20)
		src.mark(0, 10<<20, true)
		res, err := blockio.Copy(self, openCopyDisk(t, self, dst), openCopyDisk(t, self, src), blockio.CopyOptions{Rate: 1 << 20, Chunk: 64 << 10})
		if err != nil {
			t.Fatal(err)
		}
		if want := 10 * time.Second; (res.Elapsed - want).Abs() > want/50 {
			t.Errorf("10 MiB at 1 MiB/s: took %v, want about %v", res.Elapsed, want)
		}
	})
}

func TestCopyProgressIsCountedInBytes(t *testing.T) {
	copyLoop(t, func(t *testing.T, self *coro.Self) {
		src, dst := newCopyDisk("src", 1<<20), newCopyDisk("dst", 1<<20)
		src.mark(0, 1<<20, true)
		var got []string
		_, err := blockio.Copy(self, openCopyDisk(t, self, dst), openCopyDisk(t, self, src), blockio.CopyOptions{
			Coroutines: 1, Chunk: 64 << 10, ProgressEvery: 400 << 10,
			Progress: func(p blockio.CopyProgress) { got = append(got, fmt.Sprintf("%s %d", p.Stage, p.Done>>10)) },
		})
		if err != nil {
			t.Fatal(err)
		}
		if want := "copy 0,copy 448,copy 896,copy 1024"; strings.Join(got, ",") != want {
			t.Errorf("got %v, want %v", got, want)
		}
	})
}

// TestCopyIsCancelledAnywhereAndResumed stops a copy at a random time, by its
// context or by cancelling its task, stores the checkpoint as JSON, goes on, and
// so forth.
func TestCopyIsCancelledAnywhereAndResumed(t *testing.T) {
	for seed := range uint64(60) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			copyLoop(t, func(t *testing.T, self *coro.Self) {
				rng := rand.New(rand.NewPCG(seed, 2))
				size := 50_000 + rng.IntN(300_000)
				src, dst := randomCopyDisk(rng, "src", size), randomCopyDisk(rng, "dst", size)
				randomDelays(rng, src, dst)
				from, to := openCopyDisk(t, self, src), openCopyDisk(t, self, dst)
				cp := new(blockio.Checkpoint)
				for round := 0; ; round++ {
					opts := blockio.CopyOptions{Resume: cp, Coroutines: 1 + rng.IntN(8), Chunk: 512 * (1 + rng.IntN(16)), DetectZeroes: 1024 * rng.IntN(3)}
					before := cp.Done.Bytes()
					err := copyAndStop(self, to, from, opts, time.Duration(rng.IntN(6000))*time.Microsecond, rng.IntN(2) == 0)
					if src.busy+dst.busy != 0 {
						t.Fatalf("round %d: %d requests are in flight after the end", round, src.busy+dst.busy)
					}
					if cp.Done.Bytes() < before {
						t.Fatalf("round %d: done: got %d, had %d before", round, cp.Done.Bytes(), before)
					}
					for _, r := range cp.Done.List() {
						if string(dst.data[r.Start:r.End()]) != string(src.data[r.Start:r.End()]) {
							t.Fatalf("round %d: %d bytes at %d are said to be done, but differ", round, r.Length, r.Start)
						}
					}
					if err == nil {
						break
					}
					if !errors.Is(err, errStop) {
						t.Fatalf("round %d: got %v, want %v", round, err, errStop)
					}
					text, err := json.Marshal(cp)
					if err != nil {
						t.Fatal(err)
					}
					cp = new(blockio.Checkpoint)
					if err := json.Unmarshal(text, cp); err != nil {
						t.Fatalf("%s: %v", text, err)
					}
				}
				sameData(t, dst, src)
			})
		})
	}
}

var errStop = errors.New("stop")

// copyAndStop copies until the time is up.
func copyAndStop(self *coro.Self, dst, src *blockio.Device, opts blockio.CopyOptions, after time.Duration, byContext bool) error {
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	if byContext {
		opts.Context = ctx
	}
	task := aio.Go(self, func(self *coro.Self) error {
		_, err := blockio.Copy(self, dst, src, opts)
		return err
	})
	sleepThen(self, after, func() {
		if byContext {
			cancel(errStop)
		} else {
			task.Cancel(errStop)
		}
	})
	err := task.Wait(self)
	aio.Yield(self) // lets children that were cancelled with it go
	return err
}

func TestCopyWithAContextThatIsDone(t *testing.T) {
	copyLoop(t, func(t *testing.T, self *coro.Self) {
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(errStop)
		res, err := blockio.Copy(self, openCopyDisk(t, self, newCopyDisk("dst", 512)), openCopyDisk(t, self, newCopyDisk("src", 512)), blockio.CopyOptions{Context: ctx})
		if !errors.Is(err, errStop) || res.Checkpoint.Done.Bytes() != 0 {
			t.Errorf("got %v and %d bytes, want %v and none", err, res.Checkpoint.Done.Bytes(), errStop)
		}
	})
}

// TestCopyAndCompareOfDriversThatNeverWait: they heed their context, and a timeout,
// all the same, and others have their turn.
func TestCopyAndCompareOfDriversThatNeverWait(t *testing.T) {
	const size, chunk = 1 << 20, 4096
	jobs := map[string]func(self *coro.Self, ctx context.Context, progress func(blockio.CopyProgress)) error{
		"copy": func(self *coro.Self, ctx context.Context, progress func(blockio.CopyProgress)) error {
			a, b := filled(t, self, size), filled(t, self, size)
			_, err := blockio.Copy(self, a, b, blockio.CopyOptions{Chunk: chunk, Context: ctx, Progress: progress, ProgressEvery: chunk})
			return err
		},
		"compare": func(self *coro.Self, ctx context.Context, progress func(blockio.CopyProgress)) error {
			a, b := filled(t, self, size), filled(t, self, size)
			return blockio.Compare(self, a, b, blockio.CompareOptions{Chunk: chunk, Context: ctx, Progress: progress, ProgressEvery: chunk})
		},
	}
	for name, job := range jobs {
		t.Run(name, func(t *testing.T) {
			copyLoop(t, func(t *testing.T, self *coro.Self) {
				ctx, cancel := context.WithCancelCause(t.Context())
				var done int64
				err := job(self, ctx, func(p blockio.CopyProgress) {
					if done = p.Done; done >= size/2 {
						cancel(errStop)
					}
				})
				if !errors.Is(err, errStop) || done > size/2+16*chunk {
					t.Errorf("got %v after %d bytes, want %v after %d", err, done, errStop, size/2)
				}

				turns, ended := 0, false
				ticker := aio.Go(self, func(self *coro.Self) error {
					for !ended {
						turns++
						aio.Yield(self)
					}
					return nil
				})
				must(t, job(self, nil, nil)) //nolint:staticcheck // no context is none
				ended = true
				must(t, ticker.Wait(self))
				if turns < size/chunk/16 {
					t.Errorf("another task had %d turns", turns)
				}
			})
		})
	}
}

// filled opens a device in memory with data all over.
func filled(t *testing.T, self *coro.Self, size int) *blockio.Device {
	d := open(t, self, mem.New(int64(size)))
	must(t, d.WriteAt(self, fill(size, 'x'), 0))
	return d
}
