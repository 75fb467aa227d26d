package main

import (
	"os"
	"testing"
)

// TestColorOnATerminal needs a terminal, which scripts have not: the near end of
// a pseudo-terminal is one on Linux.
func TestColorOnATerminal(t *testing.T) {
	tty, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer tty.Close()
	tests := []struct {
		mode          colorMode
		noColor, term string
		want          bool
	}{
		{colorAuto, "", "xterm", true},
		{colorAuto, "1", "xterm", false},
		{colorAuto, "", "dumb", false},
		{colorNever, "", "xterm", false},
		{colorAlways, "1", "dumb", true},
	}
	for _, tt := range tests {
		t.Setenv("NO_COLOR", tt.noColor)
		t.Setenv("TERM", tt.term)
		if got := tt.mode.on(tty); got != tt.want {
			t.Errorf("--color=%s NO_COLOR=%s TERM=%s: got %t, want %t", &tt.mode, tt.noColor, tt.term, got, tt.want)
		}
	}
}
