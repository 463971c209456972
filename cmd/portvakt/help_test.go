package main

import (
	"io"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// commands are all commands of the tree.
func commands(c *cobra.Command) []*cobra.Command {
	all := []*cobra.Command{c}
	for _, sub := range c.Commands() {
		all = append(all, commands(sub)...)
	}
	return all
}

func TestEveryCommandHasAnExampleOfItself(t *testing.T) {
	for _, c := range commands(newRootCommand()) {
		if c.Short == "" || strings.HasSuffix(c.Short, ".") {
			t.Errorf("%s: got the short help %q, want one without a full stop", c.CommandPath(), c.Short)
		}
		if !strings.Contains(c.Example, c.CommandPath()) {
			t.Errorf("%s: got the example %q, want one of the command", c.CommandPath(), c.Example)
		}
	}
}

func TestExamplesAreCommandsThatThereAre(t *testing.T) {
	for _, c := range commands(newRootCommand()) {
		for line := range strings.Lines(c.Example) {
			_, line, found := strings.Cut(line, "portvakt ")
			if !found {
				continue
			}
			line, _, _ = strings.Cut(line, "#")
			line, _, _ = strings.Cut(line, ">")
			args := words(strings.ReplaceAll(line, "$(date +%F)", "2026-11-23"))
			root := newRootCommand()
			target, rest, err := root.Find(args)
			if err != nil || !target.Runnable() {
				t.Errorf("%s: the example %q is no command: %v", c.CommandPath(), line, err)
				continue
			}
			target.SetOut(io.Discard)
			if err := target.ParseFlags(rest); err != nil {
				t.Errorf("%s: the example %q: %v", c.CommandPath(), line, err)
				continue
			}
			if err := target.ValidateArgs(target.Flags().Args()); err != nil {
				t.Errorf("%s: the example %q: %v", c.CommandPath(), line, err)
			}
		}
	}
}

// words splits a line as a shell does, as far as examples need it.
func words(line string) []string {
	var all []string
	for i, part := range strings.Split(line, `"`) {
		if i%2 == 1 {
			all = append(all, part)
		} else {
			all = append(all, strings.Fields(part)...)
		}
	}
	return all
}
