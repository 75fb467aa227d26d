package throttle_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/gohandoff/coroutine/blockio/throttle"
)

func TestParseReadsWhatStringGives(t *testing.T) {
	for s, want := range map[string]throttle.Limits{
		"none":                     {},
		"iops=100":                 {IOPS: throttle.Limit{Rate: 100}},
		"iops=100:bps=10M+64M@40M": {IOPS: throttle.Limit{Rate: 100}, Bytes: throttle.Limit{Rate: 10 << 20, Burst: 64 << 20, Peak: 40 << 20}},
		"iops-read=1:iops-write=2:bps-read=3K:bps-write=4T+1": {
			ReadIOPS: throttle.Limit{Rate: 1}, WriteIOPS: throttle.Limit{Rate: 2},
			ReadBytes: throttle.Limit{Rate: 3 << 10}, WriteBytes: throttle.Limit{Rate: 4 << 40, Burst: 1},
		},
	} {
		got, err := throttle.Parse(s)
		if err != nil {
			t.Errorf("%s: %v", s, err)
		}
		equal(t, s, want, got)
		equal(t, "String", s, got.String())
		small, err := throttle.Parse(strings.ToLower(s))
		equal(t, "in small letters", want, small)
		equal(t, "in small letters", nil, err)
	}
}

func TestParseStretchesBurstsToALength(t *testing.T) {
	for s, want := range map[string]string{
		"iops=100:burst=2s":                 "iops=100+200",
		"burst=500ms:bps=1K:iops=10+1":      "iops=10+1:bps=1K+512",
		"iops=1:burst=1ms":                  "iops=1+1",
		"iops-write=7:bps-read=1M:burst=3s": "iops-write=7+21:bps-read=1M+3M",
	} {
		equal(t, s, want, parse(t, s).String())
	}
}

func TestParseSaysWhatIsWrong(t *testing.T) {
	for s, want := range map[string]string{
		"":                   `throttle: "": want NAME=RATE parts with colons between, as in iops=100:bps=10M, or none`,
		"iops":               `throttle: "iops": want NAME=RATE parts with colons between, as in iops=100:bps=10M, or none`,
		"iops=1:":            `throttle: "": want NAME=RATE parts with colons between, as in iops=100:bps=10M, or none`,
		"iops=0":             "throttle: iops=0: want RATE, RATE+BURST or RATE+BURST@PEAK, whole numbers from 1 to 1024T with K, M, G, T or nothing",
		"bps=-1":             "throttle: bps=-1: want RATE, RATE+BURST or RATE+BURST@PEAK, whole numbers from 1 to 1024T with K, M, G, T or nothing",
		"bps=1.5M":           "throttle: bps=1.5M: want RATE, RATE+BURST or RATE+BURST@PEAK, whole numbers from 1 to 1024T with K, M, G, T or nothing",
		"bps=2000T":          "throttle: bps=2000T: want RATE, RATE+BURST or RATE+BURST@PEAK, whole numbers from 1 to 1024T with K, M, G, T or nothing",
		"bps=1+":             "throttle: bps=1+: want RATE, RATE+BURST or RATE+BURST@PEAK, whole numbers from 1 to 1024T with K, M, G, T or nothing",
		"iops=1:iops=2":      "throttle: iops=2: want each name once",
		"ops=1":              "throttle: ops=1: want one of iops, iops-read, iops-write, bps, bps-read, bps-write, burst",
		"iops=5@6":           "throttle: iops=5@6: want a burst with a peak",
		"iops=5+1@5":         "throttle: iops=5+1@5: want a peak of more than the rate, up to 1024T",
		"burst=1s":           "throttle: burst=1s: want a limit without a burst of its own beside it",
		"iops=1:burst=2":     "throttle: burst=2: want a duration of more than 0, as 2s or 500ms",
		"bps=1024T:burst=2s": "throttle: burst=2s: want one that lets at most 1024T pass by bps",
	} {
		_, err := throttle.Parse(s)
		if err == nil {
			t.Errorf("%s: no error", s)
			continue
		}
		equal(t, s, want, err.Error())
		if !errors.Is(err, throttle.ErrLimits) {
			t.Errorf("%s: the error is not ErrLimits", s)
		}
	}
}

// FuzzParse looks for text that is read as something else than what String gives
// of it, or whose limits a group would not take.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"none", "iops=100:bps=10M+64M@40M", "burst=2s:iops-read=1:bps-write=1024T", "iops=1+1@2", "bps=K", ":="} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		l, err := throttle.Parse(s)
		if err != nil {
			if !errors.Is(err, throttle.ErrLimits) || l != (throttle.Limits{}) {
				t.Errorf("%q: got %v and the error %v", s, l, err)
			}
			return
		}
		if err := throttle.NewGroup(l).SetLimits(l); err != nil {
			t.Error(err)
		}
		again, err := throttle.Parse(l.String())
		if err != nil || again != l {
			t.Errorf("%q: is %v, which is read as %v, %v", s, l, again, err)
		}
	})
}
