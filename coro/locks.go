package coro

// What a package of locks needs of its callers' coroutines; see coro/cosync.

// Quiet reports whether self is the one that runs on its thread and nobody
// watches that thread: no tracer, no sites. It is the only question that the
// hot path of a lock has to ask; see [Self.MustRun] for the other one.
func (self *Self) Quiet() bool {
	t := self.thread.Load()
	return t != nil && t.current == self && t.modes&(modeTrace|modeSites) == 0
}

// MustRun panics with a [*UsageError] for [ErrOutside], or [ErrNil], unless self
// is the one that runs on its thread. verb says what it was used for.
func (self *Self) MustRun(verb string) {
	t := self.thread.Load()
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
func (self *Self) Site() uintptr { return self.thread.Load().here() }

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
func (co *Coroutine) Parked() string {
	t := co.self.thread.Load()
	if t == nil {
		return ""
	}
	if stack, _ := t.ask(co.self); stack != nil {
		return placeOf(stack)
	}
	return ""
}

// Scheduler returns the thread's event loop, nil if it has none.
func (t *Thread) Scheduler() Scheduler { return t.scheduler }

// Slot returns the place in the coroutine that belongs to coro/cosync, which
// keeps there what it needs while the coroutine waits. It is nil for a leader,
// which never waits, and for a dead coroutine. The place goes with the
// goroutine, so that the next coroutine that runs there finds it.
func (self *Self) Slot() *any {
	if self.w == nil {
		return nil
	}
	return &self.w.slot
}
