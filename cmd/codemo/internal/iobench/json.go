package iobench

import (
	"encoding/json"
	"io"
	"time"

	"github.com/gohandoff/coroutine/blockio"
)

// report is a [Result] as JSON. Times are nanoseconds.
type report struct {
	What           string             `json:"what"`
	ElapsedNs      time.Duration      `json:"elapsed_ns"`
	Requests       int64              `json:"requests"`
	IOPS           float64            `json:"iops"`
	BytesPerSecond float64            `json:"bytes_per_second"`
	CPU            *cpuReport         `json:"cpu,omitempty"`
	Interrupted    bool               `json:"interrupted,omitempty"`
	Operations     map[string]latency `json:"operations"`
}

type cpuReport struct {
	UserNs       time.Duration `json:"user_ns"`
	SystemNs     time.Duration `json:"system_ns"`
	PerRequestNs float64       `json:"per_request_ns"`
}

type latency struct {
	Requests uint64        `json:"requests"`
	Bytes    uint64        `json:"bytes"`
	MeanNs   time.Duration `json:"mean_ns"`
	P50Ns    time.Duration `json:"p50_ns"`
	P99Ns    time.Duration `json:"p99_ns"`
	P999Ns   time.Duration `json:"p99_9_ns"`
	MaxNs    time.Duration `json:"max_ns"`
	Buckets  []bucket      `json:"buckets"`
}

// A bucket of a histogram: how many requests took FromNs or longer, but not so
// long as the next bucket.
type bucket struct {
	FromNs   time.Duration `json:"from_ns"`
	Requests uint64        `json:"requests"`
}

// WriteJSON writes the result, buckets of the histograms included. what says what
// was measured.
func WriteJSON(w io.Writer, what string, r *Result) error {
	seconds := max(r.Elapsed.Seconds(), 1e-9)
	out := report{
		What: what, ElapsedNs: r.Elapsed, Requests: r.Requests(), Interrupted: r.Stopped,
		IOPS: float64(r.Requests()) / seconds, BytesPerSecond: float64(r.Bytes()) / seconds,
		Operations: map[string]latency{},
	}
	if r.CPU && out.Requests > 0 {
		out.CPU = &cpuReport{r.User, r.System, float64(r.User+r.System) / float64(out.Requests)}
	}
	for _, op := range operations {
		if s := r.Stats.Op(op); s.Requests > 0 {
			out.Operations[op.String()] = latencyOf(s)
		}
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(out)
}

func latencyOf(s *blockio.OpStats) latency {
	h := &s.Latency
	l := latency{
		Requests: s.Requests, Bytes: s.Bytes, MeanNs: h.Mean(), MaxNs: h.Max(),
		P50Ns: h.Quantile(0.5), P99Ns: h.Quantile(0.99), P999Ns: h.Quantile(0.999),
	}
	for from, n := range h.Buckets() {
		l.Buckets = append(l.Buckets, bucket{from, n})
	}
	return l
}
