package cow_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/blockio/blocktest"
	"github.com/gohandoff/coroutine/blockio/cow"
	"github.com/gohandoff/coroutine/blockio/powercut"
	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/aio"
)

var cutSeeds = flag.Int("powercut-seeds", 3, "how many seeds of power cuts to try, 50 cuts each")

// A cutCase is an overlay that is used by several coroutines, resized, committed,
// rebased and opened again, until the power goes.
type cutCase struct {
	rng    *rand.Rand
	plant  bool
	ledger *ledger

	d *blockio.Device
}

const backingCells = 150

// attempt uses an overlay until the power goes in step cut, 0 when all is done,
// and looks at what is left, with a second cut in that. It returns how many steps
// there were.
func (c *cutCase) attempt(t testing.TB, seed uint64, cut int) (steps int, err error) {
	limits := powercut.WithLimits(blockio.Limits{Alignment: 512, FUA: true})
	power := powercut.NewPower(seed)
	var disks []*powercut.Disk
	for _, size := range []int64{0, backingCells * cellSize, 200 * cellSize} {
		disks = append(disks, powercut.NewDisk(power, size, limits))
	}
	// each runs f on another supply, on what has survived so far.
	each := func(f func(*coro.Self, []*blockio.Device) error, cut int) (*powercut.Power, error) {
		power := powercut.NewPower(seed)
		power.CutAt(cut)
		var err error
		blocktest.OnLoop(t, coro.Direct, seed, false, func(self *coro.Self) error {
			var devs []*blockio.Device
			for i := range disks {
				disks[i] = disks[i].Reopen(power)
				devs = append(devs, device(t, self, disks[i], blockio.WithName([]string{"storage", "backing", "next"}[i])))
			}
			err = f(self, devs)
			return nil
		})
		if power.Off() {
			err = nil // it was the cut
		}
		steps := power.Steps()
		power.Cut()
		if err != nil {
			err = fmt.Errorf("seed %d, cut %d, step %d: %w", seed, cut, steps, err)
		}
		return power, err
	}
	if _, err := each(c.prepare, 0); err != nil {
		return 0, err
	}
	if power, err = each(c.run, cut); err != nil {
		return 0, err
	}
	if cut > 0 {
		if _, err := each(c.check, 1+c.rng.IntN(20)); err != nil {
			return 0, err
		}
	}
	_, err = each(c.check, 0)
	return power.Steps(), err
}

// cutPower tries cuts at random, so many of each seed, and returns how many there
// were.
func cutPower(t testing.TB, seeds, perSeed int, plant bool) (cuts int, err error) {
	for seed := uint64(1); seed <= uint64(seeds); seed++ {
		attempt := func(cut int) (int, error) {
			return (&cutCase{rng: rand.New(rand.NewPCG(seed, 1)), plant: plant}).attempt(t, seed, cut)
		}
		steps, err := attempt(0)
		if err != nil {
			return cuts, err
		}
		rng := rand.New(rand.NewPCG(seed, 2))
		for range perSeed {
			cuts++
			if _, err := attempt(1 + rng.IntN(steps)); err != nil {
				return cuts, err
			}
		}
	}
	return cuts, nil
}

func (c *cutCase) prepare(self *coro.Self, disks []*blockio.Device) (err error) {
	n := 100 + c.rng.IntN(120)
	c.ledger = newLedger(n, backingCells)
	defer func() {
		for _, d := range disks {
			err = errors.Join(err, d.Flush(self))
		}
	}()
	for i := range int64(backingCells) {
		if err := disks[1].WriteAt(self, bytes.Repeat([]byte{byte(i%250) + 1}, cellSize), i*cellSize); err != nil {
			return err
		}
		if err := disks[2].WriteAt(self, bytes.Repeat([]byte{byte(i/30*30%250) + 1}, cellSize), i*cellSize); err != nil {
			return err
		}
	}
	return cow.Create(self, disks[0], cow.CreateOptions{
		Size: int64(n) * cellSize, ClusterSize: 4096 << c.rng.IntN(2), Backing: disks[1], BackingName: "1",
	})
}

// open opens the overlay over the backing that it names.
func (c *cutCase) open(self *coro.Self, disks []*blockio.Device) (*blockio.Device, error) {
	info, err := cow.ReadInfo(self, disks[0])
	if err != nil {
		return nil, err
	}
	var backing *blockio.Device
	if info.HasBacking {
		backing = disks[info.Backing[0]-'0']
	}
	// A Device of its own, as another process has: the overlay that was open
	// before may have been left.
	storage, err := blockio.Open(self, disks[0].Driver(), blockio.WithName("storage"))
	if err != nil {
		return nil, err
	}
	o, err := cow.Open(self, storage, backing, cow.Options{KeepBacking: true})
	if err != nil {
		return nil, err
	}
	if c.plant {
		cow.PlantBug(o)
	}
	return blockio.Open(self, o)
}

