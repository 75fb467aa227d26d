package blocktest_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/blockio/blocktest"
	"github.com/gohandoff/coroutine/blockio/mem"
	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/aio"
)

// A recorder is a test that notes how it fails.
type recorder struct {
	testing.TB
	failures []string
}

func (r *recorder) Helper() {}

func (r *recorder) Errorf(format string, args ...any) {
	r.failures = append(r.failures, fmt.Sprintf(format, args...))
}

// A broken driver is right but for what a test replaces.
type broken struct {
	*mem.Driver
	read    func(self *coro.Self, p []byte, off int64) error
	write   func(self *coro.Self, p []byte, off int64) error
	zero    func(off, n int64)
	discard func(off, n int64)
	status  func(off, n int64) (blockio.Status, int64)
	resize  func(n int64)
}

func (b *broken) ReadAt(self *coro.Self, p []byte, off int64) error {
	if b.read != nil {
		return b.read(self, p, off)
	}
	return b.Driver.ReadAt(self, p, off)
}

func (b *broken) WriteAt(self *coro.Self, p []byte, off int64, flags blockio.Flags) error {
	if b.write != nil {
		return b.write(self, p, off)
	}
	return b.Driver.WriteAt(self, p, off, flags)
}

func (b *broken) WriteZeroes(self *coro.Self, off, n int64, flags blockio.Flags) error {
	if b.zero != nil {
		b.zero(off, n)
		return nil
	}
	return b.Driver.WriteZeroes(self, off, n, flags)
}

func (b *broken) Discard(self *coro.Self, off, n int64) error {
	if b.discard != nil {
		b.discard(off, n)
		return nil
	}
	return b.Driver.Discard(self, off, n)
}

func (b *broken) BlockStatus(self *coro.Self, off, n int64) (blockio.Status, int64, error) {
	if b.status != nil {
		s, k := b.status(off, n)
		return s, k, nil
	}
	return b.Driver.BlockStatus(self, off, n)
}

func (b *broken) Resize(self *coro.Self, n int64) error {
	if b.resize != nil {
		b.resize(n)
	}
	return b.Driver.Resize(self, n)
}

