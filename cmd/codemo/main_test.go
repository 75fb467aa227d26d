package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"go.uber.org/goleak"

	"github.com/gohandoff/coroutine/cmd/codemo/internal/lesson"
	"github.com/gohandoff/coroutine/cmd/codemo/internal/scenario"
)

var update = flag.Bool("update", false, "rewrite what the scripts expect")

func TestMain(m *testing.M) {
	// The scripts run the command in processes of their own; goleak looks at
	// what the other tests leave in this one.
	testscript.Main(runner(func() int {
		code := m.Run()
		if err := goleak.Find(); err != nil && code == 0 {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		return code
	}), map[string]func(){"codemo": main})
}

// A runner is what testscript.Main runs in the parent process.
type runner func() int

func (r runner) Run() int { return r() }

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			// The race detector lets every process sleep for a second at
			// its end, in case somebody still races; here nobody does.
			env.Setenv("GORACE", "atexit_sleep_ms=0")
			return nil
		},
		RequireUniqueNames: true,
		Cmds:               map[string]func(*testscript.TestScript, bool, []string){"exits": exits},
	})
}

// exits runs a command that must exit with a code: exits 2 codemo bad.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits code command [args...]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		failed := new(exec.ExitError)
		if !errors.As(err, &failed) {
			ts.Fatalf("%v", err)
		}
		got = failed.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit code: got %d, want %d", got, want)
	}
}

func TestEveryLessonHasItsScript(t *testing.T) {
	for _, l := range lesson.All() {
		if _, err := os.Stat(filepath.Join("testdata", "script", "lesson-"+l.Name+".txtar")); err != nil {
			t.Errorf("lesson %s: %v", l.Name, err)
		}
	}
}

func TestEveryScenarioHasItsPicture(t *testing.T) {
	for _, s := range scenario.All() {
		if _, err := os.Stat(filepath.Join("testdata", "script", "trace-"+s.Name+".txtar")); err != nil {
			t.Errorf("scenario %s: %v", s.Name, err)
		}
	}
}