func (c *cutCase) run(self *coro.Self, disks []*blockio.Device) (err error) {
	if c.d, err = c.open(self, disks); err != nil {
		return err
	}
	for range 5 {
		const workers = 3
		var g aio.Group
		per := len(c.ledger.cells) / workers
		for w := range workers {
			g.Go(self, func(self *coro.Self) error {
				for range 4 {
					if err := c.request(self, w*per, per); err != nil {
						return err
					}
				}
				return nil
			})
		}
		if err := g.Wait(self); err != nil {
			return err
		}
		if err := c.whole(self, disks); err != nil {
			return err
		}
		if err := c.ledger.check(self, c.d); err != nil {
			return fmt.Errorf("with the power on: %w", err)
		}
	}
	return c.ledger.flush(func() error { return c.d.Flush(self) })
}

// request is one of a worker's, to its n cells from i on.
func (c *cutCase) request(self *coro.Self, i, n int) error {
	k := c.rng.IntN(min(n, 40)) + 1
	i += c.rng.IntN(n - k + 1)
	off, length := int64(i)*cellSize, int64(k)*cellSize
	flags := blockio.Flags(c.rng.UintN(2))
	switch c.rng.IntN(6) {
	case 0:
		return c.ledger.flush(func() error { return c.d.Flush(self) })
	case 1:
		return c.ledger.put(i, k, 0, flags&blockio.FUA != 0, func() error {
			return c.d.WriteZeroes(self, off, length, flags|blockio.MayUnmap)
		})
	case 2:
		return c.discard(self, i, k)
	}
	v := byte(c.rng.IntN(250)) + 1
	return c.ledger.put(i, k, v, flags&blockio.FUA != 0, func() error {
		return c.d.WriteAtFlags(self, bytes.Repeat([]byte{v}, int(length)), off, flags)
	})
}

// discard leaves some cells as they are, and some zero.
func (c *cutCase) discard(self *coro.Self, i, n int) error {
	for k := i; k < i+n; k++ {
		vs := c.ledger.cells[k]
		// Zero, and not yet ended, for the case that it is; before it the old
		// one again, for the case that it is not.
		c.ledger.cells[k] = append(vs[:len(vs):len(vs)], value{v: 0}, value{v: vs[len(vs)-1].v})
	}
	if err := c.d.Discard(self, int64(i)*cellSize, int64(n)*cellSize); err != nil {
		return err
	}
	p := make([]byte, n*cellSize)
	if err := c.d.ReadAt(self, p, int64(i)*cellSize); err != nil {
		return err
	}
	c.ledger.now++
	for k := i; k < i+n; k++ {
		vs := c.ledger.cells[k]
		vs[len(vs)-1] = value{p[(k-i)*cellSize], c.ledger.now}
	}
	return nil
}

// whole does something to the overlay as a whole.
func (c *cutCase) whole(self *coro.Self, disks []*blockio.Device) (err error) {
	info := c.d.Driver().(*cow.Overlay).Info()
	switch c.rng.IntN(6) {
	case 0:
		return c.ledger.flush(func() error { return c.d.Flush(self) })
	case 1, 2:
		n := 60 + c.rng.IntN(200)
		return c.ledger.resize(n, func() error { return c.d.Resize(self, int64(n)*cellSize) })
	case 3:
		if !info.HasBacking {
			return nil
		}
		return c.ledger.flush(func() error {
			_, err := cow.Commit(self, c.d, disks[info.Backing[0]-'0'], cow.Progress{Coroutines: 3})
			return err
		})
	case 4:
		return c.ledger.flush(func() error {
			to, opts := disks[2], cow.RebaseOptions{Name: "2", Progress: cow.Progress{Coroutines: 3}}
			switch {
			case c.rng.IntN(3) == 0:
				to, opts.Name = nil, ""
			case info.Backing == "2":
				to, opts.Name = disks[1], "1"
			}
			_, err := cow.Rebase(self, c.d, to, opts)
			return err
		})
	}
	// Leave what is open, as a process does that is killed: what was not flushed
	// is lost, or not, but what is there from now on is durable.
	if c.d, err = c.open(self, disks); err != nil {
		return err
	}
	return c.ledger.settle(self, c.d)
}

// check looks at what is left, brings a commit to its end, and looks again.
func (c *cutCase) check(self *coro.Self, disks []*blockio.Device) error {
	r, err := cow.Check(self, disks[0], cow.CheckOptions{})
	if err = errors.Join(append(r.Corrupt, err)...); err != nil {
		return err
	}
	d, err := c.open(self, disks)
	if err != nil {
		return err
	}
	if err := c.ledger.check(self, d); err != nil {
		return err
	}
	if r.CommitPending {
		if _, err := cow.Commit(self, d, disks[r.Backing[0]-'0'], cow.Progress{}); err != nil {
			return err
		}
	}
	if err := c.ledger.check(self, d); err != nil {
		return fmt.Errorf("after the recovery: %w", err)
	}
	return nil
}

// 50 cuts of each seed; -powercut-seeds=200 makes 10,000 of them.
func TestPowerCutsLoseNothingThatWasFlushed(t *testing.T) {
	cuts, err := cutPower(t, *cutSeeds, 50, false)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d power cuts, and as many in the checks that followed", cuts)
}

func TestPowerCutsFindTablesThatAreWrittenBeforeData(t *testing.T) {
	cuts, err := cutPower(t, 20, 50, true)
	if err == nil {
		t.Fatal("the planted bug was not found")
	}
	t.Logf("found by cut %d: %v", cuts, err)
}
