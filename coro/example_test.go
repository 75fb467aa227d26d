package coro_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/gohandoff/coroutine/coro"
)

func Example() {
	t := coro.NewThread()
	defer t.Close()

	co := t.New(func(self *coro.Self) {
		fmt.Println("some work")
		self.Yield()
		fmt.Println("more work")
	})
	t.Enter(co)
	fmt.Println(co.Status())
	t.Enter(co)
	fmt.Println(co.Status())
	// Output:
	// some work
	// suspended
	// more work
	// dead
}

// A coroutine enters others as the leader enters it. A function that takes a
// Self may yield, and the whole chain of calls waits with it.
func ExampleThread_Enter() {
	t := coro.NewThread()
	defer t.Close()

	readBlock := func(self *coro.Self, n int) string {
		self.Yield() // until the block is there
		return fmt.Sprint("block ", n)
	}
	reader := t.New(func(self *coro.Self) {
		for n := range 3 {
			fmt.Println(readBlock(self, n))
		}
	})
	for reader.Status() != coro.Dead {
		t.Enter(reader)
	}
	// Output:
	// block 0
	// block 1
	// block 2
}

// What is woken runs when its waker yields, not at once: the waker is never
// interrupted in the middle of something.
func ExampleSelf_Wake() {
	t := coro.NewThread()
	defer t.Close()

	var mail []string
	reader := t.New(func(self *coro.Self) {
		self.Yield()
		fmt.Println("reader got", mail)
	})
	t.Enter(reader)
	writer := t.New(func(self *coro.Self) {
		mail = append(mail, "one")
		self.Wake(reader)
		mail = append(mail, "two")
		fmt.Println("writer is done")
	})
	t.Enter(writer)
	// Output:
	// writer is done
	// reader got [one two]
}

// Kill unwinds a coroutine from where it waits: its deferred calls run.
func ExampleThread_Kill() {
	t := coro.NewThread()
	defer t.Close()

	co := t.New(func(self *coro.Self) {
		defer fmt.Println("closed the file")
		fmt.Println("opened the file")
		self.Yield()
		fmt.Println("never reached")
	})
	t.Enter(co)
	t.Kill(co)
	fmt.Println(co.Status())
	// Output:
	// opened the file
	// closed the file
	// dead
}

// Close unwinds whatever is left, newest first, and tells what went wrong on
// the way. After it, no goroutine of the thread exists.
func ExampleThread_Close() {
	t := coro.NewThread()
	for _, name := range []string{"first", "second", "third"} {
		t.Enter(t.New(func(self *coro.Self) {
			defer fmt.Println(name, "unwound")
			self.Yield()
		}))
	}
	fmt.Println(t.Close())
	// Output:
	// third unwound
	// second unwound
	// first unwound
	// <nil>
}

// A panic in a coroutine goes on in whoever entered it, as an error that knows
// where it comes from.
func ExamplePanicError() {
	t := coro.NewThread()
	defer t.Close()

	defer func() {
		err := recover().(*coro.PanicError)
		fmt.Println(err.Coroutine, "panicked:", err.Value)
		fmt.Println("not found:", errors.Is(err, fs.ErrNotExist))
		line, _, _ := strings.Cut(string(err.Stack), "(...)")
		fmt.Println("in", line[strings.LastIndexByte(line, '/')+1:])
	}()
	t.Enter(t.New(func(self *coro.Self) {
		mustOpen("disk.img")
	}).SetName("opener"))
	// Output:
	// opener panicked: open disk.img: file does not exist
	// not found: true
	// in coro_test.mustOpen
}

func mustOpen(name string) {
	panic(fmt.Errorf("open %s: %w", name, fs.ErrNotExist))
}

// A misuse tells what was wrong, with whom, and where; recovering from it leaves
// all coroutines as they were.
func ExampleUsageError() {
	t := coro.NewThread()
	defer t.Close()

	co := t.New(func(self *coro.Self) {
		defer func() {
			err := recover().(*coro.UsageError)
			line, _, _ := strings.Cut(err.Error(), "\n")
			fmt.Println(line)
			fmt.Println(err.Hint)
			fmt.Println(errors.Is(err, coro.ErrReentered))
		}()
		self.Enter(self.Coroutine())
	}).SetName("loner")
	t.Enter(co)
	// Output:
	// Co-routine re-entered recursively: loner (#1)
	// a coroutine cannot enter itself; to let others run, it yields
	// true
}

// A generator: nothing goes in, values come out.
func ExampleTyped_generator() {
	t := coro.NewThread()
	defer t.Close()

	squares := coro.NewTyped(t, func(self *coro.Self, c *coro.Typed[struct{}, int], _ struct{}) int {
		for i := 1; ; i++ {
			c.Yield(self, i*i)
		}
	})
	for range 4 {
		n, _ := squares.Enter(t.Leader(), struct{}{})
		fmt.Println(n)
	}
	// Output:
	// 1
	// 4
	// 9
	// 16
}

