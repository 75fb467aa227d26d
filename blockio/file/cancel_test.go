package file_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/blockio/file"
	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/aio"
)

// TestACancelledTaskLetsGoOfItsFile: it is closed, so that it can be locked again,
// when Run has returned.
func TestACancelledTaskLetsGoOfItsFile(t *testing.T) {
	create := file.Options{Create: true, Size: 1 << 20}
	sleep := func(self *coro.Self, cancel func()) error {
		cancel()
		aio.Sleep(self, time.Hour)
		return nil
	}
	for name, body := range map[string]func(self *coro.Self, path string, cancel func()) error{
		"deferred close of a device": func(self *coro.Self, path string, cancel func()) error {
			f, err := file.Open(self, path, create)
			if err != nil {
				return err
			}
			d, err := blockio.Open(self, f)
			if err != nil {
				return err
			}
			defer d.Close(self)
			return errors.Join(d.WriteAt(self, []byte("x"), 0), sleep(self, cancel))
		},
		"deferred close of a driver": func(self *coro.Self, path string, cancel func()) error {
			f, err := file.Open(self, path, create)
			if err != nil {
				return err
			}
			defer f.Close(self)
			return sleep(self, cancel)
		},
		"timeout, and opened again": func(self *coro.Self, path string, cancel func()) error {
			var d *blockio.Device
			err := aio.Timeout(self, time.Millisecond, func(self *coro.Self) error {
				f, err := file.Open(self, path, create)
				if err != nil {
					return err
				}
				if d, err = blockio.Open(self, f); err != nil {
					return err
				}
				defer d.Close(self)
				for {
					if err := d.WriteAt(self, []byte("x"), 0); err != nil {
						return err
					}
					if err := d.Flush(self); err != nil {
						return err
					}
				}
			})
			if !errors.Is(err, aio.ErrTimeout) {
				return err
			}
			f, err := file.Open(self, path, create)
			if err != nil {
				return err
			}
			return errors.Join(f.Close(self), sleep(self, cancel))
		},
		"in Open": func(self *coro.Self, path string, cancel func()) error {
			aio.Go(self, func(*coro.Self) error {
				cancel()
				return nil
			})
			f, err := file.Open(self, path, create)
			if err != nil {
				return err
			}
			return errors.Join(f.Close(self), sleep(self, cancel)) // it was faster
		},
		"in Close, which waits for a worker": func(self *coro.Self, path string, cancel func()) error {
			f, err := file.Open(self, path, create)
			if err != nil {
				return err
			}
			release := make(chan struct{})
			aio.Go(self, func(self *coro.Self) error {
				_, err := aio.Offload(self, func() (int, error) { <-release; return 0, nil })
				return err
			})
			aio.Yield(self)
			closing := aio.Go(self, f.Close)
			aio.Yield(self)
			closing.Cancel(nil)
			aio.Yield(self)
			close(release)
			return sleep(self, cancel)
		},
	} {
		t.Run(name, func(t *testing.T) {
			for i := range 20 { // who is faster is luck
				h := []coro.Handoff{coro.Channel, coro.Direct}[i%2]
				path := filepath.Join(t.TempDir(), "disk")
				run := func(ctx context.Context, body func(self *coro.Self) error) error {
					l := aio.NewLoop(aio.WithWorkers(1), aio.WithThread(coro.WithHandoff(h)))
					defer l.Close()
					l.Go(body)
					return l.Run(ctx)
				}
				ctx, cancel := context.WithCancel(t.Context())
				err := run(ctx, func(self *coro.Self) error { return body(self, path, cancel) })
				if !errors.Is(err, context.Canceled) {
					t.Fatalf("Run: %v", err)
				}
				if err := run(t.Context(), func(self *coro.Self) error {
					f, err := file.Open(self, path, create)
					if err != nil {
						return err
					}
					return f.Close(self)
				}); err != nil {
					t.Errorf("opened again: %v", err)
				}
			}
		})
	}
}
