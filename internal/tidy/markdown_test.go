package tidy_test

import (
	"fmt"
	"io/fs"
	"net/url"
	"path"
	"regexp"
	"strconv"
	"strings"
)

// A mdLine is a line of Markdown outside fenced code, or a whole fenced block.
type mdLine struct {
	n      int // from 1
	text   string
	fenced bool // text is what is between the fences
}

// markdown splits a file. A fence that is never closed reaches to the end.
func markdown(data []byte) (lines []mdLine) {
	fence := ""
	for i, text := range strings.Split(string(data), "\n") {
		trimmed := strings.TrimSpace(text)
		mark := trimmed[:len(trimmed)-len(strings.TrimLeft(trimmed, "`~"))]
		switch {
		case fence == "" && len(mark) >= 3 && !strings.Contains(trimmed[len(mark):], "`"):
			fence = mark
			lines = append(lines, mdLine{n: i + 1, fenced: true})
		case fence == "":
			lines = append(lines, mdLine{n: i + 1, text: text})
		case strings.HasPrefix(mark, fence) && mark == trimmed:
			fence = ""
		default:
			lines[len(lines)-1].text += text + "\n"
		}
	}
	return lines
}

// eachMarkdown calls visit for every Markdown file.
func eachMarkdown(fsys fs.FS, visit func(p string, lines []mdLine)) error {
	return eachFile(fsys, func(p string, data []byte) {
		if path.Ext(p) == ".md" {
			visit(p, markdown(data))
		}
	})
}

var (
	codeSpan   = regexp.MustCompile("`+[^`]*`+")
	inlineLink = regexp.MustCompile(`(?:\[([^\[\]]*)\]|\])\(<?([^()\s>]+)>?(?:\s+"[^"]*")?\)`)
	definition = regexp.MustCompile(`^ {0,3}\[([^\[\]]+)\]:\s*<?([^\s>]+)`)
	attribute  = regexp.MustCompile(`<[a-z]+[^>]*\s()(?:href|src)="([^"]*)"`)
	testName   = regexp.MustCompile("^`?((?:Test|Fuzz|Benchmark|Example)\\w*)(?:/[^`]*)?`?$")
)

// links checks that relative links lead somewhere, and links to tests to tests.
func links(fsys fs.FS) (problems []string, _ error) {
	err := eachMarkdown(fsys, func(p string, lines []mdLine) {
		for _, l := range lines {
			if l.fenced {
				continue
			}
			// A link inside a code span is none; a code span inside a link may be.
			masked := codeSpan.ReplaceAllStringFunc(l.text, func(s string) string { return strings.Repeat("x", len(s)) })
			for _, re := range []*regexp.Regexp{inlineLink, definition, attribute} {
				for _, m := range re.FindAllStringSubmatchIndex(masked, -1) {
					text := ""
					if m[2] >= 0 {
						text = l.text[m[2]:m[3]]
					}
					if why := checkLink(fsys, p, text, l.text[m[4]:m[5]]); why != "" {
						problems = append(problems, fmt.Sprintf("%s:%d: link to %s: %s", p, l.n, l.text[m[4]:m[5]], why))
					}
				}
			}
		}
	})
	return problems, err
}

// checkLink says what is wrong with a link in file p, or "".
func checkLink(fsys fs.FS, p, text, target string) string {
	u, err := url.Parse(target)
	if err != nil {
		return err.Error()
	}
	if u.Scheme != "" || u.Host != "" {
		return "" // elsewhere; tests do not use the network
	}
	to := p
	if u.Path != "" {
		to = path.Join(path.Dir(p), u.Path)
		if strings.HasPrefix(u.Path, "/") {
			to = path.Join(".", u.Path[1:]) // GitHub's root of the repository
		}
	}
	info, err := fs.Stat(fsys, to)
	if err != nil {
		return "no such file"
	}
	if info.IsDir() {
		if u.Fragment != "" {
			return "an anchor in a folder"
		}
		return ""
	}
	data, err := fs.ReadFile(fsys, to)
	if err != nil {
		return err.Error()
	}
	if u.Fragment != "" && !hasAnchor(to, data, u.Fragment) {
		return "no such anchor"
	}
	m := testName.FindStringSubmatch(text)
	if m != nil && strings.HasSuffix(to, "_test.go") && !strings.Contains(string(data), "\nfunc "+m[1]+"(") {
		return "no function " + m[1] + " there"
	}
	return ""
}

var (
	lineAnchor = regexp.MustCompile(`^L(\d+)(?:-L(\d+))?$`)
	heading    = regexp.MustCompile(`^ {0,3}#{1,6}\s+(.*?)\s*#*\s*$`)
	linkMarkup = regexp.MustCompile(`\[([^\]]*)\]\([^)]*\)`)
	notInSlug  = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
)

// hasAnchor reports whether file p has the anchor: of a line, or in Markdown
// of a heading or an id.
func hasAnchor(p string, data []byte, anchor string) bool {
	if path.Ext(p) != ".md" {
		m := lineAnchor.FindStringSubmatch(anchor)
		if m == nil {
			return false
		}
		last := m[1]
		if m[2] != "" {
			last = m[2]
		}
		n, err := strconv.Atoi(last)
		return err == nil && n >= 1 && n <= strings.Count(string(data), "\n")
	}
	seen := make(map[string]int)
	for _, l := range markdown(data) {
		if l.fenced {
			continue
		}
		if strings.Contains(l.text, `id="`+anchor+`"`) || strings.Contains(l.text, `name="`+anchor+`"`) {
			return true
		}
		m := heading.FindStringSubmatch(l.text)
		if m == nil {
			continue
		}
		slug := slugOf(m[1])
		if n := seen[slug]; n > 0 {
			seen[slug]++
			slug += "-" + strconv.Itoa(n)
		} else {
			seen[slug] = 1
		}
		if slug == anchor {
			return true
		}
	}
	return false
}

// slugOf spells a heading as the anchor that GitHub gives it.
func slugOf(title string) string {
	title = linkMarkup.ReplaceAllString(title, "$1")
	title = notInSlug.ReplaceAllString(strings.ToLower(title), "")
	return strings.ReplaceAll(title, " ", "-")
}
