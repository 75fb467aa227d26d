package lesson

import (
	"fmt"
	"go/scanner"
	"go/token"
	"io"
	"strings"
	"unicode/utf8"
)

const (
	bold  = "\x1b[1m"
	faint = "\x1b[2m"
	blue  = "\x1b[34m"
	green = "\x1b[32m"
	reset = "\x1b[0m"

	minWidth = 32 // of prose; a picture has its own, trace.MinWidth

	tab = "    " // what a tab of source is shown as
)

// A page writes what is around the pictures. The first error of out stays.
type page struct {
	out   io.Writer
	width int
	color bool
	some  bool // something was written
	err   error
}

// Write implements [io.Writer] for a picture.
func (p *page) Write(b []byte) (int, error) {
	if p.err != nil {
		return 0, p.err
	}
	var n int
	n, p.err = p.out.Write(b)
	return n, p.err
}

func (p *page) line(s string) {
	p.some = true
	fmt.Fprintln(p, strings.TrimRight(s, " ")) // Show returns the error
}

// gap sets a block apart from what is above.
func (p *page) gap() {
	if p.some {
		p.line("")
	}
}

func (p *page) paint(code, s string) string {
	if !p.color || s == "" {
		return s
	}
	return code + s + reset
}

// measure is how long a line of prose is: two columns less than there are.
func (p *page) measure() int { return p.width - 2 }

func (p *page) title(name, about string) {
	lines := p.wrap(name+": "+about, len(name)+2)
	p.line(p.paint(bold, name) + "  " + strings.TrimPrefix(lines[0], name+": "))
	for _, line := range lines[1:] {
		p.line(line)
	}
	p.line(p.paint(faint, strings.Repeat("═", p.measure())))
}

func (p *page) heading(s string) {
	p.gap()
	rest := max(p.measure()-utf8.RuneCountInString(s)-4, 3)
	p.line(p.paint(faint, "── ") + p.paint(bold, s) + p.paint(faint, " "+strings.Repeat("─", rest)))
}

// paragraph writes words, and goes on in the next line where they do not fit. A
// paragraph that begins with "- " hangs from that.
func (p *page) paragraph(s string) {
	p.gap()
	indent := 0
	if strings.HasPrefix(s, "- ") {
		indent = 2
	}
	for _, line := range p.wrap(s, indent) {
		p.line(line)
	}
}

// wrap breaks s into lines that fit, all but the first with an indent.
func (p *page) wrap(s string, indent int) (lines []string) {
	line := ""
	for _, word := range strings.Fields(s) {
		switch {
		case line == "":
			line = word
		case utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) <= p.measure():
			line += " " + word
		default:
			lines = append(lines, line)
			line = strings.Repeat(" ", indent) + word
		}
	}
	return append(lines, line)
}

func (p *page) verbatim(s string) {
	p.gap()
	for s := range strings.SplitSeq(s, "\n") {
		p.line(strings.ReplaceAll(s, "\t", tab))
	}
}

// source shows lines of a file with their numbers.
func (p *page) source(file string, lines []string, first int) {
	p.gap()
	p.line(p.paint(faint, "     ╭─ "+file))
	for i, s := range p.highlight(lines) {
		p.line(p.paint(faint, fmt.Sprintf("%4d │", first+i)) + " " + strings.ReplaceAll(s, "\t", tab))
	}
}

// plain shows lines as they are in the file.
func (p *page) plain(lines []string) {
	p.gap()
	for _, s := range lines {
		p.line(s)
	}
}

// highlight paints Go, line by line so that a colour ends where its line does.
func (p *page) highlight(lines []string) []string {
	if !p.color {
		return lines
	}
	code := []byte(strings.Join(lines, "\n"))
	file := token.NewFileSet().AddFile("", -1, len(code))
	var s scanner.Scanner
	s.Init(file, code, nil, scanner.ScanComments)
	var b strings.Builder
	at := 0
	for {
		pos, tok, lit := s.Scan()
		if tok == token.EOF {
			break
		}
		paint := ""
		switch {
		case tok == token.COMMENT:
			paint = faint
		case tok == token.STRING, tok == token.CHAR:
			paint = green
		case tok.IsKeyword():
			paint = blue
		default:
			continue
		}
		begin := file.Offset(pos)
		b.Write(code[at:begin])
		for i, part := range strings.Split(lit, "\n") {
			if i > 0 {
				b.WriteByte('\n')
			}
			b.WriteString(p.paint(paint, part))
		}
		at = begin + len(lit)
	}
	b.Write(code[at:])
	return strings.Split(b.String(), "\n")
}
