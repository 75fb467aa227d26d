package throttle

import (
	"errors"
	"fmt"
)

// ErrLimits is what the error of limits that make no sense is.
var ErrLimits = errors.New("throttle: invalid limits")

// A LimitError tells what is wrong with limits. It is [ErrLimits].
type LimitError struct {
	// Limit is which one: "iops-read"; "" if it is about all.
	Limit string
	// Value is what was given.
	Value string
	// Want is what would be right, in words.
	Want string
}

// Error says all of it: `throttle: iops-read=-1: want ...`.
func (e *LimitError) Error() string {
	if e.Limit == "" {
		return fmt.Sprintf("throttle: %q: want %s", e.Value, e.Want)
	}
	return fmt.Sprintf("throttle: %s=%s: want %s", e.Limit, e.Value, e.Want)
}

// Unwrap returns [ErrLimits].
func (e *LimitError) Unwrap() error { return ErrLimits }

// A Limit is how much may pass. The zero Limit is none.
type Limit struct {
	// Rate is how much a second on the average; 0 is no limit.
	Rate int64
	// Burst is how much may pass at once after a rest, the size of the
	// bucket. 0 stands for what is due in 100 ms, at least 1. Rate times
	// the length of a burst is a good size.
	Burst int64
	// Peak is how much a second may pass in a burst; 0 is any. Starting from
	// rest, a burst at Peak lasts Burst/(Peak-Rate) seconds.
	Peak int64
}

// Limits are those of a [Group]. The zero Limits are none.
type Limits struct {
	// IOPS is about requests; ReadIOPS and WriteIOPS are about those of one
	// kind, besides.
	IOPS, ReadIOPS, WriteIOPS Limit
	// Bytes is about what they read and write; likewise.
	Bytes, ReadBytes, WriteBytes Limit
}

// most keeps all arithmetic far from where it would overflow: a pebibyte a second.
const most = 1 << 50

// each calls f with the limits, by their names in [Parse].
func (l *Limits) each(f func(name string, limit *Limit) error) error {
	for _, x := range []struct {
		name  string
		limit *Limit
	}{
		{"iops", &l.IOPS},
		{"iops-read", &l.ReadIOPS},
		{"iops-write", &l.WriteIOPS},
		{"bps", &l.Bytes},
		{"bps-read", &l.ReadBytes},
		{"bps-write", &l.WriteBytes},
	} {
		if err := f(x.name, x.limit); err != nil {
			return err
		}
	}
	return nil
}

// Check returns a [*LimitError] if the limits make no sense.
func (l Limits) Check() error {
	return l.each(func(name string, x *Limit) error {
		want := ""
		switch {
		case x.Rate < 0 || x.Rate > most:
			want = fmt.Sprintf("a rate from 0, no limit, to %s", amount(most))
		case x.Burst < 0 || x.Burst > most:
			want = fmt.Sprintf("a burst from 0, what is due in 100 ms, to %s", amount(most))
		case x.Rate == 0 && (x.Burst != 0 || x.Peak != 0):
			want = "a rate with a burst or a peak"
		case x.Peak != 0 && (x.Peak <= x.Rate || x.Peak > most):
			want = fmt.Sprintf("a peak of more than the rate, up to %s", amount(most))
		case x.Peak != 0 && x.Burst == 0:
			want = "a burst with a peak"
		default:
			return nil
		}
		return &LimitError{name, x.String(), want}
	})
}

// burst returns the size of the bucket.
func (x Limit) burst() int64 {
	if x.Burst > 0 {
		return x.Burst
	}
	return max(1, x.Rate/10)
}
