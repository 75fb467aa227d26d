package main

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

func newVersion() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print which version this is, and what it was built with",
		Long: `version prints the module's version, the commit if it is known, and the
toolchain.`,
		Example: `  codemo version`,
		Args:    none,
		RunE: func(cmd *cobra.Command, _ []string) error {
			info, _ := debug.ReadBuildInfo()
			return version(cmd.OutOrStdout(), info)
		},
	}
}

// version describes the build in one line; info is nil where none was kept.
func version(out io.Writer, info *debug.BuildInfo) error {
	v, revision, modified := "unknown", "", ""
	if info != nil {
		if info.Main.Version != "" {
			v = info.Main.Version
		}
		for _, s := range info.Settings {
			switch {
			case s.Key == "vcs.revision":
				revision = ", commit " + s.Value[:min(len(s.Value), 12)]
			case s.Key == "vcs.modified" && s.Value == "true":
				modified = " with changes"
			}
		}
	}
	_, err := fmt.Fprintf(out, "codemo %s%s%s, %s %s/%s\n", v, revision, modified,
		runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}
