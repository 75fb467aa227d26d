package tidy_test

import (
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"strings"
	"testing"
	"testing/fstest"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A rule returns what is wrong in a tree, each problem as "path:line: what".
type rule struct {
	name  string
	check func(fsys fs.FS) ([]string, error)
}

var rules = []rule{
	{"import direction", importDirection},
	{"external imports", externalImports},
	{"doc comments", docComments},
	{"package comments", packageComments},
	{"no sleep", noSleep},
	{"examples in Markdown", markdownExamples},
	{"examples in doc comments", docExamples},
	{"links", links},
	{"leaks", leaks},
	{"machine paths", machinePaths},
	{"linkname", noLinkname},
	{"sizes", sizes},
}

func TestTidy(t *testing.T) {
	root := repository(t)
	for _, r := range rules {
		t.Run(r.name, func(t *testing.T) {
			problems, err := r.check(root)
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range problems {
				t.Error(p)
			}
		})
	}
}

// repository returns the files of the repository: those that git tracks or
// would track. Without git, as in a copy from the module cache, it is every
// file there is.
func repository(t *testing.T) fs.FS {
	t.Helper()
	const root = "../.."
	var known map[string]bool
	cmd := exec.Command("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	cmd.Dir = root
	if out, err := cmd.Output(); err == nil && len(out) > 0 {
		known = make(map[string]bool)
		for name := range bytes.SplitSeq(out, []byte{0}) {
			known[string(name)] = true
		}
	}
	// The tree is walked here, rather than read off git's list, because the go
	// command watches what a test opens: a new file makes this test run again.
	tree := make(fstest.MapFS)
	dir := os.DirFS(root)
	err := fs.WalkDir(dir, ".", func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.Name() == ".git":
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		case !d.Type().IsRegular() || known != nil && !known[p]:
			return nil
		}
		data, err := fs.ReadFile(dir, p)
		tree[p] = &fstest.MapFile{Data: data}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := tree["internal/tidy/doc.go"]; !ok {
		t.Fatal("this is not the repository: internal/tidy/doc.go is not in it")
	}
	return tree
}

// tree makes a file system of alternating names and contents.
func tree(files ...string) fstest.MapFS {
	fsys := make(fstest.MapFS)
	for i := 0; i < len(files); i += 2 {
		// A raw string cannot hold the back quotes of Markdown.
		data := strings.ReplaceAll(files[i+1], "´", "`")
		fsys[files[i]] = &fstest.MapFile{Data: []byte(data)}
	}
	return fsys
}
