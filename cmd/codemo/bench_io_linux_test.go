package main

import (
	"path/filepath"
	"strings"
	"testing"
)

// TestBenchIOOnTheRing also has the flag of qemu-img bench mean it.
func TestBenchIOOnTheRing(t *testing.T) {
	disk := filepath.Join(t.TempDir(), "disk")
	ours(t, "bench-io", "--create", "1M", "-c", "1", disk)
	for _, args := range [][]string{
		{"bench-io", "--driver", "uring", "-c", "500", "-d", "8", "--access", "random", disk},
		{"bench-io", "-i", "io_uring", "--handoff", "direct", "-c", "500", "-d", "8", "--mix", "50", "--overwrite", "--flush-interval", "100", disk},
	} {
		code, stdout, stderr := codemo(args...)
		if strings.Contains(stderr, "io_uring is not available") {
			t.Skip(stderr)
		}
		if code != exitOK || !strings.Contains(stdout, disk+" by uring") {
			t.Errorf("codemo %q: exit code %d\n%s%s", args, code, stdout, stderr)
		}
	}
}
