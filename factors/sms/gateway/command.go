package gateway

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/portvakt/portvakt/factors/phone"
)

// A command runs a program for each message, without a shell. The program gets
// the number in its arguments and the text on its standard input, which
// nobody else on the machine can read. Exit status 0 means sent, another one
// not sent; a program that is killed leaves it open.
type command struct {
	name   string
	argv   []field
	number numberFormat
	sender func(phone.Number) string
	coding codings
}

// waitDelay is how long a killed program's children may hold its pipes open.
const waitDelay = time.Second

func newCommand(cfg Config) (*command, error) {
	argv, err := cfg.commandFields()
	if err != nil {
		return nil, err
	}
	return &command{name: cfg.Name, argv: argv, number: cfg.numberFormat(), sender: cfg.senderFor, coding: cfg.codings()}, nil
}

func (c *command) Name() string { return c.name }

func (c *command) Send(ctx context.Context, to phone.Number, text string) (string, error) {
	v := values{to: c.number.of(to), sender: c.sender(to), coding: c.coding.of(text)}
	args := make([]string, len(c.argv))
	for i, f := range c.argv {
		args[i] = f.fill(v)
	}
	cmd := exec.CommandContext(ctx, args[0], args[1:]...) //nolint:gosec // G204: the administrator's program; the number is digits
	cmd.Stdin = strings.NewReader(text)
	// The daemon's environment may hold secrets.
	cmd.Env = []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = waitDelay

	if err := cmd.Start(); err != nil {
		return "", &NotSent{Reason: "the program did not start", Down: true}
	}
	_ = cmd.Wait() // the state tells more
	state := cmd.ProcessState
	switch {
	case state != nil && state.Success():
		return "", nil
	case ctx.Err() != nil:
		return "", errors.New("the program was ended: it took too long")
	case state != nil && state.Exited():
		return "", &NotSent{Reason: fmt.Sprintf("exit status %d", state.ExitCode()), Down: true}
	default:
		return "", errors.New("the program was killed")
	}
}

func (c *command) check(context.Context) Status {
	path := c.argv[0].fill(values{})
	s := Status{Target: path}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		s.Err = err
	case !info.Mode().IsRegular() || info.Mode().Perm()&0o111 == 0:
		s.Err = fmt.Errorf("%s is not a program: it needs to be a file with the execute permission", path)
	}
	return s
}
