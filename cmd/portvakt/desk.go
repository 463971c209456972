package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/portvakt/portvakt/store/socket"
)

const defaultDesk = "/run/portvakt/desk.sock"

const deskHelp = `Desk runs a command at the daemon, for members of the service desk who may not
read its configuration. The commands are

  attempts [USER|REFERENCE]    why somebody could not get in
  status                       what the daemon does
  user show USER               what somebody has enrolled
  user unlock USER             forget somebody's failures
  user bypass USER             give somebody a code for when nothing else is at hand
  user approve USER            let count what somebody has enrolled
  user forget USER --credential ID    remove one credential
  phone trust USER             use a number that is new in the directory

with the flags they have at the administrator's: portvakt desk attempts --help.
Whoever may use it is a member of the group that server.desk_group names. Each
command is in the daemon's log, with who ran it.`

func newDeskCommand() *cobra.Command {
	var path string
	c := &cobra.Command{
		Use: "desk COMMAND...", Short: "Help people, at the service desk", Long: deskHelp, Args: cobra.MinimumNArgs(1),
		Example: "  portvakt desk attempts 7GQ2-MX4D\n  portvakt desk user bypass alice --for 4h",
		RunE: func(c *cobra.Command, args []string) error {
			request, err := json.Marshal(args)
			if err != nil {
				return err
			}
			kv, err := socket.Dial(c.Context(), path)
			if err != nil {
				hint := "are you a member of the group that server.desk_group names? id says so; log in anew after you have become one"
				switch {
				case errors.Is(err, os.ErrPermission):
				case errors.Is(err, socket.ErrNoDaemon):
					hint = "does the daemon run, with server.desk in its configuration? another path is told with --socket"
				}
				return withCode(withHint(err, hint), exitUnavailable)
			}
			b, err := kv.Ask(c.Context(), request)
			if err = errors.Join(err, kv.Close()); err != nil {
				return withCode(err, exitUnavailable)
			}
			var done deskAnswer
			if err := json.Unmarshal(b, &done); err != nil {
				return withCode(fmt.Errorf("read the daemon's answer: %w", err), exitUnavailable)
			}
			say(c.OutOrStdout(), "%s", done.Out)
			say(c.ErrOrStderr(), "%s", done.Err)
			if done.Code != exitOK {
				return withCode(errTold, done.Code)
			}
			return nil
		},
	}
	c.Flags().StringVar(&path, "socket", defaultDesk, "the daemon's server.desk")
	c.Flags().SetInterspersed(false) // what stands behind the command is the command's
	return c
}

// errTold ends a command whose errors the daemon has told already.
var errTold = errors.New("")

// A deskAnswer is what a command at the desk has written, and its exit code.
type deskAnswer struct {
	Out  string `json:"out"`
	Err  string `json:"err"`
	Code int    `json:"code"`
}

// A deskSystem is what commands of the desk work on in the daemon, instead of
// what their configuration file would make.
type deskSystem struct {
	*system
	status func() ([]byte, error)
	uid    uint32 // who asks; the kernel says so
}

type deskKey struct{}

func atDesk(ctx context.Context) *deskSystem {
	s, _ := ctx.Value(deskKey{}).(*deskSystem)
	return s
}
