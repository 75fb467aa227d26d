package powercut_test

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/blockio/blocktest"
	"github.com/gohandoff/coroutine/blockio/powercut"
	"github.com/gohandoff/coroutine/coro"
)

func TestConformance(t *testing.T) {
	for _, l := range []blockio.Limits{{}, {FUA: true, Alignment: 512, MaxTransfer: 8192}} {
		t.Run(fmt.Sprintf("alignment=%d", l.Alignment), func(t *testing.T) {
			blocktest.Run(t, func(_ *testing.T, _ *coro.Self, size int64) blockio.Driver {
				return powercut.NewDisk(powercut.NewPower(1), size, powercut.WithLimits(l), powercut.WithLatency(time.Millisecond))
			}, blocktest.WithSeeds(1), blocktest.WithSizes(64<<10+777))
		})
	}
}

// after runs body on a disk, cuts the power, and returns what is left, as seen
// by a device on it.
func after(t *testing.T, seed uint64, body func(self *coro.Self, disk *powercut.Disk) error) []byte {
	t.Helper()
	power := powercut.NewPower(seed)
	disk := powercut.NewDisk(power, 4096, powercut.WithLimits(blockio.Limits{FUA: true}))
	blocktest.OnLoop(t, coro.Direct, seed, false, func(self *coro.Self) error { return body(self, disk) })
	power.Cut()
	left := disk.Reopen(powercut.NewPower(seed))
	p := make([]byte, left.Size())
	blocktest.OnLoop(t, coro.Direct, seed, false, func(self *coro.Self) error { return left.ReadAt(self, p, 0) })
	return p
}

func TestWhatWasFlushedSurvives(t *testing.T) {
	want := bytes.Repeat([]byte("a"), 4096)
	for seed := range uint64(100) {
		got := after(t, seed, func(self *coro.Self, d *powercut.Disk) error {
			if seed%2 == 0 {
				return d.WriteAt(self, want, 0, blockio.FUA)
			}
			return errors.Join(d.WriteAt(self, want, 0, 0), d.Flush(self))
		})
		if !bytes.Equal(got, want) {
			t.Fatalf("seed %d: what was flushed is lost", seed)
		}
	}
}

func TestForcedWriteOutlivesWhatWasThereBefore(t *testing.T) {
	for seed := range uint64(100) {
		got := after(t, seed, func(self *coro.Self, d *powercut.Disk) error {
			return errors.Join(
				d.WriteAt(self, bytes.Repeat([]byte("a"), 4096), 0, 0),
				d.WriteAt(self, bytes.Repeat([]byte("b"), 512), 1024, blockio.FUA),
			)
		})
		if !bytes.Equal(got[1024:1536], bytes.Repeat([]byte("b"), 512)) {
			t.Fatalf("seed %d: got %q, want what was written with FUA", seed, got[1024:1030])
		}
	}
}

// Each sector is one of the two writes or none, as a whole, and all of it occurs.
func TestWhatWasNotFlushedMayBeLostKeptOrTornBetweenSectors(t *testing.T) {
	seen := map[string]bool{}
	for seed := range uint64(400) {
		got := after(t, seed, func(self *coro.Self, d *powercut.Disk) error {
			return errors.Join(
				d.WriteAt(self, bytes.Repeat([]byte("a"), 1024), 0, 0),
				d.WriteAt(self, bytes.Repeat([]byte("b"), 1024), 512, 0),
			)
		})
		name := ""
		for off := 0; off < 2048; off += 512 {
			if len(bytes.Trim(got[off:off+512], string(got[off:off+1]))) > 0 {
				t.Fatalf("seed %d: the sector at %d is torn", seed, off)
			}
			name += string(max(got[off], '-'))
		}
		seen[name] = true
	}
	// Lost, kept, the second without the first, each in parts.
	for _, want := range []string{"----", "abb-", "-bb-", "aa--", "a---", "-b--", "a-b-"} {
		if !seen[want] {
			t.Errorf("%q never was left", want)
		}
	}
	for name := range seen {
		if name[0] == 'b' || name[2] == 'a' || name[3] != '-' {
			t.Errorf("%q was left", name)
		}
	}
}

