package cow_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/blockio/blocktest"
	"github.com/gohandoff/coroutine/blockio/cow"
	"github.com/gohandoff/coroutine/blockio/mem"
	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/aio"
)

// scribble does random requests on d, and the same on the reference, which it
// returns.
func scribble(t testing.TB, self *coro.Self, d *blockio.Device, want []byte, rng *rand.Rand, n int) []byte {
	t.Helper()
	for range n {
		size := int64(len(want))
		k := rng.Int64N(min(size, 40*kib)) + 1
		off := rng.Int64N(size - k + 1)
		if rng.IntN(2) == 0 {
			off, k = off&^4095, min(size-off&^4095, k|4095+1)
		}
		switch rng.IntN(10) {
		case 0, 1, 2, 3:
			c := byte(rng.IntN(256))
			must(t, d.WriteAt(self, fill(k, c), off))
			copy(want[off:], fill(k, c))
		case 4, 5:
			must(t, d.WriteZeroes(self, off, k, blockio.Flags(rng.UintN(4))))
			clear(want[off:][:k])
		case 6:
			must(t, d.Discard(self, off, k))
			must(t, d.ReadAt(self, want[off:][:k], off)) // zeroes, or as it was
		case 7:
			must(t, d.Flush(self))
		case 8:
			size = size/2 + rng.Int64N(size)
			must(t, d.Resize(self, size))
			if size < int64(len(want)) {
				want = want[:size]
			}
			want = append(slices.Clone(want), make([]byte, size-int64(len(want)))...)
		case 9:
			p := make([]byte, k)
			must(t, d.ReadAt(self, p, off))
			wantBytes(t, "a read", want[off:][:k], p)
		}
	}
	return want
}

func TestCommitWritesAllDownAndEmptiesTheOverlay(t *testing.T) {
	for seed := range uint64(12) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			blocktest.OnLoop(t, coro.Handoff(seed%2), seed, false, func(self *coro.Self) error {
				rng := rand.New(rand.NewPCG(seed, 3))
				size := 100*kib + rng.Int64N(200*kib)
				storage, below := newStorage(), newLasting(size, mem.WithAlignment(512))
				must(t, below.WriteAt(self, pattern(size, 1), 0, 0))
				backing := device(t, self, below)
				d := overlay(t, self, storage, backing, cow.CreateOptions{ClusterSize: 4 << 10 << (seed % 4)})
				want := pattern(size, 1)
				for range 3 {
					want = scribble(t, self, d, want, rng, 40)
					_, err := cow.Commit(self, d, backing, cow.Progress{})
					must(t, err)
					wantBytes(t, "the overlay", want, contents(t, self, d))
					got := contents(t, self, backing)
					if len(got) < len(want) {
						t.Fatalf("the backing has %d bytes, the overlay %d", len(got), len(want))
					}
					wantBytes(t, "the backing", want, got[:len(want)])
					data, zero := d.Driver().(*cow.Overlay).Clusters()
					wantEqual(t, "what is in the overlay", [2]int64{}, [2]int64{data, zero})
				}
				want = scribble(t, self, d, want, rng, 20)
				d = reopen(t, self, d, storage, backing)
				wantBytes(t, "opened again", want, contents(t, self, d))
				must(t, d.Close(self))
				check(t, self, storage)
				return nil
			})
		})
	}
}

func TestCommitGivesTheStorageBack(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		storage := newStorage()
		backing := base(t, self, 4*mib, 1)
		d := overlay(t, self, storage, backing, cow.CreateOptions{})
		empty := storage.Size()
		must(t, d.WriteAt(self, fill(3*mib, 'w'), 0))
		_, err := cow.Commit(self, d, backing, cow.Progress{})
		must(t, err)
		wantEqual(t, "size of the storage", empty, storage.Size())
		must(t, d.Close(self))
		check(t, self, storage)
	})
}

// failing fails the nth call that changes something, and all after it.
func failing(s *stub, n int) {
	s.fail = func(op blockio.Op, _, _ int64) error {
		if op == blockio.OpWrite || op == blockio.OpFlush {
			if n--; n < 0 {
				return syscall.EIO
			}
		}
		return nil
	}
}

