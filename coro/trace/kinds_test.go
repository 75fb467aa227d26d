package trace_test

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/blockio/blocktrace"
	"github.com/gohandoff/coroutine/blockio/mem"
	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/aio"
	"github.com/gohandoff/coroutine/coro/cosync"
	"github.com/gohandoff/coroutine/coro/trace"
)

// TestEveryKind holds three lists against each other: the kinds that the packages
// declare, those that docs/tracing.md has a row for, and those that happen in a
// program which does everything.
func TestEveryKind(t *testing.T) {
	declared := declaredKinds(t)
	rows := documentedKinds(t)
	eachHandoff(t, func(t *testing.T, h coro.Handoff) {
		seen := map[string]bool{}
		for _, r := range everything(t, h) {
			seen[string(r.Kind)] = true
		}
		if diff := cmp.Diff(sorted(declared), sorted(seen)); diff != "" {
			t.Errorf("kinds: - is declared but does not happen, + happens but is not declared:\n%s", diff)
		}
	})
	for kind := range declared {
		if !slices.ContainsFunc(rows, func(row *regexp.Regexp) bool { return row.MatchString(kind) }) {
			t.Errorf("docs/tracing.md has no row for %q", kind)
		}
	}
	for _, row := range rows {
		if !slices.ContainsFunc(sorted(declared), row.MatchString) {
			t.Errorf("docs/tracing.md has a row for %v, which nothing declares", row)
		}
	}
}

func sorted(set map[string]bool) []string { return slices.Sorted(maps.Keys(set)) }

// documentedKinds returns a pattern for each kind that the section of the document
// has in the first cell of a row, among backquotes. A word in capitals stands for
// any word; a row of nothing else is the rule for spans, and no kind.
func documentedKinds(t *testing.T) (rows []*regexp.Regexp) {
	t.Helper()
	doc, err := os.ReadFile("../../docs/tracing.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, ok := strings.Cut(string(doc), "\n## Kinds of event\n")
	if !ok {
		t.Fatal("docs/tracing.md has no section on the kinds of event")
	}
	section, _, _ = strings.Cut(section, "\n## ")
	quoted, word := regexp.MustCompile("`([^`]+)`"), regexp.MustCompile("[A-Z]+")
	for line := range strings.Lines(section) {
		cells := strings.Split(line, "|")
		if len(cells) < 3 || strings.TrimSpace(cells[0]) != "" {
			continue
		}
		for _, m := range quoted.FindAllStringSubmatch(cells[1], -1) {
			if !strings.HasPrefix(m[1], "NAME-") {
				rows = append(rows, regexp.MustCompile("^"+word.ReplaceAllString(m[1], "[a-z]+")+"$"))
			}
		}
	}
	return rows
}

// declaredKinds reads the sources: the constants of type coro.EventKind, and the
// names that spans are made with.
func declaredKinds(t *testing.T) map[string]bool {
	t.Helper()
	kinds := map[string]bool{}
	for _, dir := range []string{"../../coro", "../../blockio"} {
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			ast.Inspect(file, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.ValueSpec:
					if len(n.Values) == 1 && ending(n.Type) == "EventKind" {
						kinds[literal(n.Values[0])] = true
					}
				case *ast.CallExpr:
					if len(n.Args) == 1 && ending(n.Fun) == "NewSpan" {
						kinds[literal(n.Args[0])+"-begin"] = true
						kinds[literal(n.Args[0])+"-end"] = true
					}
				}
				return true
			})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return kinds
}

// ending returns the name of x, without the package's.
func ending(x ast.Expr) string {
	switch x := x.(type) {
	case *ast.Ident:
		return x.Name
	case *ast.SelectorExpr:
		return x.Sel.Name
	}
	return ""
}

// literal returns the string that x is.
func literal(x ast.Expr) string {
	if l, ok := x.(*ast.BasicLit); ok {
		if s, err := strconv.Unquote(l.Value); err == nil {
			return s
		}
	}
	return fmt.Sprintf("%T, not a string", x)
}

