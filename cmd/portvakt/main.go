// Portvakt is a RADIUS server that asks for a second factor.
package main

import (
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"slices"
	"syscall"
	_ "time/tzdata" // rules have time zones, also where the system has none

	"github.com/spf13/cobra"

	"github.com/portvakt/portvakt/internal/slack"
)

// What the commands write, and where:
//
//   - What was asked for goes to standard output, and nothing else does.
//   - Everything else goes to standard error, one thing a line, in the form
//     "portvakt: error: …", "portvakt: warning: …" or "portvakt: hint: …". A
//     hint says what to do next and follows the line it belongs to.
//   - Errors begin in lower case and have no full stop, no stack and no secret.
//   - No colours and no questions: output is the same on a terminal and in a
//     pipe. A command whose purpose is a dialogue says so and needs a terminal.
//   - Log lines of the daemon are not these: see internal/logging.
//
// A service manager and a script can rely on the exit code; sysexits(3) has
// the names of the larger ones.
const (
	exitOK          = 0
	exitFailed      = 1  // refused, or it did not work
	exitUsage       = 2  // used wrongly
	exitUnavailable = 69 // EX_UNAVAILABLE: something needed does not answer
	exitConfig      = 78 // EX_CONFIG: restarting will not help
)

func main() {
	if args := os.Args[1:]; slices.Contains(args, "serve") { // a person's name may be this, too
		if c, _, err := newRootCommand().Find(args); err == nil && c.Name() == "serve" {
			slack.Allow()
		}
	}
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// run is the program without its process.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// A second signal ends the process at once.
	context.AfterFunc(ctx, stop)

	_, code := execute(ctx, newRootCommand(), args, stdin, stdout, stderr)
	return code
}

// execute runs a command line and tells its errors.
func execute(ctx context.Context, root *cobra.Command, args []string, stdin io.Reader, stdout, stderr io.Writer) (*cobra.Command, int) {
	root.SetArgs(args)
	root.SetIn(stdin)
	out := &output{w: stdout}
	root.SetOut(out)
	root.SetErr(stderr)
	running := false
	mark(root, &running)
	command, err := root.ExecuteContextC(ctx)
	if err != nil && !running {
		err = usageError(command, args, err)
	}
	err = errors.Join(err, out.err)
	report(stderr, err)
	return command, exitCode(err)
}