// Commit and Rebase fail at each write and each flush of either device in turn;
// each time the overlay is opened again, reads as it should, and they are
// repeated.
func TestCommitAndRebaseCanFailAnywhere(t *testing.T) {
	type do func(self *coro.Self, d, backing *blockio.Device) error
	for name, do := range map[string]do{
		"commit": func(self *coro.Self, d, backing *blockio.Device) error {
			_, err := cow.Commit(self, d, backing, cow.Progress{Coroutines: 2})
			return err
		},
		"rebase": func(self *coro.Self, d, _ *blockio.Device) error {
			_, err := cow.Rebase(self, d, nil, cow.RebaseOptions{})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			blocktest.OnLoop(t, coro.Direct, 1, false, func(self *coro.Self) error {
				storage, below := newStub(0), newStub(90*kib)
				must(t, below.lasting.WriteAt(self, pattern(90*kib, 1), 0, 0))
				want := pattern(90*kib, 1)
				want = append(want, make([]byte, 30*kib)...)
				create(t, self, storage, cow.CreateOptions{Size: 120 * kib, ClusterSize: 4096, Backing: device(t, self, below)})
				d := device(t, self, openDriver(t, self, storage, device(t, self, below), cow.Options{}))
				for i := range int64(8) {
					must(t, d.WriteAt(self, fill(5000, 'w'), i*15000))
					copy(want[i*15000:], fill(5000, 'w'))
				}
				must(t, d.WriteZeroes(self, 0, 10*kib, 0))
				clear(want[:10*kib])
				must(t, d.Close(self))
				fails := 0
				for n := 0; ; n++ {
					if n > 1000 {
						t.Fatal("it does not come to an end")
					}
					backing := device(t, self, below)
					d := device(t, self, openDriver(t, self, storage, backing, cow.Options{}))
					if name == "commit" {
						failing([]*stub{storage, below}[n%2], n/2)
					} else {
						failing(storage, n)
					}
					err := do(self, d, backing)
					if err == nil {
						break
					}
					if !errors.Is(err, syscall.EIO) || !errors.As(err, new(*cow.Error)) {
						t.Fatal(err)
					}
					fails++
					storage.fail, below.fail = nil, nil
					if n%3 == 0 { // go on with what is open
						wantBytes(t, "after a failure", want, contents(t, self, d))
						must(t, d.WriteAt(self, fill(10, 'v'), 100*kib))
						copy(want[100*kib:], fill(10, 'v'))
						must(t, d.Close(self))
					}
					backing = nil // what the header says: the last flush may have failed after all was done
					if info, err := cow.ReadInfo(self, device(t, self, storage)); err != nil {
						t.Fatal(err)
					} else if info.HasBacking {
						backing = device(t, self, below)
					}
					d = device(t, self, openDriver(t, self, storage, backing, cow.Options{ReadOnly: true}))
					wantBytes(t, "opened again", want, contents(t, self, d))
					check(t, self, storage)
					if backing == nil {
						break
					}
				}
				storage.fail, below.fail = nil, nil
				if fails < 5 {
					t.Errorf("it failed %d times only", fails)
				}
				return nil
			})
		})
	}
}

func TestRebaseKeepsWhatTheOverlayReadsAs(t *testing.T) {
	for seed := range uint64(12) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			blocktest.OnLoop(t, coro.Handoff(seed%2), seed, false, func(self *coro.Self) error {
				rng := rand.New(rand.NewPCG(seed, 3))
				size := 100*kib + rng.Int64N(200*kib)
				storage := newStorage()
				backing := base(t, self, size, 1, blockio.WithReadOnly())
				d := overlay(t, self, storage, backing, cow.CreateOptions{ClusterSize: 4 << 10 << (seed % 3)})
				want := pattern(size, 1)
				for i := range 4 {
					want = scribble(t, self, d, want, rng, 30)
					var next *blockio.Device
					opts := cow.RebaseOptions{}
					if i != 2 {
						l := newLasting(50*kib+rng.Int64N(400*kib), mem.WithAlignment(512))
						must(t, l.WriteAt(self, pattern(50*kib, byte(i%2)), 0, 0))
						next, opts.Name = device(t, self, l, blockio.WithReadOnly()), fmt.Sprint("base ", i)
					}
					_, err := cow.Rebase(self, d, next, opts)
					must(t, err)
					backing = next
					wantBytes(t, "after a rebase", want, contents(t, self, d))
					d = reopen(t, self, d, storage, backing)
					wantBytes(t, "opened again", want, contents(t, self, d))
					wantEqual(t, "name", opts.Name, d.Driver().(*cow.Overlay).Info().Backing)
				}
				must(t, d.Close(self))
				check(t, self, storage)
				return nil
			})
		})
	}
}

