package main

import (
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/blockio/fault"
	"github.com/gohandoff/coroutine/blockio/throttle"
	"github.com/gohandoff/coroutine/coro"
)

// layers are the filters that a command puts on top of a driver: the values of
// the flags that ask for them.
type layers struct {
	faults faultRules
	limits throttleLimits // only where flags offers it
}

// flags gives cmd the flags.
func (l *layers) flags(cmd *cobra.Command) {
	cmd.Flags().Var(&l.faults, "fault", "have requests go wrong by a `RULE` such as write:n=3:errno=EIO; may be given several times")
	cmd.Flags().Var(&l.limits, "throttle", "let requests through at `LIMITS` such as iops=100:bps=10M:burst=2s")
}

// faultHelp is what the help of a command says about rules.
const faultHelp = `A RULE of --fault says which requests go wrong, and how: an operation (read,
write, flush, discard, zeroes, status, resize, any), and each after a colon
  offset=0-1M, n=3 (the third), every=5, from=10, times=2, once, p=0.01, seed=7
  errno=EIO, delay=10ms, torn=1024 or short=2s (part is done before the error).`

// none reports whether there is no filter.
func (l *layers) none() bool { return len(l.faults) == 0 && l.limits.text == "" }

// over puts the filters on top of driver: what is held up by the throttle has not
// gone wrong yet.
func (l *layers) over(driver blockio.Driver) (blockio.Driver, error) {
	if len(l.faults) > 0 {
		f, err := fault.New(driver, l.faults...)
		if err != nil {
			return nil, err
		}
		driver = f
	}
	if l.limits.text != "" {
		driver = throttle.New(driver, throttle.NewGroup(l.limits.limits))
	}
	return driver, nil
}

// wrap puts the filters on top of driver, which belongs to what it returns.
func (l *layers) wrap(self *coro.Self, driver blockio.Driver) (blockio.Driver, error) {
	wrapped, err := l.over(driver)
	if err != nil {
		return nil, errors.Join(err, driver.Close(self))
	}
	return wrapped, nil
}

// insert puts the filters between a device and its driver.
func (l *layers) insert(self *coro.Self, dev *blockio.Device) error {
	if l.none() {
		return nil
	}
	return dev.Replace(self, func(_ *coro.Self, old blockio.Driver) (blockio.Driver, error) { return l.over(old) })
}

// throttleLimits is the value of --throttle.
type throttleLimits struct {
	text   string
	limits throttle.Limits
}

// String implements pflag.Value.
func (l *throttleLimits) String() string { return l.text }

// Type implements pflag.Value.
func (l *throttleLimits) Type() string { return "limits" }

// Set implements pflag.Value.
func (l *throttleLimits) Set(s string) error {
	limits, err := throttle.Parse(s)
	if err == nil {
		l.text, l.limits = s, limits
	}
	return err
}

// faultRules is the value of --fault.
type faultRules []fault.Rule

// String implements pflag.Value.
func (r *faultRules) String() string {
	var s []string
	for _, rule := range *r {
		s = append(s, rule.String())
	}
	return strings.Join(s, ", ")
}

// Type implements pflag.Value.
func (r *faultRules) Type() string { return "rule" }

// Set implements pflag.Value.
func (r *faultRules) Set(s string) error {
	rule, err := fault.Parse(s)
	if err != nil {
		return err
	}
	if rule.Break != "" {
		return errors.New("a breakpoint needs a test that releases it; want errno= or delay=")
	}
	*r = append(*r, rule)
	return nil
}

// sideFaults is the value of --fault where there are two devices.
type sideFaults struct{ src, dst layers }

// String implements pflag.Value.
func (f *sideFaults) String() string {
	return strings.Trim(f.src.faults.String()+", "+f.dst.faults.String(), ", ")
}

// Type implements pflag.Value.
func (f *sideFaults) Type() string { return "rule" }

// Set implements pflag.Value.
func (f *sideFaults) Set(s string) error {
	if rule, ok := strings.CutPrefix(s, "src:"); ok {
		return f.src.faults.Set(rule)
	}
	if rule, ok := strings.CutPrefix(s, "dst:"); ok {
		return f.dst.faults.Set(rule)
	}
	if err := f.src.faults.Set(s); err != nil {
		return err
	}
	return f.dst.faults.Set(s)
}
