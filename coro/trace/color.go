package trace

import "github.com/gohandoff/coroutine/coro"

// A palette paints words. Names take turns in a few colours that can be told
// apart, also by those who see red and green as one, on a light and on a dark
// ground; red is for what ends badly.
type palette struct {
	on bool
}

var (
	plain   = palette{}
	colored = palette{on: true}
)

const (
	reset  = "\x1b[0m"
	strong = "\x1b[1m"
	faint  = "\x1b[2m"
	red    = "\x1b[31m"
)

// turns are the colours of the coroutines, in the order of their ids.
var turns = [...]string{"\x1b[36m", "\x1b[33m", "\x1b[35m", "\x1b[34m", "\x1b[32m"}

func (p palette) with(code, s string) string {
	if !p.on || s == "" {
		return s
	}
	return code + s + reset
}

func (p palette) dim(s string) string  { return p.with(faint, s) }
func (p palette) bold(s string) string { return p.with(strong, s) }

// name paints s in the colour of who; a leader has none.
func (p palette) name(who Party, s string) string {
	if who.ID == 0 {
		return s
	}
	return p.with(turns[(who.ID-1)%uint64(len(turns))], s)
}

func (p palette) verb(k coro.EventKind, s string) string {
	switch {
	case k == coro.EventKill || k == coro.EventPanic:
		return p.with(strong+red, s)
	case !enters(k) && !ends(k): // control stays
		return p.dim(s)
	}
	return s
}
