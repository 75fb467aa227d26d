package throttle

import "math/bits"

// A nano is a number of billionths of a token: what drips in a nanosecond is a
// whole number of them, the rate. It never is negative.
type nano struct{ hi, lo uint64 }

// mul returns a nanoseconds times b tokens a second.
func mul(a, b int64) nano {
	hi, lo := bits.Mul64(uint64(a), uint64(b))
	return nano{hi, lo}
}

// tokens returns n tokens.
func tokens(n int64) nano { return mul(n, 1e9) }

func (a nano) plus(b nano) nano {
	lo, carry := bits.Add64(a.lo, b.lo, 0)
	return nano{a.hi + b.hi + carry, lo}
}

// minus returns a-b, or nothing and false if that is less than 0.
func (a nano) minus(b nano) (nano, bool) {
	lo, borrow := bits.Sub64(a.lo, b.lo, 0)
	hi, borrow := bits.Sub64(a.hi, b.hi, borrow)
	if borrow != 0 {
		return nano{}, false
	}
	return nano{hi, lo}, true
}
