package coro_test

import (
	"runtime"

	"github.com/gohandoff/coroutine/coro"
)

// The programs of TestMisuse: each commits one misuse, inside p.misuse, and then
// goes on to show that nothing is broken. They have a file of their own because
// the golden texts in testdata/misuse name its lines: add new ones at the end.

func entersItself(p *misuseProbe) {
	writer := p.thread.New(func(self *coro.Self) {
		p.misuse(func() { self.Enter(self.Coroutine()) })
		self.Yield()
	}).SetName("writer")
	p.thread.Enter(writer)
	p.mustBe(writer, coro.Suspended)
	p.finish(writer)
}

func entersItsCaller(p *misuseProbe) {
	var writer, flusher *coro.Coroutine
	writer = p.thread.New(func(self *coro.Self) {
		self.Enter(flusher)
		self.Yield()
	}).SetName("writer")
	flusher = p.thread.New(func(self *coro.Self) {
		p.misuse(func() { self.Enter(writer) })
		p.mustBe(writer, coro.Normal)
		self.Yield()
	}).SetName("flusher")
	p.thread.Enter(writer)
	p.finish(writer)
	p.finish(flusher)
}

func entersItsGrandCaller(p *misuseProbe) {
	var writer, flusher, syncer *coro.Coroutine
	writer = p.thread.New(func(self *coro.Self) {
		self.Enter(flusher)
	}).SetName("writer")
	flusher = p.thread.New(func(self *coro.Self) {
		self.Enter(syncer)
	}).SetName("flusher")
	syncer = p.thread.New(func(self *coro.Self) {
		p.misuse(func() { self.Enter(writer) })
		self.Yield()
	}).SetName("syncer")
	p.thread.Enter(writer)
	p.mustBe(writer, coro.Dead)
	p.finish(syncer)
}

func entersTheOneInBetween(p *misuseProbe) {
	var flusher, syncer *coro.Coroutine
	writer := p.thread.New(func(self *coro.Self) {
		enterForWriter(self, flusher)
	}).SetName("writer")
	flusher = p.thread.New(func(self *coro.Self) {
		self.Enter(syncer)
	}).SetName("flusher")
	syncer = p.thread.New(func(self *coro.Self) {
		p.misuse(func() { self.Enter(flusher) })
		self.Yield()
	}).SetName("syncer")
	p.thread.Enter(writer)
	p.finish(syncer)
}

func threadEnterInside(p *misuseProbe) {
	helper := p.thread.New(func(self *coro.Self) { self.Yield() }).SetName("helper")
	writer := p.thread.New(func(self *coro.Self) {
		p.misuse(func() { p.thread.Enter(helper) })
		p.mustBe(helper, coro.Ready)
		self.Enter(helper)
		p.mustBe(helper, coro.Suspended)
	}).SetName("writer")
	p.thread.Enter(writer)
	p.finish(helper)
	p.finish(writer)
}

func threadEnterInsideOfItself(p *misuseProbe) {
	var writer *coro.Coroutine
	writer = p.thread.New(func(self *coro.Self) {
		p.misuse(func() { p.thread.Enter(writer) })
		self.Yield()
	}).SetName("writer")
	p.thread.Enter(writer)
	p.finish(writer)
}

func enteredOnAnotherThread(p *misuseProbe) {
	other := p.newThread("other")
	release, running := make(chan bool), make(chan bool)
	writer := p.thread.New(func(self *coro.Self) {
		running <- true
		<-release
		self.Yield()
	}).SetName("writer")
	done := p.goes(func() { p.thread.Enter(writer) })
	<-running
	p.misuse(func() { other.Enter(writer) })
	close(release)
	<-done
	other.Enter(writer)
	p.mustBe(writer, coro.Dead)
}

func enteredInAnotherGoroutine(p *misuseProbe) {
	release, running := make(chan bool), make(chan bool)
	writer := p.thread.New(func(self *coro.Self) {
		running <- true
		<-release
		self.Yield()
	}).SetName("writer")
	done := p.goes(func() { p.thread.Enter(writer) })
	<-running
	p.misuse(func() { p.thread.Enter(writer) })
	close(release)
	<-done
	p.finish(writer)
}

func wakesTwice(p *misuseProbe) {
	turns := 0
	reader := p.thread.New(func(self *coro.Self) {
		for {
			turns++
			self.Yield()
		}
	}).SetName("reader")
	writer := p.thread.New(func(self *coro.Self) {
		self.Wake(reader)
		p.misuse(func() { self.Wake(reader) })
	}).SetName("writer")
	p.thread.Enter(writer)
	p.mustBe(writer, coro.Dead)
	p.thread.Enter(reader)
	p.mustEqual("turns of the reader", turns, 2)
}

