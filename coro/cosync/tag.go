package cosync

import (
	"strconv"
	"sync/atomic"

	"github.com/gohandoff/coroutine/coro"
)

// noCopy makes go vet report copies of what embeds it.
type noCopy struct{}

func (*noCopy) Lock()   {}
func (*noCopy) Unlock() {}

// A tag is what a message tells about a lock: its name, and where it was taken.
type tag struct {
	name atomic.Pointer[string]
	site atomic.Uintptr // of the lock's last taker; 0 if not known
}

// SetName names the lock, queue or semaphore in messages, dumps and traces. It
// may be called by anyone at any time and does not yield.
func (t *tag) SetName(name string) { t.name.Store(&name) }

// labelAs returns the kind of the thing and its name, if it has one. It never
// holds an address.
func (t *tag) labelAs(kind string) string {
	if p := t.name.Load(); p != nil {
		return kind + " " + strconv.Quote(*p)
	}
	return kind
}

func (t *tag) taken() string { return coro.PlaceOf(t.site.Load()) }

// The kinds of event of this package; From is who did it.
const (
	// EventLock: From has taken the lock that Detail names, at once or after
	// an EventPark.
	EventLock coro.EventKind = "lock"
	// EventPark: From is about to wait for what Detail names, with its
	// holder where that is known.
	EventPark coro.EventKind = "park"
	// EventUnlock: From has let go of what Detail names.
	EventUnlock coro.EventKind = "unlock"
)

// note tells the tracer of self's thread, if there is one.
func note(self *coro.Self, kind coro.EventKind, what string) { self.Trace(kind, nil, what) }
