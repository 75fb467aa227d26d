package handoff

// Channel makes l a line on a pair of one-slot channels. It works everywhere:
// under runtime.LockOSThread, in cgo callbacks, in testing/synctest bubbles.
// Its goroutine starts with the first handoff down.
//
// No send ever blocks: a side sends only when the other one waits to receive,
// or is about to. The message itself is empty, and the signal lies in the line;
// a second channel for the kill signal, and a select, would cost 136 ns more a
// round trip. The line keeps the channels, rather than the two functions, to be
// small: it is part of what a parked coroutine costs.
func Channel(l *Line) {
	l.down = make(chan struct{}, 1)
	l.up = make(chan struct{}, 1)
	l.Next = func() (Signal, bool) {
		if l.started {
			l.down <- struct{}{}
		} else {
			l.started = true
			go l.channelRunner()
		}
		_, ok := <-l.up
		return l.rising, ok
	}
	l.Back = func(s Signal) bool {
		l.rising = s
		l.up <- struct{}{}
		<-l.down
		return true
	}
}

func (l *Line) channelRunner() {
	defer close(l.up) // also after Goexit
	l.loop()
}
