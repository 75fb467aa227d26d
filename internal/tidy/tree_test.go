package tidy_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

const module = "github.com/gohandoff/coroutine"

// A goFile is one parsed Go file. Build constraints are ignored: a rule holds
// for the files of every system.
type goFile struct {
	path   string // from the root of the repository, with slashes
	src    string
	fset   *token.FileSet
	syntax *ast.File
}

func (f *goFile) dir() string   { return path.Dir(f.path) }
func (f *goFile) test() bool    { return strings.HasSuffix(f.path, "_test.go") }
func (f *goFile) command() bool { return f.syntax.Name.Name == "main" }

// at says where n is.
func (f *goFile) at(n ast.Node) string {
	return fmt.Sprintf("%s:%d", f.path, f.line(n.Pos()))
}

func (f *goFile) line(p token.Pos) int { return f.fset.Position(p).Line }

// imports returns the import paths of f by the name they have in it.
func (f *goFile) imports() map[string]string {
	names := make(map[string]string)
	for _, spec := range f.syntax.Imports {
		p, _ := strconv.Unquote(spec.Path.Value)
		name := path.Base(p)
		if spec.Name != nil {
			name = spec.Name.Name
		}
		names[name] = p
	}
	return names
}

// refers reports whether e is pkg.name, where f imports pkg.
func (f *goFile) refers(e ast.Expr, pkg, name string) bool {
	sel, ok := e.(*ast.SelectorExpr)
	if !ok || sel.Sel.Name != name {
		return false
	}
	id, ok := sel.X.(*ast.Ident)
	return ok && f.imports()[id.Name] == pkg
}

// funcs returns the functions of f that are not methods.
func (f *goFile) funcs() []*ast.FuncDecl {
	var fns []*ast.FuncDecl
	for _, d := range f.syntax.Decls {
		if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil {
			fns = append(fns, fn)
		}
	}
	return fns
}

// goFiles parses the Go files of the module, in order of their paths. What the
// go command does not look at (testdata, folders that start with a dot or an
// underscore, nested modules) is left out.
func goFiles(fsys fs.FS) ([]*goFile, error) {
	var files []*goFile
	err := fs.WalkDir(fsys, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if p == "." {
				return nil
			}
			_, nested := fs.Stat(fsys, path.Join(p, "go.mod"))
			if d.Name() == "testdata" || strings.ContainsAny(d.Name()[:1], "._") || nested == nil {
				return fs.SkipDir
			}
			return nil
		}
		if path.Ext(p) != ".go" {
			return nil
		}
		src, err := fs.ReadFile(fsys, p)
		if err != nil {
			return err
		}
		fset := token.NewFileSet()
		syntax, err := parser.ParseFile(fset, p, src, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		files = append(files, &goFile{p, string(src), fset, syntax})
		return nil
	})
	return files, err
}

// byDir groups files by folder, in order.
func byDir(files []*goFile) (dirs []string, of map[string][]*goFile) {
	of = make(map[string][]*goFile)
	for _, f := range files {
		of[f.dir()] = append(of[f.dir()], f)
	}
	for dir := range of {
		dirs = append(dirs, dir)
	}
	slices.Sort(dirs)
	return dirs, of
}

// eachFile calls visit for every file of fsys, in order.
func eachFile(fsys fs.FS, visit func(p string, data []byte)) error {
	return fs.WalkDir(fsys, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(fsys, p)
		if err != nil {
			return err
		}
		visit(p, data)
		return nil
	})
}
