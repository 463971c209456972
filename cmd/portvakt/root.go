package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

// defaultConfig is where packages and the service file have it.
const defaultConfig = "/etc/portvakt/portvakt.toml"

func newRootCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "portvakt",
		Short: "A RADIUS server that asks for a second factor",
		Long: `Portvakt is a RADIUS server that adds a second factor to VPN, SSH and network
device login. It checks the password against LDAP or Active Directory and then
asks for a code.

Exit codes: 0 done, 1 refused or failed, 2 used wrongly, 69 something needed
does not answer, 78 the configuration has problems.`,
		Example: `  portvakt demo                    # the whole job, with nothing to install
  portvakt init                    # write a configuration to begin with
  portvakt check                   # read it, and try what it names
  portvakt serve`,
		SilenceErrors:      true, // report writes them
		SilenceUsage:       true,
		DisableSuggestions: true, // usageError writes them
		// One line for each command, in the order of setting up.
		SuggestionsMinimumDistance: 2,
	}
	cobra.EnableCommandSorting = false
	c.CompletionOptions.DisableDefaultCmd = true
	c.PersistentFlags().String("config", defaultConfig, "configuration `file`")
	c.AddCommand(
		newDemoCommand(), newInitCommand(), newCheckCommand(), newServeCommand(), newStatusCommand(), newDoctorCommand(),
		newLoginCommand(), newAskCommand(), newExplainCommand(), newAttemptsCommand(), newReportCommand(), newDeskCommand(), newUserCommand(), newPhoneCommand(), newCallCommand(), newPromptsCommand(),
		newSessionsCommand(), newDisconnectCommand(), newCOACommand(), newEmergencyCommand(),
		newBackupCommand(), newRestoreCommand(), newRewrapCommand(),
		newVersionCommand(), newCompletionCommand(),
	)
	c.Version = versionText() // what many type first: --version
	c.SetVersionTemplate("{{.Version}}\n")
	for _, sub := range c.Commands() {
		if !sub.Runnable() {
			group(sub)
		}
	}
	return c
}

// group makes a command that only holds others refuse a word that is none of
// them. Cobra shows the help then and ends with 0, so that a script with a
// misspelt "user unlock" would take it for done.
func group(c *cobra.Command) {
	c.DisableFlagsInUseLine = true
	c.SuggestionsMinimumDistance = 2
	c.Args = func(c *cobra.Command, args []string) error {
		if len(args) > 0 {
			return fmt.Errorf("unknown command %q for %q", args[0], c.CommandPath())
		}
		return nil
	}
	c.RunE = func(c *cobra.Command, _ []string) error { return c.Help() }
}

// configPath is the file that --config names.
func configPath(c *cobra.Command) string {
	return c.Flag("config").Value.String()
}

// mark sets running when a command begins: an error before that is one of
// usage.
func mark(c *cobra.Command, running *bool) {
	if run := c.RunE; run != nil {
		c.RunE = func(c *cobra.Command, args []string) error {
			*running = true
			return run(c, args)
		}
	}
	for _, sub := range c.Commands() {
		mark(sub, running)
	}
}
