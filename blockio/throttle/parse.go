package throttle

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Parse reads limits as words: NAME=RATE for each, with colons between. NAME is
// iops, iops-read, iops-write, bps, bps-read or bps-write. RATE may be followed
// by +BURST, the size of the bucket, and that by @PEAK. Numbers may end in K, M,
// G or T, powers of 1024, of either case, and go up to 1024T. A part
// burst=DURATION ("2s", "500ms") sets the bucket of each limit that has no +BURST
// to what is due in that time. "none" is no limit.
//
//	iops=100:bps=10M+64M@40M
//	iops=500:bps-write=1M:burst=2s
//
// The error is a [*LimitError].
func Parse(s string) (Limits, error) {
	var l Limits
	if s == "none" {
		return l, nil
	}
	var length time.Duration
	seen := map[string]bool{}
	for part := range strings.SplitSeq(s, ":") {
		name, value, ok := strings.Cut(part, "=")
		if !ok {
			return Limits{}, &LimitError{"", part, "NAME=RATE parts with colons between, as in iops=100:bps=10M, or none"}
		}
		if seen[name] {
			return Limits{}, &LimitError{name, value, "each name once"}
		}
		seen[name] = true
		if name == "burst" {
			d, err := time.ParseDuration(value)
			if err != nil || d <= 0 {
				return Limits{}, &LimitError{name, value, "a duration of more than 0, as 2s or 500ms"}
			}
			length = d
		} else if err := l.parse(name, value); err != nil {
			return Limits{}, err
		}
	}
	if err := l.stretch(length); err != nil {
		return Limits{}, err
	}
	if err := l.Check(); err != nil {
		return Limits{}, err
	}
	return l, nil
}

// parse sets one limit.
func (l *Limits) parse(name, value string) error {
	found := false
	err := l.each(func(n string, x *Limit) error {
		if n != name {
			return nil
		}
		found = true
		rest, peak, hasPeak := strings.Cut(value, "@")
		rate, burst, hasBurst := strings.Cut(rest, "+")
		var ok, ok2, ok3 bool
		x.Rate, ok = parseAmount(rate)
		ok2, ok3 = !hasBurst, !hasPeak
		if hasBurst {
			x.Burst, ok2 = parseAmount(burst)
		}
		if hasPeak {
			x.Peak, ok3 = parseAmount(peak)
		}
		if !ok || !ok2 || !ok3 {
			return &LimitError{name, value, "RATE, RATE+BURST or RATE+BURST@PEAK, whole numbers from 1 to " + amount(most) + " with K, M, G, T or nothing"}
		}
		return nil
	})
	if err == nil && !found {
		return &LimitError{name, value, "one of iops, iops-read, iops-write, bps, bps-read, bps-write, burst"}
	}
	return err
}

// stretch sets the buckets that have no size to what is due in d.
func (l *Limits) stretch(d time.Duration) error {
	if d == 0 {
		return nil
	}
	some := false
	err := l.each(func(name string, x *Limit) error {
		if x.Rate == 0 || x.Burst != 0 {
			return nil
		}
		some = true
		n := float64(x.Rate) * d.Seconds()
		if n > most {
			return &LimitError{"burst", d.String(), fmt.Sprintf("one that lets at most %s pass by %s", amount(most), name)}
		}
		x.Burst = max(1, int64(math.Round(n)))
		return nil
	})
	if err == nil && !some {
		return &LimitError{"burst", d.String(), "a limit without a burst of its own beside it"}
	}
	return err
}

const units = "KMGT"

// parseAmount reads a number of more than 0.
func parseAmount(s string) (int64, bool) {
	shift := 0
	if s != "" {
		if i := strings.Index(units, strings.ToUpper(s[len(s)-1:])); i >= 0 {
			shift, s = 10*(i+1), s[:len(s)-1]
		}
	}
	// Nothing that ParseUint would take besides digits: no sign, no underscore.
	n, err := strconv.ParseUint(s, 10, 63)
	if err != nil || n == 0 || n > most>>shift {
		return 0, false
	}
	return int64(n) << shift, true
}

// amount is what parseAmount reads as n, in the largest unit that is exact.
func amount(n int64) string {
	unit := ""
	for i := 0; i < len(units) && n != 0 && n%1024 == 0; i++ {
		n, unit = n/1024, units[i:i+1]
	}
	return strconv.FormatInt(n, 10) + unit
}

// String gives the limit as [Parse] reads it: "10M+64M@40M".
func (x Limit) String() string {
	s := amount(x.Rate)
	if x.Burst != 0 {
		s += "+" + amount(x.Burst)
	}
	if x.Peak != 0 {
		s += "@" + amount(x.Peak)
	}
	return s
}

// String gives the limits as [Parse] reads them, in a fixed order; "none" if
// there are none.
func (l Limits) String() string {
	var parts []string
	_ = l.each(func(name string, x *Limit) error {
		if *x != (Limit{}) {
			parts = append(parts, name+"="+x.String())
		}
		return nil
	})
	if parts == nil {
		return "none"
	}
	return strings.Join(parts, ":")
}