// Whatever a driver does wrong, the suite finds it.
func TestBrokenDriversAreFound(t *testing.T) {
	for name, hurt := range map[string]func(b *broken, m *mem.Driver){
		"nothing": func(*broken, *mem.Driver) {},
		"drops the last byte": func(b *broken, m *mem.Driver) {
			b.write = func(self *coro.Self, p []byte, off int64) error { return m.WriteAt(self, p[:len(p)-1], off, 0) }
		},
		"drops one write": func(b *broken, m *mem.Driver) {
			n := 0
			b.write = func(self *coro.Self, p []byte, off int64) error {
				if n++; n == 100 {
					return nil
				}
				return m.WriteAt(self, p, off, 0)
			}
		},
		"stores late": func(b *broken, m *mem.Driver) {
			b.write = func(self *coro.Self, p []byte, off int64) error {
				p = append([]byte(nil), p...)
				aio.LoopOf(self).Go(func(self *coro.Self) error {
					aio.Sleep(self, time.Millisecond)
					return m.WriteAt(self, p, off, 0)
				})
				return nil
			}
		},
		"stores elsewhere": func(b *broken, m *mem.Driver) {
			b.write = func(self *coro.Self, p []byte, off int64) error {
				if off > 512 && len(p) == 512 {
					off -= 512
				}
				return m.WriteAt(self, p, off, 0)
			}
		},
		"uses the caller's memory": func(b *broken, m *mem.Driver) {
			b.write = func(self *coro.Self, p []byte, off int64) error {
				err := m.WriteAt(self, p, off, 0)
				p[0]++
				return err
			}
		},
		"does not read the end": func(b *broken, m *mem.Driver) {
			b.read = func(self *coro.Self, p []byte, off int64) error {
				if len(p) > 8192 {
					p = p[:8192]
				}
				return m.ReadAt(self, p, off)
			}
		},
		"reads what is behind the end": func(b *broken, m *mem.Driver) {
			b.read = func(self *coro.Self, p []byte, off int64) error {
				err := m.ReadAt(self, p, off)
				for i := max(0, m.Size()-off); i < int64(len(p)); i++ {
					p[i] = 'x'
				}
				return err
			}
		},
		"zeroes nothing":    func(b *broken, _ *mem.Driver) { b.zero = func(int64, int64) {} },
		"zeroes a bit more": func(b *broken, m *mem.Driver) { b.zero = func(off, n int64) { _ = m.WriteZeroes(nil, off, n+512, 0) } },
		"discards a bit more": func(b *broken, m *mem.Driver) {
			b.discard = func(off, n int64) { _ = m.Discard(nil, off, n+4096) }
		},
		"reads what was discarded as this and that": func(b *broken, m *mem.Driver) {
			gone := map[int64]bool{}
			b.discard = func(off, n int64) {
				for i := off; i < off+n; i += 512 {
					gone[i] = true
				}
			}
			k := byte(0)
			b.read = func(self *coro.Self, p []byte, off int64) error {
				err := m.ReadAt(self, p, off)
				for i := int64(0); i < int64(len(p)); i += 512 {
					if gone[off+i] {
						k++
						p[i] = k
					}
				}
				return err
			}
			b.write = func(self *coro.Self, p []byte, off int64) error {
				for i := int64(0); i < int64(len(p)); i += 512 {
					delete(gone, off+i)
				}
				return m.WriteAt(self, p, off, 0)
			}
			b.zero = func(off, n int64) {
				for i := int64(0); i < n; i += 512 {
					delete(gone, off+i)
				}
				_ = m.WriteZeroes(nil, off, n, 0)
			}
		},
		"says that all is zero": func(b *broken, _ *mem.Driver) {
			b.status = func(_, n int64) (blockio.Status, int64) { return blockio.Zero, n }
		},
		"says nothing": func(b *broken, _ *mem.Driver) {
			b.status = func(int64, int64) (blockio.Status, int64) { return blockio.Data, 0 }
		},
		"keeps what it cut off": func(b *broken, m *mem.Driver) {
			cut := map[int64][]byte{}
			b.resize = func(n int64) {
				if n >= m.Size() {
					for off, p := range cut {
						_ = m.WriteAt(nil, p, off, 0)
					}
					return
				}
				from := (n + 511) / 512 * 512
				p := make([]byte, max(0, m.Size()-from))
				_ = m.ReadAt(nil, p, from)
				cut[from] = p
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := &recorder{TB: t}
			for seed := uint64(1); seed < 20 && len(r.failures) == 0; seed++ {
				blocktest.Attempt(r, seed, 128<<10+777, func(*coro.Self) blockio.Driver {
					m := mem.New(128<<10+777, mem.WithAlignment(512))
					b := &broken{Driver: m}
					hurt(b, m)
					return plain{b}
				})
			}
			if found := len(r.failures) > 0; found != (name != "nothing") {
				t.Errorf("got failures %q", r.failures)
			}
			if len(r.failures) > 0 {
				t.Log(strings.SplitN(r.failures[0], "\n", 2)[0])
			}
		})
	}
}

// plain takes no vectors, so that all reads and writes come to one place.
type plain struct{ b *broken }

func (p plain) ReadAt(self *coro.Self, b []byte, off int64) error { return p.b.ReadAt(self, b, off) }

func (p plain) WriteAt(self *coro.Self, b []byte, off int64, flags blockio.Flags) error {
	return p.b.WriteAt(self, b, off, flags)
}
func (p plain) Flush(self *coro.Self) error                 { return p.b.Flush(self) }
func (p plain) Size() int64                                 { return p.b.Size() }
func (p plain) Limits() blockio.Limits                      { return p.b.Limits() }
func (p plain) Close(self *coro.Self) error                 { return p.b.Close(self) }
func (p plain) String() string                              { return "broken" }
func (p plain) Resize(self *coro.Self, n int64) error       { return p.b.Resize(self, n) }
func (p plain) Discard(self *coro.Self, off, n int64) error { return p.b.Discard(self, off, n) }
func (p plain) WriteZeroes(self *coro.Self, off, n int64, flags blockio.Flags) error {
	return p.b.WriteZeroes(self, off, n, flags)
}

func (p plain) BlockStatus(self *coro.Self, off, n int64) (blockio.Status, int64, error) {
	return p.b.BlockStatus(self, off, n)
}

func TestSameSeedSameCalls(t *testing.T) {
	run := func() (calls []string) {
		blocktest.Attempt(t, 7, 64<<10, func(*coro.Self) blockio.Driver {
			m := mem.New(64<<10, mem.WithAlignment(512))
			b := &broken{Driver: m}
			b.write = func(self *coro.Self, p []byte, off int64) error {
				calls = append(calls, fmt.Sprintf("%d+%d", off, len(p)))
				return m.WriteAt(self, p, off, 0)
			}
			return plain{b}
		})
		return calls
	}
	if a, b := fmt.Sprint(run()), fmt.Sprint(run()); a != b {
		t.Errorf("two runs of one seed differ:\n%s\n%s", a, b)
	}
}
