package size_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/gohandoff/coroutine/cmd/codemo/internal/size"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestParse(t *testing.T) {
	for in, want := range map[string]int64{
		"0": 0, "512": 512, "4k": 4096, "4K": 4096, "4KiB": 4096, "1M": 1 << 20, "1.5G": 3 << 29,
		"0x200": 512, "8E": -1, "7E": 7 << 60, "-1": -1, "+1": -1, "k": -1, "": -1, "1.5": -1, "1x": -1,
		"0x": -1, "0x-1": -1, "99999999999G": -1, "nan": -1, "1e3k": -1, "infk": -1,
	} {
		got, err := size.Parse(in)
		if want < 0 && err == nil {
			t.Errorf("%q: got %d, want an error", in, got)
		}
		if want >= 0 && (err != nil || got != want) {
			t.Errorf("%q: got %d, %v; want %d", in, got, err, want)
		}
	}
}

func TestFormat(t *testing.T) {
	for in, want := range map[int64]string{
		0: "0 bytes", 1023: "1023 bytes", 1024: "1 KiB", 1536: "1.5 KiB", 3 << 29: "1.5 GiB", 1 << 60: "1 EiB",
	} {
		if got := size.Format(in); got != want {
			t.Errorf("%d: got %q, want %q", in, got, want)
		}
	}
}
