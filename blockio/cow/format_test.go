package cow_test

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/blockio/blocktest"
	"github.com/gohandoff/coroutine/blockio/cow"
	"github.com/gohandoff/coroutine/coro"
)

// sample makes an overlay of 4 KiB clusters with two tables and three clusters of
// data, and returns what is in its storage: header, root (at 8192), then tables
// and clusters.
func sample(t testing.TB, self *coro.Self) []byte {
	t.Helper()
	storage := newStorage()
	d := overlay(t, self, storage, nil, cow.CreateOptions{Size: 3 * mib, ClusterSize: 4096})
	must(t, d.WriteAt(self, fill(8192, 'a'), 0))
	must(t, d.WriteAt(self, fill(4096, 'b'), 2*mib))
	must(t, d.Close(self))
	p := make([]byte, storage.Size())
	must(t, storage.ReadAt(self, p, 0))
	return p
}

// holding returns a storage with contents.
func holding(t testing.TB, self *coro.Self, p []byte) lasting {
	t.Helper()
	l := newLasting(int64(len(p)))
	must(t, l.WriteAt(self, p, 0, 0))
	return l
}

// tryOpen opens what is stored in p, reads all of it if it opens, and closes it.
func tryOpen(t testing.TB, self *coro.Self, p []byte, most int64) error {
	t.Helper()
	storage := device(t, self, holding(t, self, p), blockio.WithName("storage"))
	o, err := cow.Open(self, storage, nil, cow.Options{WithoutBacking: true})
	if err != nil {
		return errors.Join(err, storage.Close(self))
	}
	d := device(t, self, o)
	buf := make([]byte, 64*kib)
	for off := int64(0); off < min(d.Size(), most); off += int64(len(buf)) {
		err := d.ReadAt(self, buf[:min(int64(len(buf)), d.Size()-off)], off)
		if err != nil && !errors.Is(err, cow.ErrBacking) {
			t.Errorf("reading what was opened: %v", err)
		}
	}
	return d.Close(self)
}

// sum puts the right checksum on a slot.
func sum(p []byte, slot int) {
	p = p[slot*cow.SlotSize:][:cow.SlotSize]
	binary.LittleEndian.PutUint32(p[cow.SlotSize-4:], crc32.Checksum(p[:cow.SlotSize-4], crc32.MakeTable(crc32.Castagnoli)))
}

