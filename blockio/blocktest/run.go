package blocktest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/aio"
)

// An Opener makes the driver to be tested, of size bytes, all zero.
type Opener func(t *testing.T, self *coro.Self, size int64) blockio.Driver

// An Option sets up [Run].
type Option func(*config)

type config struct {
	seeds    int
	seed     uint64
	workers  int
	requests int
	sizes    []int64
	real     bool
	device   []blockio.Option
	errors   func(error) bool
}

// WithSeeds has Run try n seeds, from 1 on; the default is 3. More find more. It
// panics if n is less than 1.
func WithSeeds(n int) Option {
	atLeastOne("WithSeeds", n)
	return func(c *config) { c.seeds = n }
}

func atLeastOne(option string, n int) {
	if n < 1 {
		panic(fmt.Sprintf("blocktest: %s(%d): want 1 or more", option, n))
	}
}

// WithSeed has Run try this one only, to repeat a failure.
func WithSeed(seed uint64) Option { return func(c *config) { c.seed, c.seeds = seed, 1 } }

// WithWorkers sets how many coroutines send requests at a time; the default is
// 16. It panics if n is less than 1.
func WithWorkers(n int) Option {
	atLeastOne("WithWorkers", n)
	return func(c *config) { c.workers = n }
}

// WithRequests sets how many requests each of them sends; the default is 30. It
// panics if n is less than 1.
func WithRequests(n int) Option {
	atLeastOne("WithRequests", n)
	return func(c *config) { c.requests = n }
}

// The sizes that WithSizes takes: all of a device is read at once, often.
const (
	minSize = 512
	maxSize = 1 << 30
)

// WithSizes sets the sizes of the devices; the default is 128 KiB, and that and
// 777 bytes, which no block divides. It panics if there are none, or if one is not
// from 512 bytes to 1 GiB.
func WithSizes(sizes ...int64) Option {
	if len(sizes) == 0 {
		panic("blocktest: WithSizes(): want a size")
	}
	for _, n := range sizes {
		if n < minSize || n > maxSize {
			panic(fmt.Sprintf("blocktest: WithSizes(%d): want %d to %d", n, minSize, maxSize))
		}
	}
	return func(c *config) { c.sizes = sizes }
}

// WithRealClock runs on a loop with the machine's clock, for a driver whose
// completions come from outside the program. What happens then depends on more
// than the seed.
func WithRealClock() Option { return func(c *config) { c.real = true } }

// WithDevice passes options on to [blockio.Open].
func WithDevice(opts ...blockio.Option) Option {
	return func(c *config) { c.device = append(c.device, opts...) }
}

// WithErrors expects that requests fail now and then, with errors for which
// expected is true, and such a request may have been done or not, or in parts: as
// if it had been killed. That is for a driver whose faults are made on purpose. A
// request that succeeds has to be right all the same. To look at the whole device,
// reads are tried again, up to a hundred times.
func WithErrors(expected func(error) bool) Option { return func(c *config) { c.errors = expected } }

// Run tests the drivers that open makes, in subtests, on both handoffs. A
// failure names its seed. A driver that is read-only fails: the suite has to write.
// Run panics if open or an option is nil.
func Run(t *testing.T, open Opener, opts ...Option) {
	if open == nil {
		panic("blocktest: Run: the Opener is nil")
	}
	c := defaults()
	for i, o := range opts {
		if o == nil {
			panic(fmt.Sprintf("blocktest: Run: option %d is nil", i))
		}
		o(&c)
	}
	for _, h := range []coro.Handoff{coro.Channel, coro.Direct} {
		for _, size := range c.sizes {
			for seed := c.seed; seed < c.seed+uint64(c.seeds); seed++ {
				t.Run(fmt.Sprintf("%v/size=%d/seed=%d", h, size, seed), func(t *testing.T) {
					c.run(t, h, func(self *coro.Self) blockio.Driver { return open(t, self, size) }, size, seed)
				})
			}
		}
	}
}

func defaults() config {
	return config{seeds: 3, seed: 1, workers: 16, requests: 30, sizes: []int64{128 << 10, 128<<10 + 777}}
}

// run is one test.
func (c *config) run(t testing.TB, h coro.Handoff, open func(self *coro.Self) blockio.Driver, size int64, seed uint64) {
	OnLoop(t, h, seed, c.real, func(self *coro.Self) error {
		driver := open(self)
		if driver == nil {
			return errors.New("the Opener has returned nil, want a driver")
		}
		checked := Check(t, driver, seed)
		if got := checked.Size(); got != size {
			return fmt.Errorf("the driver has %d bytes, want %d", got, size)
		}
		d, err := blockio.Open(self, checked, c.device...)
		if err != nil {
			return err
		}
		if d.ReadOnly() {
			return fmt.Errorf("%s is read-only: the suite has to write", driver)
		}
		p := newProgram(t, d, checked, seed, c.requests)
		p.errors = c.errors
		if err := p.run(self, c.workers); err != nil {
			return err
		}
		if err := d.Close(self); !p.expected(err) {
			return err
		}
		return nil
	})
}

// OnLoop runs body as a task of a loop of its own, and fails t if it returns an
// error. Unless real is set, the loop has a virtual clock, and takes what is
// ready in an order that follows from seed; 0 is first in, first out.
//
// Shortly before the test would be ended because of its time limit, it fails with a
// dump of the loop instead, which says what everybody waits for.
func OnLoop(t testing.TB, h coro.Handoff, seed uint64, real bool, body func(self *coro.Self) error) {
	t.Helper()
	opts := []aio.Option{aio.WithThread(coro.WithHandoff(h))}
	if !real {
		opts = append(opts, aio.WithClock(aio.NewVirtualClock(time.Unix(0, 0))))
	}
	if seed != 0 {
		opts = append(opts, aio.WithPolicy(aio.Shuffle(seed)))
	}
	loop := aio.NewLoop(opts...)
	defer func() {
		if err := loop.Close(); err != nil {
			t.Errorf("closing the loop: %v", err)
		}
	}()
	loop.Go(body)
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	if limit, ok := limitOf(t); ok {
		watchdog := time.AfterFunc(limit, func() {
			var dump strings.Builder
			_ = loop.Dump(&dump)
			cancel(fmt.Errorf("it does not end:\n%s", &dump))
		})
		defer watchdog.Stop()
	}
	if err := loop.Run(ctx); err != nil {
		t.Errorf("%v", err)
	}
}

// limitOf returns for how long t may go on, with a tenth, or a second, to spare.
func limitOf(t testing.TB) (time.Duration, bool) {
	limited, ok := t.(interface{ Deadline() (time.Time, bool) })
	if !ok {
		return 0, false
	}
	deadline, ok := limited.Deadline()
	left := time.Until(deadline)
	return left - max(left/10, time.Second), ok
}
