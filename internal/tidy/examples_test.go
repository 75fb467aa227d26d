package tidy_test

import (
	"fmt"
	"go/doc/comment"
	"io/fs"
	"path"
	"regexp"
	"strings"

	"github.com/google/go-cmp/cmp"
)

// An example is the source of an Example function.
type example struct {
	body   string // without the Output comment
	output string // what it says
	whole  string // with it
}

var outputLine = regexp.MustCompile(`(?im)^[ \t]*//[ \t]*(?:unordered )?output:`)

// examples returns the Example functions by "folder.Name".
func examples(files []*goFile) map[string]example {
	found := make(map[string]example)
	for _, f := range files {
		if !f.test() {
			continue
		}
		for _, fn := range f.funcs() {
			if fn.Body == nil || !strings.HasPrefix(fn.Name.Name, "Example") {
				continue
			}
			from := f.fset.Position(fn.Body.Lbrace).Offset + 1
			to := f.fset.Position(fn.Body.Rbrace).Offset
			e := example{whole: f.src[from:to]}
			e.body = e.whole
			if at := outputLine.FindAllStringIndex(e.whole, -1); at != nil {
				last := at[len(at)-1]
				e.body = e.whole[:last[0]]
				for line := range strings.Lines(e.whole[last[1]:]) {
					line = strings.TrimSpace(line)
					e.output += strings.TrimPrefix(strings.TrimPrefix(line, "//"), " ") + "\n"
				}
			}
			found[f.dir()+"."+fn.Name.Name] = e
		}
	}
	return found
}

// flush takes the indentation off every line, so that a snippet may be
// indented as its surroundings are.
func flush(s string) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i])
	}
	return strings.Join(lines, "\n")
}

// differs says how snippet differs from all of wants, or "".
func differs(snippet string, wants ...string) (diff string) {
	for _, want := range wants {
		d := cmp.Diff(flush(want), flush(snippet))
		if d == "" {
			return ""
		}
		if diff == "" {
			diff = d
		}
	}
	return "(-source +snippet)\n" + diff
}

var marker = regexp.MustCompile(`^\s*<!-- (example|output|file): (\S+) -->\s*$`)

// markdownExamples checks the fenced blocks that follow a marker.
func markdownExamples(fsys fs.FS) (problems []string, _ error) {
	files, err := goFiles(fsys)
	if err != nil {
		return nil, err
	}
	known := examples(files)
	err = eachMarkdown(fsys, func(p string, lines []mdLine) {
		for i, l := range lines {
			m := marker.FindStringSubmatch(l.text)
			if l.fenced || m == nil {
				continue
			}
			report := func(why string) {
				problems = append(problems, fmt.Sprintf("%s:%d: %s %s: %s", p, l.n, m[1], m[2], why))
			}
			next := i + 1
			for next < len(lines) && !lines[next].fenced && strings.TrimSpace(lines[next].text) == "" {
				next++
			}
			if next == len(lines) || !lines[next].fenced {
				report("no fenced block follows")
				continue
			}
			if diff := compare(fsys, known, m[1], m[2], lines[next].text); diff != "" {
				report(diff)
			}
		}
	})
	return problems, err
}

// compare says how a snippet differs from what its marker names, or "".
func compare(fsys fs.FS, known map[string]example, kind, name, snippet string) string {
	if kind == "file" {
		data, err := fs.ReadFile(fsys, name)
		if err != nil {
			return "no such file"
		}
		return differs(snippet, string(data))
	}
	e, ok := known[name]
	switch {
	case !ok:
		return "no such function (want folder.Function)"
	case kind == "output":
		return differs(snippet, e.output)
	default:
		return differs(snippet, e.body, e.whole)
	}
}

var blockName = regexp.MustCompile(`^// ((?:[a-z0-9/]+\.)?)(Example\w*)$`)

// docExamples checks the code blocks of comments whose first line names an
// Example function.
func docExamples(fsys fs.FS) (problems []string, _ error) {
	files, err := goFiles(fsys)
	if err != nil {
		return nil, err
	}
	known := examples(files)
	for _, f := range files {
		if f.test() {
			continue
		}
		for _, group := range f.syntax.Comments {
			var p comment.Parser
			for _, b := range p.Parse(group.Text()).Content {
				code, ok := b.(*comment.Code)
				if !ok {
					continue
				}
				first, snippet, _ := strings.Cut(code.Text, "\n")
				m := blockName.FindStringSubmatch(strings.TrimSpace(first))
				if m == nil {
					continue
				}
				folder := strings.TrimSuffix(m[1], ".")
				if folder == "" {
					folder = path.Clean(f.dir())
				}
				if diff := compare(fsys, known, "example", folder+"."+m[2], snippet); diff != "" {
					problems = append(problems, fmt.Sprintf("%s: example %s: %s", f.at(group), m[2], diff))
				}
			}
		}
	}
	return problems, nil
}