func TestDamageIsToldAndNeverOpened(t *testing.T) {
	put := func(at int, v uint64) func(p []byte) []byte {
		return func(p []byte) []byte {
			binary.LittleEndian.PutUint64(p[at:], v)
			return p
		}
	}
	header := func(at int, v uint32) func(p []byte) []byte {
		return func(p []byte) []byte {
			binary.LittleEndian.PutUint32(p[at:], v)
			sum(p, 0)
			return p
		}
	}
	at := func(p []byte, off int) int { return int(binary.LittleEndian.Uint64(p[off:])) }
	for name, c := range map[string]struct {
		hurt func(p []byte) []byte
		want error
		text string
	}{
		"nothing":              {func(p []byte) []byte { return p }, nil, ""},
		"empty":                {func([]byte) []byte { return nil }, cow.ErrMagic, "cow: open storage: at 0: not an overlay: it has 0 bytes, want at least 8192"},
		"another file":         {func(p []byte) []byte { clear(p); return p }, cow.ErrMagic, "it does not begin with the magic number"},
		"header damaged":       {func(p []byte) []byte { p[30]++; return p }, cow.ErrCorrupt, "the checksum of the header is wrong"},
		"later version":        {header(8, 2), cow.ErrVersion, "unsupported version: it is of version 2, want 1"},
		"later feature":        {header(64, 1<<7), cow.ErrVersion, "it has the unknown flags 0x80"},
		"cluster size":         {header(12, 40), cow.ErrCorrupt, "the cluster size is 2^40, want 2^12 to 2^21"},
		"size":                 {header(28, 1<<31), cow.ErrCorrupt, "the size is"},
		"visible":              {header(32, 5), cow.ErrCorrupt, "5 bytes of the backing show through, of 0"},
		"root of no size":      {header(56, 0), cow.ErrCorrupt, "the root has 0 entries"},
		"root in the header":   {header(48, 4096), cow.ErrCorrupt, "the root is at 4096"},
		"root behind the end":  {header(48, 1<<30), cow.ErrTruncated, "the root is at [1073741824, 1073745920)"},
		"a name that is long":  {header(68, 1<<20), cow.ErrCorrupt, "the name of the backing has 1048576 bytes"},
		"truncated":            {func(p []byte) []byte { return p[:len(p)-4096] }, cow.ErrTruncated, "truncated: corrupt: "},
		"truncated to nothing": {func(p []byte) []byte { return p[:9000] }, cow.ErrTruncated, "the storage has 9000 bytes"},
		"table in the header":  {put(8192, 4096), cow.ErrCorrupt, "at 8192: corrupt: something else is there, too: table 0 is at 4096"},
		"table unaligned":      {put(8192, 12345), cow.ErrCorrupt, "no multiple of the cluster size"},
		"table negative":       {put(8192, 1<<63), cow.ErrCorrupt, "table 0"},
		"table far away":       {put(8192, 1<<50), cow.ErrTruncated, "table 0 is at 1125899906842624"},
		"two tables at once":   {func(p []byte) []byte { return put(8200, uint64(at(p, 8192)))(p) }, cow.ErrCorrupt, "something else is there, too: table 1"},
		"data twice":           {func(p []byte) []byte { t := at(p, 8192); return put(t+8, uint64(at(p, t)))(p) }, cow.ErrCorrupt, "entry 1 of table 0 says that cluster 1 is at"},
		"data in the root":     {func(p []byte) []byte { return put(at(p, 8192), 8192|1)(p) }, cow.ErrCorrupt, "something else is there, too"},
		"a strange entry":      {func(p []byte) []byte { return put(at(p, 8192)+16, 4)(p) }, cow.ErrCorrupt, "entry 2 of table 0 is 0x4"},
		"data far away":        {func(p []byte) []byte { return put(at(p, 8192), 1<<62|1)(p) }, cow.ErrTruncated, "entry 0 of table 0"},
	} {
		t.Run(name, func(t *testing.T) {
			blocktest.OnLoop(t, coro.Direct, 0, false, func(self *coro.Self) error {
				p := c.hurt(sample(t, self))
				err := tryOpen(t, self, p, 1<<62)
				if !errors.Is(err, c.want) || err != nil && (!strings.Contains(err.Error(), c.text) || !errors.As(err, new(*cow.Error))) {
					t.Errorf("got error %v, want %v: %s", err, c.want, c.text)
				}
				// Check finds what Open does.
				r, cerr := cow.Check(self, device(t, self, holding(t, self, p)), cow.CheckOptions{})
				if (err != nil) != (cerr != nil || r.Corruptions > 0) {
					t.Errorf("check: %v, %d corruptions", cerr, r.Corruptions)
				}
				return nil
			})
		})
	}
}

func TestNewerHeaderCountsUnlessItIsSpoilt(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		storage := newStorage()
		d := overlay(t, self, storage, nil, cow.CreateOptions{Size: mib})
		must(t, d.Resize(self, 2*mib)) // the second slot
		must(t, d.Resize(self, 3*mib)) // the first one again
		must(t, d.Close(self))
		wantEqual(t, "spoilt", false, check(t, self, storage).HeaderSpoilt)
		must(t, storage.WriteAt(self, []byte{0xff}, 100, 0))
		r := check(t, self, storage)
		wantEqual(t, "spoilt", true, r.HeaderSpoilt)
		wantEqual(t, "size", 2*mib, r.Size)
		d = device(t, self, openDriver(t, self, storage, nil, cow.Options{}))
		must(t, d.Resize(self, 5*mib))
		must(t, d.Close(self))
		r = check(t, self, storage)
		wantEqual(t, "spoilt", false, r.HeaderSpoilt)
		wantEqual(t, "size", 5*mib, r.Size)
	})
}

