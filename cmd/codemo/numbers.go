package main

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/spf13/pflag"

	"github.com/gohandoff/coroutine/cmd/codemo/internal/size"
)

// Numbers are flags of types of our own, so that what is wrong with one is said in
// one way: what was given, for which flag, and what may be.

// maxMemory is how much the buffers of a command may take.
const maxMemory = 8 << 30

// inMemory tells if n requests of each bytes do not fit in maxMemory.
func inMemory(numberFlag string, n int, sizeFlag string, each size.Value) error {
	if int64(n)*int64(each) > maxMemory {
		return usagef("%s %d and %s %d: take %s of memory; want at most %s", numberFlag, n, sizeFlag, each,
			size.Format(int64(n)*int64(each)), size.Format(maxMemory))
	}
	return nil
}

// A whole is a type of numbers that flags have; none of them is less than 0.
type whole interface {
	~int | ~int64 | ~uint16 | ~uint64
}

// numberVar gives fl a flag that is a number from least to most.
func numberVar[T whole](fl *pflag.FlagSet, to *T, name, short string, value, least, most T, usage string) {
	*to = value
	fl.VarP(&number[T]{to, least, most}, name, short, usage)
}

// A number is the value of such a flag.
type number[T whole] struct {
	to          *T
	least, most T
}

// String implements pflag.Value.
func (n *number[T]) String() string { return fmt.Sprint(*n.to) }

// Type implements pflag.Value.
func (n *number[T]) Type() string { return "number" }

// Set implements pflag.Value. It takes 0x and so on, too.
func (n *number[T]) Set(s string) error {
	v, err := strconv.ParseUint(s, 0, 64)
	if err == nil && v >= uint64(n.least) && v <= uint64(n.most) {
		*n.to = T(v)
		return nil
	}
	if !errors.Is(err, strconv.ErrRange) && uint64(n.most) >= math.MaxInt64 { // that is no limit
		return fmt.Errorf("want a number of %d or more", n.least)
	}
	return fmt.Errorf("want a number from %d to %d", n.least, n.most)
}

// durationVar gives fl a flag that is a time of least or more.
func durationVar(fl *pflag.FlagSet, to *time.Duration, name string, value, least time.Duration, usage string) {
	*to = value
	fl.Var(&duration{to, least}, name, usage)
	if value == 0 {
		fl.Lookup(name).DefValue = ""
	}
}

// A duration is the value of such a flag.
type duration struct {
	to    *time.Duration
	least time.Duration
}

// String implements pflag.Value.
func (d *duration) String() string { return d.to.String() }

// Type implements pflag.Value.
func (d *duration) Type() string { return "duration" }

// Set implements pflag.Value.
func (d *duration) Set(s string) error {
	v, err := time.ParseDuration(s)
	if err == nil && v >= d.least {
		*d.to = v
		return nil
	}
	least := fmt.Sprintf("from %v", d.least)
	switch d.least {
	case 0:
		least = "from 0"
	case 1:
		least = "of more than 0, up"
	}
	return fmt.Errorf("want a time with its unit, such as 5s or 250ms, %s to %dh", least, math.MaxInt64/time.Hour)
}
