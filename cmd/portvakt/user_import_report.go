package main

import (
	"bufio"
	"fmt"

	"github.com/spf13/cobra"
)

// failed is how many rows cannot be taken, beside those that are not meant to be.
func failed(rows []importRow) (n int) {
	for i := range rows {
		if rows[i].err != nil && !rows[i].leftOut() {
			n++
		}
	}
	return n
}

// reportRows tells what became of each row. Those that cannot be taken come last:
// there is something to do about them, and a terminal keeps the last lines of ten
// thousand.
func reportRows(c *cobra.Command, rows []importRow, written, dryRun bool) error {
	out := bufio.NewWriter(c.OutOrStdout())
	word := "would be enrolled"
	if written {
		word = "enrolled"
	}
	var enrolled, unchanged, left, bad int
	for i := range rows {
		switch r := &rows[i]; {
		case r.leftOut():
			left++
			say(out, "line %d: left out: %v\n", r.Line, r.err)
		case r.err != nil:
			bad++
		case !r.changes():
			unchanged++
			say(out, "line %d: %s unchanged%s\n", r.Line, shown(r.account.Name), r.remark())
		default:
			enrolled++
			say(out, "line %d: %s %s: %s%s\n", r.Line, shown(r.account.Name), word, r.what(), r.remark())
		}
	}
	if err := out.Flush(); err != nil {
		return err
	}
	for i := range rows {
		if r := &rows[i]; r.err != nil && !r.leftOut() {
			say(c.ErrOrStderr(), "line %d: %v\n", r.Line, r.err)
		}
	}
	leftOut := ""
	if left > 0 {
		leftOut = fmt.Sprintf("%d left out, ", left)
	}
	say(out, "%d %s, %d unchanged, %s%d failed\n", enrolled, word, unchanged, leftOut, bad)
	if err := out.Flush(); err != nil {
		return err
	}
	switch {
	case bad == 0:
		return nil
	case written:
		return withHint(fmt.Errorf("%d rows were not taken", bad), "mend those lines and import the file again: what is enrolled already stays as it is")
	case dryRun:
		return withHint(fmt.Errorf("%d rows cannot be taken", bad), "mend those lines, or import the others with --skip-bad")
	}
	return withHint(fmt.Errorf("%d rows cannot be taken: nothing was enrolled", bad), "mend those lines and import the file again, or enroll the others with --skip-bad")
}
