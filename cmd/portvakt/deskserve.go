package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os/user"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/portvakt/portvakt/conf"
	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/store/socket"
)

const (
	// maxDeskArgs bounds a command of the desk, each argument in octets.
	maxDeskArgs, maxDeskArg = 16, 512
	// maxDeskOut bounds what a command writes.
	maxDeskOut = 8 << 20
)

// listenDesk makes the socket of the service desk; nil when there is none.
func listenDesk(c conf.Server) (net.Listener, error) {
	if c.Desk == "" {
		return nil, nil //nolint:nilnil // there is none
	}
	g, err := user.LookupGroup(c.DeskGroup)
	if err != nil {
		return nil, withHint(fmt.Errorf("server.desk_group: %w", err), "make the group: groupadd --system "+c.DeskGroup)
	}
	gid, err := strconv.Atoi(g.Gid)
	if err != nil {
		return nil, fmt.Errorf("server.desk_group: %w", err)
	}
	l, err := socket.ListenFor(c.Desk, gid)
	return l, withHint(err, "the daemon's user must be a member of the group "+c.DeskGroup)
}

// newDeskRoot has the commands of the desk, and no other: they reach no file,
// and of the store only what they say.
func newDeskRoot() *cobra.Command {
	c := &cobra.Command{
		Use: "portvakt", Short: "Help people", Annotations: map[string]string{cobra.CommandDisplayNameAnnotation: "portvakt desk"},
		SilenceErrors: true, SilenceUsage: true, DisableSuggestions: true, SuggestionsMinimumDistance: 2,
	}
	c.CompletionOptions.DisableDefaultCmd = true
	u := &cobra.Command{
		Use: "user", Short: "Look at people and help them", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	u.AddCommand(newUserShowCommand(), newUserUnlockCommand(), newUserBypassCommand(), newUserApproveCommand(), newDeskForgetCommand())
	p := &cobra.Command{
		Use: "phone", Short: "Look after telephones", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	p.AddCommand(newPhoneTrustCommand())
	c.AddCommand(newAttemptsCommand(), newStatusCommand(), u, p)
	return c
}

// newDeskForgetCommand removes one credential; all of somebody's at once is for
// the administrator.
func newDeskForgetCommand() *cobra.Command {
	c := newUserForgetCommand()
	c.PreRunE = func(c *cobra.Command, _ []string) error {
		if c.Flag("credential").Value.String() == "" {
			return withCode(withHint(errors.New("--credential is missing: the service desk removes one at a time"), "portvakt desk user show NAME lists what there is"), exitUsage)
		}
		return nil
	}
	return c
}

// desk carries out a command of the service desk, and writes down who asked.
func (d *daemon) desk(ctx context.Context, uid uint32, request []byte) (answer []byte, err error) {
	defer func() {
		if v := recover(); v != nil {
			d.logPanic(ctx, v, uid)
			err = errors.New("a fault in the program ended the command; the daemon's log says where: report it")
		}
	}()
	var args []string
	if err := json.Unmarshal(request, &args); err != nil {
		return nil, errors.New("the request is not understood: is the command of another version than the daemon?")
	}
	// A null is no arguments, and cobra would take those of the process.
	if len(args) == 0 {
		return nil, errors.New("the request names no command: portvakt desk --help lists them")
	}
	if len(args) > maxDeskArgs {
		return nil, fmt.Errorf("more than %d arguments", maxDeskArgs)
	}
	for _, a := range args {
		if len(a) > maxDeskArg {
			return nil, fmt.Errorf("an argument has more than %d octets", maxDeskArg)
		}
	}
	r := d.enter()
	defer r.leave()
	ctx = context.WithValue(ctx, deskKey{}, &deskSystem{r.system, d.status, uid})
	var out, errs limited
	command, code := execute(ctx, newDeskRoot(), args, strings.NewReader(""), &out, &errs)
	about := ""
	if code == exitOK { // else it may be anything that was typed
		about = strings.Join(command.Flags().Args(), " ")
	}
	d.log.LogAttrs(ctx, slog.LevelInfo, "service desk", slog.Int64(login.KeyBy, int64(uid)), slog.String(login.KeyKind, command.Name()),
		slog.String(login.KeyUser, about), slog.Int(login.KeyStatus, code))
	return json.Marshal(deskAnswer{out.String(), errs.String(), code})
}

// logPanic writes where a command ended the hard way. Its value is left out
// unless the runtime made it: it might hold what somebody typed.
func (d *daemon) logPanic(ctx context.Context, v any, uid uint32) {
	what := fmt.Sprintf("panic with a %T", v)
	if e, ok := v.(runtime.Error); ok {
		what = e.Error()
	}
	d.log.LogAttrs(ctx, slog.LevelError, "service desk: fault", slog.Int64(login.KeyBy, int64(uid)), slog.String(login.KeyErr, what),
		slog.String(login.KeyStack, string(debug.Stack())))
}

// limited is a buffer that takes no more than maxDeskOut.
type limited struct{ bytes.Buffer }

func (l *limited) Write(p []byte) (int, error) {
	if l.Len()+len(p) > maxDeskOut {
		return 0, errors.New("the answer is too long: ask for less, with --limit")
	}
	return l.Buffer.Write(p)
}
