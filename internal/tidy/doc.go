// Package tidy holds no code, only tests: style that can be checked is a test.
// Each rule is a function from a file system to a list of problems, and has a
// self-test that shows a violation being found.
//
// # Imports
//
// Imports point only at layers below, as the table in imports_test.go
// says. A package that is in no layer is a problem too: a new package gets its
// place in the table first. Outside cmd a package imports the standard library,
// this module, golang.org/x/sys, and what the table of externals allows it by
// name. Tests may import what they like.
//
// # Documentation
//
// Every exported identifier of a package that is not a command has a doc
// comment, and the comment of a function, method or type starts with its name
// (after A, An or The, if it likes) or with "Deprecated:". Constants,
// variables, struct fields and the methods of an interface may also have it at
// the end of the line, or share the one above a run of lines without a gap.
// Each package has exactly one package comment.
//
// # Sleep
//
// No time.Sleep: wait for an event. Inside a function literal passed to
// synctest.Test it is allowed, since there it only moves the bubble's clock.
// Library code that has to sleep is on a list, by function.
//
// # Examples in prose
//
// Code shown in prose is the code of an Example function, which is compiled
// and run. In Markdown, the line before the fence names where it comes from;
// in the doc comment of any Go file, the code block's own first line does, and
// readers see it too:
//
//	<!-- example: coro.ExampleThread_Enter -->     folder, dot, function
//	<!-- output: coro.ExampleThread_Enter -->      what the example prints
//	<!-- file: cmd/codemo/testdata/trace.txt -->   a whole file
//
//	// ExampleThread_Enter                         of the same folder
//	// coro/cosync.ExampleMutex                    of another one
//
// The block must equal the body of the function, with or without its closing
// Output comment; how lines are indented does not count. Blocks that name
// nothing are not compared.
//
// # Links
//
// Relative links in Markdown lead to a file or folder of the repository, their
// anchors to a heading (as GitHub spells anchors), to an <a id="..."> or to a
// line, #L12. A link to a Go test file whose text is the name of a test, such as
//
//	[`TestEnterTwice`](../coro/enter_test.go)
//	[`TestEnterTwice/direct`](../coro/enter_test.go)
//
// must lead to the file in which that Test, Fuzz, Benchmark or Example
// function is; subtests, after a slash, are not looked for.
//
// # Leaks
//
// A folder with tests has a TestMain that calls goleak.VerifyTestMain, or, where
// something else needs TestMain, goleak.Find.
//
// # Files
//
// No file names a folder of somebody's machine or the host of a package
// registry. Nothing uses go:linkname. README.md has at most 120 lines, and no
// file more than 1 MiB.
package tidy
