package nearest_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/gohandoff/coroutine/cmd/codemo/internal/nearest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestOf(t *testing.T) {
	names := []string{"classic", "wake", "panic"}
	for in, want := range map[string]string{
		"clasic": "classic", "Wake": "wake", "panik": "panic", "zzzzzzzz": "", "": "", "classical": "classic",
	} {
		if got := nearest.Of(in, names); got != want {
			t.Errorf("Of(%q): got %q, want %q", in, got, want)
		}
	}
	if got := nearest.Of("wake", nil); got != "" {
		t.Errorf("Of no names: got %q", got)
	}
}
