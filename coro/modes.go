package coro

// modes are the reasons for the hot paths to take the long way round.
type modes uint32

const (
	modeTrace   modes = 1 << iota // a tracer is set
	modeSites                     // file:line is kept of every step
	modeAbandon                   // abandoned coroutines are looked for

	modeAny = ^modes(0)
)

// in reports whether any of which is on. With the build tag coro_notrace it is a
// constant, and what it guards is not in the program: the build to compare with
// when one asks what the question alone costs.
func (t *Thread) in(which modes) bool { return hasModes && t.modes&which != 0 }

// set turns on which, for the option that is called name.
func (t *Thread) set(which modes, name string) {
	if !hasModes {
		panic("coro: " + name + ": built without it, by the tag coro_notrace, which is for measuring")
	}
	t.modes |= which
}
