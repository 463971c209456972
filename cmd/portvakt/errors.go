package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"
)

// Exit codes, see main.go.
const (
	exitRefused     = 1
	exitUsage       = 2
	exitUnavailable = 69
	exitConfig      = 78
)

// A hinted error says what to do next.
type hinted struct {
	error
	hint string
}

func (e *hinted) Unwrap() error { return e.error }

// withHint adds what to do next.
func withHint(err error, hint string) error { return &hinted{err, hint} }

// A coded error has an exit code.
type coded struct {
	error
	code int
}

func (e *coded) Unwrap() error { return e.error }

// withCode sets the exit code.
func withCode(code int, err error) error { return &coded{err, code} }

// report prints an error and returns the exit code.
func report(c *cobra.Command, err error) int {
	if err == nil {
		return 0
	}
	fmt.Fprintf(c.ErrOrStderr(), "portvakt: error: %v\n", err)
	var h *hinted
	if errors.As(err, &h) {
		fmt.Fprintf(c.ErrOrStderr(), "portvakt: hint: %s\n", h.hint)
	}
	var e *coded
	if errors.As(err, &e) {
		return e.code
	}
	return exitRefused
}

// warnf prints what does not keep a command from going on.
func warnf(w io.Writer, format string, args ...any) {
	fmt.Fprintf(w, "portvakt: warning: "+format+"\n", args...)
}
