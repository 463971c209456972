package bolt

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// ErrInUse is wrapped by the error of [Open] when another process has the
// database open.
var ErrInUse = errors.New("bolt: database is in use")

const (
	// lockTimeout bounds the wait for a process that is just ending.
	lockTimeout = 1500 * time.Millisecond
	lockRetry   = 50 * time.Millisecond
)

// lock takes the file lock that bbolt uses, shared or exclusive.
func lock(f *os.File, how int) error {
	begin := time.Now()
	for {
		err := retry(func() error { return unix.Flock(int(f.Fd()), how|unix.LOCK_NB) })
		switch {
		case err == nil:
			return nil
		case !errors.Is(err, unix.EWOULDBLOCK):
			return fmt.Errorf("lock %s: %w", f.Name(), err)
		case time.Since(begin) > lockTimeout-lockRetry:
			return inUse(f.Name())
		}
		time.Sleep(lockRetry) //nolint:forbidigo // flock waits for ever or not at all
	}
}

func inUse(path string) error {
	return fmt.Errorf("%s is open in %s: %w; use the daemon's admin socket, or stop the daemon first", path, holder(path), ErrInUse)
}

// holder says who has locked the file, as far as /proc tells.
func holder(path string) string {
	const unknown = "another process, probably the Portvakt daemon"
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		return unknown
	}
	locks, err := os.ReadFile("/proc/locks")
	if err != nil {
		return unknown
	}
	pid := lockHolder(string(locks), fmt.Sprintf("%02x:%02x:%d", unix.Major(st.Dev), unix.Minor(st.Dev), st.Ino))
	if pid <= 0 {
		return unknown
	}
	name, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/comm")
	if err != nil {
		return fmt.Sprintf("process %d, probably the Portvakt daemon", pid)
	}
	return fmt.Sprintf("process %d (%s), probably the Portvakt daemon", pid, bytes.TrimSpace(name))
}

// lockHolder finds who holds a lock on an inode in the lines of proc(5)'s
// locks; waiting ones have a "->" in front.
func lockHolder(locks, inode string) (pid int) {
	for line := range strings.Lines(locks) {
		f := strings.Fields(line)
		if len(f) < 6 || f[1] != "FLOCK" || f[5] != inode {
			continue
		}
		if pid, err := strconv.Atoi(f[4]); err == nil {
			return pid
		}
	}
	return 0
}
