package coro_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gohandoff/coroutine/coro"
)

var updateDumps = flag.Bool("update-dumps", false, "rewrite the dumps in testdata")

// wantDump compares a dump with testdata/dump-name.txt. The two handoffs differ
// in one word of the first line; where package testing has its lines is not ours
// to say.
func wantDump(t *testing.T, name string, thread *coro.Thread, dump []byte) {
	t.Helper()
	got := strings.Replace(string(dump), "("+thread.Handoff().String()+")", "(HANDOFF)", 1)
	got = regexp.MustCompile(`testing\.go:\d+`).ReplaceAllString(got, "testing.go:LINE")
	file := filepath.Join("testdata", "dump-"+name+".txt")
	if *updateDumps {
		if err := os.WriteFile(file, []byte(got), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s\nif that is as it should be: go test ./coro -run Dump -update-dumps", file, diff)
	}
}

type lamp struct{ name string }

func (l lamp) String() string { return "lamp " + l.name }

func reader(self *coro.Self) { self.Yield() }

func waiter(self *coro.Self) { self.Park(lamp{"green"}) }

// A nest makes a normal and a running coroutine, beside suspended ones. look is
// called by the innermost.
type nest struct{ look func(*coro.Self) }

func (n *nest) outer(self *coro.Self) {
	self.Wake(self.New(reader).SetName("woken"))
	self.Enter(self.New(n.inner))
}

func (n *nest) inner(self *coro.Self) { n.look(self) }

func nested(thread *coro.Thread, look func(*coro.Self)) {
	thread.Enter(thread.New(reader))
	thread.Enter(thread.New(waiter).SetName("waiter"))
	sleeper := thread.New(reader)
	thread.Enter(sleeper)
	thread.Enter(thread.New(nop)) // dead, so one goroutine is idle
	n := &nest{look}
	outer := thread.New(func(self *coro.Self) {
		self.Wake(sleeper)
		n.outer(self)
	}).SetName("outer")
	thread.Enter(outer)
}

func TestDumpByWhoeverRuns(t *testing.T) {
	eachHandoff(t, func(t *testing.T, newThread func(...coro.Option) *coro.Thread) {
		thread := newThread()
		var b bytes.Buffer
		nested(thread, func(self *coro.Self) {
			if err := self.Dump(&b); err != nil {
				t.Errorf("Dump: %v", err)
			}
		})
		wantDump(t, "self", thread, b.Bytes())
	})
}

// An onlooker cannot have the stacks of those who run or wait in Enter, and
// needs nothing from them.
func TestDumpByAnotherGoroutine(t *testing.T) {
	eachHandoff(t, func(t *testing.T, newThread func(...coro.Option) *coro.Thread) {
		thread := newThread(coro.WithSites(), coro.WithName("disk"))
		var b bytes.Buffer
		nested(thread, func(self *coro.Self) {
			done := make(chan struct{})
			go func() {
				defer close(done)
				if err := thread.Dump(&b); err != nil {
					t.Errorf("Dump: %v", err)
				}
			}()
			<-done
		})
		wantDump(t, "thread", thread, b.Bytes())
	})
}

func TestDumpByTheLeader(t *testing.T) {
	eachHandoff(t, func(t *testing.T, newThread func(...coro.Option) *coro.Thread) {
		thread := newThread()
		nested(thread, func(*coro.Self) {})
		var own, all bytes.Buffer
		if err := thread.Dump(&all); err != nil {
			t.Errorf("Dump: %v", err)
		}
		wantDump(t, "leader", thread, all.Bytes())
		// The leader's own dump adds where it is.
		if err := thread.Leader().Dump(&own); err != nil {
			t.Errorf("Dump: %v", err)
		}
		if !strings.Contains(own.String(), "TestDumpByTheLeader") {
			t.Errorf("the leader's dump lacks the place of the leader:\n%s", &own)
		}
	})
}

// Dumps taken all the while that the thread runs disturb nothing.
func TestDumpWhileTheThreadRuns(t *testing.T) {
	eachHandoff(t, func(t *testing.T, newThread func(...coro.Option) *coro.Thread) {
		thread := newThread()
		var all []*coro.Coroutine
		turns := 0
		for range 10 {
			all = append(all, thread.New(func(self *coro.Self) {
				for {
					turns++
					self.Yield()
				}
			}))
		}
		stop, stopped := make(chan struct{}), make(chan struct{})
		started := make(chan struct{})
		go func() {
			defer close(stopped)
			for first := true; ; first = false {
				var b bytes.Buffer
				if err := thread.Dump(&b); err != nil {
					t.Errorf("Dump: %v", err)
				}
				for _, co := range all {
					co.Status()
				}
				if first {
					close(started)
				}
				select {
				case <-stop:
					return
				default:
				}
			}
		}()
		<-started
		for range 300 {
			for _, co := range all {
				thread.Enter(co)
			}
			thread.Enter(thread.New(nop))
		}
		for _, co := range all[:5] {
			thread.Kill(co)
		}
		close(stop)
		<-stopped
		if turns != 3000 {
			t.Errorf("turns: got %d, want 3000", turns)
		}
	})
}

func generic[T any](self *coro.Self) { self.Yield() }

type worker struct{}

func (worker) byValue(self *coro.Self)    {}
func (*worker) byPointer(self *coro.Self) {}

func TestNames(t *testing.T) {
	thread := coro.NewThread()
	closure := func(*coro.Self) {}
	var got []string
	for _, entry := range []coro.Entry{
		nop, closure, worker{}.byValue, new(worker).byPointer, (&nest{}).inner, func(*coro.Self) {},
	} {
		got = append(got, thread.New(entry).Name())
	}
	got = append(got, thread.New(nop).SetName("writer").Name(), thread.New(nop).SetName("").String())
	got = append(got, thread.NewFor(nop, closure).Name())
	want := []string{
		"nop#1", "TestNames.func1#2", "worker.byValue#3", "(*worker).byPointer#4", "(*nest).inner#5", "TestNames.func2#6",
		"writer", "nop#8", "nop#9",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
	if co := thread.New(nop).SetName("writer").SetName(""); co.Name() != "nop#10" {
		t.Errorf("name after an empty one: got %q, want nop#10", co.Name())
	}
	if got := coro.NewThread(coro.WithName("")).Name(); got != "main" {
		t.Errorf("name of a thread with an empty one: got %q, want main", got)
	}
	if got := thread.New(generic[int]).Name(); strings.ContainsAny(got, "[]/") {
		t.Errorf("name of an instance of a generic function: got %q, want none of []/", got)
	}
}
