package main

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// eachCommand calls f with all commands.
func eachCommand(f func(cmd *cobra.Command)) {
	var walk func(cmd *cobra.Command)
	walk = func(cmd *cobra.Command) {
		f(cmd)
		for _, sub := range cmd.Commands() {
			walk(sub)
		}
	}
	walk(newRoot(new(bool)))
}

func TestHelpIsNotWiderThanATerminal(t *testing.T) {
	eachCommand(func(cmd *cobra.Command) {
		var help bytes.Buffer
		cmd.SetOut(&help)
		if err := cmd.Help(); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(help.String()) {
			if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > helpWidth {
				t.Errorf("%s: %d columns, want at most %d:\n%s", cmd.CommandPath(), n, helpWidth, line)
			}
		}
	})
}

// TestFlagsSayWhatIsWrongInWordsOfTheirOwn gives all flags what none takes.
func TestFlagsSayWhatIsWrongInWordsOfTheirOwn(t *testing.T) {
	kinds := map[string]int{}
	eachCommand(func(cmd *cobra.Command) {
		cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
			kind := f.Value.Type()
			kinds[kind]++
			switch kind {
			case "string", "stringArray", "bool": // they take all, or are not of ours
				return
			}
			for _, bad := range []string{"", "abc", "-1", "99999999999999999999999", "5x"} {
				err := cmd.Flags().Set(f.Name, bad)
				if err == nil {
					t.Errorf("%s --%s takes %q", cmd.CommandPath(), f.Name, bad)
					continue
				}
				for _, word := range []string{"strconv", "parsing", "syntax", "time: ", "out of range"} {
					if strings.Contains(err.Error(), word) {
						t.Errorf("%s --%s %s: %v", cmd.CommandPath(), f.Name, bad, err)
					}
				}
			}
		})
	})
	if kinds["number"] < 15 || kinds["duration"] < 5 || kinds["int"]+kinds["int64"]+kinds["uint64"]+kinds["uint16"] > 0 {
		t.Errorf("flags by their type: %v; want all numbers to be of one", kinds)
	}
}

func TestNumbersSayTheirRange(t *testing.T) {
	for in, want := range map[string]string{
		"copy -m abc a b":                        `invalid argument "abc" for "-m, --coroutines" flag: want a number from 1 to 4096`,
		"copy -m 4097 a b":                       "want a number from 1 to 4096",
		"copy --save-every 5 a b":                `invalid argument "5" for "--save-every" flag: want a time with its unit, such as 5s or 250ms, of more than 0, up to 2562047h`,
		"copy --save-every -5s a b":              "of more than 0, up to 2562047h",
		"copy --chunk 99999999999999999999 a b":  "too large; want less than 8E",
		"copy --driver mem a b":                  `invalid argument "mem" for "--driver" flag: want one of file, uring`,
		"mirror --seed -1 a b":                   "want a number of 0 or more",
		"mirror --seed 18446744073709551616 a b": "want a number from 0 to 18446744073709551615",
		"mirror --hold -1s a b":                  "such as 5s or 250ms, from 0 to 2562047h",
		"bench-io --procs 0 a":                   "want a number from 1 to 1024",
		"bench-io --count 0 a":                   "want a number of 1 or more",
		"view --port 70000 a":                    `invalid argument "70000" for "--port" flag: want a number from 0 to 65535`,
		"top --interval 1ms a":                   "from 10ms to 2562047h",
		"copy -m 100 --chunk 1G a b":             "--coroutines 100 and --chunk 1073741824: take 100 GiB of memory; want at most 8 GiB",
		"mirror -m 100 --chunk 1G a b":           "take 100 GiB of memory",
		"bench-io -s 1G a":                       "--depth 64 and --buffer-size 1073741824: take 64 GiB of memory",
		"copy":                                   "codemo copy takes a source and a destination, but was given none",
		"io":                                     "codemo io takes a file, but was given none",
		"diff a":                                 "codemo diff takes A.jsonl B.jsonl, but was given one argument",
		"map a b":                                "codemo map takes a file, but was given 2 arguments",
	} {
		var stdout, stderr bytes.Buffer
		if code := run(strings.Fields(in), &stdout, &stderr); code != exitUsage || !strings.Contains(stderr.String(), want) {
			t.Errorf("codemo %s: exit code %d, %q; want it to say %q", in, code, &stderr, want)
		}
	}
	var stdout, stderr bytes.Buffer
	if code := run([]string{"copy", "a", ""}, &stdout, &stderr); code != exitUsage || stderr.String() != "codemo: codemo copy: the destination is \"\"; want a path\n" {
		t.Errorf("exit code %d, %q", code, &stderr)
	}
}
