package blocktrace

import (
	"fmt"
	"io"
	"sync"
	"time"
)

// A Printer writes events as lines, each with the seconds since the first:
//
//	0.001000 #3 read 512 bytes at 0: ok after 1ms (1 in flight)
//
// It may serve any number of drivers, on any loops of one clock.
type Printer struct {
	mu      sync.Mutex
	w       io.Writer
	started bool
	start   time.Time
	err     error
}

// NewPrinter makes a printer that writes to w, a line at a time. It panics if w is
// nil.
func NewPrinter(w io.Writer) *Printer {
	if w == nil {
		panic("blocktrace: NewPrinter with a nil Writer")
	}
	return &Printer{w: w}
}

// Print writes an event; give it to [New]. It may be called by any goroutine, and
// does not yield. When a write has failed, it writes no more.
func (p *Printer) Print(e Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err != nil {
		return
	}
	if !p.started {
		p.started, p.start = true, e.Time
	}
	if _, err := fmt.Fprintf(p.w, "%.6f %v\n", e.Time.Sub(p.start).Seconds(), e); err != nil {
		p.err = fmt.Errorf("blocktrace: %w", err)
	}
}

// Err returns the error of the write that failed, if one has. It may be called
// by any goroutine.
func (p *Printer) Err() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.err
}