func wakesWhatAnotherWoke(p *misuseProbe) {
	var writer, flusher *coro.Coroutine
	reader := p.thread.New(func(self *coro.Self) {}).SetName("reader")
	writer = p.thread.New(func(self *coro.Self) {
		self.Wake(reader)
		self.Enter(flusher)
	}).SetName("writer")
	flusher = p.thread.New(func(self *coro.Self) {
		p.misuse(func() { self.Wake(reader) })
	}).SetName("flusher")
	p.thread.Enter(writer)
	p.mustBe(reader, coro.Dead)
}

func entersAWokenOne(p *misuseProbe) {
	reader := p.thread.New(func(self *coro.Self) { self.Yield() }).SetName("reader")
	writer := p.thread.New(func(self *coro.Self) {
		self.Wake(reader)
		p.misuse(func() { self.Enter(reader) })
	}).SetName("writer")
	p.thread.Enter(writer)
	p.mustBe(reader, coro.Suspended)
	p.finish(reader)
}

func wakesItself(p *misuseProbe) {
	writer := p.thread.New(func(self *coro.Self) {
		p.misuse(func() { self.Wake(self.Coroutine()) })
		self.Yield()
	}).SetName("writer")
	p.thread.Enter(writer)
	p.mustBe(writer, coro.Suspended)
	p.finish(writer)
}

func wakesItsCaller(p *misuseProbe) {
	var flusher *coro.Coroutine
	writer := p.thread.New(func(self *coro.Self) {
		self.Enter(flusher)
		self.Yield()
	}).SetName("writer")
	flusher = p.thread.New(func(self *coro.Self) {
		p.misuse(func() { self.Wake(writer) })
	}).SetName("flusher")
	p.thread.Enter(writer)
	p.mustBe(writer, coro.Suspended)
	p.finish(writer)
}

func entersOneThatReturned(p *misuseProbe) {
	reader := p.thread.New(func(self *coro.Self) {}).SetName("reader")
	writer := p.thread.New(func(self *coro.Self) {
		self.Enter(reader)
		p.misuse(func() { self.Enter(reader) })
		self.Yield()
	}).SetName("writer")
	p.thread.Enter(writer)
	p.finish(writer)
}

func entersOneThatWasKilled(p *misuseProbe) {
	reader := p.thread.New(func(self *coro.Self) { self.Yield() }).SetName("reader")
	writer := p.thread.New(func(self *coro.Self) {
		self.Enter(reader)
		self.Kill(reader)
		p.misuse(func() { self.Enter(reader) })
		self.Yield()
	}).SetName("writer")
	p.thread.Enter(writer)
	p.finish(writer)
}

func entersOneThatPanicked(p *misuseProbe) {
	reader := p.thread.New(func(self *coro.Self) { panic("disk on fire") }).SetName("reader")
	writer := p.thread.New(func(self *coro.Self) {
		p.panics(func() { self.Enter(reader) })
		p.misuse(func() { self.Enter(reader) })
		self.Yield()
	}).SetName("writer")
	p.thread.Enter(writer)
	p.finish(writer)
}

func entersOneThatExited(p *misuseProbe) {
	reader := p.thread.New(func(self *coro.Self) { runtime.Goexit() }).SetName("reader")
	<-p.goes(func() { p.thread.Enter(reader) })
	writer := p.thread.New(func(self *coro.Self) {
		p.misuse(func() { self.Enter(reader) })
		self.Yield()
	}).SetName("writer")
	p.thread.Enter(writer)
	p.finish(writer)
}

func wakesADeadOne(p *misuseProbe) {
	reader := p.thread.New(func(self *coro.Self) {}).SetName("reader")
	p.thread.Kill(reader)
	writer := p.thread.New(func(self *coro.Self) {
		p.misuse(func() { self.Wake(reader) })
		self.Yield()
	}).SetName("writer")
	p.thread.Enter(writer)
	p.finish(writer)
}

func leaderYields(p *misuseProbe) {
	p.misuse(func() { p.thread.Leader().Yield() })
	p.finish(p.thread.New(func(self *coro.Self) { self.Yield() }).SetName("writer"))
}

func leaderYieldsInside(p *misuseProbe) {
	writer := p.thread.New(func(self *coro.Self) {
		p.misuse(func() { p.thread.Leader().Yield() })
		self.Yield()
	}).SetName("writer")
	p.thread.Enter(writer)
	p.finish(writer)
}

func suspendedSelfYields(p *misuseProbe) {
	var kept *coro.Self
	writer := p.thread.New(func(self *coro.Self) {
		kept = self
		self.Yield()
	}).SetName("writer")
	p.thread.Enter(writer)
	<-p.goes(func() { p.misuse(func() { kept.Yield() }) })
	p.mustBe(writer, coro.Suspended)
	p.finish(writer)
}

