package uring_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/blockio/file"
	"github.com/gohandoff/coroutine/blockio/uring"
	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/aio"
)

// numbered fills a file of n blocks of 4 KiB, each with its number.
func numbered(t *testing.T, path string, n int) {
	t.Helper()
	var b bytes.Buffer
	for i := range n {
		b.Write(bytes.Repeat([]byte{byte(i)}, 4096))
	}
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestMoreRequestsThanEntries(t *testing.T) {
	onLoop(t, func(t *testing.T, self *coro.Self) {
		const blocks = 200
		path := filepath.Join(t.TempDir(), "disk")
		numbered(t, path, blocks)
		d := open(t, self, path, uring.Options{Entries: 4})
		defer d.Close(self)
		var g aio.Group
		for i := range blocks {
			g.Go(self, func(self *coro.Self) error {
				p := make([]byte, 4096)
				if err := d.ReadAt(self, p, int64(i)*4096); err != nil {
					return err
				}
				if p[0] != byte(i) || p[4095] != byte(i) {
					return fmt.Errorf("block %d: got %d", i, p[0])
				}
				return nil
			})
		}
		if err := g.Wait(self); err != nil {
			t.Error(err)
		}
		if most, pending := d.Requests(); most != blocks || pending != 0 {
			t.Errorf("%d requests at a time, %d are left; want %d, 0", most, pending, blocks)
		}
	})
}

// A loop that always has something to do never sleeps where requests are finished.
func TestRequestsAreFinishedWhileTheLoopIsBusy(t *testing.T) {
	for name, kernel := range map[string]func() func(){
		"this kernel":  func() func() { return func() {} },
		"an older one": uring.Old,
	} {
		t.Run(name, func(t *testing.T) {
			defer kernel()()
			onLoop(t, func(t *testing.T, self *coro.Self) {
				path := filepath.Join(t.TempDir(), "disk")
				numbered(t, path, 64)
				driver := open(t, self, path, uring.Options{Options: direct})
				d, err := blockio.Open(self, driver)
				if err != nil {
					t.Fatal(err)
				}
				defer d.Close(self)
				done := false
				read := aio.Go(self, func(self *coro.Self) error {
					defer func() { done = true }()
					buf := d.NewBuffer(4096)
					for i := range int64(64) {
						if err := d.ReadAt(self, buf, i*4096); err != nil || buf[0] != byte(i) {
							return fmt.Errorf("block %d: got %d, %w", i, buf[0], err)
						}
					}
					return nil
				})
				for !done {
					aio.Yield(self)
				}
				if err := read.Wait(self); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// Stacks move: the collector shrinks one that was large, also that of a coroutine
// that is parked. A buffer that the kernel is to write to must not move along.
func TestBuffersOnAStackThatMoves(t *testing.T) {
	onLoop(t, func(t *testing.T, self *coro.Self) {
		path := filepath.Join(t.TempDir(), "disk")
		numbered(t, path, 100)
		d := open(t, self, path, uring.Options{})
		defer d.Close(self)
		var g aio.Group
		for i := range 100 {
			g.Go(self, func(self *coro.Self) error {
				grow(100)
				var p [4096]byte // on the stack, if it could be
				if err := d.ReadAt(self, p[:], int64(i)*4096); err != nil {
					return err
				}
				if p[17] != byte(i) {
					return fmt.Errorf("block %d: got %d", i, p[17])
				}
				return nil
			})
		}
		aio.Yield(self) // they have asked, but nothing is handed over
		runtime.GC()
		runtime.GC()
		if err := g.Wait(self); err != nil {
			t.Error(err)
		}
	})
}

// grow uses n KiB of stack.
func grow(n int) int {
	var room [1024]byte
	if n == 0 {
		return 1
	}
	room[n] = byte(n)
	return grow(n-1) + int(room[n])
}

func TestAKilledRequestLeavesItsBufferInPeace(t *testing.T) {
	onLoop(t, func(t *testing.T, self *coro.Self) {
		path := filepath.Join(t.TempDir(), "disk")
		numbered(t, path, 100)
		d := open(t, self, path, uring.Options{Options: direct})
		defer d.Close(self)
		p := make([]byte, 8192)
		p = p[4096-int(addressOf(p)&4095):][:4096]
		for i := range 100 {
			unwound := false
			reader := aio.Go(self, func(self *coro.Self) error {
				defer func() {
					unwound = true
					if _, pending := d.Requests(); pending != 0 {
						t.Errorf("%d: unwound while the kernel reads", i)
					}
				}()
				return d.ReadAt(self, p, int64(i)*4096)
			})
			aio.Yield(self) // it asks, and waits
			if _, pending := d.Requests(); pending != 1 {
				t.Fatalf("%d: %d requests are under way, want 1", i, pending)
			}
			if i%2 == 0 {
				self.Kill(reader.Coroutine())
			} else {
				reader.Cancel(nil)
			}
			if err := reader.Wait(self); !unwound || !errors.Is(err, context.Canceled) {
				t.Fatalf("%d: got %v, want canceled", i, err)
			}
		}
	})
}

func TestDriversOfALoopShareARing(t *testing.T) {
	onLoop(t, func(t *testing.T, self *coro.Self) {
		path := filepath.Join(t.TempDir(), "disk")
		numbered(t, path, 2)
		a := open(t, self, path, uring.Options{Options: file.Options{ReadOnly: true}})
		b := open(t, self, path, uring.Options{})
		if !uring.SameRing(a, b) {
			t.Error("two drivers of a loop have two rings")
		}
		p := make([]byte, 4096)
		for _, d := range []*uring.Driver{a, b} {
			if err := d.ReadAt(self, p, 4096); err != nil || p[0] != 1 {
				t.Errorf("got %d, %v", p[0], err)
			}
			if err := d.Close(self); err != nil {
				t.Error(err)
			}
		}
		if p := aio.LoopOf(self).Poller(); p != nil {
			t.Errorf("the loop has %v after all are closed", p)
		}
		if err := open(t, self, path, uring.Options{}).Close(self); err != nil {
			t.Errorf("a second time: %v", err)
		}
	})
}

func TestAFileThatIsTruncatedUnderUsIsAnError(t *testing.T) {
	onLoop(t, func(t *testing.T, self *coro.Self) {
		for name, opts := range map[string]file.Options{"buffered": {}, "direct": direct} {
			opts.Create, opts.Size = true, 8192
			path := filepath.Join(t.TempDir(), "disk")
			drv := open(t, self, path, uring.Options{Options: opts})
			d, err := blockio.Open(self, drv)
			if err != nil {
				t.Fatal(err)
			}
			defer d.Close(self)
			if err := os.Truncate(path, 5000); err != nil {
				t.Fatal(err)
			}
			for kind, v := range map[string][][]byte{
				"one piece": {make([]byte, 4096)}, "two": {make([]byte, 1024), make([]byte, 3072)},
			} {
				err = d.ReadVAt(self, v, 4096)
				if want := "the file ends at 5000 now, but was 8192 bytes long"; err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("%s, %s: got %v, want it to say %q", name, kind, err, want)
				}
			}
		}
	})
}

func TestNoSpace(t *testing.T) {
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=64k"); err != nil {
		t.Skipf("a small file system cannot be mounted: %v", err)
	}
	defer unix.Unmount(dir, 0) //nolint:errcheck // t.TempDir tells
	onLoop(t, func(t *testing.T, self *coro.Self) {
		path := filepath.Join(dir, "disk")
		d := open(t, self, path, uring.Options{Options: created(1 << 20)})
		defer os.Remove(path)
		defer d.Close(self)
		for name, write := range map[string]func(p []byte) error{
			"WriteAt":  func(p []byte) error { return d.WriteAt(self, p, 0, 0) },
			"FUA":      func(p []byte) error { return d.WriteAt(self, p, 0, blockio.FUA) },
			"WriteVAt": func(p []byte) error { return d.WriteVAt(self, [][]byte{p[:7], nil, p[7:]}, 0, 0) },
		} {
			err := write(make([]byte, 1<<20))
			if !errors.Is(err, unix.ENOSPC) {
				t.Errorf("%s: got %v, want ENOSPC", name, err)
			}
		}
	})
}

func TestVectors(t *testing.T) {
	onLoop(t, func(t *testing.T, self *coro.Self) {
		d := open(t, self, "", uring.Options{Options: created(1 << 20)})
		defer d.Close(self)
		rng := rand.New(rand.NewPCG(1, 2))
		for _, n := range []int{1, 7, 1024, 3000} { // 3000 is more than the kernel takes
			var in, out [][]byte
			for range n {
				p := make([]byte, rng.IntN(9))
				for i := range p {
					p[i] = byte(rng.Uint32())
				}
				in, out = append(in, p), append(out, make([]byte, len(p)))
			}
			if err := d.WriteVAt(self, in, 77, blockio.FUA); err != nil {
				t.Fatal(err)
			}
			if err := d.ReadVAt(self, out, 77); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(bytes.Join(in, nil), bytes.Join(out, nil)) {
				t.Errorf("%d pieces: what was read is not what was written", n)
			}
		}
	})
}

// A program that closes descriptors that are not its own gets slower, not wrong.
func TestARingThatIsClosedUnderUs(t *testing.T) {
	onLoop(t, func(t *testing.T, self *coro.Self) {
		path := filepath.Join(t.TempDir(), "disk")
		numbered(t, path, 10)
		d := open(t, self, path, uring.Options{Entries: 4})
		defer d.Close(self)
		d.CloseRing()
		for range 2 {
			var g aio.Group
			for i := range 10 {
				g.Go(self, func(self *coro.Self) error {
					p := make([]byte, 4096)
					if err := d.ReadAt(self, p, int64(i)*4096); err != nil || p[0] != byte(i) {
						return fmt.Errorf("block %d: got %d, %w", i, p[0], err)
					}
					return nil
				})
			}
			if err := g.Wait(self); err != nil {
				t.Error(err)
			}
		}
	})
}

func TestADriverOfAnotherLoop(t *testing.T) {
	var d *uring.Driver
	onLoop(t, func(t *testing.T, self *coro.Self) {
		d = open(t, self, "", uring.Options{Options: created(4096)})
		defer d.Close(self)
		other := aio.NewLoop()
		defer other.Close()
		task := other.Go(func(self *coro.Self) error {
			defer func() {
				if err, ok := recover().(*coro.UsageError); !ok || !errors.Is(err, blockio.ErrElsewhere) {
					t.Errorf("got %v, want a *UsageError for ErrElsewhere", err)
				}
			}()
			return d.ReadAt(self, make([]byte, 4096), 0)
		})
		aio.Offload(self, func() (int, error) { return 0, other.Run(t.Context()) }) //nolint:errcheck // see task
		<-task.Done()
	})
}

func TestADriverThatIsClosed(t *testing.T) {
	onLoop(t, func(t *testing.T, self *coro.Self) {
		d := open(t, self, "", uring.Options{Options: created(4096)})
		if err := d.Close(self); err != nil {
			t.Fatal(err)
		}
		p := make([]byte, 512)
		for name, err := range map[string]error{
			"ReadAt": d.ReadAt(self, p, 0), "WriteAt": d.WriteAt(self, p, 0, 0),
			"ReadVAt": d.ReadVAt(self, [][]byte{p, p}, 0), "WriteVAt": d.WriteVAt(self, [][]byte{p, p}, 0, 0),
		} {
			if !errors.Is(err, os.ErrClosed) && !errors.Is(err, unix.EBADF) {
				t.Errorf("%s: got error %v, want %v", name, err, os.ErrClosed)
			}
		}
	})
}
