package tidy_test

import (
	"io/fs"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestRulesCanFail gives each rule a tree and compares what it finds. The
// first word of each problem, "path:line:" or "path:", is enough.
func TestRulesCanFail(t *testing.T) {
	const imp = `import _ "github.com/gohandoff/coroutine/`
	example := `package coro_test
func Example_classic() {
	fmt.Println("a")
	if true {
		fmt.Println("b")
	}
	// Output:
	// a
	//   b
}
`
	failed := make(map[string]bool)
	for _, tc := range []struct {
		name string
		rule string
		tree fs.FS
		want []string
	}{
		{
			"imports upwards", "import direction", tree(
				"internal/handoff/a.go", "package handoff\n"+imp+`coro"`,
				"coro/a.go", "package coro\n"+imp+`internal/handoff"`,
				"coro/cosync/a.go", "package cosync\n"+imp+"coro\"\n"+imp+`coro/trace"`,
				"coro/aio/a.go", "package aio\n"+imp+"coro/cosync\"\n"+imp+`coro/trace"`,
				"coro/trace/a.go", "package trace\n"+imp+`coro/aio"`,
				"coro/a_test.go", "package coro\n"+imp+`cmd/codemo"`,
				"coro/internal/x/a.go", "package x\n"+imp+`internal/handoff"`,
				"coro/cosync/b.go", "package cosync\n"+imp+`coro/internal/x"`,
			),
			[]string{"coro/cosync/a.go:3:", "coro/trace/a.go:2:", "internal/handoff/a.go:2:"},
		},
		{
			"imports of drivers", "import direction", tree(
				"blockio/a.go", "package blockio\n"+imp+"coro/aio\"\n"+imp+`blockio/mem"`,
				"blockio/mem/a.go", "package mem\n"+imp+`blockio"`,
				"blockio/fault/a.go", "package fault\n"+imp+"blockio/mem\"\n"+imp+`cmd/codemo"`,
				"cmd/codemo/a.go", "package main\n"+imp+"blockio/mem\"\n"+imp+`coro"`,
			),
			[]string{"blockio/a.go:3:", "blockio/fault/a.go:3:"},
		},
		{
			"folder in no layer", "import direction",
			tree("coro/what/a.go", "package what"),
			[]string{"coro/what/a.go:"},
		},
		{
			"external imports", "external imports", tree(
				"coro/a.go", "package coro\nimport (\n\"fmt\"\n\"golang.org/x/sys/unix\"\n\"golang.org/x/sync\"\n)",
				"cmd/codemo/a.go", "package main\nimport \"golang.org/x/sync\"",
				"coro/a_test.go", "package coro\nimport \"golang.org/x/sync\"",
			),
			[]string{"coro/a.go:5:"},
		},
		{
			"functions and types", "doc comments", tree("coro/a.go", `package coro
func F() {}
// Does a thing.
func G() {}
// H does.
func H() {}
// Its type.
type T struct{}
// A U is.
type U[E any] struct{}
func (u *U[E]) M() {}
type v int
func (v) M() {}
// Deprecated: use H.
func I() {}
// Js are many.
func J() {}
`),
			[]string{"coro/a.go:11:", "coro/a.go:17:", "coro/a.go:2:", "coro/a.go:4:", "coro/a.go:8:"},
		},
		{
			"values, fields and methods", "doc comments", tree("coro/a.go", `package coro
// Both are.
const (
	A = 1
	B = 2
)
var (
	// C is.
	C int
	D int

	E int
)
const F = 1
// S is.
type S struct {
	A int // says
	B int

	C int
	d int
	S2
}
// I is.
type I interface {
	M()
	// N does.
	N()
}
`),
			[]string{"coro/a.go:12:", "coro/a.go:14:", "coro/a.go:20:", "coro/a.go:26:"},
		},
		{
			"undocumented main and test packages", "doc comments", tree(
				"cmd/codemo/a.go", "package main\nfunc F() {}",
				"coro/a_test.go", "package coro\nfunc F() {}",
				"coro/testdata/a.go", "package x\nfunc F() {}",
				".ci/a.go", "package x\nfunc F() {}",
				"nested/go.mod", "module nested", "nested/a.go", "package x\nfunc F() {}",
			),
			nil,
		},
		{
			"package comments", "package comments", tree(
				"none/a.go", "package none",
				"two/a.go", "// Package two is.\npackage two",
				"two/b.go", "// Package two does.\npackage two",
				"one/a.go", "// Package one is.\npackage one",
				"one/b.go", "package one",
				"odd/a.go", "// Copyright.\npackage odd",
				"tests/a_test.go", "package tests_test",
				"main/a.go", "// Codemo shows.\npackage main",
			),
			[]string{"none:", "odd/a.go:1:", "two:"},
		},
		{
			"sleep", "no sleep", tree(
				"coro/a.go", "package coro\nimport \"time\"\nfunc f() { time.Sleep(1) }",
				"coro/a_test.go", "package coro\nimport clock \"time\"\nfunc f() { clock.Sleep(1) }",
				"coro/b_test.go", "package coro\nimport (\n\"time\"\n\"testing/synctest\"\n)\n"+
					"func f() { synctest.Test(nil, func() { time.Sleep(1) }) }",
				"coro/c.go", "package coro\nfunc f() { time.Sleep(1) }",
			),
			[]string{"coro/a.go:3:", "coro/a_test.go:3:"},
		},
		{
			"examples in Markdown", "examples in Markdown", tree(
				"coro/example_test.go", example,
				"docs/good.md", `
<!-- example: coro.Example_classic -->
´´´go
fmt.Println("a")
if true {
    fmt.Println("b")
}
´´´
- with its output
  <!-- example: coro.Example_classic -->

  ´´´go
  fmt.Println("a")
  if true {
  	fmt.Println("b")
  }
  // Output:
  // a
  //   b
  ´´´
<!-- output: coro.Example_classic -->
´´´
a
  b
´´´
<!-- file: docs/x.txt -->
´´´text
xyz
´´´
`,
				"docs/x.txt", "xyz\n",
				"docs/bad.md", `
<!-- example: coro.Example_classic -->
´´´go
fmt.Println("c")
´´´
<!-- example: coro.Example_gone -->
´´´go
´´´
<!-- output: coro.Example_classic -->
´´´
a
´´´
<!-- file: docs/x.txt -->
´´´text
xy
´´´
<!-- example: coro.Example_classic -->
and no code
`,
			),
			[]string{"docs/bad.md:13:", "docs/bad.md:17:", "docs/bad.md:2:", "docs/bad.md:6:", "docs/bad.md:9:"},
		},
		{
			"examples in doc comments", "examples in doc comments", tree(
				"coro/example_test.go", example,
				"coro/doc.go", `// Package coro is:
//
//	// Example_classic
//	fmt.Println("a")
//	if true {
//		fmt.Println("b")
//	}
//
// and is not free:
//
//	// anything
//	else
package coro
`,
				"coro/cosync/doc.go", `// Package cosync is:
//
//	// coro.Example_classic
//	fmt.Println("c")
package cosync

// F does:
//
//	// ExampleF
//	F()
func F() {}
`,
			),
			[]string{"coro/cosync/doc.go:1:", "coro/cosync/doc.go:7:"},
		},
		{
			"links", "links", tree(
				"README.md", "# Top\n[a](docs/a.md) [b](docs/a.md#two-words) [c](#top) [d](https://example.org/x) [e](docs)\n"+
					"[f](docs/gone.md)\n[g](docs/a.md#gone)\n[h](#gone)\n´[i](gone)´\n<img src=\"gone.svg\">\n[j]: gone\n"+
					"[![k](gone.svg)](docs/a.md)\n",
				"docs/a.md", "## Two words!\n## ´Two´ words\n´´´\n[x](gone)\n# Fenced\n´´´\n"+
					"[up](../README.md#top) [again](#two-words-1) [line](../coro/a_test.go#L2)\n[no](#fenced)\n[no](../coro/a_test.go#L9)\n",
			),
			[]string{
				"README.md:3:", "README.md:4:", "README.md:5:", "README.md:7:", "README.md:8:", "README.md:9:",
				"docs/a.md:7:", "docs/a.md:8:", "docs/a.md:9:",
			},
		},
		{
			"links to tests", "links", tree(
				"coro/a_test.go", "package coro\n\nfunc TestOne(t *testing.T) {}\n",
				"docs/a.md", "[´TestOne´](../coro/a_test.go) [´TestOne/sub test´](../coro/a_test.go) [some text](../coro/a_test.go)\n"+
					"[´TestTwo´](../coro/a_test.go)\n[TestOn](../coro/a_test.go)\n[´TestOne´](../coro/b_test.go)\n",
			),
			[]string{"docs/a.md:2:", "docs/a.md:3:", "docs/a.md:4:"},
		},
		{
			"leaks", "leaks", tree(
				"a/a_test.go", "package a\nfunc TestX() {}",
				"b/b_test.go", "package b_test\nimport \"go.uber.org/goleak\"\nfunc TestMain() { goleak.VerifyTestMain() }",
				"b/c_test.go", "package b\nfunc TestX() {}",
				"c/c_test.go", "package c\nfunc TestX() {}\nfunc TestMain() {}",
				"d/d_test.go", "package d\nfunc helper() {}",
			),
			[]string{"a:", "c:"},
		},
		{
			"machine paths", "machine paths", tree(
				"a.txt", "fine: docs/"+"work/x, ../"+"home/\nnot: /"+"work/x\n\"/"+"home/me\"\n",
				"b.sh", "curl https://proxy."+"golang.org/x\n",
			),
			[]string{"a.txt:2:", "a.txt:3:", "b.sh:1:"},
		},
		{
			"linkname", "linkname", tree(
				"a.go", "package a\n\n//go:"+"linkname f runtime.f\n",
				"b.go", "package b\n\n// no linkname\n",
			),
			[]string{"a.go:3:"},
		},
		{
			"sizes", "sizes", tree(
				"README.md", strings.Repeat("\n", 121),
				"docs/README.md", strings.Repeat("\n", 121),
				"a", strings.Repeat("a", 1<<20+1), "b", strings.Repeat("b", 1<<20),
			),
			[]string{"README.md:", "a:"},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			i := slices.IndexFunc(rules, func(r rule) bool { return r.name == tc.rule })
			problems, err := rules[i].check(tc.tree)
			if err != nil {
				t.Fatal(err)
			}
			failed[tc.rule] = failed[tc.rule] || len(problems) > 0
			var got []string
			for _, p := range problems {
				where, _, _ := strings.Cut(p, " ")
				got = append(got, where)
			}
			slices.Sort(got)
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("problems found (-want +got)\n%s\nin full:\n%s", diff, strings.Join(problems, "\n"))
			}
		})
	}
	for _, r := range rules {
		if !failed[r.name] {
			t.Errorf("no case makes the rule %q fail", r.name)
		}
	}
}