func suspendedSelfEnters(p *misuseProbe) {
	var kept *coro.Self
	reader := p.thread.New(func(self *coro.Self) {
		kept = self
		self.Yield()
	}).SetName("reader")
	helper := p.thread.New(func(self *coro.Self) { self.Yield() }).SetName("helper")
	writer := p.thread.New(func(self *coro.Self) {
		self.Enter(reader)
		p.misuse(func() { kept.Enter(helper) })
		p.mustBe(helper, coro.Ready)
	}).SetName("writer")
	p.thread.Enter(writer)
	p.finish(reader)
	p.finish(helper)
}

func callersSelfYields(p *misuseProbe) {
	writer := p.thread.New(func(self *coro.Self) {
		flusher := self.New(func(*coro.Self) {
			p.misuse(func() { self.Yield() }) // self is the writer's
		}).SetName("flusher")
		self.Enter(flusher)
		self.Yield()
	}).SetName("writer")
	p.thread.Enter(writer)
	p.mustBe(writer, coro.Suspended)
	p.finish(writer)
}

func callersSelfWakes(p *misuseProbe) {
	helper := p.thread.New(func(self *coro.Self) {}).SetName("helper")
	writer := p.thread.New(func(self *coro.Self) {
		flusher := self.New(func(*coro.Self) {
			p.misuse(func() { self.Wake(helper) })
		}).SetName("flusher")
		self.Enter(flusher)
	}).SetName("writer")
	p.thread.Enter(writer)
	p.mustBe(helper, coro.Ready)
	p.finish(helper)
}

func selfYieldsAfterDeath(p *misuseProbe) {
	var kept *coro.Self
	writer := p.thread.New(func(self *coro.Self) { kept = self }).SetName("writer")
	p.thread.Enter(writer)
	p.misuse(func() { kept.Yield() })
	p.finish(p.thread.New(func(self *coro.Self) { self.Yield() }).SetName("reader"))
}

func selfEntersAfterDeath(p *misuseProbe) {
	var kept *coro.Self
	reader := p.thread.New(func(self *coro.Self) { self.Yield() }).SetName("reader")
	writer := p.thread.New(func(self *coro.Self) { kept = self }).SetName("writer")
	p.thread.Enter(writer)
	p.misuse(func() { kept.Enter(reader) })
	p.mustBe(reader, coro.Ready)
	p.finish(reader)
}

func returnsHoldingLocks(p *misuseProbe) {
	writer := p.thread.New(func(self *coro.Self) { self.HoldLocks(2) }).SetName("writer")
	reader := p.thread.New(func(self *coro.Self) {
		p.misuse(func() { self.Enter(writer) })
		p.mustBe(writer, coro.Dead)
		self.Yield()
	}).SetName("reader")
	p.thread.Enter(reader)
	p.finish(reader)
}

func killedHoldingLocks(p *misuseProbe) {
	writer := p.thread.New(func(self *coro.Self) {
		self.HoldLocks(1)
		self.Yield()
	}).SetName("writer")
	p.thread.Enter(writer)
	p.misuse(func() { p.thread.Kill(writer) })
	p.mustBe(writer, coro.Dead)
}

func yieldsWhileKilled(p *misuseProbe) {
	writer := p.thread.New(func(self *coro.Self) {
		defer self.Yield()
		self.Yield()
	}).SetName("writer")
	p.thread.Enter(writer)
	p.misuse(func() { p.thread.Kill(writer) })
	p.mustBe(writer, coro.Dead)
}

func killsItself(p *misuseProbe) {
	writer := p.thread.New(func(self *coro.Self) {
		p.misuse(func() { self.Kill(self.Coroutine()) })
		self.Yield()
	}).SetName("writer")
	p.thread.Enter(writer)
	p.mustBe(writer, coro.Suspended)
	p.finish(writer)
}

func killsItsCaller(p *misuseProbe) {
	var flusher *coro.Coroutine
	writer := p.thread.New(func(self *coro.Self) {
		self.Enter(flusher)
		self.Yield()
	}).SetName("writer")
	flusher = p.thread.New(func(self *coro.Self) {
		p.misuse(func() { self.Kill(writer) })
	}).SetName("flusher")
	p.thread.Enter(writer)
	p.mustBe(writer, coro.Suspended)
	p.finish(writer)
}

func threadKillInside(p *misuseProbe) {
	reader := p.thread.New(func(self *coro.Self) { self.Yield() }).SetName("reader")
	p.thread.Enter(reader)
	writer := p.thread.New(func(self *coro.Self) {
		p.misuse(func() { p.thread.Kill(reader) })
	}).SetName("writer")
	p.thread.Enter(writer)
	p.mustBe(reader, coro.Suspended)
	p.finish(reader)
}

