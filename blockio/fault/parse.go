package fault

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/gohandoff/coroutine/blockio"
)

// opWords are the operations in strings.
var opWords = map[blockio.Op]string{
	blockio.OpNone: "any", blockio.OpRead: "read", blockio.OpWrite: "write", blockio.OpFlush: "flush",
	blockio.OpDiscard: "discard", blockio.OpZeroes: "zeroes", blockio.OpStatus: "status", blockio.OpResize: "resize",
}

const opList = "any, read, write, flush, discard, zeroes, status or resize"

// Parse reads a rule: the operation, and what else there is to say, each after a
// colon.
//
//	write:n=3:errno=EIO                   the third write fails
//	read:offset=0-1M:p=0.01:errno=EIO     of the reads in the first MiB, one in a hundred
//	write:every=5:delay=10ms              each fifth write is late
//	write:n=3:torn=1024:errno=EIO         a part is stored
//	read:short=2s:errno=EIO               two sectors of 512 bytes are filled
//	flush:from=4:errno=ENOSPC             all flushes from the fourth on
//	any:once:break=here                   the first request waits
//
// The other keys are times=N and seed=N; once is times=1. A size is in bytes, or
// ends with k, M, G or T, of either case, or with s for sectors of 512 bytes. An errno is a name or
// a number. torn and short are EIO if nothing else is said.
//
// The error is [ErrRule], and says what would be right.
func Parse(s string) (Rule, error) {
	words := strings.Split(s, ":")
	r, err := parse(words)
	if err != nil {
		return Rule{}, fmt.Errorf("fault: %w: %q: %w", ErrRule, s, err)
	}
	return r, nil
}

// MustParse is [Parse] for rules in the source of a program: it panics with the
// error.
func MustParse(s string) Rule {
	r, err := Parse(s)
	if err != nil {
		panic(err)
	}
	return r
}

func parse(words []string) (r Rule, err error) {
	found := false
	for op, word := range opWords {
		if word == words[0] {
			r.Op, found = op, true
		}
	}
	if !found {
		return r, fmt.Errorf("the operation is %q, want %s", words[0], opList)
	}
	seen := map[string]bool{}
	for _, word := range words[1:] {
		key, value, has := strings.Cut(word, "=")
		if key == "once" && !has {
			key, value, has = "times", "1", true
		}
		if seen[key] {
			return r, fmt.Errorf("%s is there twice", key)
		}
		seen[key] = true
		if !has || value == "" {
			return r, fmt.Errorf("%q, want KEY=VALUE or once", word)
		}
		if err := r.set(key, value); err != nil {
			return r, err
		}
	}
	if (seen["torn"] || seen["short"]) && r.Errno == 0 {
		r.Errno = syscall.EIO
	}
	return r, r.check()
}

// set sets what key stands for.
func (r *Rule) set(key, value string) (err error) {
	switch key {
	case "offset":
		from, to, ranged := strings.Cut(value, "-")
		r.Offset, err = size(key, from)
		if err == nil && ranged {
			r.End, err = size(key, to)
		}
		if err != nil {
			return fmt.Errorf("offset is %q, want a size like 64k, or two of them like 0-1M", value)
		}
		if ranged && r.End == 0 {
			err = fmt.Errorf("offset is %q, want an end behind its begin", value)
		}
	case "n":
		r.N, err = count(key, value)
	case "every":
		r.Every, err = count(key, value)
	case "from":
		r.From, err = count(key, value)
	case "times":
		r.Times, err = count(key, value)
	case "p":
		if r.P, err = strconv.ParseFloat(value, 64); err != nil || !(r.P > 0 && r.P <= 1) {
			err = fmt.Errorf("p is %q, want a chance above 0, up to 1", value)
		}
	case "seed":
		if r.Seed, err = strconv.ParseUint(value, 10, 64); err != nil {
			err = fmt.Errorf("seed is %q, want a number", value)
		}
	case "errno":
		r.Errno, err = errno(value)
	case "torn", "short":
		if r.partKey() != key && r.Op != blockio.OpNone {
			return fmt.Errorf("%s of a %s: a read is short, a write is torn", key, opWords[r.Op])
		}
		r.Part, err = size(key, value)
	case "delay":
		if r.Delay, err = time.ParseDuration(value); err != nil || r.Delay <= 0 {
			err = fmt.Errorf("delay is %q, want a time like 10ms", value)
		}
	case "break":
		r.Break = value
	default:
		err = fmt.Errorf("unknown key %q, want offset, n, every, from, times, once, p, seed, errno, torn, short, delay or break", key)
	}
	return err
}

