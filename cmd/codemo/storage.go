package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/blockio/file"
	"github.com/gohandoff/coroutine/blockio/mem"
	"github.com/gohandoff/coroutine/blockio/null"
	"github.com/gohandoff/coroutine/blockio/uring"
	"github.com/gohandoff/coroutine/cmd/codemo/internal/size"
	"github.com/gohandoff/coroutine/coro"
)

// A storage is what a command puts under a device: the value of the flags that
// choose a driver.
type storage struct {
	driver driverName
	size   size.Value // of what has no file
	direct bool
	layers layers
}

// A driverName is the value of --driver.
type driverName string

const (
	driverFile  driverName = "file"
	driverUring driverName = "uring"
	driverMem   driverName = "mem"
	driverNull  driverName = "null"
)

// driverVar gives cmd the flag --driver, which is one of those that are possible;
// the first is the default.
func driverVar(cmd *cobra.Command, to *driverName, possible []driverName, usage string) {
	*to = possible[0]
	f := &driverFlag{to, possible}
	cmd.Flags().Var(f, "driver", usage)
	complete(cmd, "driver", f.names()...)
}

// A driverFlag is the value of that flag.
type driverFlag struct {
	to       *driverName
	possible []driverName
}

func (d *driverFlag) names() (all []string) {
	for _, name := range d.possible {
		all = append(all, string(name))
	}
	return all
}

// String implements pflag.Value.
func (d *driverFlag) String() string { return string(*d.to) }

// Type implements pflag.Value.
func (d *driverFlag) Type() string { return "driver" }

// Set implements pflag.Value.
func (d *driverFlag) Set(s string) error {
	if !slices.Contains(d.possible, driverName(s)) {
		return fmt.Errorf("want one of %s", strings.Join(d.names(), ", "))
	}
	*d.to = driverName(s)
	return nil
}

// flags gives cmd the flags.
func (s *storage) flags(cmd *cobra.Command) {
	s.size = 1 << 30
	fl := cmd.Flags()
	driverVar(cmd, &s.driver, []driverName{driverFile, driverUring, driverMem, driverNull}, "what does the requests: `DRIVER` is file, uring (io_uring), mem or null")
	fl.Var(&s.size, "size", "how large mem or null is, a `SIZE`")
	fl.BoolVar(&s.direct, "direct-io", false, "go around the page cache")
	s.layers.flags(cmd)
}

// onFile reports whether there is a file below.
func (s *storage) onFile() bool { return s.driver == driverFile || s.driver == driverUring }

// check tells whether the flags go together with the path that was given, "" if
// there was none.
func (s *storage) check(cmd *cobra.Command, path string) error {
	switch {
	case s.onFile() && cmd.Flags().Changed("size"):
		return usagef("--size: --driver %s has the size of the file; want mem or null", s.driver)
	case s.onFile() && path == "":
		return usagef("--driver %s: want a FILE", s.driver)
	case !s.onFile() && path != "":
		return usagef("--driver %s: has no file, but %s was given", s.driver, path)
	case !s.onFile() && s.direct:
		return usagef("--direct-io: --driver %s has no page cache to go around", s.driver)
	}
	return nil
}

// name says what is below, in a few words.
func (s *storage) name(path string) string {
	switch {
	case !s.onFile():
		return fmt.Sprintf("%s of %s", s.driver, size.Format(int64(s.size)))
	case s.direct:
		return fmt.Sprintf("%s by %s, direct", path, s.driver)
	}
	return fmt.Sprintf("%s by %s", path, s.driver)
}

// open opens the device.
func (s *storage) open(self *coro.Self, path string, opts file.Options) (*blockio.Device, error) {
	driver, err := s.base(self, path, opts)
	if err != nil {
		return nil, err
	}
	name := path
	if name == "" {
		name = driver.String()
	}
	if driver, err = s.layers.wrap(self, driver); err != nil {
		return nil, err
	}
	dev, err := blockio.Open(self, driver, blockio.WithName(name))
	if err != nil {
		return nil, errors.Join(err, driver.Close(self))
	}
	return dev, nil
}

// base makes the driver at the bottom.
func (s *storage) base(self *coro.Self, path string, opts file.Options) (blockio.Driver, error) {
	opts.DirectIO = s.direct
	switch s.driver {
	case driverMem:
		return mem.New(int64(s.size)), nil
	case driverNull:
		return null.New(int64(s.size)), nil
	case driverUring:
		// A driver in its own right here: who asks for it wants to know if it
		// cannot be had, not to get another.
		return uring.Open(self, path, uring.Options{Options: opts})
	}
	return file.Open(self, path, opts)
}

// openLayered opens a file for a command that can do without io_uring: where it
// cannot be had, warn is told why, and the file driver does it. It returns the
// file driver, too, which is at the bottom in any case.
func openLayered(self *coro.Self, path string, opts file.Options, driver driverName, l layers, warn func(why error)) (*blockio.Device, *file.Driver, error) {
	var base blockio.Driver
	var bottom *file.Driver
	var why, err error
	if driver == driverUring {
		base, why, err = uring.OpenOrFile(self, path, uring.Options{Options: opts})
	} else {
		base, err = file.Open(self, path, opts)
	}
	if err != nil {
		return nil, nil, err
	}
	if why != nil {
		warn(why)
	}
	switch d := base.(type) {
	case *file.Driver:
		bottom = d
	case *uring.Driver:
		bottom = d.Driver
	}
	if base, err = l.wrap(self, base); err != nil {
		return nil, nil, err
	}
	dev, err := blockio.Open(self, base, blockio.WithName(path))
	if err != nil {
		return nil, nil, errors.Join(err, base.Close(self))
	}
	return dev, bottom, nil
}
