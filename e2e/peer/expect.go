package peer

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// A PAMTurn is one line of a dialogue: what the program must show, as a Tcl
// regular expression, and what the person types then.
type PAMTurn struct{ Prompt, Answer string }

// PAMOutcome is how a dialogue ended.
type PAMOutcome struct {
	// Accepted is whether the program let the person in.
	Accepted bool
	// Screen is what the person saw.
	Screen string
}

// turnWithin is how long a person waits for the next prompt: longer than a RADIUS
// client tries.
const turnWithin = 45 * time.Second

// The script's own statuses, which no program here has.
const (
	noPrompt     = 124 // the next prompt did not come
	scriptFailed = 125
)

// A program that ends before it was asked everything is not an error of the
// script: its own status is what counts.
const expectScript = `
proc converse {program} {
	global env
	set timeout $env(PEER_TIMEOUT)
	set ended 0
	spawn -noecho {*}$program
	for {set i 0} {$i < $env(PEER_TURNS)} {incr i} {
		expect {
			-re $env(PEER_PROMPT_$i) {}
			timeout {exit 124}
			eof {set ended 1}
		}
		if {$ended} {break}
		send -- "$env(PEER_ANSWER_$i)\r"
	}
	if {!$ended} {
		expect {
			timeout {exit 124}
			eof {}
		}
	}
	set result [wait]
	# A program that was killed has status 0 and more to say.
	if {[llength $result] > 4} {error $result}
	return [lindex $result 3]
}
if {[catch {converse $argv} status]} {
	puts stderr $status
	exit 125
}
exit $status
`

// converse runs a program on a terminal of its own and types the answers.
func converse(t testing.TB, turns []PAMTurn, program string, args ...string) PAMOutcome {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Duration(len(turns)+1)*turnWithin)
	defer cancel()
	script := write(t, filepath.Join(t.TempDir(), "converse.exp"), expectScript)
	cmd := exec.CommandContext(ctx, "expect", append([]string{"-f", script, program}, args...)...)
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8",
		"PEER_TIMEOUT="+strconv.Itoa(int(turnWithin.Seconds())), "PEER_TURNS="+strconv.Itoa(len(turns)))
	for i, turn := range turns {
		n := strconv.Itoa(i)
		cmd.Env = append(cmd.Env, "PEER_PROMPT_"+n+"="+turn.Prompt, "PEER_ANSWER_"+n+"="+turn.Answer)
	}
	screen, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	switch {
	case err != nil && !errors.As(err, &exit):
		t.Fatalf("run expect: %v", err)
	case exit != nil && exit.ExitCode() == scriptFailed:
		t.Fatalf("the expect script failed:\n%s", screen)
	case exit != nil && exit.ExitCode() == noPrompt:
		t.Fatalf("%s did not show the next prompt; the screen so far:\n%s", program, screen)
	}
	return PAMOutcome{Accepted: err == nil, Screen: string(screen)}
}