// everything does all that is traced.
func everything(t *testing.T, h coro.Handoff) []trace.Record {
	t.Helper()
	tr := &trace.Trace{}
	s := trace.NewStream(tr)
	thread := aio.WithThread(coro.WithHandoff(h), coro.WithTracer(s))
	loop := aio.NewLoop(thread, aio.WithClock(aio.NewVirtualClock(time.Unix(0, 0))))
	other := aio.NewLoop(aio.WithThread(coro.WithHandoff(h)), aio.WithName("other"))
	defer other.Close()

	for _, part := range []func(t *testing.T, self *coro.Self, s *trace.Stream){everyStep, everyLock, everyRequest} {
		loop.Go(func(self *coro.Self) error { part(t, self, s); return nil })
		if err := loop.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	moved := loop.Go(func(self *coro.Self) error {
		_, err := aio.Offload(self, func() (int, error) { return 0, nil })
		loop.Post(func() {})
		aio.Sleep(self, time.Second)
		aio.Go(self, func(self *coro.Self) error { aio.Sleep(self, time.Hour); return nil }).Cancel(nil)
		aio.Reschedule(self, other)
		return err
	})
	if err := errors.Join(loop.Run(t.Context()), other.Run(t.Context()), moved.Err(), loop.Close(), s.Close()); err != nil {
		t.Fatal(err)
	}
	return tr.Records
}

// everyStep has a coroutine created, entered, woken, killed, panic, and print.
func everyStep(_ *testing.T, self *coro.Self, s *trace.Stream) {
	idle := func(self *coro.Self) { self.Yield() }
	woken := self.New(idle)
	self.Wake(woken)
	killed := self.New(idle)
	self.Enter(killed)
	self.Kill(killed)
	func() {
		defer func() { _ = recover() }()
		self.Enter(self.New(func(*coro.Self) { panic("as it must") }))
	}()
	fmt.Fprintln(s, "a line")
	aio.Yield(self)
	self.Enter(woken)
}

// everyLock has coroutines wait for one of each.
func everyLock(t *testing.T, self *coro.Self, _ *trace.Stream) {
	var mu cosync.Mutex
	g := aio.Group{Name: "both"}
	for range 2 {
		g.Go(self, func(self *coro.Self) error {
			mu.Lock(self)
			defer mu.Unlock(self)
			aio.Yield(self)
			return nil
		})
	}
	if err := g.Wait(self); err != nil {
		t.Error(err)
	}
}

// everyRequest has a block device do all that it can, and wait.
func everyRequest(t *testing.T, self *coro.Self, _ *trace.Stream) {
	d, err := blockio.Open(self, blocktrace.New(&slow{Driver: mem.New(1 << 16)}, nil))
	if err != nil {
		t.Error(err)
		return
	}
	_, _, err = d.BlockStatus(self, 0, 512)
	err = errors.Join(err,
		d.WriteAt(self, make([]byte, 512), 0), d.ReadAt(self, make([]byte, 512), 0), d.Writeback(self, 0, 512), d.Flush(self),
		d.Discard(self, 0, 4096), d.WriteZeroes(self, 0, 4096, 0), d.Resize(self, 1<<17),
		d.Do(self, func(*coro.Self) error { return nil }),
		d.Replace(self, func(_ *coro.Self, old blockio.Driver) (blockio.Driver, error) { return old, nil }))
	write := aio.Go(self, func(self *coro.Self) error { return d.WriteAt(self, make([]byte, 512), 0) })
	aio.Yield(self)
	d.DrainedBegin(self) // waits for the write
	d.DrainedEnd(self)
	if err := errors.Join(err, write.Wait(self), d.Close(self)); err != nil {
		t.Error(err)
	}
}

// slow is a driver whose writes take time, and that has a cache.
type slow struct{ *mem.Driver }

func (s *slow) Writeback(*coro.Self, int64, int64) error { return nil }

func (s *slow) WriteAt(self *coro.Self, p []byte, off int64, flags blockio.Flags) error {
	aio.Sleep(self, time.Millisecond)
	return s.Driver.WriteAt(self, p, off, flags)
}

func (s *slow) WriteVAt(self *coro.Self, v [][]byte, off int64, flags blockio.Flags) error {
	aio.Sleep(self, time.Millisecond)
	return s.Driver.WriteVAt(self, v, off, flags)
}
