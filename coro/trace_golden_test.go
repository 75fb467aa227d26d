package coro_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/gohandoff/coroutine/coro"
)

// A narrator writes what a program says between the events of its thread.
type narrator struct {
	t *testing.T
	b strings.Builder
}

// Trace implements coro.Tracer.
func (n *narrator) Trace(e coro.Event) { fmt.Fprintf(&n.b, "%3d  %v\n", e.Seq, e) }

func (n *narrator) say(format string, args ...any) { fmt.Fprintf(&n.b, "     # "+format+"\n", args...) }

// TestTrace holds the traces of a few programs against golden files, one for
// both handoffs. Read them in testdata/trace.
func TestTrace(t *testing.T) {
	eachHandoff(t, func(t *testing.T, newThread func(opts ...coro.Option) *coro.Thread) {
		for _, test := range []struct {
			name string
			run  func(n *narrator, th *coro.Thread)
		}{
			{"classic", traceClassic},
			{"nesting", traceNesting},
			{"wake-order", traceWakeOrder},
			{"kill", traceKill},
			{"panic", tracePanic},
			{"goexit", traceGoexit},
			{"generator", traceGenerator},
		} {
			t.Run(test.name, func(t *testing.T) {
				n := &narrator{t: t}
				th := newThread(coro.WithTracer(n))
				test.run(n, th)
				n.say("close")
				if err := th.Close(); err != nil {
					t.Error(err)
				}
				golden(t, "trace/"+test.name+".txt", n.b.String())
			})
		}
	})
}

func traceClassic(n *narrator, th *coro.Thread) {
	co := th.New(func(self *coro.Self) {
		n.say("some work")
		self.Yield()
		n.say("more work")
	})
	th.Enter(co)
	n.say("the leader has control again; the coroutine is %v", co.Status())
	th.Enter(co)
	n.say("it is %v", co.Status())
}

func traceNesting(n *narrator, th *coro.Thread) {
	inner := th.New(func(self *coro.Self) {
		n.say("inner yields: to outer, not to the leader")
		self.Yield()
		n.say("inner yields to the leader, who entered it this time")
		self.Yield()
	}).SetName("inner")
	outer := th.New(func(self *coro.Self) {
		self.Enter(inner)
		self.Yield()
	}).SetName("outer")
	th.Enter(outer)
	th.Enter(inner)
	th.Enter(outer)
}

func traceWakeOrder(n *narrator, th *coro.Thread) {
	var a, b, c, d *coro.Coroutine
	a = th.New(func(self *coro.Self) {
		self.Wake(b)
		self.Wake(c)
		n.say("a has woken b and c, which run when a yields")
		self.Yield()
	}).SetName("a")
	b = th.New(func(self *coro.Self) {
		self.Wake(d)
		n.say("b has woken d, which comes before c: depth first")
	}).SetName("b")
	c = th.New(func(self *coro.Self) { n.say("c runs") }).SetName("c")
	d = th.New(func(self *coro.Self) { n.say("d runs") }).SetName("d")
	th.Enter(a)
}

func traceKill(n *narrator, th *coro.Thread) {
	victim := th.New(func(self *coro.Self) {
		defer n.say("the deferred call runs")
		self.Yield()
		n.say("not reached")
	}).SetName("victim")
	unborn := th.New(func(*coro.Self) { n.say("not reached") }).SetName("unborn")
	killer := th.New(func(self *coro.Self) {
		self.Kill(victim)
		self.Kill(unborn)
		n.say("victim is %v, unborn is %v", victim.Status(), unborn.Status())
	}).SetName("killer")
	th.Enter(victim)
	th.Enter(killer)
	th.Enter(th.New(func(self *coro.Self) { self.Yield() }).SetName("left for Close"))
}

func tracePanic(n *narrator, th *coro.Thread) {
	inner := th.New(func(self *coro.Self) {
		defer n.say("inner's deferred call")
		panic("disk on fire")
	}).SetName("inner")
	outer := th.New(func(self *coro.Self) {
		defer n.say("outer's deferred call")
		self.Enter(inner)
		n.say("not reached")
	}).SetName("outer")
	err := try(func() { th.Enter(outer) })
	text, _, _ := strings.Cut(err.Error(), "\n")
	n.say("the leader recovers: %s", text)
}

func traceGoexit(n *narrator, th *coro.Thread) {
	inner := th.New(func(self *coro.Self) {
		defer n.say("inner's deferred call")
		runtime.Goexit()
	}).SetName("inner")
	outer := th.New(func(self *coro.Self) {
		defer n.say("outer's deferred call")
		self.Enter(inner)
		n.say("not reached")
	}).SetName("outer")
	asGoroutine(func() {
		defer n.say("the leader's deferred call: its goroutine exits, too")
		th.Enter(outer)
		n.say("not reached")
	})
	n.say("inner is %v, outer is %v; another goroutine leads the thread", inner.Status(), outer.Status())
}

func traceGenerator(n *narrator, th *coro.Thread) {
	squares := coro.NewTyped(th, func(self *coro.Self, c *coro.Typed[struct{}, int], _ struct{}) int {
		for i := range 3 {
			c.Yield(self, i*i)
		}
		return -1
	})
	squares.Coroutine().SetName("squares")
	for {
		v, outcome := squares.Enter(th.Leader(), struct{}{})
		n.say("%d, %v", v, outcome)
		if outcome != coro.Yielded {
			return
		}
	}
}
