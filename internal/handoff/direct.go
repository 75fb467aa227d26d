package handoff

import "iter"

// Direct makes l a line on the runtime's own coroutine switch: iter.Pull's next
// hands control down, its yield hands it up, with no scheduler pass between.
// See docs/performance.md for what that buys. Its goroutine starts with the
// first handoff down.
//
// The runtime ends the process when a goroutine locked to its OS thread takes
// part in such a switch and was not so locked when iter.Pull was called
// (coroswitch_m in the runtime's coro.go). So iter.Pull is always called by an
// unlocked goroutine, which whoever may call Next is; a locked enterer hands
// over through a helper goroutine, and a locked runner must be kept from
// calling Back. Where it cannot be told whether a goroutine is locked (see
// locked.go) Direct makes a Channel line.
func Direct(l *Line) {
	if !canTellLocked() {
		Channel(l)
		return
	}
	l.Direct = true
	l.Next = func() (Signal, bool) {
		// iter.Pull makes a goroutine, which nothing would end if it were
		// never run.
		l.Next, _ = iter.Pull(func(yield func(Signal) bool) {
			l.Back = yield
			l.loop()
		})
		return l.Next()
	}
}

// DirectAvailable reports whether Direct makes direct lines on this
// architecture and Go release.
func DirectAvailable() bool { return canTellLocked() }