func count(key, s string) (int, error) {
	n, err := strconv.ParseInt(s, 10, 32)
	if err != nil || n < 1 {
		return 0, fmt.Errorf("%s is %q, want a number from 1 on", key, s)
	}
	return int(n), nil
}

// units are what a size may end with, the largest first.
var units = []struct {
	name string
	n    int64
}{{"T", 1 << 40}, {"G", 1 << 30}, {"M", 1 << 20}, {"k", 1 << 10}, {"s", 512}, {"", 1}}

func size(key, s string) (int64, error) {
	for _, u := range units {
		end := len(s) - len(u.name)
		if end < 0 || !strings.EqualFold(s[end:], u.name) {
			continue
		}
		n, err := strconv.ParseInt(s[:end], 10, 64)
		if err != nil || n < 0 || n > math.MaxInt64/u.n {
			break
		}
		return n * u.n, nil
	}
	return 0, fmt.Errorf("%s is %q, want a size like 4096, 8s, 64k, 1M or 2G", key, s)
}

// sizeText is the shortest text of n that size reads.
func sizeText(n int64) string {
	for _, u := range units {
		if u.name != "s" && n >= u.n && n%u.n == 0 {
			return strconv.FormatInt(n/u.n, 10) + u.name
		}
	}
	return strconv.FormatInt(n, 10)
}

// errnos are the errors that have names on all systems.
var errnos = map[string]syscall.Errno{
	"EACCES": syscall.EACCES, "EAGAIN": syscall.EAGAIN, "EBUSY": syscall.EBUSY, "EDQUOT": syscall.EDQUOT,
	"EFBIG": syscall.EFBIG, "EINTR": syscall.EINTR, "EINVAL": syscall.EINVAL, "EIO": syscall.EIO,
	"ENODEV": syscall.ENODEV, "ENOENT": syscall.ENOENT, "ENOMEM": syscall.ENOMEM, "ENOSPC": syscall.ENOSPC,
	"ENOTSUP": syscall.ENOTSUP, "ENXIO": syscall.ENXIO, "EPERM": syscall.EPERM, "EPIPE": syscall.EPIPE,
	"EROFS": syscall.EROFS, "ESTALE": syscall.ESTALE, "ETIMEDOUT": syscall.ETIMEDOUT,
}

func errno(s string) (syscall.Errno, error) {
	if e, ok := errnos[s]; ok {
		return e, nil
	}
	if n, err := strconv.ParseInt(s, 10, 32); err == nil && n > 0 {
		return syscall.Errno(n), nil
	}
	return 0, fmt.Errorf("errno is %q, want a number or one of %s", s, strings.Join(slices.Sorted(maps.Keys(errnos)), ", "))
}

// errnoText is the name of e, or its number.
func errnoText(e syscall.Errno) string {
	for name, x := range errnos {
		if x == e {
			return name
		}
	}
	return strconv.FormatUint(uint64(e), 10)
}

// String returns what [Parse] reads as r.
func (r Rule) String() string {
	words := []string{opWords[r.Op]}
	add := func(set bool, key, value string) {
		if set {
			words = append(words, key+"="+value)
		}
	}
	offset := sizeText(r.Offset)
	if r.End != 0 {
		offset += "-" + sizeText(r.End)
	}
	add(r.Offset != 0 || r.End != 0, "offset", offset)
	add(r.N != 0, "n", strconv.Itoa(r.N))
	add(r.Every != 0, "every", strconv.Itoa(r.Every))
	add(r.From != 0, "from", strconv.Itoa(r.From))
	add(r.Times != 0, "times", strconv.Itoa(r.Times))
	add(r.P != 0, "p", strconv.FormatFloat(r.P, 'g', -1, 64))
	add(r.Seed != 0, "seed", strconv.FormatUint(r.Seed, 10))
	add(r.Part != 0, r.partKey(), sizeText(r.Part))
	add(r.Errno != 0, "errno", errnoText(r.Errno))
	add(r.Delay != 0, "delay", r.Delay.String())
	add(r.Break != "", "break", r.Break)
	return strings.Join(words, ":")
}

// MarshalText is String as bytes. It fails if r is not a rule.
func (r Rule) MarshalText() ([]byte, error) {
	if err := r.check(); err != nil {
		return nil, fmt.Errorf("fault: %w: %w", ErrRule, err)
	}
	return []byte(r.String()), nil
}

// UnmarshalText is [Parse].
func (r *Rule) UnmarshalText(text []byte) error {
	x, err := Parse(string(text))
	if err == nil {
		*r = x
	}
	return err
}
