package cow_test

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/blockio/blocktest"
	"github.com/gohandoff/coroutine/blockio/cow"
	"github.com/gohandoff/coroutine/blockio/mem"
	"github.com/gohandoff/coroutine/coro"
)

const (
	kib = int64(1) << 10
	mib = int64(1) << 20
)

// each runs f as a task of a loop with a virtual clock: on one handoff in order
// of readiness, on the other in a random order.
func each(t *testing.T, f func(t *testing.T, self *coro.Self)) {
	t.Helper()
	for seed, h := range []coro.Handoff{coro.Channel, coro.Direct} {
		t.Run(h.String(), func(t *testing.T) {
			blocktest.OnLoop(t, h, uint64(seed), false, func(self *coro.Self) error {
				f(t, self)
				return nil
			})
		})
	}
}

// must fails the test if err is not nil.
func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantEqual[T any](t testing.TB, what string, want, got T) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// device opens a driver.
func device(t testing.TB, self *coro.Self, driver blockio.Driver, opts ...blockio.Option) *blockio.Device {
	t.Helper()
	d, err := blockio.Open(self, driver, opts...)
	must(t, err)
	return d
}

// lasting is a driver that keeps what it has when it is closed, to be opened
// again.
type lasting struct{ *mem.Driver }

func (l lasting) Close(*coro.Self) error { return nil }
func (l lasting) String() string         { return "lasting" }

func newLasting(size int64, opts ...mem.Option) lasting { return lasting{mem.New(size, opts...)} }

// storageOf is what an overlay is stored in, in these tests.
func newStorage() lasting { return newLasting(0, mem.WithAlignment(512)) }

// create makes an overlay in a storage.
func create(t testing.TB, self *coro.Self, storage blockio.Driver, opts cow.CreateOptions) {
	t.Helper()
	d := device(t, self, storage, blockio.WithName("storage"))
	must(t, cow.Create(self, d, opts))
	must(t, d.Close(self))
}

// openDriver opens an overlay; a nil backing is none.
func openDriver(t testing.TB, self *coro.Self, storage blockio.Driver, backing *blockio.Device, opts cow.Options) *cow.Overlay {
	t.Helper()
	o, err := cow.Open(self, device(t, self, storage, blockio.WithName("storage")), backing, opts)
	must(t, err)
	return o
}

// overlay creates an overlay and opens it as a device.
func overlay(t testing.TB, self *coro.Self, storage blockio.Driver, backing *blockio.Device, opts cow.CreateOptions) *blockio.Device {
	t.Helper()
	opts.Backing = backing
	create(t, self, storage, opts)
	return device(t, self, openDriver(t, self, storage, backing, cow.Options{KeepBacking: true}), blockio.WithName("overlay"))
}

// reopen closes an overlay and opens it again.
func reopen(t testing.TB, self *coro.Self, d *blockio.Device, storage blockio.Driver, backing *blockio.Device) *blockio.Device {
	t.Helper()
	must(t, d.Close(self))
	return device(t, self, openDriver(t, self, storage, backing, cow.Options{KeepBacking: true}), blockio.WithName("overlay"))
}

// check checks an overlay that is closed; nothing may be wrong with it.
func check(t testing.TB, self *coro.Self, storage blockio.Driver) cow.CheckResult {
	t.Helper()
	d := device(t, self, storage)
	r, err := cow.Check(self, d, cow.CheckOptions{})
	must(t, err)
	for _, e := range r.Corrupt {
		t.Error(e)
	}
	must(t, d.Close(self))
	return r
}

// base returns a device with contents: byte i is a function of seed and i.
func base(t testing.TB, self *coro.Self, size int64, seed byte, opts ...blockio.Option) *blockio.Device {
	t.Helper()
	l := newLasting(size, mem.WithAlignment(512))
	must(t, l.WriteAt(self, pattern(size, seed), 0, 0))
	return device(t, self, l, opts...)
}

// pattern returns n bytes.
func pattern(n int64, seed byte) []byte {
	p := make([]byte, n)
	for i := range p {
		p[i] = seed + byte(i/512)*7 + byte(i)
	}
	return p
}

// contents reads all of a device.
func contents(t testing.TB, self *coro.Self, d *blockio.Device) []byte {
	t.Helper()
	p := make([]byte, d.Size())
	must(t, d.ReadAt(self, p, 0))
	return p
}

// wantBytes compares contents, and tells of the first difference only.
func wantBytes(t testing.TB, what string, want, got []byte) {
	t.Helper()
	if len(want) != len(got) {
		t.Errorf("%s: got %d bytes, want %d", what, len(got), len(want))
		return
	}
	if bytes.Equal(want, got) {
		return
	}
	for i := range want {
		if want[i] != got[i] {
			t.Errorf("%s: byte %d is %#02x, want %#02x", what, i, got[i], want[i])
			return
		}
	}
}

// fill returns n bytes of c.
func fill(n int64, c byte) []byte { return bytes.Repeat([]byte{c}, int(n)) }
