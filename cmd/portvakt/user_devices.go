package main

import (
	"context"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/portvakt/portvakt/login"
)

func newUserDevicesCommand() *cobra.Command {
	var forget int
	var all bool
	c := &cobra.Command{
		Use: "devices USER", Short: "List and forget devices that are not asked again", Args: cobra.ExactArgs(1),
		Long: `Devices lists where a person has proven a second factor and is not asked for one
again for a while, if her rule says remember. A changed password, another token
or telephone, and a report of fraud end that by themselves.`,
		Example: "  portvakt user devices alice\n\n  # she has lost the second one\n  portvakt user devices alice --forget 2",
		RunE: func(c *cobra.Command, args []string) error {
			return withPerson(c, args[0], func(ctx context.Context, s *system, p person) error {
				if forget > 0 || all {
					if all {
						forget = 0
					}
					if err := login.ForgetDevices(ctx, s.kv, p.id, forget); err != nil {
						return withHint(err, "portvakt user devices "+p.name+" lists them")
					}
					say(c.OutOrStdout(), "forgotten: %s is asked there again\n", p.name)
					return nil
				}
				devices, err := login.Devices(ctx, s.kv, p.id)
				if err != nil {
					return err
				}
				if len(devices) == 0 {
					say(c.OutOrStdout(), "%s has no remembered devices\n", p.name)
				}
				for i, d := range devices {
					printDevice(c.OutOrStdout(), i+1, d)
				}
				return nil
			})
		},
	}
	c.Flags().IntVar(&forget, "forget", 0, "forget the device with this number")
	c.Flags().BoolVar(&all, "forget-all", false, "forget all")
	return c
}

func printDevice(w io.Writer, number int, d login.RememberedDevice) {
	say(w, "%d  %s at %s, proven %s, used %s\n", number, shown(d.Station), shown(d.Group), d.Proven.Format(time.RFC3339), d.Used.Format(time.RFC3339))
}
