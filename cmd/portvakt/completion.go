package main

import (
	"github.com/spf13/cobra"
)

func newCompletionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "completion bash|zsh|fish",
		Short: "Write a script that completes commands in a shell",
		Example: `  portvakt completion bash > /etc/bash_completion.d/portvakt
  portvakt completion zsh > /usr/local/share/zsh/site-functions/_portvakt
  portvakt completion fish > ~/.config/fish/completions/portvakt.fish`,
		Args:      cobra.MatchAll(cobra.ExactArgs(1), cobra.OnlyValidArgs),
		ValidArgs: []string{"bash", "zsh", "fish"},
		RunE: func(c *cobra.Command, args []string) error {
			switch out := c.OutOrStdout(); args[0] {
			case "bash":
				return c.Root().GenBashCompletionV2(out, true)
			case "zsh":
				return c.Root().GenZshCompletion(out)
			default:
				return c.Root().GenFishCompletion(out, true)
			}
		},
	}
}
