package tidy_test

import (
	"fmt"
	"go/ast"
	"io/fs"
)

// sleepers lists the functions that have to sleep, as "file:function", with
// the reason as the value.
var sleepers = map[string]string{}

// noSleep checks that nothing waits by sleeping.
func noSleep(fsys fs.FS) (problems []string, _ error) {
	files, err := goFiles(fsys)
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		for _, d := range f.syntax.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && sleepers[f.path+":"+fn.Name.Name] != "" {
				continue
			}
			ast.Inspect(d, func(n ast.Node) bool {
				if call, ok := n.(*ast.CallExpr); ok && f.refers(call.Fun, "testing/synctest", "Test") {
					return false // time in a bubble passes when nobody runs
				}
				if e, ok := n.(ast.Expr); ok && f.refers(e, "time", "Sleep") {
					problems = append(problems, fmt.Sprintf("%s: time.Sleep: wait for an event instead", f.at(e)))
				}
				return true
			})
		}
	}
	return problems, nil
}