// A consumer: values go in, and one comes out at the end.
func ExampleTyped_consumer() {
	t := coro.NewThread()
	defer t.Close()

	joiner := coro.NewTyped(t, func(self *coro.Self, c *coro.Typed[string, string], word string) string {
		var all []string
		for word != "" {
			all = append(all, word)
			word = c.Yield(self, "")
		}
		return strings.Join(all, " ")
	})
	for _, word := range []string{"control", "moves", "on", ""} {
		sentence, outcome := joiner.Enter(t.Leader(), word)
		fmt.Printf("%v %q\n", outcome, sentence)
	}
	// Output:
	// yielded ""
	// yielded ""
	// yielded ""
	// returned "control moves on"
}

// A dialogue: each Enter sends a value and gets one back.
func ExampleTyped_dialogue() {
	t := coro.NewThread()
	defer t.Close()

	average := coro.NewTyped(t, func(self *coro.Self, c *coro.Typed[float64, float64], x float64) float64 {
		sum, n := 0.0, 0.0
		for {
			sum, n = sum+x, n+1
			x = c.Yield(self, sum/n)
		}
	})
	for _, x := range []float64{10, 20, 60} {
		mean, _ := average.Enter(t.Leader(), x)
		fmt.Println(mean)
	}
	// Output:
	// 10
	// 15
	// 30
}

// A loop over All that ends early kills the coroutine.
func ExampleTyped_All() {
	t := coro.NewThread()
	defer t.Close()

	lines := coro.NewTyped(t, func(self *coro.Self, c *coro.Typed[struct{}, string], _ struct{}) string {
		defer fmt.Println("closed")
		for n := 1; ; n++ {
			c.Yield(self, fmt.Sprint("line ", n))
		}
	})
	for line := range lines.All(t.Leader()) {
		fmt.Println(line)
		if line == "line 2" {
			break
		}
	}
	fmt.Println(lines.Coroutine().Status())
	// Output:
	// line 1
	// line 2
	// closed
	// dead
}

// FromSeq turns an iterator inside out, like iter.Pull; here to walk two of them
// in step.
func ExampleFromSeq() {
	t := coro.NewThread()
	defer t.Close()

	left := coro.FromSeq(t, strings.SplitSeq("a b c", " "))
	right := coro.FromSeq(t, strings.SplitSeq("x y", " "))
	for l := range left.All(t.Leader()) {
		r, outcome := right.Enter(t.Leader(), struct{}{})
		if outcome != coro.Yielded {
			fmt.Println(l, "is left over")
			break
		}
		fmt.Println(l, r)
	}
	// Output:
	// a x
	// b y
	// c is left over
}

// A dump tells of every coroutine where it is and what it waits for. Here the
// line numbers are left out.
func ExampleThread_Dump() {
	t := coro.NewThread()
	defer t.Close()

	t.Enter(t.New(fetch).SetName("fetcher"))
	t.Enter(t.New(func(self *coro.Self) { self.Park(socket("10.0.0.7")) }).SetName("sender"))

	var b strings.Builder
	t.Dump(&b)
	for line := range strings.Lines(b.String()) {
		if place, _, ok := strings.Cut(line, ":"); ok && strings.HasPrefix(place, "\t") {
			continue
		}
		fmt.Print(line)
	}
	// Output:
	// thread main (channel): 2 coroutines, 0 idle goroutines
	//
	// leader of main: runs
	//
	// fetcher: #1, suspended
	//
	// sender: #2, suspended, waits for socket 10.0.0.7
}

func fetch(self *coro.Self) { self.Yield() }

type socket string

func (s socket) String() string { return "socket " + string(s) }

// printer prints each step.
type printer struct{}

func (printer) Trace(e coro.Event) { fmt.Fprintln(os.Stdout, e.Seq, e) }

func ExampleWithTracer() {
	t := coro.NewThread(coro.WithTracer(printer{}))
	defer t.Close()

	helper := t.New(fetch).SetName("helper")
	worker := t.New(func(self *coro.Self) {
		self.Enter(helper)
		self.Wake(helper)
	})
	t.Enter(worker.SetName("worker"))
	// Output:
	// 1 create leader -> fetch#1
	// 2 create leader -> ExampleWithTracer.func1#2
	// 3 enter leader -> worker
	// 4 enter worker -> helper
	// 5 yield helper -> worker
	// 6 wake worker -> helper
	// 7 terminate worker -> leader
	// 8 enter leader -> helper
	// 9 terminate helper -> leader
}
