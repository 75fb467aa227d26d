package tidy_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"path"
	"strings"
)

// machine lists what names one machine or one network. The words are put
// together here so that this file does not contain them.
var machine = []string{
	"/" + "work/", "/" + "root/", "/" + "home/",
	"proxy." + "golang.org", "deb." + "debian.org", "registry." + "npmjs.org",
}

// machinePaths checks that no file names a place on somebody's machine.
func machinePaths(fsys fs.FS) (problems []string, _ error) {
	err := eachFile(fsys, func(p string, data []byte) {
		n := 0
		for line := range bytes.Lines(data) {
			n++
			for _, word := range machine {
				if containsPath(string(line), word) {
					problems = append(problems, fmt.Sprintf("%s:%d: names %s", p, n, word))
				}
			}
		}
	})
	return problems, err
}

// containsPath reports whether s contains word other than in the middle of a
// longer path, as a relative one with a folder of that name.
func containsPath(s, word string) bool {
	for from := 0; ; {
		i := strings.Index(s[from:], word)
		if i < 0 {
			return false
		}
		i += from
		if i == 0 || word[0] != '/' || !isPathByte(s[i-1]) {
			return true
		}
		from = i + 1
	}
}

func isPathByte(c byte) bool {
	return c == '.' || c == '_' || c == '-' || '0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z'
}

// noLinkname checks that no Go file reaches into another package by linkname.
func noLinkname(fsys fs.FS) (problems []string, _ error) {
	err := eachFile(fsys, func(p string, data []byte) {
		if path.Ext(p) != ".go" {
			return
		}
		n := 0
		for line := range bytes.Lines(data) {
			n++
			if bytes.HasPrefix(bytes.TrimLeft(line, " \t"), []byte("//go:"+"linkname")) {
				problems = append(problems, fmt.Sprintf("%s:%d: linkname", p, n))
			}
		}
	})
	return problems, err
}

const (
	maxReadmeLines = 120     // three screens: what it is, how it looks, where to go on
	maxFileBytes   = 1 << 20 // every clone carries every file for ever
)

// sizes checks that the README is read and that clones stay small.
func sizes(fsys fs.FS) (problems []string, _ error) {
	err := eachFile(fsys, func(p string, data []byte) {
		if n := bytes.Count(data, []byte{'\n'}); p == "README.md" && n > maxReadmeLines {
			problems = append(problems, fmt.Sprintf("%s: %d lines, want at most %d", p, n, maxReadmeLines))
		}
		if len(data) > maxFileBytes {
			problems = append(problems, fmt.Sprintf("%s: %d bytes, want at most %d", p, len(data), maxFileBytes))
		}
	})
	return problems, err
}
