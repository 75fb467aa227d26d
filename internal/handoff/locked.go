//go:build amd64 || arm64

package handoff

import "runtime"

// Is the running goroutine locked to its OS thread? The runtime ends the
// process when a locked goroutine takes part in a coroutine switch, so Direct
// has to know before every switch, and there is no exported way to ask: the
// header that runtime.Stack prints says it, at 1 µs and more a question.
//
// The answer is one word of the runtime's descriptor of the goroutine, zero
// when it is not locked. Where that word lies is not written down here; it is
// found by experiment (findLocked): it is the one word that is zero before
// runtime.LockOSThread, not zero after, and zero again after UnlockOSThread.
// If the experiment does not single out one word, which would mean that the
// runtime has changed, Direct falls back to Channel. No identity is read, and
// nothing is written. It costs 1–2 ns a question.

// gword reads one word at byte offset off of the running goroutine's
// descriptor.
//
//go:noescape
func gword(off uintptr) uintptr

// searched is how much of the descriptor is looked at, in words. The
// descriptor of go1.26 has 55 words and more.
const searched = 48

// lockedAt is the offset of the word, or 0 when it is not known. (The word at
// offset 0 is the lower bound of the stack, never zero.)
var lockedAt = findLocked()

func canTellLocked() bool { return lockedAt != 0 }

// OSThreadLocked reports whether the calling goroutine is locked to its OS
// thread, by runtime.LockOSThread or inside a cgo callback. Where it cannot be
// told it reports false, and no line is Direct.
func OSThreadLocked() bool { return lockedAt != 0 && gword(lockedAt) != 0 }

func findLocked() uintptr {
	found := make(chan uintptr)
	go func() { // a goroutine that nobody has locked
		var candidate [searched]bool
		for i := range candidate {
			candidate[i] = true
		}
		for range 3 {
			before := snapshot()
			runtime.LockOSThread()
			once := snapshot()
			runtime.LockOSThread()
			twice := snapshot()
			runtime.UnlockOSThread()
			still := snapshot()
			runtime.UnlockOSThread()
			after := snapshot()
			for i := range candidate {
				candidate[i] = candidate[i] && before[i] == 0 && once[i] != 0 &&
					twice[i] == once[i] && still[i] == once[i] && after[i] == 0
			}
		}
		var at uintptr
		for i, ok := range candidate {
			switch {
			case ok && at != 0:
				found <- 0
				return
			case ok:
				at = uintptr(i) * 8
			}
		}
		found <- at
	}()
	return <-found
}

func snapshot() (words [searched]uintptr) {
	for i := range words {
		words[i] = gword(uintptr(i) * 8)
	}
	return words
}