func TestLeaksAreFoundAndGivenBack(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		storage := newLasting(0)
		d := overlay(t, self, storage, nil, cow.CreateOptions{Size: mib})
		must(t, d.WriteAt(self, fill(128*kib, 'w'), 0))
		must(t, d.Flush(self))
		must(t, d.WriteAt(self, fill(192*kib, 'x'), 512*kib)) // never flushed, never closed
		dev := device(t, self, storage)
		r, err := cow.Check(self, dev, cow.CheckOptions{})
		must(t, err)
		wantEqual(t, "leaked", 192*kib, r.Leaked)
		wantEqual(t, "repaired", 0, r.Repaired)
		r, err = cow.Check(self, dev, cow.CheckOptions{Repair: true})
		must(t, err)
		wantEqual(t, "repaired", 192*kib, r.Repaired)
		wantEqual(t, "leaked after the repair", 0, check(t, self, storage).Leaked)
		wantEqual(t, "size of the storage", r.Used, storage.Size())
		d = device(t, self, openDriver(t, self, storage, nil, cow.Options{}))
		want := make([]byte, mib)
		copy(want, fill(128*kib, 'w'))
		wantBytes(t, "contents", want, contents(t, self, d))
		must(t, d.Close(self))
	})
}

func TestBackingOfAnotherSizeIsRefused(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		storage := newStorage()
		create(t, self, storage, cow.CreateOptions{Backing: base(t, self, mib, 1), BackingName: "base"})
		for _, backing := range []*blockio.Device{nil, base(t, self, mib+512, 1), base(t, self, 512, 1)} {
			if _, err := cow.Open(self, device(t, self, storage), backing, cow.Options{}); !errors.Is(err, cow.ErrBacking) {
				t.Errorf("got error %v, want %v", err, cow.ErrBacking)
			}
		}
		plain := newStorage()
		create(t, self, plain, cow.CreateOptions{Size: mib})
		if _, err := cow.Open(self, device(t, self, plain), base(t, self, mib, 1), cow.Options{}); !errors.Is(err, cow.ErrBacking) {
			t.Errorf("got error %v, want %v", err, cow.ErrBacking)
		}
	})
}

func TestCreateRefusesWhatCannotBe(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		for _, c := range []struct {
			opts cow.CreateOptions
			want error
		}{
			{cow.CreateOptions{Size: -1}, cow.ErrOptions},
			{cow.CreateOptions{Size: mib, ClusterSize: 1000}, cow.ErrOptions},
			{cow.CreateOptions{Size: mib, ClusterSize: 2048}, cow.ErrOptions},
			{cow.CreateOptions{Size: mib, ClusterSize: 4 << 20}, cow.ErrOptions},
			{cow.CreateOptions{Size: mib, BackingName: "x"}, cow.ErrOptions},
			{cow.CreateOptions{Size: 1 << 44, ClusterSize: 4096}, cow.ErrTooLarge},
			{cow.CreateOptions{Size: 1<<62 + 1, ClusterSize: 2 << 20}, cow.ErrTooLarge},
		} {
			if err := cow.Create(self, device(t, self, newStorage()), c.opts); !errors.Is(err, c.want) || !errors.As(err, new(*cow.Error)) {
				t.Errorf("%+v: got error %v, want %v", c.opts, err, c.want)
			}
		}
		small := fixedSize{newLasting(64 * kib)}
		if err := cow.Create(self, device(t, self, small), cow.CreateOptions{Size: mib}); !errors.Is(err, cow.ErrFull) {
			t.Errorf("got error %v, want %v", err, cow.ErrFull)
		}
	})
}