func TestRebaseCopiesOnlyWhatDiffers(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		storage := newStorage()
		d := overlay(t, self, storage, base(t, self, mib, 1), cow.CreateOptions{})
		next := newLasting(mib)
		must(t, next.WriteAt(self, pattern(mib, 1), 0, 0))
		must(t, next.WriteAt(self, []byte{0}, 200*kib, 0))
		_, err := cow.Rebase(self, d, device(t, self, next), cow.RebaseOptions{Name: "next"})
		must(t, err)
		data, _ := d.Driver().(*cow.Overlay).Clusters()
		wantEqual(t, "clusters copied", 1, data)
		wantBytes(t, "contents", pattern(mib, 1), contents(t, self, d))
		must(t, d.Close(self))
	})
}

func TestUnsafeRebaseNeedsNoOldBacking(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		storage := newStorage()
		d := overlay(t, self, storage, base(t, self, mib, 1), cow.CreateOptions{})
		must(t, d.WriteAt(self, fill(64*kib, 'w'), 0))
		must(t, d.Close(self))
		d = device(t, self, openDriver(t, self, storage, nil, cow.Options{WithoutBacking: true}))
		p := make([]byte, 10)
		must(t, d.ReadAt(self, p, 0))
		if err := d.ReadAt(self, p, 64*kib); !errors.Is(err, cow.ErrBacking) {
			t.Errorf("got error %v, want %v", err, cow.ErrBacking)
		}
		next := base(t, self, 2*mib, 9)
		if _, err := cow.Rebase(self, d, next, cow.RebaseOptions{Name: "next"}); !errors.Is(err, cow.ErrBacking) {
			t.Errorf("got error %v, want %v", err, cow.ErrBacking)
		}
		_, err := cow.Rebase(self, d, next, cow.RebaseOptions{Name: "next", Unsafe: true})
		must(t, err)
		must(t, d.ReadAt(self, p, 64*kib))
		wantBytes(t, "the new backing", pattern(2*mib, 9)[64*kib:][:10], p)
		must(t, d.Close(self))
	})
}

func TestCommitAndRebaseReportAndStop(t *testing.T) {
	stop := errors.New("enough")
	for name, do := range map[string]func(self *coro.Self, d, backing *blockio.Device, p cow.Progress) error{
		"commit": func(self *coro.Self, d, backing *blockio.Device, p cow.Progress) error {
			_, err := cow.Commit(self, d, backing, p)
			return err
		},
		"rebase": func(self *coro.Self, d, _ *blockio.Device, p cow.Progress) error {
			_, err := cow.Rebase(self, d, nil, cow.RebaseOptions{Progress: p})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, self *coro.Self) {
				storage, below := newStub(0), newStub(4*mib)
				must(t, below.lasting.WriteAt(self, pattern(4*mib, 1), 0, 0))
				backing := device(t, self, below)
				d := overlay(t, self, storage, backing, cow.CreateOptions{})
				must(t, d.WriteAt(self, fill(2*mib, 'w'), 0))
				want := append(fill(2*mib, 'w'), pattern(4*mib, 1)[2*mib:]...)
				storage.lag, below.lag = time.Second, time.Second
				var last blockio.CopyProgress
				progress := func(p blockio.CopyProgress) { last = p }
				ctx, cancel := context.WithCancelCause(context.Background())
				cancel(stop)
				if err := do(self, d, backing, cow.Progress{Context: ctx}); !errors.Is(err, stop) {
					t.Errorf("got error %v, want %v", err, stop)
				}
				task := aio.Go(self, func(self *coro.Self) error {
					return do(self, d, backing, cow.Progress{Coroutines: 1, Progress: progress})
				})
				for last.Done <= 2*mib { // in its midst
					aio.Sleep(self, time.Second/2)
				}
				task.Cancel(stop)
				if err := task.Wait(self); !errors.Is(err, stop) {
					t.Errorf("got error %v, want %v", err, stop)
				}
				if last.Total != 4*mib || last.Done >= last.Total {
					t.Errorf("got progress %+v when it was killed", last)
				}
				wantBytes(t, "stopped", want, contents(t, self, d))
				wantEqual(t, "a commit is pending", name == "commit", d.Driver().(*cow.Overlay).Info().CommitPending)
				must(t, do(self, d, backing, cow.Progress{Progress: progress}))
				wantEqual(t, "done", 4*mib, last.Done)
				wantBytes(t, "repeated", want, contents(t, self, d))
				must(t, d.Close(self))
			})
		})
	}
}

