package tidy_test

import (
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
)

// The layers, lowest first, each a set of folders. A package may import its
// own layer as far as peers says, and every layer below.
var layers = []layer{
	{folders: []string{"internal/handoff/..."}, peers: true},
	{folders: []string{"coro", "coro/internal/..."}, peers: true},
	{folders: []string{"coro/cosync/...", "coro/trace/..."}},
	{folders: []string{"coro/aio/..."}},
	{folders: []string{"blockio", "blockio/internal/..."}, peers: true},
	{folders: []string{"blockio/..."}, peers: true},
	{folders: []string{"cmd/...", "examples/..."}},
}

type layer struct {
	folders []string // "x/..." is x and all below it, unless an earlier layer has it
	peers   bool     // folders of this layer may import each other
}

// findLayer returns the layer and the entry of it that dir belongs to.
func findLayer(dir string) (n int, folder string, ok bool) {
	for n, l := range layers {
		for _, folder := range l.folders {
			base, tree := strings.CutSuffix(folder, "/...")
			if dir == base || tree && strings.HasPrefix(dir, base+"/") {
				return n, folder, true
			}
		}
	}
	return 0, "", false
}

// mayImport reports whether a package in folder from may import one in to.
func mayImport(from, to string) bool {
	nf, folderf, okf := findLayer(from)
	nt, foldert, okt := findLayer(to)
	return okf && okt && (nt < nf || nt == nf && (layers[nf].peers || folderf == foldert))
}

// importDirection checks that imports within the module point downwards.
func importDirection(fsys fs.FS) (problems []string, _ error) {
	files, err := goFiles(fsys)
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		if f.test() || f.dir() == "internal/tidy" {
			continue
		}
		if _, _, ok := findLayer(f.dir()); !ok {
			problems = append(problems, fmt.Sprintf("%s: folder %s is in no layer", f.path, f.dir()))
			continue
		}
		for _, spec := range f.syntax.Imports {
			p, _ := strconv.Unquote(spec.Path.Value)
			to, ours := strings.CutPrefix(p, module+"/")
			if ours && !mayImport(f.dir(), to) {
				problems = append(problems, fmt.Sprintf("%s: %s must not import %s", f.at(spec), f.dir(), to))
			}
		}
	}
	return problems, nil
}

// externals lists the modules that a folder may import besides golang.org/x/sys,
// such as a codec that one driver needs.
var externals = map[string][]string{
	"internal/handoff/handofftest": {"github.com/google/go-cmp"}, // a test suite
}

// externalImports checks that libraries import the standard library, this
// module, and what they are allowed by name.
func externalImports(fsys fs.FS) (problems []string, _ error) {
	files, err := goFiles(fsys)
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		if f.test() || strings.HasPrefix(f.dir(), "cmd/") {
			continue
		}
		allowed := append([]string{module, "golang.org/x/sys"}, externals[f.dir()]...)
		for _, spec := range f.syntax.Imports {
			p, _ := strconv.Unquote(spec.Path.Value)
			first, _, _ := strings.Cut(p, "/")
			// Only the standard library has no dot in the first element.
			known := !strings.Contains(first, ".") || slices.ContainsFunc(allowed, func(m string) bool {
				return p == m || strings.HasPrefix(p, m+"/")
			})
			if !known {
				problems = append(problems, fmt.Sprintf("%s: a library must not import %s", f.at(spec), p))
			}
		}
	}
	return problems, nil
}
