package throttle

import "math/bits"

// A bucket of tokens is kept as the time at which it will be full, if nobody
// takes from it any more: then time alone fills it, and nothing has to be done.
// Times are in nanoseconds; what is finer is kept beside them, as a fraction with
// rate below the line, so that no rounding adds up.
//
// Invariants: 0 <= part < rate, if there is a rate.
type bucket struct {
	rate, size int64 // size in tokens; a rate of 0 is no limit
	full       int64
	part       int64 // of the next nanosecond
}

// never is a time, or a span of it, beyond all that matters: 36 years.
const never = 1 << 60

// span returns how long n tokens take to drip, in nanoseconds and parts.
func (b *bucket) span(n int64) (ns, part int64) { return drip(b.rate, tokens(n)) }

// drip returns how long a takes to drip at rate, in nanoseconds and parts.
func drip(rate int64, a nano) (ns, part int64) {
	if a.hi >= uint64(rate) {
		return never, 0
	}
	q, r := bits.Div64(a.hi, a.lo, uint64(rate))
	if q >= never {
		return never, 0
	}
	return int64(q), int64(r)
}

// ready returns the first time at which a request of n tokens may take them, if
// nobody else takes any.
func (b *bucket) ready(n int64) int64 {
	if b.rate == 0 || n == 0 {
		return 0
	}
	ns, part := b.span(b.size - min(n, b.size))
	at := b.full - ns
	if b.part > part {
		at++
	}
	return at
}

// take takes n tokens at the time now.
func (b *bucket) take(now, n int64) {
	if b.rate == 0 || n == 0 {
		return
	}
	// Clocks know no parts of a nanosecond, so it came no later than it
	// could if the bucket is full since the last one began.
	if b.full+1 < now || b.full < now && b.part == 0 {
		b.full, b.part = now, 0
	}
	ns, part := b.span(n)
	if b.full, b.part = b.full+ns, b.part+part; b.part >= b.rate {
		b.full, b.part = b.full+1, b.part-b.rate
	}
	b.full = min(b.full, now+2*never)
}

// put gives n tokens back that were just taken.
func (b *bucket) put(n int64) {
	if b.rate == 0 || n == 0 {
		return
	}
	ns, part := b.span(n)
	if b.full, b.part = b.full-ns, b.part-part; b.part < 0 {
		b.full, b.part = b.full-1, b.part+b.rate
	}
}

// set changes rate and size at the time now. A bucket holds what it held, as far
// as there is room. A debt is paid at the faster of the two rates, so that nobody
// waits longer for having been let go at a faster one. A new limit begins full.
func (b *bucket) set(now, rate, size int64) {
	old := *b
	*b = bucket{rate: rate, size: size, full: now}
	if old.rate == 0 || rate == 0 || old.full < now {
		return
	}
	missing := mul(old.full-now, old.rate).plus(nano{0, uint64(old.part)})
	if debt, ok := missing.minus(tokens(old.size)); ok {
		b.full, b.part = b.span(size)
		ns, part := drip(max(rate, old.rate), debt)
		if rate < old.rate {
			part = 0 // it is of another rate
		}
		b.full, b.part = now+b.full+ns, b.part+part
	} else {
		held, _ := tokens(old.size).minus(missing)
		missing, _ = tokens(size).minus(held) // none if there is no room
		ns, part := drip(rate, missing)
		b.full, b.part = now+ns, part
	}
	if b.part >= rate {
		b.full, b.part = b.full+1, b.part-rate
	}
}

// A scope is the buckets of one kind of request: for requests and bytes, each for
// the average and the peak.
type scope [4]bucket

func (s *scope) ready(bytes int64) int64 {
	return max(s[0].ready(1), s[1].ready(1), s[2].ready(bytes), s[3].ready(bytes))
}

func (s *scope) take(now, bytes int64) {
	s[0].take(now, 1)
	s[1].take(now, 1)
	s[2].take(now, bytes)
	s[3].take(now, bytes)
}

func (s *scope) put(bytes int64) {
	s[0].put(1)
	s[1].put(1)
	s[2].put(bytes)
	s[3].put(bytes)
}

func (s *scope) set(now int64, iops, bytes Limit) {
	for i, x := range [...]Limit{iops, bytes} {
		s[2*i].set(now, x.Rate, x.burst())
		s[2*i+1].set(now, x.Peak, Limit{Rate: x.Peak}.burst())
	}
}