func TestCommitAndRebaseRefuse(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		backing := base(t, self, mib, 1)
		d := overlay(t, self, newStorage(), backing, cow.CreateOptions{})
		must(t, d.WriteAt(self, pattern(mib, 1)[:kib], 0)) // so that there is something to commit
		upper := overlay(t, self, newStorage(), d, cow.CreateOptions{})
		alone := overlay(t, self, newStorage(), nil, cow.CreateOptions{Size: mib})
		for name, c := range map[string]struct {
			err  error
			want error
		}{
			"commit of a plain device":        {second(cow.Commit(self, backing, backing, cow.Progress{})), cow.ErrNotOverlay},
			"commit without a backing":        {second(cow.Commit(self, alone, backing, cow.Progress{})), cow.ErrBacking},
			"commit to a read-only backing":   {second(cow.Commit(self, d, base(t, self, mib, 1, blockio.WithReadOnly()), cow.Progress{})), blockio.ErrReadOnly},
			"commit to something else":        {second(cow.Commit(self, d, base(t, self, 2*mib, 1), cow.Progress{})), cow.ErrBacking},
			"rebase of a plain device":        {second(cow.Rebase(self, backing, nil, cow.RebaseOptions{})), cow.ErrNotOverlay},
			"rebase to itself":                {second(cow.Rebase(self, d, d, cow.RebaseOptions{})), cow.ErrBacking},
			"rebase to what stands on it":     {second(cow.Rebase(self, d, upper, cow.RebaseOptions{})), cow.ErrBacking},
			"unsafe rebase to itself":         {second(cow.Rebase(self, d, d, cow.RebaseOptions{Unsafe: true})), cow.ErrBacking},
			"commit to itself":                {second(cow.Commit(self, d, d, cow.Progress{})), cow.ErrBacking},
			"commit to what stands on it":     {second(cow.Commit(self, d, upper, cow.Progress{})), cow.ErrBacking},
			"commit by less than nobody":      {second(cow.Commit(self, d, backing, cow.Progress{Coroutines: -1})), cow.ErrOptions},
			"rebase by less than nobody":      {second(cow.Rebase(self, d, backing, cow.RebaseOptions{Progress: cow.Progress{Coroutines: -1}})), cow.ErrOptions},
			"commit to nothing":               {second(cow.Commit(self, d, nil, cow.Progress{})), cow.ErrOptions},
			"commit of nothing":               {second(cow.Commit(self, nil, d, cow.Progress{})), cow.ErrOptions},
			"rebase of nothing":               {second(cow.Rebase(self, nil, d, cow.RebaseOptions{})), cow.ErrOptions},
			"rebase to a name without device": {second(cow.Rebase(self, d, nil, cow.RebaseOptions{Name: "x"})), cow.ErrOptions},
			"rebase to a long name":           {second(cow.Rebase(self, d, backing, cow.RebaseOptions{Name: string(fill(5000, 'x'))})), cow.ErrOptions},
		} {
			if !errors.Is(c.err, c.want) {
				t.Errorf("%s: got error %v, want %v", name, c.err, c.want)
			}
		}
		wantBytes(t, "afterwards", pattern(mib, 1), contents(t, self, d))
		must(t, upper.Close(self))
		must(t, d.Close(self))
		must(t, alone.Close(self))
	})
}

func second(_ cow.Result, err error) error { return err }
