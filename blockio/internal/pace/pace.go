// Package pace limits how many bytes a second something moves.
package pace

import (
	"time"

	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/aio"
)

// A Pacer lets so many bytes a second through: a bucket that fills with tokens at
// that rate, and holds what is due in burst. It is written as the time at which
// the bucket will be empty, which needs no timer of its own: who takes more than
// there is sleeps until what it took is there.
type Pacer struct {
	// Rate is in bytes a second; 0 is no limit.
	Rate  int64
	until time.Time
}

// burst is how far a pacer that was idle may get ahead. It evens out timers
// that are late.
const burst = 50 * time.Millisecond

// Wait takes n bytes. It yields if it has to wait for them.
func (p *Pacer) Wait(self *coro.Self, n int64) {
	if p.Rate <= 0 {
		return
	}
	now := aio.LoopOf(self).Now()
	if earliest := now.Add(-burst); p.until.Before(earliest) {
		p.until = earliest
	}
	p.Take(n)
	if d := p.until.Sub(now); d > 0 {
		aio.Sleep(self, d)
	}
}

// Take takes n bytes, and has the next one wait for them. Less than 0 gives back
// what was taken in vain.
func (p *Pacer) Take(n int64) {
	if p.Rate <= 0 {
		return
	}
	seconds := min(float64(n)/float64(p.Rate), longest.Seconds())
	p.until = p.until.Add(time.Duration(seconds * float64(time.Second)))
}

// longest is how long one who waits does so at most: a time.Time can be added to
// that often.
const longest = 100 * 365 * 24 * time.Hour
