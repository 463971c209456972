package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/portvakt/portvakt/conf"
)

// hinted is an error that comes with what to do next.
type hinted struct {
	error
	hint string
}

func (e *hinted) Unwrap() error { return e.error }

// withHint adds what to do next to an error.
func withHint(err error, hint string) error {
	if err == nil {
		return nil
	}
	return &hinted{err, hint}
}

// coded is an error with its own exit code.
type coded struct {
	error
	code int
}

func (e *coded) Unwrap() error { return e.error }

// withCode makes the process end with this code when the error ends it.
func withCode(err error, code int) error {
	if err == nil {
		return nil
	}
	return &coded{err, code}
}

// exitCode is how the process ends for an error.
func exitCode(err error) int {
	var c *coded
	var problems conf.Problems
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &c):
		return c.code
	case errors.As(err, &problems):
		return exitConfig
	}
	return exitFailed
}

// report writes an error in the form that main.go describes.
func report(w io.Writer, err error) {
	if err == nil || errors.Is(err, errTold) {
		return
	}
	if all := joined(err); all != nil {
		for _, e := range all {
			report(w, e)
		}
		return
	}
	if problems, ok := errors.AsType[conf.Problems](err); ok {
		reportProblems(w, "error", problems)
		return
	}
	tell(w, "error", err.Error())
	for _, hint := range hints(err) {
		tell(w, "hint", hint)
	}
}

// joined are the errors that errors.Join has put together, each told with its
// own hints. Those below a wrapping are part of its text.
func joined(err error) []error {
	all, ok := err.(interface{ Unwrap() []error })
	if !ok || errors.Join(all.Unwrap()...).Error() != err.Error() {
		return nil
	}
	return all.Unwrap()
}

// hints are those in the tree of an error. The outermost comes last: it knows
// most of what was wanted.
func hints(err error) []string {
	var found []string
	switch e := err.(type) { //nolint:errorlint // each link of the chain is looked at
	case interface{ Unwrap() error }:
		found = hints(e.Unwrap())
	case interface{ Unwrap() []error }:
		for _, inner := range e.Unwrap() {
			found = append(found, hints(inner)...)
		}
	}
	if h, ok := err.(*hinted); ok { //nolint:errorlint // see above
		found = append(found, h.hint)
	}
	return found
}

// reportProblems writes problems or warnings of a configuration file.
func reportProblems(w io.Writer, kind string, problems conf.Problems) {
	for _, p := range problems {
		tell(w, kind, p.Error())
		if p.Hint != "" {
			tell(w, "hint", p.Hint)
		}
	}
}

// tell writes one line; a text of several lines gets the prefix on each.
func tell(w io.Writer, kind, text string) {
	for line := range strings.Lines(text) {
		say(w, "portvakt: %s: %s\n", kind, strings.TrimSuffix(line, "\n"))
	}
}

// usageError is what the command line's parser refuses.
func usageError(c *cobra.Command, args []string, err error) error {
	hint := c.CommandPath() + " --help"
	if strings.HasPrefix(err.Error(), "unknown command") {
		for _, arg := range args {
			if near := c.SuggestionsFor(arg); len(near) > 0 {
				hint = fmt.Sprintf("did you mean %s %s?", c.CommandPath(), near[0])
				break
			}
		}
	}
	return withCode(withHint(err, hint), exitUsage)
}
