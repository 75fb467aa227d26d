package fault_test

import (
	"errors"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/blockio/fault"
	"github.com/gohandoff/coroutine/blockio/null"
)

func TestParse(t *testing.T) {
	for _, x := range []struct {
		text string
		want fault.Rule
		back string // "" is text
	}{
		{"write:n=3:errno=EIO", fault.Rule{Op: blockio.OpWrite, N: 3, Errno: syscall.EIO}, ""},
		{"read:offset=0-1M:p=0.01:errno=EIO", fault.Rule{Op: blockio.OpRead, End: 1 << 20, P: 0.01, Errno: syscall.EIO}, ""},
		{"read:offset=1G:seed=7:errno=ENOSPC", fault.Rule{Op: blockio.OpRead, Offset: 1 << 30, Seed: 7, Errno: syscall.ENOSPC}, ""},
		{"write:every=5:delay=10ms", fault.Rule{Op: blockio.OpWrite, Every: 5, Delay: 10 * time.Millisecond}, ""},
		{"write:n=3:torn=1024:errno=EIO", fault.Rule{Op: blockio.OpWrite, N: 3, Part: 1024, Errno: syscall.EIO}, "write:n=3:torn=1k:errno=EIO"},
		{"write:torn=4K", fault.Rule{Op: blockio.OpWrite, Part: 4096, Errno: syscall.EIO}, "write:torn=4k:errno=EIO"},
		{"read:short=3s", fault.Rule{Op: blockio.OpRead, Part: 1536, Errno: syscall.EIO}, "read:short=1536:errno=EIO"},
		{"flush:from=4:errno=99999", fault.Rule{Op: blockio.OpFlush, From: 4, Errno: 99999}, ""},
		{"any:once:break=here", fault.Rule{Times: 1, Break: "here"}, "any:times=1:break=here"},
		{"zeroes:torn=2T:errno=EIO", fault.Rule{Op: blockio.OpZeroes, Part: 2 << 40, Errno: syscall.EIO}, ""},
		{"status:errno=EIO", fault.Rule{Op: blockio.OpStatus, Errno: syscall.EIO}, ""},
		{"discard:errno=EIO", fault.Rule{Op: blockio.OpDiscard, Errno: syscall.EIO}, ""},
		{"resize:errno=EIO", fault.Rule{Op: blockio.OpResize, Errno: syscall.EIO}, ""},
	} {
		got, err := fault.Parse(x.text)
		if err != nil {
			t.Errorf("%s: %v", x.text, err)
			continue
		}
		if diff := cmp.Diff(x.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", x.text, diff)
		}
		if x.back == "" {
			x.back = x.text
		}
		if got.String() != x.back {
			t.Errorf("%s: String gives %s, want %s", x.text, got, x.back)
		}
	}
}

func TestParseSaysWhatIsWrong(t *testing.T) {
	for text, want := range map[string]string{
		"":                                "the operation is \"\", want any, read, write, flush, discard, zeroes, status or resize",
		"wriet:errno=EIO":                 "the operation is \"wriet\", want any, read,",
		"write":                           "nothing goes wrong: want errno, delay or break",
		"write:n=3":                       "nothing goes wrong",
		"write:n=0:errno=EIO":             "n is \"0\", want a number from 1 on",
		"write:n=99999999999:errno=EIO":   "n is \"99999999999\", want",
		"write:every=-1:errno=EIO":        "every is \"-1\", want",
		"write:errno=EWHAT":               "errno is \"EWHAT\", want a number or one of EACCES,",
		"write:errno=0":                   "errno is \"0\", want",
		"write:errno":                     "\"errno\", want KEY=VALUE or once",
		"write::errno=EIO":                "\"\", want KEY=VALUE or once",
		"write:errno=EIO:errno=EIO":       "errno is there twice",
		"write:once:times=2:errno=EIO":    "times is there twice",
		"write:size=3:errno=EIO":          "unknown key \"size\", want offset, n,",
		"write:offset=3-2:errno=EIO":      "offset is 3-2, want an end behind its begin",
		"write:offset=0-0:errno=EIO":      "offset is \"0-0\", want an end behind its begin",
		"write:offset=-1:errno=EIO":       "offset is \"-1\", want a size like 64k, or two of them like 0-1M",
		"write:offset=9000000T:errno=EIO": "offset is \"9000000T\", want a size like",
		"write:offset=k:errno=EIO":        "offset is \"k\", want a size like 64k, or two of them like 0-1M",
		"flush:offset=1:errno=EIO":        "a flush has no offset",
		"discard:torn=1":                  "a discard is not done in parts",
		"read:torn=1":                     "torn of a read: a read is short, a write is torn",
		"write:short=1":                   "short of a write: a read is short, a write is torn",
		"write:p=0:errno=EIO":             "p is \"0\", want a chance above 0, up to 1",
		"write:p=NaN:errno=EIO":           "p is \"NaN\"",
		"write:p=1.5:errno=EIO":           "p is \"1.5\"",
		"write:delay=10":                  "delay is \"10\", want a time like 10ms",
		"write:delay=-10ms":               "delay is \"-10ms\", want a time like 10ms",
		"write:torn=x":                    "torn is \"x\", want a size like 4096, 8s, 64k, 1M or 2G",
		"write:n=3:from=5:errno=EIO":      "n is 3, and from is 5: nothing would ever go wrong",
		"write:n=3:every=2:errno=EIO":     "n is 3, and every is 2: nothing would ever go wrong",
		"write:break=a b":                 "break is \"a b\", want letters, digits, - and _",
		"write:seed=x:errno=EIO":          "seed is \"x\", want a number",
	} {
		_, err := fault.Parse(text)
		if !errors.Is(err, fault.ErrRule) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got error %v, want %q in it", text, err, want)
		}
	}
}

func TestNewRefusesRulesWithoutSense(t *testing.T) {
	for _, r := range []fault.Rule{
		{},
		{Op: blockio.OpClose, Errno: syscall.EIO},
		{Op: blockio.OpRead, N: -1, Errno: syscall.EIO},
		{Op: blockio.OpRead, P: 2, Errno: syscall.EIO},
		{Op: blockio.OpRead, Part: 1},
		{Op: blockio.OpRead, Delay: -1},
		{Op: blockio.OpRead, Errno: ^syscall.Errno(0)},
		{Op: blockio.OpRead, Break: ":"},
	} {
		if _, err := fault.New(null.New(4096), r); !errors.Is(err, fault.ErrRule) {
			t.Errorf("%+v: got error %v, want %v", r, err, fault.ErrRule)
		}
		if _, err := r.MarshalText(); !errors.Is(err, fault.ErrRule) {
			t.Errorf("%+v as text: got error %v, want %v", r, err, fault.ErrRule)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"write:n=3:errno=EIO", "read:offset=0-1M:p=0.01:errno=EIO", "write:every=5:delay=10ms", "any:once:break=here",
		"write:torn=3s:times=2:from=4:seed=5", "read:short=1T:errno=5", "any:torn=1k",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r, err := fault.Parse(s)
		if err != nil {
			if !errors.Is(err, fault.ErrRule) {
				t.Errorf("got error %v, want %v", err, fault.ErrRule)
			}
			return
		}
		var again fault.Rule
		if err := again.UnmarshalText([]byte(r.String())); err != nil {
			t.Fatalf("%q gives %q, which gives %v", s, r, err)
		}
		if again != r {
			t.Errorf("%q gives %+v, whose string %q gives %+v", s, r, r, again)
		}
		if _, err := fault.New(null.New(4096), r); err != nil {
			t.Errorf("%q is refused by New: %v", s, err)
		}
	})
}
