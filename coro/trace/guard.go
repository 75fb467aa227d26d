package trace

import (
	"errors"
	"io"
	"os"
	"os/signal"
)

// Dump writes what the ring holds as text; see [WriteText].
func (r *Ring) Dump(w io.Writer, opts ...TextOption) error {
	return WriteText(w, r.Snapshot(), opts...)
}

// Guard calls f, and dumps the ring to w if f does not come to a good end: if it
// returns an error, such as a loop's deadlock, if it panics, if it calls
// runtime.Goexit, as a failing test does. It takes part in none of that: a panic
// goes on, and the error is returned, joined with the dump's own if there is
// one. Guard is for a leader; in a coroutine it would dump when that is killed,
// too.
func (r *Ring) Guard(w io.Writer, f func() error) (err error) {
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
// When stop returns, no dump is being written.
func (r *Ring) DumpOnSignal(w io.Writer, signals ...os.Signal) (stop func()) {
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
	return func() {
		signal.Stop(c)
		close(quit)
		<-done
	}
}
