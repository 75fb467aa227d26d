package shapes

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime/debug"
	"runtime/metrics"
	"strconv"
	"strings"
	"time"

	"github.com/gohandoff/coroutine/cmd/codemo/internal/bench"
	"github.com/gohandoff/coroutine/coro"
)

// ParkedCommand is the hidden command that measures, in a process of its own,
// what a parked coroutine takes: the runtime never gives back the descriptors of
// goroutines that have ended, so that a second measure in the same process would
// find too little.
const ParkedCommand = "measure-parked"

// goroutines is the kind of parked thing that is a plain goroutine.
const goroutines = "goroutine"

func parked() []bench.Shape {
	var all []bench.Shape
	for _, n := range []int{100_000, 1_000_000} {
		plain := &bench.Baseline{Name: "goroutine", Unit: "B", Runner: parkedRunner(goroutines, n)}
		for _, h := range handoffs {
			all = append(all, bench.Shape{
				Area: "memory", Name: "parked, " + short(n), Variant: h.String(), Unit: "B",
				Baseline: plain, Long: n > 100_000, Goal: bench.Goal{Value: 3.2 * 1024},
				Runner: parkedRunner(h.String(), n),
			})
		}
	}
	return all
}

// parkedRunner runs ParkedCommand. A million parked goroutines take seconds; the
// limit is there for a machine that has no room for them.
func parkedRunner(kind string, n int) bench.Runner {
	return bench.Runner{Measure: func() (float64, error) {
		exe, err := os.Executable()
		if err != nil {
			return 0, err
		}
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
		defer cancel()
		cmd := exec.CommandContext(ctx, exe, ParkedCommand, kind, strconv.Itoa(n))
		cmd.Args[0] = os.Args[0] // a test binary goes by its name
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		if err != nil {
			return 0, fmt.Errorf("%s %s %d: %w: %s", ParkedCommand, kind, n, err, strings.TrimSpace(stderr.String()))
		}
		return strconv.ParseFloat(strings.TrimSpace(string(out)), 64)
	}}
}

// Parked returns how many bytes each of n parked things takes, of which kind is
// the name of a handoff, or "goroutine" for plain ones. They are left to the end
// of the process.
func Parked(kind string, n int) (float64, error) {
	if n < 1 {
		return 0, fmt.Errorf("cannot park %d of them, want 1 or more", n)
	}
	if kind == goroutines {
		up, block := make(chan struct{}), make(chan struct{})
		return grown(n, func() {
			for range n {
				go func() {
					up <- struct{}{}
					<-block
				}()
				<-up
			}
		}), nil
	}
	var h coro.Handoff
	if err := h.UnmarshalText([]byte(kind)); err != nil {
		return 0, err
	}
	t := coro.NewThread(coro.WithHandoff(h))
	each := grown(n, func() {
		for range n {
			t.Enter(t.New(yielder))
		}
	})
	if t.Current() != nil { // keeps t, and so all of them, until here
		panic("a coroutine runs")
	}
	return each, nil
}

// grown returns by how much the process grows in make, over n.
func grown(n int, make func()) float64 {
	debug.FreeOSMemory()
	before := footprint()
	make()
	debug.FreeOSMemory()
	return float64(footprint()-before) / float64(n)
}

// MemorySource says what the memory figures are.
func MemorySource() string {
	if _, ok := resident(); ok {
		return "growth of resident memory and page tables of a process of its own"
	}
	return "growth of the memory that the runtime holds (runtime/metrics)"
}

// footprint returns what the process takes, in bytes.
func footprint() int64 {
	if bytes, ok := resident(); ok {
		return bytes
	}
	s := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(s)
	return int64(s[0].Value.Uint64() - s[1].Value.Uint64())
}

// resident returns the resident memory and the page tables, as Linux tells.
func resident() (int64, bool) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, false
	}
	var sum int64
	found := 0
	for line := range strings.Lines(string(status)) {
		var kb int64
		name, rest, _ := strings.Cut(line, ":")
		if name != "VmRSS" && name != "VmPTE" {
			continue
		}
		if _, err := fmt.Sscanf(rest, "%d kB", &kb); err == nil {
			sum += kb << 10
			found++
		}
	}
	return sum, found == 2
}
