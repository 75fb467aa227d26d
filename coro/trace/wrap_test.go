package trace_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rivo/uniseg"

	"github.com/gohandoff/coroutine/coro/trace"
)

func TestWrap(t *testing.T) {
	tests := []struct {
		text        string
		width, hang int
		want        []string
	}{
		{"", 10, 0, []string{""}},
		{"short", 10, 2, []string{"short"}},
		{"exactly 10", 10, 0, []string{"exactly 10"}},
		{"one two three", 9, 0, []string{"one two", "three"}},
		{"one two three", 9, 2, []string{"one two", "  three"}},
		{"abcdefghijkl", 5, 0, []string{"abcde", "fghij", "kl"}},
		{"  label: words", 9, 4, []string{"  label:", "    words"}},
		{"trailing      ", 8, 0, []string{"trailing"}},
		{"中文字", 4, 0, []string{"中文", "字"}},
	}
	for _, tt := range tests {
		if diff := cmp.Diff(tt.want, trace.Wrap(tt.text, tt.width, tt.hang)); diff != "" {
			t.Errorf("wrap(%q, %d, %d) (-want +got):\n%s", tt.text, tt.width, tt.hang, diff)
		}
	}
}

func FuzzWrap(f *testing.F) {
	f.Add("one two three", 9, 2)
	f.Add("\u0301中文 字", 3, 0)
	f.Fuzz(func(t *testing.T, text string, width, hang int) {
		if width < 3 || width > 200 || hang < 0 {
			return
		}
		words := strings.ReplaceAll(text, " ", "")
		lines := trace.Wrap(text, width, hang)
		if got := strings.ReplaceAll(strings.Join(lines, ""), " ", ""); got != words {
			t.Errorf("wrap changed %q to %q", words, got)
		}
	})
}

func TestClip(t *testing.T) {
	for in, want := range map[string]string{"short": "short", "exactly8": "exactly8", "longer than 8": "longer …", "中文字中文": "中文字…"} {
		got := trace.Clip(in, 8)
		if got != want || uniseg.StringWidth(got) > 8 {
			t.Errorf("clip(%q, 8): got %q, want %q", in, got, want)
		}
	}
}

func TestHang(t *testing.T) {
	for in, want := range map[string]int{
		"plain words": 2, "\tcreated: entry": 11, "\tthen:    entered": 11, "\t         < leader": 13, "a: b": 2,
	} {
		if got := trace.Hang(in); got != want {
			t.Errorf("hang(%q): got %d, want %d", in, got, want)
		}
	}
}

// A name that is cut keeps what tells it from others.
func TestClipName(t *testing.T) {
	for _, test := range []struct {
		name  string
		width int
		want  string
	}{
		{"leader", 16, "leader"},
		{"(*server).handleConnection#1", 16, "(*serve…ection#1"},
		{"(*server).handleConnection#12345", 8, "(…#12345"},
		{"worker with a long name 17", 12, "worke…ame 17"},
		{"ééééééééé#7", 6, "éé…é#7"},
		{"a#123456", 4, "…456"},
		{"漢字漢字漢字", 6, "漢…字"},
		{"abc", 1, "…"},
	} {
		if got := trace.ClipName(test.name, test.width); got != test.want {
			t.Errorf("%q in %d columns: got %q, want %q", test.name, test.width, got, test.want)
		}
	}
}
