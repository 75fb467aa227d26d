package job_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/blockio/blocktest"
	"github.com/gohandoff/coroutine/blockio/file"
	"github.com/gohandoff/coroutine/blockio/job"
	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/aio"
)

// TestRealFiles backs up and mirrors a file while coroutines write to it, and
// looks at the files from outside.
func TestRealFiles(t *testing.T) {
	for _, h := range []coro.Handoff{coro.Channel, coro.Direct} {
		t.Run(h.String(), func(t *testing.T) {
			dir := t.TempDir()
			path := func(name string) string { return filepath.Join(dir, name) }
			first := append(make([]byte, 1<<20), bytes.Repeat([]byte("monday "), 300_000)...)
			must(t, os.WriteFile(path("disk"), first, 0o600))
			blocktest.OnLoop(t, h, 0, true, func(self *coro.Self) error {
				openFile := func(name string) *blockio.Device {
					driver, err := file.Open(self, path(name), file.Options{Create: true, Size: int64(len(first))})
					must(t, err)
					return open(t, self, driver, name)
				}
				disk, spare, old := openFile("disk"), openFile("spare"), openFile("old")
				b, err := job.StartBackup(self, disk, old, job.BackupOptions{Chunk: 64 << 10})
				must(t, err)
				m, err := job.StartMirror(self, disk, spare, job.MirrorOptions{Chunk: 64 << 10})
				must(t, err)
				stop := false
				var writers aio.Group
				for w := range int64(4) {
					writers.Go(self, func(self *coro.Self) error {
						for i := int64(0); !stop || i < 100; i++ {
							off := (i*37 + w*1009) * 1001 % int64(len(first)-5000)
							if err := disk.WriteAt(self, fill(5000, byte('a'+w)), off); err != nil {
								return err
							}
						}
						return nil
					})
				}
				must(t, b.Wait(self))
				must(t, m.Pivot(self))
				stop = true
				must(t, writers.Wait(self))
				last := make([]byte, len(first))
				must(t, disk.ReadAt(self, last, 0))
				for _, d := range []*blockio.Device{disk, spare, old} {
					must(t, d.Close(self))
				}
				for name, want := range map[string][]byte{"spare": last, "old": first} {
					got, err := os.ReadFile(path(name))
					must(t, err)
					if !bytes.Equal(got, want) {
						t.Errorf("%s is not what it must be", name)
					}
				}
				return nil
			})
		})
	}
}
