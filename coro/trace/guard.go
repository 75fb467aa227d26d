package trace

import (
	"errors"
	"io"
	"os"
	"os/signal"
	"sync"
)

// Dump writes what the ring holds as text; see [WriteText].
func (r *Ring) Dump(w io.Writer, opts ...TextOption) error {
	needs(w != nil, "Ring.Dump", "the io.Writer")
	return WriteText(w, r.Snapshot(), opts...)
}

// Guard calls f, and dumps the ring to w if f does not come to a good end: if it
// returns an error, such as a loop's deadlock, if it panics, if it calls
// runtime.Goexit, as a failing test does. It takes part in none of that: a panic
// goes on, and the error is returned, joined with the dump's own if there is
// one. Guard is for a leader; in a coroutine it would dump when that is killed,
// too.
func (r *Ring) Guard(w io.Writer, f func() error) (err error) {
	needs(w != nil, "Ring.Guard", "the io.Writer")
	needs(f != nil, "Ring.Guard", "the function")
	good := false
	defer func() {
		if !good {
			err = errors.Join(err, r.Dump(w))
		}
	}()
	err = f()
	good = err == nil
	return err
}

// DumpOnSignal dumps the ring to w whenever the process gets one of the signals,
// such as SIGQUIT, until stop is called. The signals do nothing else meanwhile.
// When stop returns, no dump is being written; a second stop does nothing.
// DumpOnSignal panics if there is no signal: package os/signal takes that for all
// of them, also those that end a program and that the runtime sends itself.
func (r *Ring) DumpOnSignal(w io.Writer, signals ...os.Signal) (stop func()) {
	needs(w != nil, "Ring.DumpOnSignal", "the io.Writer")
	if len(signals) == 0 {
		panic("trace: Ring.DumpOnSignal: no signal: want one or more, such as SIGQUIT")
	}
	c := make(chan os.Signal, 1)
	quit := make(chan struct{})
	done := make(chan struct{})
	signal.Notify(c, signals...)
	go func() {
		defer close(done)
		for {
			select {
			case <-c:
				r.Dump(w) // there is nobody to tell of an error
			case <-quit:
				return
			}
		}
	}()
	return sync.OnceFunc(func() {
		signal.Stop(c)
		close(quit)
		<-done
	})
}
