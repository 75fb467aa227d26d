package fault

import (
	"errors"
	"fmt"
	"math"
	"syscall"
	"time"

	"github.com/gohandoff/coroutine/blockio"
)

// A Rule has some requests go wrong. Which: those of Op that touch the range from
// Offset to End, and of these, counted from 1, those that N, Every, From, P and
// Times all let pass. How: with Delay, then Break, then Errno.
type Rule struct {
	// Op is the operation: read, write, flush, discard, zeroes, status or
	// resize; [blockio.OpNone] is any of them.
	Op blockio.Op
	// Offset and End are the range; End 0 is that of the device. A rule with
	// a range is not about flushes and resizes.
	Offset, End int64
	// N has only the N-th one go wrong; 0 is all.
	N int
	// Every has each Every-th go wrong; 0 is each.
	Every int
	// From has only the From-th and later ones go wrong.
	From int
	// Times is how many go wrong at most; 0 is no limit.
	Times int
	// P is the chance of each to go wrong; 0 is 1.
	P float64
	// Seed decides what P leaves open.
	Seed uint64
	// Errno is the error; 0 is none. The error of the request is an *Error.
	Errno syscall.Errno
	// Part is how many bytes of a read, write or zeroes are done before the
	// error, rounded down to the driver's blocks: a short read, a torn write.
	Part int64
	// Delay is how long the request takes in addition, by the loop's clock.
	Delay time.Duration
	// Break names the breakpoint that holds the request; "" is none.
	Break string
}

// ErrRule is what every error about a rule is, of [Parse] and of [New].
var ErrRule = errors.New("not a rule")

// check tells what is wrong with a rule.
func (r *Rule) check() error {
	if _, ok := opWords[r.Op]; !ok {
		return fmt.Errorf("the operation is %v, want %s", r.Op, opList)
	}
	for _, x := range []struct {
		key string
		n   int64
	}{
		{"offset", r.Offset},
		{"offset, its end,", r.End},
		{"n", int64(r.N)},
		{"every", int64(r.Every)},
		{"from", int64(r.From)},
		{"times", int64(r.Times)},
		{r.partKey(), r.Part},
		{"errno", int64(min(r.Errno, math.MaxInt32))},
	} {
		if x.n < 0 {
			return fmt.Errorf("%s is %d, want 0 or more", x.key, x.n)
		}
	}
	switch {
	case r.Delay < 0:
		return fmt.Errorf("delay is %v, want 0 or more", r.Delay)
	case r.N != 0 && r.N < r.From:
		return fmt.Errorf("n is %d, and from is %d: nothing would ever go wrong", r.N, r.From)
	case r.N != 0 && r.Every != 0 && r.N%r.Every != 0:
		return fmt.Errorf("n is %d, and every is %d: nothing would ever go wrong", r.N, r.Every)
	case r.End != 0 && r.End <= r.Offset:
		return fmt.Errorf("offset is %d-%d, want an end behind its begin", r.Offset, r.End)
	case (r.Offset != 0 || r.End != 0) && (r.Op == blockio.OpFlush || r.Op == blockio.OpResize):
		return fmt.Errorf("a %v has no offset", r.Op)
	case !(r.P >= 0 && r.P <= 1): // nor NaN
		return fmt.Errorf("p is %v, want 0 to 1", r.P)
	case r.Part != 0 && r.Op != blockio.OpNone && r.Op != blockio.OpRead && r.Op != blockio.OpWrite && r.Op != blockio.OpZeroes:
		return fmt.Errorf("a %v is not done in parts", r.Op)
	case r.Part != 0 && r.Errno == 0:
		return fmt.Errorf("%s without an errno", r.partKey())
	case r.Errno > math.MaxInt32:
		return fmt.Errorf("errno is %d, want a name or a number", uintptr(r.Errno))
	case !validName(r.Break):
		return fmt.Errorf("break is %q, want letters, digits, - and _", r.Break)
	case r.Errno == 0 && r.Delay == 0 && r.Break == "":
		return errors.New("nothing goes wrong: want errno, delay or break")
	}
	return nil
}

// partKey is what Part is called in a string.
func (r *Rule) partKey() string {
	if r.Op == blockio.OpRead {
		return "short"
	}
	return "torn"
}

func validName(s string) bool {
	for _, c := range s {
		if !(c == '-' || c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z') {
			return false
		}
	}
	return true
}

// about reports whether a request is one that the rule counts.
func (r *Rule) about(op blockio.Op, off, n int64) bool {
	if r.Op != blockio.OpNone && r.Op != op {
		return false
	}
	if r.Offset == 0 && r.End == 0 {
		return true
	}
	if op == blockio.OpFlush || op == blockio.OpResize {
		return false
	}
	return off+n > r.Offset && (r.End == 0 || off < r.End)
}