func yieldsLockedToAnOsThread(p *misuseProbe) {
	writer := p.thread.New(func(self *coro.Self) {
		runtime.LockOSThread()
		p.misuse(func() { self.Yield() })
		runtime.UnlockOSThread()
		self.Yield()
	}).SetName("writer")
	p.thread.Enter(writer)
	p.mustBe(writer, coro.Suspended)
	p.finish(writer)
}

func wakesOnAThreadWithoutALoop(p *misuseProbe) {
	other := p.newThread("other")
	reader := other.New(func(self *coro.Self) { self.Yield() }).SetName("reader")
	writer := p.thread.New(func(self *coro.Self) {
		p.misuse(func() { self.Wake(reader) })
		self.Yield()
	}).SetName("writer")
	p.thread.Enter(writer)
	p.finish(writer)
	other.Enter(reader)
	p.mustBe(reader, coro.Suspended)
}

func closesWhileEntered(p *misuseProbe) {
	var flusher *coro.Coroutine
	writer := p.thread.New(func(self *coro.Self) {
		self.Enter(flusher)
		self.Yield()
	}).SetName("writer")
	flusher = p.thread.New(func(self *coro.Self) {
		p.misuse(func() { p.thread.Close() })
	}).SetName("flusher")
	p.thread.Enter(writer)
	p.mustBe(writer, coro.Suspended)
	p.finish(writer)
}

func createsOnAClosedThread(p *misuseProbe) {
	p.thread.Close()
	p.misuse(func() { p.thread.New(func(self *coro.Self) {}) })
}

func createsWithoutAnEntry(p *misuseProbe) {
	writer := p.thread.New(func(self *coro.Self) {
		p.misuse(func() { self.New(nil) })
		self.Yield()
	}).SetName("writer")
	p.thread.Enter(writer)
	p.finish(writer)
}

func entersNil(p *misuseProbe) {
	writer := p.thread.New(func(self *coro.Self) {
		p.misuse(func() { self.Enter(nil) })
		self.Yield()
	}).SetName("writer")
	p.thread.Enter(writer)
	p.finish(writer)
}

func wakesNil(p *misuseProbe) {
	writer := p.thread.New(func(self *coro.Self) {
		p.misuse(func() { self.Wake(nil) })
		self.Yield()
	}).SetName("writer")
	p.thread.Enter(writer)
	p.finish(writer)
}

func killsNil(p *misuseProbe) {
	p.misuse(func() { p.thread.Kill(nil) })
	p.finish(p.thread.New(func(self *coro.Self) { self.Yield() }).SetName("writer"))
}

func zeroSelfYields(p *misuseProbe) {
	p.misuse(func() { new(coro.Self).Yield() })
}

func zeroSelfEnters(p *misuseProbe) {
	writer := p.thread.New(func(self *coro.Self) { self.Yield() }).SetName("writer")
	p.misuse(func() { new(coro.Self).Enter(writer) })
	p.finish(writer)
}

func zeroSelfCreates(p *misuseProbe) {
	p.misuse(func() { new(coro.Self).New(func(self *coro.Self) {}) })
}

func answersForAnother(p *misuseProbe) {
	numbers := coro.NewTyped(p.thread, func(self *coro.Self, c *coro.Typed[int, int], first int) int {
		return c.Yield(self, first+1)
	})
	numbers.Coroutine().SetName("numbers")
	writer := p.thread.New(func(self *coro.Self) {
		numbers.Enter(self, 1)
		p.misuse(func() { numbers.Yield(self, 3) })
		self.Yield()
	}).SetName("writer")
	p.thread.Enter(writer)
	p.mustBe(numbers.Coroutine(), coro.Suspended)
	p.finish(numbers.Coroutine())
	p.finish(writer)
}

func entersAScheduledOne(p *misuseProbe) {
	reader := p.thread.New(func(self *coro.Self) { self.Yield() }).SetName("reader")
	p.noError(coro.MarkScheduled(nil, reader))
	p.misuse(func() { p.thread.Enter(reader) })
	p.mustBe(reader, coro.Ready)
	p.thread.Leader().EnterScheduled(reader)
	p.finish(reader)
}

func schedulesTwice(p *misuseProbe) {
	reader := p.thread.New(func(self *coro.Self) { self.Yield() }).SetName("reader")
	p.noError(coro.MarkScheduled(nil, reader))
	p.misuse(func() { panic(coro.MarkScheduled(nil, reader)) })
	p.thread.Leader().EnterScheduled(reader)
	p.finish(reader)
}

// enterForWriter is a function that may yield in between: a message names it,
// not its caller.
func enterForWriter(self *coro.Self, co *coro.Coroutine) {
	self.Enter(co)
}
