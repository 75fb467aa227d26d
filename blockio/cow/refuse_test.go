package cow_test

import (
	"errors"
	"testing"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/blockio/blocktest"
	"github.com/gohandoff/coroutine/blockio/cow"
	"github.com/gohandoff/coroutine/blockio/fault"
	"github.com/gohandoff/coroutine/coro"
)

// wantIs fails the test if err is not an *cow.Error that is want.
func wantIs(t testing.TB, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) || !errors.As(err, new(*cow.Error)) {
		t.Errorf("%s: got error %v, want %v", what, err, want)
	}
}

func TestStorageThatTheBackingStandsOnIsRefused(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		data := newLasting(mib)
		must(t, data.WriteAt(self, pattern(mib, 1), 0, 0))
		filter, err := fault.New(data)
		must(t, err)
		storage := device(t, self, data)
		middle := newStorage()
		for what, backing := range map[string]*blockio.Device{
			"the storage itself":           storage,
			"its driver":                   device(t, self, data),
			"a filter over it":             device(t, self, filter),
			"an overlay that stands on it": overlay(t, self, middle, storage, cow.CreateOptions{}),
		} {
			wantIs(t, what, cow.Create(self, storage, cow.CreateOptions{Backing: backing}), cow.ErrBacking)
			wantBytes(t, what, pattern(mib, 1), contents(t, self, storage))
		}
	})
}

func TestStorageOfAnOpenOverlayIsRefused(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		driver := newStorage()
		create(t, self, driver, cow.CreateOptions{Size: mib, ClusterSize: 4096})
		storage := device(t, self, driver)
		o, err := cow.Open(self, storage, nil, cow.Options{})
		must(t, err)
		d := device(t, self, o)
		must(t, d.WriteAt(self, fill(4096, 'a'), 0))

		_, err = cow.Open(self, storage, nil, cow.Options{})
		wantIs(t, "open again", err, cow.ErrInUse)
		wantIs(t, "create again", cow.Create(self, storage, cow.CreateOptions{Size: mib}), cow.ErrInUse)
		_, err = cow.Check(self, storage, cow.CheckOptions{Repair: true})
		wantIs(t, "repair", err, cow.ErrInUse)
		_, err = cow.Check(self, storage, cow.CheckOptions{})
		must(t, err)
		_, err = cow.Open(self, storage, nil, cow.Options{ReadOnly: true})
		must(t, err)

		wantBytes(t, "afterwards", fill(4096, 'a'), contents(t, self, d)[:4096])
		must(t, d.Close(self))
		wantEqual(t, "clusters of data", 1, check(t, self, driver).Data)
	})
}

// A storage that failed to open an overlay is nobody's.
func TestOpenThatFailsLeavesTheStorageFree(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		storage := device(t, self, newStorage())
		must(t, cow.Create(self, storage, cow.CreateOptions{Size: mib}))
		other := base(t, self, mib, 1)
		_, err := cow.Open(self, storage, other, cow.Options{})
		wantIs(t, "open over a backing", err, cow.ErrBacking)
		o, err := cow.Open(self, storage, nil, cow.Options{})
		must(t, err)
		must(t, o.Close(self))
	})
}

func TestNilDevicesAreRefused(t *testing.T) {
	blocktest.OnLoop(t, coro.Channel, 0, false, func(self *coro.Self) error {
		_, err := cow.Open(self, nil, nil, cow.Options{})
		wantIs(t, "open", err, cow.ErrOptions)
		_, err = cow.Check(self, nil, cow.CheckOptions{})
		wantIs(t, "check", err, cow.ErrOptions)
		_, err = cow.ReadInfo(self, nil)
		wantIs(t, "info", err, cow.ErrOptions)
		wantIs(t, "create", cow.Create(self, nil, cow.CreateOptions{Size: mib}), cow.ErrOptions)
		wantEqual(t, "words", "cow: create nil: bad options: the storage is nil", cow.Create(self, nil, cow.CreateOptions{Size: mib}).Error())
		return nil
	})
}

func TestClosedBackingIsRefused(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		storage, backing := newStorage(), base(t, self, mib, 1)
		create(t, self, storage, cow.CreateOptions{Backing: backing})
		must(t, backing.Close(self))
		_, err := cow.Open(self, device(t, self, storage), backing, cow.Options{})
		wantIs(t, "open", err, blockio.ErrClosed)
	})
}
