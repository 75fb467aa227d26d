package handoff_test

import (
	"iter"
	"runtime"
	"testing"

	"github.com/gohandoff/coroutine/internal/handoff"
)

// work is a handoff.Work made of a function.
type work func() bool

func (w work) Run() bool { return w() }

var kinds = []struct {
	name string
	kind func(*handoff.Line)
}{
	{"direct", handoff.Direct},
	{"channel", handoff.Channel},
}

// BenchmarkSwitch is one Enter and one Yield. The raw ones are the mechanisms
// below the two kinds, with nothing around them.
func BenchmarkSwitch(b *testing.B) {
	for _, k := range kinds {
		b.Run(k.name, func(b *testing.B) {
			var l handoff.Line
			k.kind(&l)
			l.Run(work(func() bool {
				for l.Yield() == handoff.Enter {
				}
				return false
			}))
			b.ReportAllocs()
			for b.Loop() {
				l.Enter(handoff.Enter)
			}
			l.Enter(handoff.Kill)
		})
	}
	b.Run("raw-next", func(b *testing.B) {
		next, stop := iter.Pull(func(yield func(handoff.Signal) bool) {
			for yield(handoff.Yield) {
			}
		})
		defer stop()
		b.ReportAllocs()
		for b.Loop() {
			next()
		}
	})
	b.Run("raw-channels", func(b *testing.B) {
		down := make(chan struct{}, 1)
		up := make(chan handoff.Signal, 1)
		go func() {
			defer close(up)
			for range down {
				up <- handoff.Yield
			}
		}()
		b.ReportAllocs()
		for b.Loop() {
			down <- struct{}{}
			<-up
		}
		close(down)
		<-up
	})
}

// BenchmarkCreate is a line from its making to its end, with work that returns
// at once.
func BenchmarkCreate(b *testing.B) {
	for _, k := range kinds {
		b.Run(k.name, func(b *testing.B) {
			w := work(func() bool { return false })
			b.ReportAllocs()
			for b.Loop() {
				l := new(handoff.Line)
				k.kind(l)
				l.Run(w)
			}
		})
	}
	b.Run("raw-next", func(b *testing.B) {
		body := func(func(handoff.Signal) bool) {}
		b.ReportAllocs()
		for b.Loop() {
			next, _ := iter.Pull(body)
			next()
		}
	})
	b.Run("raw-channels", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			down := make(chan struct{}, 1)
			up := make(chan handoff.Signal, 1)
			go func() {
				defer close(up)
				<-down
			}()
			down <- struct{}{}
			<-up
		}
	})
}

// BenchmarkOSThreadLocked is the question that Direct asks before each switch.
func BenchmarkOSThreadLocked(b *testing.B) {
	b.Run("unlocked", func(b *testing.B) {
		for b.Loop() {
			handoff.OSThreadLocked()
		}
	})
	b.Run("locked", func(b *testing.B) {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		for b.Loop() {
			handoff.OSThreadLocked()
		}
	})
}
