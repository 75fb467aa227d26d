package blockio_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/coro"
)

func TestHistogramIsNearTheTruth(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	var h, other blockio.Histogram
	var all []time.Duration
	for i := range 10_000 {
		d := time.Duration(rng.Int64N(1 << rng.IntN(40)))
		all = append(all, d)
		if i%2 == 0 {
			h.Add(d)
		} else {
			other.Add(d)
		}
	}
	h.Merge(&other)
	slices.Sort(all)
	for _, q := range []float64{0, 0.01, 0.5, 0.9, 0.99, 0.999, 1} {
		want := all[min(int(q*float64(len(all))), len(all)-1)]
		got := h.Quantile(q)
		if diff := (got - want).Abs(); diff > want/32+1 {
			t.Errorf("got %v for the quantile %v, want %v, at most a thirty-second part off", got, q, want)
		}
	}
	wantEqual(t, "count", uint64(len(all)), h.Count())
	wantEqual(t, "max", all[len(all)-1], h.Max())
	total := uint64(0)
	for start, n := range h.Buckets() {
		below, _ := slices.BinarySearch(all, start)
		wantEqual(t, "how many are below a bucket", uint64(below), total)
		total += n
	}
	wantEqual(t, "sum of the buckets", h.Count(), total)
	var empty blockio.Histogram
	wantEqual(t, "quantile of nothing", 0, empty.Quantile(0.5))
	wantEqual(t, "mean of nothing", 0, empty.Mean())
	empty.Add(-1)
	empty.Add(1 << 62)
	wantEqual(t, "count", 2, empty.Count())
}

func TestStatsTellWhatWasDone(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		s := newStub(8192, blockio.Limits{Alignment: 512})
		s.lag = ms
		d := open(t, self, s)
		must(t, d.WriteAt(self, fill(100, 'a'), 0))
		must(t, d.ReadAt(self, make([]byte, 1024), 0))
		_ = d.ReadAt(self, make([]byte, 1024), 8000)
		want := `  operation  requests  bytes  errors  killed   mean  p50  p99  p99.9  max
       read         2   1024       1       0  500µs  1ms  1ms    1ms  1ms
      write         1    100       0       0    2ms  2ms  2ms    2ms  2ms
in flight 0, held 0, serialised 0, read-modify-writes 1, bounced 512 bytes, driver flushes 0
`
		wantEqual(t, "statistics", want, d.Stats().String())
	})
}

func TestDescribeDrawsTheDrivers(t *testing.T) {
	each(t, func(t *testing.T, self *coro.Self) {
		l := blockio.Limits{Alignment: 512, MaxTransfer: 4096, FUA: true}
		d := open(t, self, blockChecked(t, newStub(8192, l)), blockio.WithName("disk"), blockio.WithReadOnly())
		want := `disk: checked mem: 8192 bytes, alignment 512, max transfer 4096, discard alignment 4096, fua, discard, write-zeroes, status, vectored, writeback, resize, opened read-only
└── checked = mem: 8192 bytes, alignment 512, max transfer 4096, discard alignment 4096, fua, discard, write-zeroes, status, vectored, writeback, resize
`
		wantEqual(t, "description", want, blockio.Describe(d))
	})
}
