package handoff

// Channel makes l a line on a pair of one-slot channels. It works everywhere:
// under runtime.LockOSThread, in cgo callbacks, in testing/synctest bubbles.
// Its goroutine starts with the first handoff down.
//
// No send ever blocks: a side sends only when the other one waits to receive,
// or is about to. The signal that goes down is in the message's place, the
// field Down; a second channel for the kill signal, and a select, would cost
// 136 ns more a round trip.
func Channel(l *Line) {
	down := make(chan struct{}, 1)
	up := make(chan Signal, 1)
	started := false
	l.Next = func() (Signal, bool) {
		if started {
			down <- struct{}{}
		} else {
			started = true
			go func() {
				defer close(up) // also after Goexit
				l.loop()
			}()
		}
		s, ok := <-up
		return s, ok
	}
	l.Back = func(s Signal) bool {
		up <- s
		<-down
		return true
	}
}
