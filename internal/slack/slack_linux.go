package slack

import (
	"os"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// allowed is the slack of a server's threads.
const allowed = 500 * time.Microsecond

// again is set in the environment of a process that was started again, in case
// a kernel takes the slack and forgets it: once is enough.
const again = "PORTVAKT_TIMER_SLACK_SET"

// Allow gives the process its slack. A thread hands it on to those it starts, and
// the runtime's own have been started before main: so the program starts again, as
// the same process with the same arguments. Where that does not work it goes on as
// it is, only busier. Nothing may be open yet.
func Allow() {
	_, twice := os.LookupEnv(again)
	if twice {
		_ = os.Unsetenv(again) // not for those this process starts
		return
	}
	path, err := os.Executable() // by its name, which is what pgrep(1) looks for
	if err != nil {
		return
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if has, err := unix.PrctlRetInt(unix.PR_GET_TIMERSLACK, 0, 0, 0, 0); err != nil || time.Duration(has) >= allowed {
		return
	}
	if unix.Prctl(unix.PR_SET_TIMERSLACK, uintptr(allowed), 0, 0, 0) != nil {
		return
	}
	_ = unix.Exec(path, os.Args, append(os.Environ(), again+"="))
}