func TestReadOnlyOverlayWritesNothing(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		p := sample(t, self)
		s := &stub{lasting: holding(t, self, p)}
		d := device(t, self, openDriver(t, self, s, nil, cow.Options{ReadOnly: true}))
		buf := make([]byte, 4096)
		must(t, d.ReadAt(self, buf, 4096))
		wantBytes(t, "contents", fill(4096, 'a'), buf)
		if err := d.WriteAt(self, buf, 0); !errors.Is(err, blockio.ErrReadOnly) {
			t.Errorf("got error %v, want %v", err, blockio.ErrReadOnly)
		}
		must(t, d.Close(self))
		for _, op := range s.calls {
			if op == blockio.OpWrite {
				t.Error("it wrote")
			}
		}
		got := make([]byte, len(p))
		must(t, s.lasting.ReadAt(self, got, 0))
		wantBytes(t, "the storage", p, got)
	})
}

// Whatever a storage holds, to open it gives an overlay that can be read, or an
// error.
func FuzzOpen(f *testing.F) {
	var seed []byte
	blocktest.OnLoop(f, coro.Direct, 0, false, func(self *coro.Self) error {
		seed = sample(f, self)
		return nil
	})
	f.Add(seed, uint16(0), uint64(0))
	f.Add(seed, uint16(56), uint64(1<<22))
	f.Add(seed, uint16(8192), uint64(1<<50))
	f.Add([]byte("codemo\x1ac"), uint16(8), uint64(1<<32|1))
	f.Fuzz(func(t *testing.T, p []byte, at uint16, v uint64) {
		if len(p) > 256<<10 {
			return
		}
		// The checksums are made right, or nothing else would be reached.
		if int(at)+8 <= len(p) {
			binary.LittleEndian.PutUint64(p[at:], v)
		}
		for slot := range 2 {
			if len(p) >= cow.HeaderBytes {
				sum(p, slot)
			}
		}
		blocktest.OnLoop(t, coro.Direct, 0, false, func(self *coro.Self) error {
			err := tryOpen(t, self, p, mib)
			if err != nil && !errors.As(err, new(*cow.Error)) {
				t.Errorf("got error %v, want a *cow.Error", err)
			}
			_, _ = cow.Check(self, device(t, self, holding(t, self, p)), cow.CheckOptions{})
			return nil
		})
	})
}

// Random damage, much of it to numbers that matter: what opens can be read and
// closed, and what does not says why.
func TestRandomDamageIsToldOrHarmless(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	opened := 0
	const tries = 300
	for range tries {
		blocktest.OnLoop(t, coro.Direct, 0, false, func(self *coro.Self) error {
			p := sample(t, self)
			if rng.IntN(3) == 0 {
				p = p[:rng.IntN(len(p))]
			}
			for range rng.IntN(4) {
				at := []int{8, 12, 24, 28, 32, 40, 48, 56, 64, 8192, 8200, 12288, 12296, 16384}[rng.IntN(14)]
				v := []uint64{0, 1, 2, 1 << 22, 4096, 8192, 8193, 12289, 16385, 1 << 40, 1 << 62, rng.Uint64(), rng.Uint64N(40000)}[rng.IntN(13)]
				if at+8 <= len(p) {
					binary.LittleEndian.PutUint64(p[at:], v)
				}
			}
			if len(p) >= cow.HeaderBytes {
				sum(p, 0)
				sum(p, 1)
			}
			if err := tryOpen(t, self, p, mib); err == nil {
				opened++
			} else if !errors.As(err, new(*cow.Error)) {
				t.Errorf("got error %v, want a *cow.Error", err)
			}
			return nil
		})
	}
	if opened == 0 || opened == tries {
		t.Errorf("%d of %d opened", opened, tries)
	}
}