// A sector that was written in two parts never has the second without the first.
func TestSectorHasAllThatWasWrittenBeforeWhatIsLeft(t *testing.T) {
	seen := map[string]bool{}
	for seed := range uint64(100) {
		got := after(t, seed, func(self *coro.Self, d *powercut.Disk) error {
			return errors.Join(d.WriteAt(self, []byte("a"), 0, 0), d.WriteAt(self, []byte("b"), 1, 0))
		})
		seen[string(bytes.ReplaceAll(got[:2], []byte{0}, []byte("-")))] = true
	}
	if len(seen) != 3 || seen["-b"] {
		t.Errorf("left are %v, want --, a- and ab", seen)
	}
}

func TestZeroesAndDiscardsAreLostAsWritesAre(t *testing.T) {
	seen := map[string]bool{}
	for seed := range uint64(200) {
		got := after(t, seed, func(self *coro.Self, d *powercut.Disk) error {
			return errors.Join(
				d.WriteAt(self, bytes.Repeat([]byte("a"), 4096), 0, 0), d.Flush(self),
				d.WriteZeroes(self, 100, 1000, 0), d.Discard(self, 2048, 1024),
			)
		})
		if got[99] != 'a' || got[1100] != 'a' || got[2047] != 'a' || got[3072] != 'a' {
			t.Fatalf("seed %d: what is around was lost", seed)
		}
		seen[fmt.Sprintf("%t %t", got[100] == 0, got[2048] == 0)] = true
	}
	if len(seen) != 4 {
		t.Errorf("only %v were left", seen)
	}
}

func TestResizesAreKeptInOrder(t *testing.T) {
	seen := map[int]bool{}
	for seed := range uint64(200) {
		got := after(t, seed, func(self *coro.Self, d *powercut.Disk) error {
			return errors.Join(
				d.WriteAt(self, bytes.Repeat([]byte("a"), 4096), 0, 0), d.Flush(self),
				d.Resize(self, 1024), d.Resize(self, 8192),
			)
		})
		if seen[len(got)] = true; len(got) == 8192 && len(bytes.Trim(got[1024:], "\x00")) > 0 {
			t.Fatalf("seed %d: what had been cut off is there again", seed)
		}
	}
	if len(seen) != 3 {
		t.Errorf("the sizes left are %v, want 1024, 4096 and 8192", seen)
	}
}

func TestAfterTheCutEveryCallFails(t *testing.T) {
	power := powercut.NewPower(1)
	disk := powercut.NewDisk(power, 4096)
	power.CutAt(2)
	blocktest.OnLoop(t, coro.Direct, 1, false, func(self *coro.Self) error {
		p := make([]byte, 512)
		if err := disk.WriteAt(self, p, 0, 0); err != nil {
			return err
		}
		_, _, status := disk.BlockStatus(self, 0, 512)
		if status != nil {
			return status
		}
		for i, err := range []error{
			disk.Flush(self), disk.Flush(self), disk.WriteAt(self, p, 0, 0), disk.ReadAt(self, p, 0),
			disk.WriteZeroes(self, 0, 512, 0), disk.Discard(self, 0, 512), disk.Resize(self, 0),
		} {
			if !errors.Is(err, powercut.ErrPowerCut) {
				t.Errorf("call %d: got error %v, want %v", i, err, powercut.ErrPowerCut)
			}
		}
		_, _, err := disk.BlockStatus(self, 0, 512)
		if !errors.Is(err, powercut.ErrPowerCut) {
			t.Errorf("status: got error %v, want %v", err, powercut.ErrPowerCut)
		}
		return nil
	})
}

func TestHugeZeroesCostNothing(t *testing.T) {
	power := powercut.NewPower(1)
	disk := powercut.NewDisk(power, 1<<50)
	blocktest.OnLoop(t, coro.Direct, 1, false, func(self *coro.Self) error {
		return errors.Join(
			disk.WriteAt(self, []byte("abc"), 1<<40, 0), disk.WriteZeroes(self, 1, 1<<50-2, 0), disk.Flush(self),
			disk.WriteZeroes(self, 1, 1<<50-2, 0), disk.Resize(self, 10),
		)
	})
	power.Cut()
}
