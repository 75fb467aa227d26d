package tidy_test

import (
	"fmt"
	"go/ast"
	"io/fs"
	"strings"
)

// leakless lists the folders whose tests start no goroutine, with the reason.
var leakless = map[string]string{}

// leaks checks that the tests of every folder look for leaked goroutines.
func leaks(fsys fs.FS) (problems []string, _ error) {
	files, err := goFiles(fsys)
	if err != nil {
		return nil, err
	}
	dirs, of := byDir(files)
	for _, dir := range dirs {
		tests, verified := false, false
		for _, f := range of[dir] {
			if !f.test() {
				continue
			}
			for _, fn := range f.funcs() {
				tests = tests || isTestName(fn.Name.Name)
				verified = verified || fn.Name.Name == "TestMain" && callsGoleak(f, fn)
			}
		}
		if tests && !verified && leakless[dir] == "" {
			problems = append(problems, fmt.Sprintf("%s: no TestMain that calls goleak.VerifyTestMain", dir))
		}
	}
	return problems, nil
}

func isTestName(name string) bool {
	for _, prefix := range []string{"Test", "Fuzz", "Benchmark", "Example"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

func callsGoleak(f *goFile, fn *ast.FuncDecl) (found bool) {
	ast.Inspect(fn, func(n ast.Node) bool {
		if e, ok := n.(ast.Expr); ok {
			found = found || f.refers(e, "go.uber.org/goleak", "VerifyTestMain") || f.refers(e, "go.uber.org/goleak", "Find")
		}
		return !found
	})
	return found
}
