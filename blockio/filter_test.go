package blockio_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/blockio/blocktest"
	"github.com/gohandoff/coroutine/blockio/mem"
	"github.com/gohandoff/coroutine/coro"
)

// bare has none of the optional interfaces.
type bare struct{ d *mem.Driver }

func (b bare) ReadAt(self *coro.Self, p []byte, off int64) error { return b.d.ReadAt(self, p, off) }
func (b bare) WriteAt(self *coro.Self, p []byte, off int64, flags blockio.Flags) error {
	return b.d.WriteAt(self, p, off, flags)
}
func (b bare) Flush(self *coro.Self) error { return b.d.Flush(self) }
func (b bare) Size() int64                 { return b.d.Size() }
func (b bare) Limits() blockio.Limits      { return b.d.Limits() }
func (b bare) Close(self *coro.Self) error { return b.d.Close(self) }
func (b bare) String() string              { return "bare" }

// plain is a filter that changes nothing.
type plain struct{ blockio.Filter }

func (p plain) String() string { return "plain" }

func TestFilterThatChangesNothingConforms(t *testing.T) {
	t.Run("over all", func(t *testing.T) {
		blocktest.Run(t, func(_ *testing.T, _ *coro.Self, size int64) blockio.Driver {
			return plain{blockio.Filter{Driver: mem.New(size, mem.WithAlignment(512))}}
		}, blocktest.WithSeeds(1))
	})
	t.Run("over nothing but the least", func(t *testing.T) {
		blocktest.Run(t, func(_ *testing.T, _ *coro.Self, size int64) blockio.Driver {
			return plain{blockio.Filter{Driver: bare{mem.New(size, mem.WithAlignment(512))}}}
		}, blocktest.WithSeeds(1))
	})
}

func TestFilterCanWhatTheDriverBelowCan(t *testing.T) {
	blocktest.OnLoop(t, coro.Channel, 0, false, func(self *coro.Self) error {
		for _, c := range []struct {
			below blockio.Driver
			want  string
		}{
			{
				bare{mem.New(4096)},
				"plain: 4096 bytes, discard alignment 4096, fua\n└── below = bare: 4096 bytes, discard alignment 4096, fua\n",
			},
			{
				plain{blockio.Filter{Driver: mem.New(4096)}},
				"plain: 4096 bytes, discard alignment 4096, fua, discard, write-zeroes, status, vectored, resize\n" +
					"└── below = plain: 4096 bytes, discard alignment 4096, fua, discard, write-zeroes, status, vectored, resize\n" +
					"    └── below = mem: 4096 bytes, discard alignment 4096, fua, discard, write-zeroes, status, vectored, resize\n",
			},
		} {
			d, err := blockio.Open(self, plain{blockio.Filter{Driver: c.below}})
			if err != nil {
				return err
			}
			if diff := cmp.Diff(c.want, blockio.Describe(d)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if err := d.Close(self); err != nil {
				return err
			}
		}
		return nil
	})
}
