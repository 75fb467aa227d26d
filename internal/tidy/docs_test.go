package tidy_test

import (
	"fmt"
	"go/ast"
	"go/token"
	"io/fs"
	"strings"
)

// docComments checks that what a package exports is documented.
func docComments(fsys fs.FS) ([]string, error) {
	files, err := goFiles(fsys)
	if err != nil {
		return nil, err
	}
	var problems []string
	for _, f := range files {
		if f.test() || f.command() {
			continue
		}
		c := docChecker{file: f}
		for _, d := range f.syntax.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				c.function(d)
			case *ast.GenDecl:
				c.declaration(d)
			}
		}
		problems = append(problems, c.problems...)
	}
	return problems, nil
}

type docChecker struct {
	file     *goFile
	problems []string
}

func (c *docChecker) report(n ast.Node, what, name string) {
	c.problems = append(c.problems, fmt.Sprintf("%s: %s %s", c.file.at(n), name, what))
}

func (c *docChecker) function(fn *ast.FuncDecl) {
	name := fn.Name.Name
	if !fn.Name.IsExported() {
		return
	}
	if fn.Recv != nil {
		recv := receiver(fn.Recv.List[0].Type)
		if !ast.IsExported(recv) {
			return
		}
		c.named(fn, fn.Doc, recv+"."+name, name)
		return
	}
	c.named(fn, fn.Doc, name, name)
}

func (c *docChecker) declaration(d *ast.GenDecl) {
	var last ast.Node // the documented line before, as long as there is no gap
	for _, spec := range d.Specs {
		switch spec := spec.(type) {
		case *ast.TypeSpec:
			c.typ(d, spec)
		case *ast.ValueSpec:
			doc := spec.Doc != nil || spec.Comment != nil || d.Doc != nil || c.follows(last, spec)
			for _, name := range spec.Names {
				if name.IsExported() && !doc {
					c.report(name, "has no doc comment", name.Name)
				}
			}
			if last = nil; doc {
				last = spec
			}
		}
	}
}

func (c *docChecker) typ(d *ast.GenDecl, spec *ast.TypeSpec) {
	if !spec.Name.IsExported() {
		return
	}
	doc := spec.Doc
	if doc == nil && !d.Lparen.IsValid() {
		doc = d.Doc
	}
	name := spec.Name.Name
	c.named(spec, doc, name, name)
	switch t := spec.Type.(type) {
	case *ast.StructType:
		c.fields(name, t.Fields)
	case *ast.InterfaceType:
		c.fields(name, t.Methods)
	}
}

// fields checks the fields of a struct or the methods of an interface. What is
// embedded has its documentation elsewhere.
func (c *docChecker) fields(owner string, list *ast.FieldList) {
	var last ast.Node
	for _, field := range list.List {
		doc := field.Doc != nil || field.Comment != nil || c.follows(last, field)
		for _, name := range field.Names {
			if name.IsExported() && !doc {
				c.report(name, "has no doc comment", owner+"."+name.Name)
			}
		}
		if last = nil; doc {
			last = field
		}
	}
}

// follows reports whether n is on the line right after the documented last.
func (c *docChecker) follows(last, n ast.Node) bool {
	return last != nil && c.file.line(last.End())+1 == c.file.line(n.Pos())
}

// named checks that doc starts with the name of what it documents.
func (c *docChecker) named(n ast.Node, doc *ast.CommentGroup, title, name string) {
	text := strings.TrimSpace(doc.Text())
	if text == "" {
		c.report(n, "has no doc comment", title)
		return
	}
	if strings.HasPrefix(text, "Deprecated:") {
		return
	}
	words := strings.Fields(text)
	if a := words[0]; len(words) > 1 && (a == "A" || a == "An" || a == "The") {
		words = words[1:]
	}
	// "Close's" and "Close," begin with the name, "Closes" does not.
	rest, ok := strings.CutPrefix(words[0], name)
	if !ok || rest != "" && token.IsIdentifier(name+rest) {
		c.report(n, "has a doc comment that does not start with the name", title)
	}
}

// receiver returns the name of the type of a method's receiver.
func receiver(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.StarExpr:
		return receiver(e.X)
	case *ast.IndexExpr:
		return receiver(e.X)
	case *ast.IndexListExpr:
		return receiver(e.X)
	case *ast.ParenExpr:
		return receiver(e.X)
	case *ast.Ident:
		return e.Name
	}
	return ""
}

// packageComments checks that each package has one package comment, not none
// and not several that would be run together.
func packageComments(fsys fs.FS) (problems []string, _ error) {
	files, err := goFiles(fsys)
	if err != nil {
		return nil, err
	}
	dirs, of := byDir(files)
	for _, dir := range dirs {
		var in []string
		packages := 0
		for _, f := range of[dir] {
			if f.test() {
				continue
			}
			packages++
			if f.syntax.Doc == nil {
				continue
			}
			in = append(in, f.path)
			if want := "Package " + f.syntax.Name.Name + " "; !f.command() && !strings.HasPrefix(f.syntax.Doc.Text(), want) {
				problems = append(problems, fmt.Sprintf("%s: the package comment does not start with %q", f.at(f.syntax.Doc), want))
			}
		}
		if packages > 0 && len(in) != 1 {
			problems = append(problems, fmt.Sprintf("%s: %d package comments, want one: %v", dir, len(in), in))
		}
	}
	return problems, nil
}
