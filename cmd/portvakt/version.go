package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"
)

// version is set by the Makefile: -ldflags "-X main.version=…".
var version string

func newVersionCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Say which version this is",
		Example: "  portvakt version",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			_, err := fmt.Fprintln(c.OutOrStdout(), versionText())
			return err
		},
	}
}

// versionText is the line of this program.
func versionText() string {
	info, _ := debug.ReadBuildInfo()
	return versionLine(version, info)
}

// versionLine is made of what the build has told and what the Go tool knows.
func versionLine(version string, info *debug.BuildInfo) string {
	var more []string
	if info != nil {
		if version == "" {
			version = info.Main.Version
		}
		var commit, changed string
		for _, s := range info.Settings {
			switch s.Key {
			case "vcs.revision":
				commit = s.Value[:min(12, len(s.Value))]
			case "vcs.modified":
				if s.Value == "true" {
					changed = ", changed"
				}
			}
		}
		if commit != "" {
			more = append(more, "commit "+commit+changed)
		}
	}
	if version == "" || version == "(devel)" {
		version = "unreleased"
	}
	more = append(more, runtime.Version(), runtime.GOOS+"/"+runtime.GOARCH)
	return "portvakt " + version + " (" + strings.Join(more, ", ") + ")"
}
