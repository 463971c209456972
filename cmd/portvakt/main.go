// Portvakt is a RADIUS server that asks for a second factor.
package main

// The rules of what the commands print:
//
//   - What was asked for goes to standard output, everything else to standard
//     error, so that output can be piped.
//   - An error is "portvakt: error: …" and a "portvakt: hint: …" that says what
//     to do next. No capital at the beginning, no full stop at the end.
//   - A secret is printed once, by the command that makes it, and never again.
//   - Nothing asks unless something must be typed; there are no colours.
//
// Exit codes are fit for a service manager (sysexits.h): 0 done, 1 refused or
// failed, 2 used wrongly, 69 something needed does not answer, 78 the
// configuration has problems.

import (
	"context"
	"os"

	"github.com/spf13/cobra"
)

func main() { os.Exit(run()) }

func run() int {
	root := newRootCommand()
	return report(root, root.ExecuteContext(context.Background()))
}

const rootHelp = `Portvakt is a RADIUS server that adds a second factor to VPN, Wi-Fi, SSH and
network-device login. It checks the password against LDAP or Active Directory,
asks for a code, and answers.

Begin with "portvakt demo", which needs nothing, or with "portvakt init".`

func newRootCommand() *cobra.Command {
	g := &globals{}
	root := &cobra.Command{
		Use: "portvakt", Short: "A RADIUS server that asks for a second factor", Long: rootHelp,
		SilenceErrors: true, SilenceUsage: true,
	}
	root.PersistentFlags().StringVar(&g.config, "config", "/etc/portvakt/portvakt.toml", "the configuration file")
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return withCode(exitUsage, withHint(err, c.CommandPath()+" --help lists what there is"))
	})
	root.AddCommand(
		newInitCommand(g), newServeCommand(g), newCheckCommand(g), newDemoCommand(),
		newLoginCommand(g), newAskCommand(), newUserCommand(g), newPhoneCommand(g), newExplainCommand(g),
		newBackupCommand(g), newRestoreCommand(g), newRewrapCommand(g), newVersionCommand(),
	)
	return root
}
