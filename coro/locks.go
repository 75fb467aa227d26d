package coro

// What a package of locks needs of its callers' coroutines; see coro/cosync.

// Quiet reports whether self is the one that runs on its thread and nobody
// watches that thread: no tracer, no sites. It is the only question that the
// hot path of a lock has to ask; see [Self.MustRun] for the other one.
func (self *Self) Quiet() bool {
	t := self.thread()
	return t != nil && t.current == self && !t.in(modeTrace|modeSites)
}

// MustRun panics with a [*UsageError] for [ErrOutside], or [ErrNil], unless self
// is the one that runs on its thread. verb says what it was used for.
func (self *Self) MustRun(verb string) {
	t := self.thread()
	if t != nil && t.current == self {
		return
	}
	if t == nil {
		self.misuseNil(nil, verb)
	}
	e := &UsageError{
		Err: ErrOutside, About: self.label(), Created: self.createdAt(),
		First:  t.current.label() + " runs on thread " + t.name,
		Second: "used to " + verb,
		Hint:   "use the Self that was handed to the entry, on the goroutine that it was handed to",
	}
	e.addChain(self)
	panic(e)
}

// Site returns the program counter of the innermost call outside this module's
// packages if the thread keeps sites ([WithSites]), else 0. [PlaceOf] says it in
// words.
func (self *Self) Site() uintptr { return self.thread().here() }

// PlaceOf gives a program counter that [Self.Site] returned as
// "dir/file.go:12 (pkg.func)". It gives "" for 0.
func PlaceOf(pc uintptr) string {
	if pc == 0 {
		return ""
	}
	return placeOfPC(pc)
}

// Parked tells where a suspended coroutine waits, as "dir/file.go:12
// (pkg.func)": it is asked for its stack. It is "" for one that is not
// suspended. May be called by any goroutine.
func (self *Self) Parked() string {
	t := self.thread()
	if t == nil || self.id == 0 {
		return ""
	}
	if stack, _ := t.ask(self); stack != nil {
		return placeOf(stack)
	}
	return ""
}

// Ended reports whether the coroutine is dead. May be called by any goroutine.
func (self *Self) Ended() bool { return self.state.Load() >= dead }

// A Slot is the place in a coroutine that belongs to coro/cosync, which keeps
// there what it needs while the coroutine waits. It goes with the goroutine, so
// that the next coroutine that runs there finds what the last one left. This
// package does not look at it.
type Slot struct {
	// Value is what coro/cosync put there.
	Value any
}

// Slot returns the coroutine's slot. Only the coroutine itself may call it, not
// a leader, which never waits.
func (self *Self) Slot() *Slot {
	s := self.slot.Load()
	if s == nil {
		s = &self.w.slot
		self.slot.Store(s)
	}
	return s
}

// Slotted returns the slot of a coroutine that has called Slot, else nil. May be
// called by any goroutine; by then the slot may serve another coroutine.
func (self *Self) Slotted() *Slot { return self.slot.Load() }
