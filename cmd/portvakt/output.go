package main

import (
	"fmt"
	"io"
)

// An output is standard output. It remembers its first failure, which run
// tells at the end: codes that are shown once must not get lost on a full disk
// without a word.
type output struct {
	w   io.Writer
	err error
}

// Write writes until something fails.
func (o *output) Write(p []byte) (int, error) {
	if o.err != nil {
		return 0, o.err
	}
	n, err := o.w.Write(p)
	if err != nil {
		o.err = fmt.Errorf("write the result: %w", err)
	}
	return n, err
}

// say prints. A failure of standard output is remembered by it; one of
// standard error can be told nowhere.
func say(w io.Writer, format string, args ...any) { _, _ = fmt.Fprintf(w, format, args...) }

// times says how often.
func times[N int | uint64](n N) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}
