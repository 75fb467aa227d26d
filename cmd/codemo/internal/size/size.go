// Package size reads and prints numbers of bytes as people write them.
package size

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// units are powers of 1024, as qemu-img has them.
const units = "kmgtpe"

// Parse reads a number of bytes: decimal, or hexadecimal after 0x, with an
// optional unit k, M, G, T, P or E, of either case, also as KiB and so on.
func Parse(s string) (int64, error) {
	text := strings.ToLower(s)
	if hex, ok := strings.CutPrefix(text, "0x"); ok {
		n, err := strconv.ParseInt(hex, 16, 64)
		if errors.Is(err, strconv.ErrRange) && hex[0] != '-' {
			return 0, tooLarge(s)
		}
		if err != nil || strings.HasPrefix(hex, "-") || strings.HasPrefix(hex, "+") {
			return 0, fmt.Errorf("size %q: want a number, such as 0x1000 or 64k", s)
		}
		return n, nil
	}
	text = strings.TrimSuffix(strings.TrimSuffix(text, "b"), "i")
	shift := 0
	if text != "" {
		if i := strings.IndexByte(units, text[len(text)-1]); i >= 0 {
			text, shift = text[:len(text)-1], 10*(i+1)
		}
	}
	whole, err := strconv.ParseInt(text, 10, 64)
	if err == nil && whole >= 0 && !strings.HasPrefix(text, "+") {
		if whole > math.MaxInt64>>shift {
			return 0, tooLarge(s)
		}
		return whole << shift, nil
	}
	plain := !strings.ContainsAny(text, "+-e_nx")
	if plain && errors.Is(err, strconv.ErrRange) {
		return 0, tooLarge(s)
	}
	f, err := strconv.ParseFloat(text, 64)
	f *= math.Exp2(float64(shift))
	if plain && err == nil && f >= math.MaxInt64 {
		return 0, tooLarge(s)
	}
	if err != nil || shift == 0 || f < 0 || !plain {
		return 0, fmt.Errorf("size %q: want a number, such as 4096, 64k or 1.5G", s)
	}
	return int64(f), nil
}

func tooLarge(s string) error { return fmt.Errorf("size %q: too large; want less than 8E", s) }

// Format gives n with the unit that leaves one to four digits before the point:
// "512 bytes", "64 KiB", "1.5 GiB".
func Format(n int64) string {
	if n < 1024 {
		return fmt.Sprintf("%d bytes", n)
	}
	f, i := float64(n)/1024, 0
	for f >= 1024 && i < len(units)-1 {
		f, i = f/1024, i+1
	}
	return fmt.Sprintf("%s %ciB", strings.TrimSuffix(strconv.FormatFloat(f, 'f', 1, 64), ".0"), strings.ToUpper(units)[i])
}

// Rate gives n bytes in so many seconds.
func Rate(n int64, seconds float64) string {
	return fmt.Sprintf("%.1f MiB/s", float64(n)/(1<<20)/max(seconds, 1e-9))
}

// A Value is a flag that is a size; see [Parse].
type Value int64

// String implements pflag.Value.
func (v *Value) String() string { return strconv.FormatInt(int64(*v), 10) }

// Set implements pflag.Value.
func (v *Value) Set(s string) error {
	n, err := Parse(s)
	if err != nil {
		return err
	}
	*v = Value(n)
	return nil
}

// Type implements pflag.Value.
func (v *Value) Type() string { return "SIZE" }
